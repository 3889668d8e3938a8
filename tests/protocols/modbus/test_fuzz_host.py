"""No bytes from outside raise, grow a buffer, or bring an answer of more than 253 bytes."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from protocols.modbus import pdu
from protocols.modbus.image import RANGE_PARTIAL, RegisterImage
from protocols.modbus.mbap import FRAME_BAD_HEADER, MbapCollector
from protocols.modbus.rtu import FRAME_NONE, FRAME_NOT_MINE, FRAME_OK, RtuCollector
from protocols.modbus.server import ModbusServer

EVERYTHING = (0).to_bytes(2, "big") + (RANGE_PARTIAL | 0x7FFF).to_bytes(2, "big")
IDENTIFICATION = (b"v" * 200, b"p" * 200, b"1.0", b"", b"n" * 244)
GAP, SILENCE = 256, 257
MBAP_CHUNKS = [b"\x00\x01\x00\x00\x00\x06\x01\x03\x00\x00\x00\x01", bytes(5), b"\x00\x01\x00\x00\x00\xfe" + bytes(254)]

function_codes = st.sampled_from([1, 2, 3, 4, 5, 6, 15, 16, 22, 23, 43, 0, 8, 128, 255])
# Small values make the limits and the valid stretches likely; plain bytes make the nonsense.
small_words = st.sampled_from([0, 1, 2, 8, 9, 121, 123, 125, 126, 1968, 2000, 2001, 65535]).map(lambda n: n.to_bytes(2))
near_requests = st.tuples(
    function_codes.map(lambda code: bytes((code,))),
    st.lists(small_words, max_size=4).map(b"".join),
    st.binary(max_size=253),
).map(b"".join)
fuzz = settings(max_examples=300, derandomize=True)


@fuzz
@given(st.lists(st.one_of(near_requests, st.binary(max_size=300)), min_size=1, max_size=4))
def test_server_never_raises_and_never_exceeds_a_pdu(requests: list[bytes]) -> None:
    image = RegisterImage(2000, 2000, 125, 125, EVERYTHING, EVERYTHING)
    server = ModbusServer(image, IDENTIFICATION)
    response = bytearray(253)
    for request in requests:
        size = server.handle(bytearray(request), 0, len(request), response, 0)
        assert 0 <= size <= 253
        assert len(response) == 253
        assert (len(image.coils), len(image.discretes), len(image.holdings), len(image.inputs)) == (
            2000,
            2000,
            250,
            250,
        )
        assert set(image.coils) <= {0, 1}
        if size:
            assert response[0] & 0x7F == request[0]


@fuzz
@given(near_requests)
def test_a_server_without_writable_ranges_never_changes(request: bytes) -> None:
    image = RegisterImage(2000, 2000, 125, 125, b"")
    ModbusServer(image).handle(bytearray(request), 0, len(request), bytearray(253), 0)
    assert not any(image.coils)
    assert not any(image.holdings)
    assert image.write_count == 0


@fuzz
@given(st.lists(st.integers(0, 257), max_size=700))
def test_rtu_collector_counts_every_frame_once_and_keeps_its_buffer(events: list[int]) -> None:
    collector = RtuCollector(1)
    ended = 0
    for event in events:
        if event == GAP:
            collector.on_gap()
        elif event == SILENCE:
            result = collector.on_silence()
            ended += result != FRAME_NONE
            if result in (FRAME_OK, FRAME_NOT_MINE):
                assert 4 <= collector.size <= 256
        else:
            collector.on_byte(event)
    counted = collector.frames + collector.crc_errors + collector.short_frames
    counted += collector.long_frames + collector.gap_frames + collector.foreign_frames
    assert counted == ended
    assert len(collector.buffer) == 256


@fuzz
@given(st.lists(st.sampled_from(MBAP_CHUNKS), max_size=4))
# X\x00\x01\x00\x00\x00\x06\x01\x03\x00\x00\x00\x01", b"\x00\x00\x00\x00\x00"]), max_size=4))
def test_mbap_collector_gives_bounded_frames_or_ends_the_stream(chunks: list[bytes]) -> None:
    collector = MbapCollector()
    failed = False
    for byte in b"".join(chunks):
        result = collector.on_byte(byte)
        assert not failed or result == FRAME_BAD_HEADER
        failed = result == FRAME_BAD_HEADER
        if result == FRAME_OK:
            assert 1 <= collector.pdu_size <= 253
            assert collector.size <= 260


@fuzz
@given(st.binary(max_size=600))
def test_mbap_collector_survives_any_stream(stream: bytes) -> None:
    collector = MbapCollector()
    for byte in stream:
        collector.on_byte(byte)
    assert len(collector.buffer) == 260
    assert collector.size <= 260


@fuzz
@given(function_codes, st.binary(max_size=260))
def test_client_judges_any_answer_without_raising(function_code: int, answer: bytes) -> None:
    request = bytearray((function_code, 0x0E, 1, 0, 8, 0, 0))
    response = bytearray(answer)
    verdict = pdu.decode_response(request, 0, response, 0, len(response))
    assert -2 <= verdict <= 255
    if verdict == pdu.RESPONSE_OK and function_code == pdu.ENCAPSULATED_INTERFACE:
        assert pdu.find_identification_object(response, 0, 200) < len(response)
