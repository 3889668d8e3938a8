"""The answer gate: only the one right answer passes, whatever else is on the wire."""

from hypothesis import given
from hypothesis import strategies as st

from edge.southbound.answer_gate import LATE_ANSWER_MAX_MS, READ_INPUTS, WRITE_REGISTERS, AnswerGate, Shape
from protocols.modbus.rtu import encode_adu_into

_READ_TWO = Shape(1, READ_INPUTS, 2)


def _rtu(unit_id: int, pdu: bytes) -> bytes:
    buffer = bytearray(1) + pdu + bytearray(2)
    return bytes(buffer[: encode_adu_into(unit_id, buffer, len(pdu))])


_ANSWER = _rtu(1, bytes((4, 4, 0, 1, 0, 2)))


def _opened(shape: Shape = _READ_TWO) -> AnswerGate:
    gate = AnswerGate(is_rtu=True)
    gate.open(shape)
    return gate


def test_the_answer_passes_whole_in_pieces_and_behind_noise() -> None:
    gate = _opened()
    for size in range(len(_ANSWER)):
        assert gate.pick(_ANSWER[:size]) == b""
    assert gate.pick(_ANSWER) == _ANSWER
    assert gate.pick(b"\xff\x01\x04" + _ANSWER) == _ANSWER


def test_another_unit_function_or_size_does_not_pass() -> None:
    others = (
        _rtu(2, bytes((4, 4, 0, 1, 0, 2))),
        _rtu(1, bytes((3, 4, 0, 1, 0, 2))),
        _rtu(1, bytes((4, 2, 0, 1))),
        _rtu(1, bytes((0x83, 2))),
        _ANSWER[:-1] + bytes((_ANSWER[-1] ^ 1,)),
    )
    for other in others:
        assert _opened().pick(other) == b"", other.hex()


def test_an_exception_of_the_asked_function_passes() -> None:
    exception = _rtu(1, bytes((0x84, 2)))
    gate = _opened()
    assert gate.pick(exception) == exception
    assert gate.was_exception


@given(st.binary(max_size=300))
def test_no_bytes_pass_that_are_not_a_whole_right_frame(received: bytes) -> None:
    picked = _opened().pick(received)
    assert picked == b"" or picked == _rtu(1, picked[1:-2])


@given(st.binary(max_size=300), st.integers(0, 0xFFFF))
def test_no_tcp_bytes_pass_under_another_transaction(received: bytes, transaction_id: int) -> None:
    gate = AnswerGate(is_rtu=False)
    gate.open(_READ_TWO)
    gate.sent(transaction_id.to_bytes(2, "big") + bytes(10))
    picked = gate.pick(received)
    assert picked == b"" or picked[:2] == transaction_id.to_bytes(2, "big")


def test_a_unit_stays_unsettled_until_a_request_of_another_shape_is_answered() -> None:
    gate = _opened()
    gate.shut(0, answered=False)
    assert gate.is_unsettled(_READ_TWO, 10)
    sync = gate.sync_shape(1, 10)
    assert sync != _READ_TWO
    gate.open(sync)
    gate.shut(10, answered=False)
    assert gate.sync_shape(1, 20) not in (_READ_TWO, sync)
    gate.open(Shape(2, READ_INPUTS, 5))
    gate.shut(20, answered=True)
    assert gate.is_unsettled(_READ_TWO, 30), "another unit's answer settles nothing"
    gate.open(Shape(1, WRITE_REGISTERS, 10))
    gate.shut(30, answered=True)
    assert not gate.is_unsettled(_READ_TWO, 40)


def test_no_answer_is_expected_for_ever() -> None:
    gate = _opened()
    gate.shut(0, answered=False)
    assert not gate.is_unsettled(_READ_TWO, LATE_ANSWER_MAX_MS)


def test_a_unit_with_every_shape_unsettled_still_gets_a_sync() -> None:
    gate = AnswerGate(is_rtu=True)
    for count in range(1, 9):
        gate.open(Shape(1, READ_INPUTS, count))
        gate.shut(count, answered=False)
    assert gate.sync_shape(1, 20) == Shape(1, READ_INPUTS, 1), "the oldest is the least likely to come"
