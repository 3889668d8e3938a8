"""The RFID core under fuzz: whatever the reader says, nothing raises, no number goes astray, no tag is invented."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware.control.rfid_reads import CAPACITY
from protocols.registers import rfid as reg
from protocols.rfid import r200
from protocols.rfid.gen2 import tag_crc
from protocols.rfid.read_slot import SLOT_SIZE, read_read
from tests.firmware.control.rfid_bench import RfidBench
from tests.firmware.control.test_rfid_scan import Life, record

PROTOCOLS = ("r200", "uhfreader18", "wiegand")
SEEDS = range(100, 108)


def good_r200_tags(data: bytes) -> set[bytes]:
    """Every identifier in `data` that stands in a whole frame with a right tag checksum, found without the codec."""
    found = set()
    for at in range(len(data) - 6):
        end = at + 7 + (data[at + 3] << 8 | data[at + 4])
        frame = data[at:end]
        if frame[:1] != b"\xaa" or end > len(data) or frame[-1] != 0xDD or sum(frame[1:-2]) & 0xFF != frame[-2]:
            continue
        if (
            frame[1:3] == b"\x02\x22"
            and len(frame) > 12
            and tag_crc(frame, 6, len(frame) - 10) == int.from_bytes(frame[-4:-2], "big")
        ):
            found.add(frame[8:-4][:16])
    return found


def mixed_stream(rng: random.Random, size: int) -> bytes:
    """Random bytes, good frames, cut frames and frames with one wrong bit."""
    parts = []
    while sum(map(len, parts)) < size:
        buffer = bytearray(r200.FRAME_MAX)
        frame = bytearray(buffer[: r200.put_tag(buffer, rng.randrange(-90, -30), rng.randbytes(12), 12)])
        kind = rng.randrange(4)
        if kind == 0:
            frame = bytearray(rng.randbytes(rng.randrange(1, 60)))
        elif kind == 1:
            del frame[rng.randrange(1, len(frame)) :]
        elif kind == 2:
            frame[rng.randrange(len(frame))] ^= 1 << rng.randrange(8)
        parts.append(bytes(frame))
    return b"".join(parts)


@pytest.mark.parametrize("seed", range(6))
def test_a_mixed_stream_gives_only_tags_that_were_whole_and_right(seed: int) -> None:
    rng = random.Random(seed)
    bench = RfidBench()
    bench.is_connected = False
    data = mixed_stream(rng, 20_000)
    good = good_r200_tags(data)
    found: set[bytes] = set()
    at = 0
    while at < len(data):
        size = rng.randrange(1, 128)
        bench.feed(data[at : at + size])
        bench.run(10)
        found |= {read[5] for read in bench.reads()}
        at += size
    assert found <= good
    assert len(found) > 100


@given(
    protocol=st.sampled_from(PROTOCOLS),
    chunks=st.lists(st.tuples(st.binary(max_size=128), st.integers(1, 400)), max_size=40),
)
@settings(max_examples=150)
def test_garbage_never_raises_and_every_word_stays_in_its_width(protocol: str, chunks: list[tuple[bytes, int]]) -> None:
    bench = RfidBench(protocol)
    bench.is_connected = False
    for data, wait_ms in chunks:
        bench.feed(data)
        bench.elapsed_ms += wait_ms
        bench.scan()
        assert all(0 <= value < 2**30 for value in bench.core.status)
        assert all(value in (0, 1) for value in bench.core.outputs)
        if not bench.core.status[reg.ST_READ_HEAD]:
            assert bench.core.outputs[reg.OUT_READ_OK] == bench.core.outputs[reg.OUT_BUZZER] == 0
    head = bench.core.status[reg.ST_READ_HEAD]
    for slot in range(CAPACITY):
        sequence = read_read(bench.core.reads.data, slot * SLOT_SIZE)[0]
        assert sequence == 0 or (sequence <= head and (sequence - 1) % CAPACITY == slot)


def test_half_a_million_bytes_of_garbage_leave_the_reader_usable() -> None:
    rng = random.Random(5)
    for protocol in PROTOCOLS:
        bench = RfidBench(protocol)
        bench.is_connected = False
        for _ in range(1500):
            bench.feed(rng.randbytes(128))
            bench.run(10)
        bench.is_connected = True
        bench.run(5000)
        assert bench.core.status[reg.ST_STATE] == reg.STATE_READING, protocol


@pytest.mark.parametrize("extra_ms", [3, 10, 33])
def test_extra_scans_show_nothing_over_many_lives(extra_ms: int) -> None:
    for seed in SEEDS:
        assert record(Life(seed)) == record(Life(seed, 0, extra_ms)), seed


def test_reloading_across_the_wrap_shows_nothing_over_many_lives() -> None:
    for seed in SEEDS:
        assert record(Life(seed)) == record(Life(seed, 2**30 - 5000, 0, 987654321)), seed


def test_lives_meet_every_state_and_nothing_is_read_that_was_not_to_be() -> None:
    states: set[int] = set()
    for seed in SEEDS:
        life = Life(seed)
        head = 0
        for _ in range(150):
            wait_ms = life.change()
            while True:
                life.scan()
                core = life.core
                states.add(core.status[reg.ST_STATE])
                if core.status[reg.ST_READ_HEAD] != head:
                    head = core.status[reg.ST_READ_HEAD]
                    assert core._is_reading()
                assert core.outputs[reg.OUT_TRIGGER] == (core.status[reg.ST_STATE] == reg.STATE_READING)
                if core.status[reg.ST_STATE] == reg.STATE_FAULT:
                    assert core.health == reg.HEALTH_FAILURE
                wait_ms = life.wait(wait_ms)
                if wait_ms <= 0:
                    break
    assert states == set(range(5))
