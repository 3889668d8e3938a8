"""The device at the far end of its line, before the rig's client speaks with it: is it there, is it the right one.

Knows: one question of Modbus. Must not know: the rig board, scenarios.
"""

from __future__ import annotations

from edge.words import tr
from hil.board.port import Port, Table
from hil.scenarios.vocabulary import ROLES, map_of, tag_of
from hil.targets.target import Provision, TargetError, UsageError
from protocols.crc import crc16
from protocols.modbus import pdu, rtu

_PROBE_US = 30_000
_LIMIT_US = 8_000_000  # from power to the first answer
_ANSWER_SIZE = 7
_KEPT_BYTES = 64
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
        heard = heard[-_KEPT_BYTES:] + _listen(table, device)
        map_id = _find_map_id(heard, provision.unit_id)
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
    """What comes until the next question is due. The answer to the first may come behind the second."""
    heard = b""
    until_us = table.now_us + _PROBE_US
    while table.now_us < until_us:
        table.wait(until_us)
        heard += device.take()
    return heard


def _find_map_id(heard: bytes, unit_id: int) -> int | None:
    """What the first answer among the bytes says; None when there is none."""
    for at in range(len(heard) - _ANSWER_SIZE + 1):
        frame = heard[at : at + _ANSWER_SIZE]
        is_answer = frame[:3] == bytes([unit_id, pdu.READ_INPUT_REGISTERS, 2])
        if is_answer and crc16(frame, 0, _ANSWER_SIZE - 2) == frame[-2] | frame[-1] << 8:
            return frame[3] << 8 | frame[4]
    return None


def _check_role(name: str, map_id: int, role: str) -> None:
    found = next((each for each in ROLES if map_id == map_of(each).MAP_ID), f"device of map {map_id}")
    if found != role:
        said = tr(
            "{port}: the device is a {found}, the scenario is for a {role}; connect that one, or copy its file set "
            "onto this board (docs/boards.md)",
            port=name,
            found=found,
            role=role,
        )
        raise UsageError(said)


def _silence(name: str, unit_id: int, heard: bytes) -> UsageError | TargetError:
    seconds = _LIMIT_US // 1_000_000
    if heard:
        said = tr(
            "{port}: what is there sent '{shown}' within {seconds} s, expected the answer of unit {unit}; look at A "
            "and B, and at baud and unit_id in its provision file, or name another port with --dut",
            port=name,
            shown=heard[:_SHOWN_BYTES].hex(" "),
            seconds=seconds,
            unit=unit_id,
        )
        return UsageError(said)
    return TargetError(
        f"{name}: unit {unit_id} does not answer within {seconds} s of its supply; look at the supply relay, at A and "
        "B, and at its provision file (docs/bench/README.md)"
    )
