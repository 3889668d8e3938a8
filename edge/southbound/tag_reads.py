"""Fetches each tag an RFID device has read once, as the event reader does with events, and puts it into words.

Knows: the read list and what its fields mean. Must not know: ports, the journal, lanes. The list's numbers start at 1
at every boot, so a read is known by boot count and number.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from edge.southbound.event_reader import SlotReader
from protocols.rfid import eseal
from protocols.rfid.epc_fields import EpcFields
from protocols.rfid.read_slot import ID_SIZE, RSSI_NONE, SLOT_REGISTERS, read_read

_KINDS = ("opaque", "sgtin-96", "grai-96", "giai-96", "wiegand-26", "wiegand-34")
_DIRECTIONS = ("unknown", "in", "out")
_SEAL_WORDS = (
    (eseal.SEALED, "sealed"),
    (eseal.OPENED, "opened"),
    (eseal.BATTERY_LOW, "battery_low"),
    (eseal.UNKNOWN, "unknown"),
)
_FIELD_NAMES = ("company_prefix", "reference", "serial")


@dataclass(frozen=True, slots=True)
class TagRead:
    """One read as the device numbered it. `size` is that of the whole identifier, of which 16 bytes are carried."""

    sequence: int
    uptime_s: int
    millisecond: int
    antenna: int
    direction: int
    rssi_dbm: int
    kind: int
    size: int
    seal: int
    identifier: bytes

    def data(self) -> dict[str, Any]:
        """What a journal record says of it; an RSSI that the reader does not tell is None."""
        return {
            "sequence": self.sequence,
            "uptime_s": self.uptime_s,
            "millisecond": self.millisecond,
            "identifier": self.identifier.hex(),
            "kind": _word(_KINDS, self.kind),
            "is_cut": self.size > ID_SIZE,
            "antenna": self.antenna,
            "direction": _word(_DIRECTIONS, self.direction),
            "rssi_dbm": None if self.rssi_dbm == RSSI_NONE else self.rssi_dbm,
            "seal": [word for bit, word in _SEAL_WORDS if self.seal & bit],
            **self._fields(),
        }

    def _fields(self) -> dict[str, str]:
        fields = EpcFields()
        if not fields.decode(self.identifier, 0, len(self.identifier)):
            return {}
        digits = [fields.digits[index][: fields.counts[index]] for index in range(fields.count)]
        return dict(zip(_FIELD_NAMES, ("".join(map(str, part)) for part in digits), strict=False))


class TagReader(SlotReader[TagRead]):
    """The read list of an RFID device."""

    slot_registers = SLOT_REGISTERS

    def decode(self, raw: bytes, offset: int) -> TagRead:
        """The slot at byte `offset`."""
        return TagRead(*read_read(raw, offset))


def _word(words: tuple[str, ...], number: int) -> str:
    return words[number] if number < len(words) else str(number)
