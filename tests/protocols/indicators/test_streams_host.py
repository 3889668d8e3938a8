"""Decoders on streams: any cut, garbage before, between and inside, wrong bits, and what pure noise may become.

Every decoder here sees the same: it raises for nothing, its memory does not grow, a frame after garbage is found, and
formats with a checksum let through no more noise than the checksum must.
"""

from __future__ import annotations

import random
import tracemalloc
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocols.indicators import cas, mt_sics, sma, toledo, yaohua, yaohua_command
from protocols.indicators.reading import NO, UNIT_KG, YES, Reading, put_digits, put_number
from protocols.indicators.stream import IndicatorDecoder


def encode_tf1(buffer: bytearray, reading: Reading) -> int:
    return yaohua_command.encode_reply(buffer, 0x41, yaohua_command.COMMAND_GROSS, reading)


Encoder = Callable[[bytearray, Reading], int]
FORMATS: dict[str, tuple[Callable[[], IndicatorDecoder], Encoder]] = {
    "yaohua_tf0": (yaohua.YaohuaTf0, yaohua.encode_tf0),
    "equals_plain": (yaohua.make_equals_plain, yaohua.encode_equals_plain),
    "equals_reversed": (yaohua.make_equals_reversed, yaohua.encode_equals_reversed),
    "yaohua_a12": (yaohua.YaohuaA12, yaohua.encode_a12),
    "yaohua_tf1": (yaohua_command.YaohuaTf1, encode_tf1),
    "toledo": (toledo.make_toledo, toledo.encode_toledo),
    "toledo_checksum": (toledo.make_toledo_checksum, toledo.encode_toledo_checksum),
    "mt_sics": (mt_sics.MtSics, mt_sics.encode_mt_sics),
    "sma": (sma.Sma, sma.encode_sma),
    "cas": (cas.CasDecoder, cas.encode_cas),
    "and": (cas.CasDecoder, cas.encode_and),
}
checks = settings(max_examples=60, derandomize=True)
each_format = pytest.mark.parametrize("name", FORMATS)
weights = st.integers(-99999, 99999)


def frame_of(name: str, digits: int, decimals: int = 0) -> bytes:
    reading = Reading()
    reading.digits, reading.decimals, reading.unit, reading.has_weight = digits, decimals, UNIT_KG, 1
    reading.net, reading.motion = NO, NO
    buffer = bytearray(40)
    return bytes(buffer[: FORMATS[name][1](buffer, reading)])


def feed(decoder: IndicatorDecoder, data: bytes) -> list[tuple[int, int]]:
    """(digits, decimals) of every frame with a weight."""
    found = []
    for byte in data:
        if decoder.on_byte(byte):
            assert decoder.size < len(decoder.buffer)
            if decoder.reading.has_weight:
                found.append((decoder.reading.digits, decoder.reading.decimals))
    return found


@each_format
@checks
@given(digits=weights, decimals=st.integers(0, 3))
def test_a_weight_survives_the_wire(name: str, digits: int, decimals: int) -> None:
    if name == "equals_plain" or name == "equals_reversed" or name == "yaohua_a12":
        digits %= 10**5  # the sign has a place of its own there, seven characters the digits and the point
    assert feed(FORMATS[name][0](), frame_of(name, digits, decimals)) == [(digits, decimals)]


@each_format
@checks
@given(garbage=st.binary(max_size=60), digits=st.lists(weights, min_size=3, max_size=6))
def test_after_garbage_the_second_frame_is_found_at_the_latest(name: str, garbage: bytes, digits: list[int]) -> None:
    decoder = FORMATS[name][0]()
    for byte in garbage:
        decoder.on_byte(byte)
    frames = [frame_of(name, digit) for digit in digits]
    found = feed(decoder, b"".join(frames))
    expected = [(digit, 0) for digit in digits]
    # What garbage begins may swallow the first frame when the lengths fit, never more.
    assert found[-len(expected) + 1 :] == expected[1:]


@each_format
@checks
@given(cut=st.integers(1, 40), digits=weights)
def test_a_frame_behind_one_that_was_cut_off_is_found(name: str, cut: int, digits: int) -> None:
    frame = frame_of(name, digits)
    found = feed(FORMATS[name][0](), frame[: cut % len(frame)] + frame + frame)
    assert found[-1:] == [(digits, 0)]


@each_format
@checks
@given(data=st.lists(st.integers(0, 255), max_size=400))
def test_no_bytes_raise_or_grow(name: str, data: list[int]) -> None:
    decoder = FORMATS[name][0]()
    size = len(decoder.buffer)
    feed(decoder, bytes(data))
    assert len(decoder.buffer) == size
    assert decoder.size < size
    assert 0 <= decoder.frames <= 0xFFFF
    assert 0 <= decoder.garbage <= 0xFFFF


@given(st.integers(-999999999, 999999999), st.integers(0, 8), st.integers(12, 16))
@checks
def test_numbers_are_written_as_they_are_read(digits: int, decimals: int, size: int) -> None:
    buffer = bytearray(size)
    assert put_number(buffer, 0, size, digits, decimals) == size
    reading = Reading()
    assert reading.take_number(buffer, 0, size)
    assert (reading.digits, reading.decimals) == (digits, decimals)
    assert float(buffer.decode()) == pytest.approx(digits / 10**decimals, rel=1e-12)
    put_digits(buffer, 0, size, digits, decimals, 0x30)
    assert float(buffer.decode()) == pytest.approx(abs(digits) / 10**decimals, rel=1e-12)


def structured(name: str, count: int, seed: int) -> tuple[bytes, int]:
    """`count` bytes of frames, cut, doubled, damaged and mixed with noise; how many frames went in whole."""
    rng = random.Random(seed)
    pieces = bytearray()
    whole = 0
    while len(pieces) < count:
        kind = rng.randrange(6)
        frame = bytearray(frame_of(name, rng.randrange(100000)))
        if kind == 0:
            frame = bytearray(rng.randbytes(rng.randrange(1, 40)))
        elif kind == 1:
            frame = frame[: rng.randrange(len(frame))]
        elif kind == 2:
            frame[rng.randrange(len(frame))] ^= 1 << rng.randrange(8)
        elif kind == 3:
            frame = bytearray(rng.choices(b"\x02\x03\r\n =+-.,0123456789STGWNkgOLUZ", k=20))
        else:
            whole += 1
        pieces += frame
    return bytes(pieces), whole


# Frames with a weight that evenly random bytes become in these tests. Even without a checksum the form leaves little:
# "=" reads one place in 1.4e14 as a weight, Toledo without checksum fewer.
NOISE_MAX = dict.fromkeys(FORMATS, 0)


@each_format
def test_noise_becomes_no_weight(name: str) -> None:
    decoder = FORMATS[name][0]()
    assert len(feed(decoder, random.Random(7).randbytes(200_000))) <= NOISE_MAX[name]


@each_format
def test_whole_frames_between_damaged_ones_are_found(name: str) -> None:
    data, whole = structured(name, 60_000, 3)
    found = feed(FORMATS[name][0](), data)
    # A damaged frame may swallow its neighbour, and one bit of a digit is no damage to a format without checksum.
    assert len(found) >= whole * 7 // 10


def count_weights(decoder: IndicatorDecoder, data: bytes) -> int:
    """As `feed`, without keeping anything: the interpreter's own caches must not look like a leak."""
    count = 0
    for byte in data:
        if decoder.on_byte(byte) and decoder.reading.has_weight:
            count += 1
    return count


@pytest.mark.long
@each_format
def test_ten_million_bytes(name: str) -> None:
    decoder = FORMATS[name][0]()
    rng = random.Random(11)
    pieces = [structured(name, 500_000, part)[0] for part in range(2)]
    noise = bytearray(500_000)
    count_weights(decoder, pieces[0][:1000])
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    found = 0
    for _ in range(10):
        noise[:] = rng.randbytes(len(noise))
        found += count_weights(decoder, noise)
        count_weights(decoder, pieces[rng.randrange(2)])
    after = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert after - before < 2_000
    assert found <= NOISE_MAX[name]


def test_net_and_tare_stand_beside_each_other_in_toledo() -> None:
    reading = Reading()
    reading.digits, reading.tare_digits, reading.net, reading.unit = 20000, 3460, YES, UNIT_KG
    buffer = bytearray(20)
    decoder = toledo.make_toledo()
    feed(decoder, bytes(buffer[: toledo.encode_toledo(buffer, reading)]))
    assert decoder.reading.gross_digits() == 23460


# Of all frames with one wrong bit, the part per thousand that still reads as a weight, and a wrong one. The page for
# technicians gives these numbers.
WRONG_PER_MILLE = {
    "yaohua_tf0": 0,
    "equals_plain": 318,
    "equals_reversed": 318,
    "yaohua_a12": 0,
    "yaohua_tf1": 0,
    "toledo": 134,
    "toledo_checksum": 0,
    "mt_sics": 93,
    "sma": 89,
    "cas": 81,
    "and": 99,
}


@each_format
def test_how_many_frames_with_one_wrong_bit_show_a_wrong_weight(name: str) -> None:
    rng = random.Random(5)
    wrong = total = 0
    for _ in range(100):
        digits = rng.randrange(100000)
        frame = frame_of(name, digits)
        for place in range(len(frame) * 8):
            damaged = bytearray(frame)
            damaged[place // 8] ^= 1 << place % 8
            found = feed(FORMATS[name][0](), bytes(damaged))
            wrong += found not in ([], [(digits, 0)])
            total += 1
    assert round(1000 * wrong / total) == WRONG_PER_MILLE[name]
