"""Who a unit is: our own header, the identification it gives (function code 43/14), or that it is there at all.

Knows: two questions that change nothing. Must not know: lines, connections, tables.
"""

from __future__ import annotations

from dataclasses import dataclass

from edge.service.asker import Answer, Asker, Heard
from edge.service.names import MAP_ID_ADDRESS, MAPS
from protocols.modbus import pdu
from protocols.registers import barrier as header  # the header block is the same in every role

_HEADER_COUNT = header.AT_FIRMWARE_VERSION + 1
_OBJECT_COUNT = 3  # vendor, product, version: every device that identifies itself has them (V1.1b3, 6.21)
_VENDOR = "smartgate"


@dataclass(frozen=True, slots=True)
class Found:
    """A unit that is there. `role` is "" for a device that is not ours; `identity` what it says of itself."""

    unit_id: int
    after_ms: float
    role: str = ""
    map_version: int = 0
    serial: int = 0
    firmware: str = ""
    identity: tuple[str, ...] = ()
    garbled: bool = False


def probe(asker: Asker, unit_id: int, timeout_s: float) -> Found | None:
    """Ask a unit who it is; None when nobody answers."""
    request = bytearray(5)
    pdu.encode_read_request_into(request, 0, pdu.READ_INPUT_REGISTERS, MAP_ID_ADDRESS, _HEADER_COUNT)
    first = asker.ask(unit_id, bytes(request), timeout_s)
    if first.heard is Heard.NOTHING:
        return None
    if first.heard is Heard.GARBLED:
        return Found(unit_id, 0.0, garbled=True)
    return _described(unit_id, first, _identify(asker, unit_id, timeout_s))


def _described(unit_id: int, first: Answer, identity: tuple[str, ...]) -> Found:
    words = [int.from_bytes(first.data[at : at + 2], "big") for at in range(1, len(first.data) - 1, 2)]
    role = MAPS.get(words[header.AT_MAP_ID]) if words else None
    if role is None or identity[:2] != (_VENDOR, role.NAME):
        return Found(unit_id, first.after_ms, identity=identity)
    firmware = words[header.AT_FIRMWARE_VERSION]
    return Found(
        unit_id,
        first.after_ms,
        role.NAME,
        words[header.AT_MAP_VERSION],
        words[header.AT_SERIAL_NUMBER] << 16 | words[header.AT_SERIAL_NUMBER + 1],
        f"{firmware >> 8}.{firmware & 0xFF}",
        identity,
    )


def _identify(asker: Asker, unit_id: int, timeout_s: float) -> tuple[str, ...]:
    request = bytearray(4)
    pdu.encode_identification_request_into(request, 0, pdu.IDENTIFY_BASIC, 0)
    answer = asker.ask(unit_id, bytes(request), timeout_s)
    if answer.heard is not Heard.ANSWER:
        return ()
    response = bytearray([pdu.ENCAPSULATED_INTERFACE]) + answer.data
    found = []
    for number in range(_OBJECT_COUNT):
        at = pdu.find_identification_object(response, 0, number)
        if at >= 0:
            found.append(bytes(response[at + 1 : at + 1 + response[at]]).decode("utf-8", "replace"))
    return tuple(found)
