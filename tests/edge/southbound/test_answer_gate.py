"""The answer gate: only the one right answer passes, whatever else is on the wire."""

from hypothesis import given
from hypothesis import strategies as st

from edge.southbound.answer_gate import (
    LATE_ANSWER_MAX_MS,
    READ_COILS,
    READ_HOLDINGS,
    READ_INPUTS,
    AnswerGate,
    Shape,
    read_shape,
    sync_counts,
    write_shape,
)
from protocols.modbus.rtu import encode_adu_into

_READ_TWO = read_shape(1, READ_INPUTS, 2)


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


def _sync_shape(gate: AnswerGate, now_ms: int) -> Shape:
    shapes = [read_shape(1, READ_INPUTS, count) for count in sync_counts(READ_INPUTS, 18)]
    return shapes[gate.most_settled(shapes, now_ms)]


def test_a_unit_stays_unsettled_until_a_request_of_another_shape_is_answered() -> None:
    gate = _opened()
    gate.shut(0, answered=False)
    assert gate.is_unsettled(_READ_TWO, 10)
    sync = _sync_shape(gate, 10)
    assert sync != _READ_TWO
    gate.open(sync)
    gate.shut(10, answered=False)
    assert _sync_shape(gate, 20) not in (_READ_TWO, sync)
    gate.open(read_shape(2, READ_INPUTS, 5))
    gate.shut(20, answered=True)
    assert gate.is_unsettled(_READ_TWO, 30), "another unit's answer settles nothing"
    gate.open(write_shape(1))
    gate.shut(30, answered=True)
    assert not gate.is_unsettled(_READ_TWO, 40)


def test_no_answer_is_expected_for_ever() -> None:
    gate = _opened()
    gate.shut(0, answered=False)
    assert not gate.is_unsettled(_READ_TWO, LATE_ANSWER_MAX_MS)


def test_a_unit_with_every_shape_unsettled_still_gets_a_sync() -> None:
    gate = AnswerGate(is_rtu=True)
    for count in range(1, 9):
        gate.open(read_shape(1, READ_INPUTS, count))
        gate.shut(count, answered=False)
    assert _sync_shape(gate, 20) == read_shape(1, READ_INPUTS, 1), "the oldest is the least likely to come"


def test_bits_are_told_apart_by_the_bytes_they_fill() -> None:
    assert read_shape(1, READ_COILS, 9) == read_shape(1, READ_COILS, 16)
    assert read_shape(1, READ_COILS, 16) != read_shape(1, READ_COILS, 17)
    for count in (1, 9, 30, 2000):
        sizes = [read_shape(1, READ_COILS, sync).size for sync in sync_counts(READ_COILS, count)]
        assert read_shape(1, READ_COILS, count).size not in sizes


def test_the_answer_of_every_read_passes_and_tells_its_data() -> None:
    for function_code, count, data in ((READ_COILS, 12, b"\x0f\x08"), (READ_HOLDINGS, 1, b"\x12\x34")):
        gate = _opened(read_shape(1, function_code, count))
        frame = _rtu(1, bytes((function_code, len(data))) + data)
        assert gate.pick(frame) == frame
        assert (gate.data(frame), gate.exception_code(frame)) == (data, 0)
        refusal = _rtu(1, bytes((function_code | 0x80, 2)))
        assert gate.exception_code(gate.pick(refusal)) == 2
