"""The RFID core with a disturbed line: every small damage to a tag's frame, byte by byte through the real link.

Host only; never deployed. Knows frames of the three families and ways to damage them. Must not know a property.

One state, a core that reads; what is tried on it is one frame of a tag, damaged, then a pause.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from firmware.control.rfid import PROTOCOLS, Rfid
from firmware.control.rfid_links import REQUEST_NONE, REQUEST_ROUND
from firmware.control.rfid_memory import SETUP_DONE
from hil.explore.watch import SilentRing
from protocols.quality import GOOD
from protocols.registers import rfid as reg
from protocols.rfid import r200, uhfreader18, wiegand
from protocols.rfid.read_slot import read_read

EPC = bytes.fromhex("30751feb705c5904e3d50d70")
CARD = bytes.fromhex("5aa5c3")
_AT_DATA = 4  # behind length, address, command and status of a UHFReader18 frame
_PAUSE_MS = 1000
# The longest burst a CRC-16 finds for certain. A Wiegand head has two parity bits, which find one wrong bit each.
_BURST_BITS = 16


@dataclass(frozen=True)
class Damage:
    """A frame of `protocol` with these bits of it inverted, and one byte left out (`lost`) or sent twice (`twice`)."""

    protocol: str
    bits: tuple[int, ...] = ()
    lost: int = -1
    twice: int = -1
    cut: int = -1


def frame_of(protocol: str) -> bytes:
    """What a reader of the family sends for the tag."""
    buffer = bytearray(128)
    if protocol == "r200":
        return bytes(buffer[: r200.put_tag(buffer, -40, EPC, len(EPC))])
    if protocol == "wiegand":
        return bytes(buffer[: wiegand.put_bits(CARD, len(CARD), buffer)])
    buffer[_AT_DATA] = 1  # tag
    size = uhfreader18.put_tag(buffer, _AT_DATA + 1, EPC, len(EPC)) - _AT_DATA
    return bytes(
        buffer[: uhfreader18.put_response(buffer, 0, uhfreader18.CMD_INVENTORY, uhfreader18.STATUS_FINISHED, size)]
    )


def damages() -> Iterator[Damage]:
    """None; one wrong bit, two, a burst; a byte lost or doubled; the rest of the frame cut off."""
    for protocol in PROTOCOLS:
        size = len(frame_of(protocol))
        yield Damage(protocol)
        if protocol == "wiegand":
            yield from (Damage(protocol, (bit,)) for bit in range(size))
        else:
            bits = range(8 * size)
            yield from (Damage(protocol, (bit,)) for bit in bits)
            yield from (Damage(protocol, pair) for pair in combinations(bits, 2))
            yield from (Damage(protocol, tuple(bits[at : at + _BURST_BITS])) for at in bits)
        yield from (Damage(protocol, lost=at) for at in range(size))
        yield from (Damage(protocol, twice=at) for at in range(size))
        yield from (Damage(protocol, cut=at) for at in range(size))


def damaged(damage: Damage) -> bytes:
    """The bytes that come."""
    data = bytearray(frame_of(damage.protocol))
    for bit in damage.bits:
        if damage.protocol == "wiegand":
            data[bit] ^= 1
        else:
            data[bit // 8] ^= 1 << bit % 8
    if damage.lost >= 0:
        del data[damage.lost]
    if damage.twice >= 0:
        data.insert(damage.twice, data[damage.twice])
    return bytes(data[: damage.cut]) if damage.cut >= 0 else bytes(data)


class Frames:
    """A core for each family, put back before each try."""

    def __init__(self) -> None:
        self.damage = Damage(PROTOCOLS[0])
        self.reads: list[bytes] = []
        self.core: Any = None

    def start(self) -> str:
        """There is one state."""
        return "reading"

    def scans(self, state: str) -> Iterator[tuple[Damage, str]]:
        """Every damage."""
        for damage in damages():
            self._hear(damage)
            yield damage, state

    def _hear(self, damage: Damage) -> None:
        """Three scans: the frame, the pause, and one more."""
        self.damage = damage
        core = self.core = _reading_core(damage.protocol)
        data = bytearray(damaged(damage))
        core.line.receive(data, len(data), 0)
        for scan in range(3):
            core.step(scan * _PAUSE_MS)
        head = core.memory.read_head
        self.reads = [read_read(core.reads.data, 32 * number)[9] for number in range(head)]


def _reading_core(protocol: str) -> Any:
    settings = [0] * reg.SETTING_COUNT
    settings[reg.SET_ANTENNA_COUNT], settings[reg.SET_ANSWER_TIMEOUT_MS] = 1, 10 * _PAUSE_MS
    settings[reg.SET_READER_ADDRESS], settings[reg.SET_MIN_RSSI_DBM] = uhfreader18.ADDRESS_BROADCAST, -128
    settings[reg.SET_POLL_PERIOD_MS] = _PAUSE_MS
    core: Any = Rfid(settings, SilentRing(), protocol)  # type: ignore[arg-type]
    core.quality = [GOOD] * reg.IN_COUNT
    core.hub_alive = 1
    core.memory.setup = SETUP_DONE
    asks = core.line.link.asks
    core.memory.request = core.line.link.awaited = REQUEST_ROUND if asks else REQUEST_NONE
    core.memory.was_reading = 1
    return core
