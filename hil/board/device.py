"""The device at the far end of its line, before the rig's client speaks with it: is it there, is it the right one.

Knows: one question of Modbus. Must not know: the rig board, scenarios.
"""

from __future__ import annotations

from hil.board.port import Port, Table
from hil.scenarios.vocabulary import ROLES, map_of, tag_of
from hil.targets.target import Provision, TargetError, UsageError
from protocols.modbus import pdu, rtu

_PROBE_US = 25_000
_LIMIT_US = 8_000_000  # from power to the first answer
_ANSWER_SIZE = 7
_SHOWN_BYTES = 12


def await_device(table: Table, device: Port, provision: Provision) -> None:
    """Ask for the map's number until the device answers.

    Raises UsageError when what answers is no device of this role, TargetError when nothing does.
    """
    frame = _question(provision)
    limit_us = table.now_us + _LIMIT_US
    heard = b""
    device.take()
    while table.now_us < limit_us:
        device.send(frame)
        heard = _listen(table, device)
        map_id = _map_id(heard, provision.unit_id)
        if map_id is not None:
            _check_role(device.name, map_id, provision.role)
            return
    raise _silence(device.name, provision.unit_id, heard)


def _question(provision: Provision) -> bytes:
    tag = tag_of(provision.role, "map_id")
    assert tag is not None
    frame = bytearray(rtu.ADU_SIZE_MAX)
    size = pdu.encode_read_request_into(frame, rtu.PDU_START, pdu.READ_INPUT_REGISTERS, tag.address, 1)
    return bytes(frame[: rtu.encode_adu_into(provision.unit_id, frame, size)])


def _listen(table: Table, device: Port) -> bytes:
    heard = b""
    until_us = table.now_us + _PROBE_US
    while table.now_us < until_us and len(heard) < _ANSWER_SIZE:
        table.wait(until_us)
        heard += device.take()
    return heard


def _map_id(heard: bytes, unit_id: int) -> int | None:
    """What the answer says; None when it is no answer."""
    collector = rtu.RtuCollector(unit_id)
    for byte in heard:
        collector.on_byte(byte)
    if collector.on_silence() != rtu.FRAME_OK or collector.pdu_size != _ANSWER_SIZE - 3:
        return None
    return pdu.read_register(collector.buffer, rtu.PDU_START, 0)


def _check_role(name: str, map_id: int, role: str) -> None:
    found = next((each for each in ROLES if map_id == map_of(each).MAP_ID), f"device of map {map_id}")
    if found != role:
        raise UsageError(
            f"{name}: the device is a {found}, the scenario is for a {role}; connect that one, or copy its file set "
            "onto this board (docs/boards.md)"
        )


def _silence(name: str, unit_id: int, heard: bytes) -> UsageError | TargetError:
    limit = f"within {_LIMIT_US // 1_000_000} s"
    if heard:
        shown = heard[:_SHOWN_BYTES].hex(" ")
        return UsageError(
            f"{name}: what is there sent '{shown}' {limit}, expected the answer of unit {unit_id}; look at A and B, "
            "and at baud and unit_id in its provision file, or name another port with --dut"
        )
    return TargetError(
        f"{name}: unit {unit_id} does not answer {limit} of its supply; look at the supply relay, at A and B, and at "
        "its provision file (docs/bench/README.md)"
    )
