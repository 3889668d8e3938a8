"""The line and the TCP session as the device sees them: silence, gaps, echo, delay, and whose frames count."""

import random

import pytest

from protocols.registers import barrier as regs

READ_MAP_ID = bytes([4, 0, 0, 0, 2])
MAP_ANSWER = bytes([4, 4, 0, regs.MAP_ID, 0, regs.MAP_VERSION])
T15_US = 860
T35_US = 2006


def test_answer_comes_when_the_silence_has_passed_and_not_before(bench, frames):
    assert bench.run(T35_US - 1, frames(READ_MAP_ID)) == b""
    assert bench.run(1) == frames(MAP_ANSWER)


def test_frame_in_two_parts_with_a_short_pause_is_answered(bench, frames):
    frame = frames(READ_MAP_ID)
    bench.run(T15_US - 10, frame[:3])
    assert bench.exchange(frame[3:]) == frames(MAP_ANSWER)


def test_frame_with_a_gap_inside_is_not_answered(bench, frames):
    frame = frames(READ_MAP_ID)
    bench.run(T15_US + 10, frame[:3])
    assert bench.exchange(frame[3:]) == b""
    assert bench.request(READ_MAP_ID) == MAP_ANSWER


def test_frame_byte_by_byte_is_answered(host, frames):
    bench, _ = host
    for byte in frames(READ_MAP_ID):
        assert bench.run(573, bytes([byte])) == b""
    assert bench.run(20_000) == frames(MAP_ANSWER)


def test_wrong_crc_is_counted_and_not_answered(bench, frames):
    frame = bytearray(frames(READ_MAP_ID))
    frame[-1] ^= 1
    assert bench.exchange(bytes(frame)) == b""
    assert bench.read(regs.AT_CRC_ERRORS) == [1]


def test_garbage_is_survived(bench, frames):
    for size in (1, 3, 300, 1000):
        bench.exchange(bytes(index * 37 & 0xFF for index in range(size)))
    assert bench.request(READ_MAP_ID) == MAP_ANSWER


def test_frame_for_another_unit_is_not_answered_and_is_no_hub_contact(bench):
    for _ in range(40):
        assert bench.request(READ_MAP_ID, 9) == b""
    assert bench.read(regs.AT_HUB_AGE_MS)[0] > 3000
    assert regs.EV_HUB_LOST in [code for code, _ in bench.events()]


def test_broadcast_is_obeyed_but_not_answered(host, blocks):
    bench, _ = host
    block = blocks(regs.OP_SET, 66, 2500, bench.nonce())
    assert bench.request(bytes([16, 0, 0, 0, 10, 20]) + block, 0) == b""
    assert bench.read(66, 1, 3) == [2500]


def test_reply_delay_is_kept(host, frames):
    bench, _ = host
    assert bench.command(regs.OP_SET, 35, 20) == regs.COMMAND_RESULT_ACCEPTED
    assert bench.run(T35_US + 19_990, frames(READ_MAP_ID)) == b""
    assert bench.run(20) == frames(MAP_ANSWER)


@pytest.fixture
def polled(host):
    """A bench whose port has no byte times."""
    bench, target = host
    target.board.line.timed = 0
    return bench


def test_polled_port_does_not_take_a_late_read_for_a_gap_or_a_silence(polled, frames):
    frame = frames(READ_MAP_ID)
    polled.step(0, polled.inputs, frame[:3])
    _, sent, _ = polled.step(50_000, polled.inputs, frame[3:])
    assert sent == b""
    _, sent, _ = polled.step(50_000 + T35_US, polled.inputs, b"")
    assert sent == frames(MAP_ANSWER)


def test_polled_port_tells_a_request_from_the_foreign_answer_just_before_it(polled, frames):
    foreign = frames(MAP_ANSWER, 9)
    polled.step(0, polled.inputs, foreign)
    polled.step(1_000, polled.inputs, frames(READ_MAP_ID))
    _, sent, _ = polled.step(1_000 + T35_US, polled.inputs, b"")
    assert sent == frames(MAP_ANSWER)


def test_port_that_saw_the_silence_gets_its_answer_at_once(polled, host, frames):
    line = host[1].board.line
    polled.run(T35_US, b"")
    line.silence_us = T35_US - 1
    assert polled.step(50_000, polled.inputs, frames(READ_MAP_ID))[1] == b""
    assert polled.step(50_001, polled.inputs, b"")[1] == frames(MAP_ANSWER)
    line.silence_us = T35_US
    assert polled.step(90_000, polled.inputs, frames(READ_MAP_ID))[1] == frames(MAP_ANSWER)


def test_own_echo_in_pieces_is_dropped_on_a_polled_port(polled, host, frames):
    sent = polled.run(3_000, frames(READ_MAP_ID))
    polled.run(1_500, sent[:4])
    assert polled.exchange(sent[4:]) == b""
    collector = host[1].device.rtu.collector
    assert (collector.frames, collector.crc_errors, collector.short_frames) == (1, 0, 0)
    assert polled.exchange(frames(READ_MAP_ID)) == sent


def test_own_echo_is_dropped(host, frames):
    bench, target = host
    sent = bench.run(3_000, frames(READ_MAP_ID))
    assert sent == frames(MAP_ANSWER)
    assert bench.exchange(sent) == b""
    assert target.device.rtu.collector.frames == 1
    assert bench.exchange(frames(READ_MAP_ID)) == sent


def test_request_that_begins_like_the_last_answer_is_served(host, frames):
    bench, _ = host
    refusal = frames(bytes([0x84, 2]))
    assert bench.exchange(frames(bytes([4, 9, 0, 0, 1]))) == refusal
    like = frames(bytes([0x84, 2, 1]))
    assert bench.run(1000, like[:3]) == b""
    bench.run(200_000)
    assert bench.request(READ_MAP_ID) == MAP_ANSWER


def test_answer_waits_for_a_busy_port_and_is_dropped_when_it_is_too_old(host, frames, monkeypatch):
    bench, target = host
    send = target.board.line.write
    monkeypatch.setattr(target.board.line, "write", lambda buffer, size: 0)
    assert bench.run(150_000, frames(READ_MAP_ID)) == b""
    monkeypatch.setattr(target.board.line, "write", send)
    assert bench.run(20_000) == frames(MAP_ANSWER)
    monkeypatch.setattr(target.board.line, "write", lambda buffer, size: 0)
    bench.run(300_000, frames(READ_MAP_ID))
    monkeypatch.setattr(target.board.line, "write", send)
    assert bench.run(20_000) == b""
    assert target.device.rtu.dropped == 1
    assert bench.request(READ_MAP_ID) == MAP_ANSWER


def test_no_bytes_on_any_wire_end_the_scan_or_move_an_output(host, frames):
    bench, target = host
    bench.run(3_000_000)
    outputs = bench.outputs
    rng = random.Random(20)
    target.board.tcp.connect()
    for _ in range(400):
        pdu = bytes([rng.choice((1, 2, 3, 4, 5, 6, 15, 16, 22, 23, 43, rng.randrange(256)))])
        pdu += rng.randbytes(rng.randrange(40)) if rng.random() < 0.5 else bytes([0, 0, 0, 10, 20]) + rng.randbytes(20)
        target.board.tcp.rx += mbap(pdu) if rng.random() < 0.9 else rng.randbytes(30)
        bench.run(12_000, frames(pdu) if rng.random() < 0.9 else rng.randbytes(rng.randrange(300)))
        assert bench.outputs == outputs
        if not target.board.tcp.is_open:
            target.board.tcp.connect()
    assert target.device.settings.generation == 0
    assert target.device.commands.accepted == 0
    assert target.device.commands.rejected > 20


def test_served_frames_are_counted(host):
    bench, _ = host
    for _ in range(5):
        bench.request(READ_MAP_ID)
    assert bench.read(regs.AT_FRAMES_SERVED) == [5]


def mbap(pdu, unit_id=255, transaction=7):
    return transaction.to_bytes(2, "big") + bytes([0, 0, 0, len(pdu) + 1, unit_id]) + pdu


@pytest.mark.parametrize("unit_id", [0, 3, 255])
def test_tcp_session_is_served(host, unit_id):
    bench, target = host
    target.board.tcp.connect()
    target.board.tcp.rx += mbap(READ_MAP_ID, unit_id)
    bench.run(20_000)
    assert bytes(target.board.tcp.tx) == mbap(MAP_ANSWER, unit_id)


def test_tcp_request_for_another_unit_is_ignored(host):
    bench, target = host
    target.board.tcp.connect()
    target.board.tcp.rx += mbap(READ_MAP_ID, 9)
    bench.run(20_000)
    assert target.board.tcp.tx == b""


def test_tcp_requests_back_to_back_are_all_served(host):
    bench, target = host
    target.board.tcp.connect()
    target.board.tcp.rx += mbap(READ_MAP_ID) * 5
    bench.run(20_000)
    assert bytes(target.board.tcp.tx) == mbap(MAP_ANSWER) * 5


def test_tcp_session_with_a_bad_header_is_closed(host):
    bench, target = host
    target.board.tcp.connect()
    target.board.tcp.rx += b"GET / HTTP/1.1\r\n\r\n"
    bench.run(20_000)
    assert not target.board.tcp.is_open


def test_new_tcp_session_does_not_inherit_half_a_frame(host):
    bench, target = host
    target.board.tcp.connect()
    target.board.tcp.rx += mbap(READ_MAP_ID)[:9]
    bench.run(20_000)
    target.board.tcp.connect()
    target.board.tcp.rx += mbap(READ_MAP_ID)
    bench.run(20_000)
    assert bytes(target.board.tcp.tx) == mbap(MAP_ANSWER)


def test_idle_tcp_session_is_closed(host):
    bench, target = host
    target.board.tcp.connect()
    bench.run(59_000_000)
    assert target.board.tcp.is_open
    bench.run(2_000_000)
    assert not target.board.tcp.is_open
