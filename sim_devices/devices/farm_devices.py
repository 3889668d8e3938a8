"""Devices of the bench: registers that change at each read and can be counted, and a role's map without its firmware.

Knows: register maps, the event ring, Modbus read and write requests as numbers. Must not know: sockets, files, time of
day. A bench needs to know what was asked and answered, and many devices on one core; neither is firmware.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from protocols.events import SLOT_REGISTERS, write_slot
from protocols.registers import barrier as header

REGISTERS_MAX = 2000
_COUNTS = 65536
_IMAGES = Path(__file__).parents[1] / "images"
# Registers n, n + 1, ...: a read is a slice, so that fifty devices cost the machine little.
_RAMP = struct.pack(f">{_COUNTS + REGISTERS_MAX}H", *(number % _COUNTS for number in range(_COUNTS + REGISTERS_MAX)))
_EVENT_CODE = header.EV_COMMAND_DONE  # any event of the map: what it means is nobody's concern here


class FarmDevice(Protocol):
    """What a port of the farm serves."""

    counter: int  # of the newest data read; 0 before the first

    def read(self, address: int, count: int) -> bytes | None:
        """The registers asked for, big-endian, or None where the map has none."""
        ...

    def write(self, address: int, values: Sequence[int]) -> bool:
        """Take a write; False where the map takes none."""
        ...


class CountingDevice:
    """`size` registers of which the first `changing` differ at every read; register 0 counts the reads.

    A read that leaves register 0 out changes nothing. While `is_quiet`, nothing changes any more. Registers from
    `changing` on keep what is written to them.
    """

    def __init__(self, size: int, changing: int) -> None:
        self.counter = 0
        self.is_quiet = False
        self._size = size
        self._changing = min(changing, size)
        self._still = bytearray(_RAMP[2 * self._changing : 2 * size])

    def read(self, address: int, count: int) -> bytes | None:
        """The registers; see the class."""
        if address + count > self._size:
            return None
        if address == 0 and not self.is_quiet:
            self.counter += 1
        first = self.counter % _COUNTS
        end = min(address + count, self._changing)
        moving = _RAMP[2 * (first + address) : 2 * (first + end)] if address < end else b""
        first_still, end_still = (max(at - self._changing, 0) for at in (address, address + count))
        return moving + bytes(self._still[2 * first_still : 2 * end_still])

    def write(self, address: int, values: Sequence[int]) -> bool:
        """Registers that stand still keep `values`; those that count cannot be written."""
        at = address - self._changing
        if at < 0 or address + len(values) > self._size:
            return False
        self._still[2 * at : 2 * (at + len(values))] = struct.pack(f">{len(values)}H", *values)
        return True


class RoleStub:
    """A role's register map with a ring that fills and a command block that takes everything.

    A stand-in where traffic is wanted and no behaviour: it checks no tag and moves nothing. `values` are input
    registers by address that differ from those of a fresh device.
    """

    def __init__(self, role: str, serial: int, values: Mapping[int, int] | None = None) -> None:
        image = json.loads((_IMAGES / f"{role}.json").read_text(encoding="utf-8"))
        self.counter = 0
        self._inputs = bytearray(struct.pack(f">{len(image['input_register'])}H", *image["input_register"]))
        self._put(header.AT_SERIAL_NUMBER, serial >> 16, serial & 0xFFFF)
        self._put(header.AT_BOOT_COUNT, 1)
        self._put(header.AT_NONCE_EPOCH, 1, 1)
        for address, value in (values or {}).items():
            self._put(address, value)

    def read(self, address: int, count: int) -> bytes | None:
        """The input registers; see the map."""
        if 2 * (address + count) > len(self._inputs):
            return None
        return bytes(self._inputs[2 * address : 2 * (address + count)])

    def write(self, address: int, values: Sequence[int]) -> bool:
        """A command block: answered as accepted, with a new nonce."""
        if address != header.COMMAND_ADDRESS or len(values) != header.COMMAND_SIZE:
            return False
        nonce = self._get(header.AT_NONCE_COUNTER)
        self._put(header.AT_COMMAND_NONCE_DONE, nonce)
        self._put(header.AT_COMMAND_OPCODE, values[0])
        self._put(header.AT_COMMAND_RESULT, header.COMMAND_RESULT_ACCEPTED)
        self._put(header.AT_NONCE_COUNTER, (nonce + 1) % _COUNTS)
        return True

    def add_event(self, uptime_ms: int) -> int:
        """One more event in the ring, its own number as argument; that number."""
        self.counter += 1
        slot = (self.counter - 1) % header.RING_CAPACITY
        at = 2 * (header.RING_ADDRESS + SLOT_REGISTERS * slot)
        write_slot(self._inputs, at, self.counter, uptime_ms // 1000, uptime_ms % 1000, _EVENT_CODE, self.counter)
        self._put(header.AT_EVENT_HEAD, self.counter >> 16, self.counter & 0xFFFF)
        return self.counter

    def set_uptime(self, uptime_ms: int) -> None:
        """What the header says of the time since the start."""
        self._put(header.AT_UPTIME_S, uptime_ms // 1000 >> 16, uptime_ms // 1000 & 0xFFFF)

    def _put(self, address: int, *values: int) -> None:
        struct.pack_into(f">{len(values)}H", self._inputs, 2 * address, *values)

    def _get(self, address: int) -> int:
        return int.from_bytes(self._inputs[2 * address : 2 * address + 2])
