"""Reader streams under fuzz: nothing raises, nothing is invented, and what arrived whole behind garbage is found."""

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from protocols.rfid import epc, epc_fields, r200, uhfreader18, wiegand
from protocols.rfid.window import FrameWindow

TAGS = st.binary(min_size=1, max_size=62)
GARBAGE = st.binary(max_size=300)


def taken(window: FrameWindow, data: bytes) -> list[bytes]:
    """Every frame in `data`, the line having been quiet afterwards."""
    found = []
    for byte in data:
        window.push(byte)
        while window.take():
            found.append(bytes(window.buffer[window.start : window.start + window.size]))
    while window.expire():
        found.append(bytes(window.buffer[window.start : window.start + window.size]))
    assert not window.is_waiting()
    return found


def r200_tag(identifier: bytes, rssi_dbm: int) -> bytes:
    buffer = bytearray(r200.FRAME_MAX)
    return bytes(buffer[: r200.put_tag(buffer, rssi_dbm, identifier, len(identifier))])


def uhf18_tags(tags: list[bytes], status: int) -> bytes:
    buffer = bytearray(uhfreader18.FRAME_MAX)
    buffer[4] = len(tags)
    at = 5
    for tag in tags:
        at = uhfreader18.put_tag(buffer, at, tag, len(tag))
    return bytes(buffer[: uhfreader18.put_response(buffer, 0, uhfreader18.CMD_INVENTORY, status, at - 4)])


def r200_form_at(data: bytes, at: int) -> bool:
    """Whether a frame begins at `at`: head, type, length, sum and tail, written anew from the protocol."""
    if data[at] != 0xAA or len(data) < at + 7:
        return False
    end = at + 7 + (data[at + 3] << 8 | data[at + 4])
    return end <= len(data) and data[end - 1] == 0xDD and sum(data[at + 1 : end - 2]) & 0xFF == data[end - 2]


def uhf18_form_at(data: bytes, at: int) -> bool:
    """Whether a frame begins at `at`, by its length and checksum."""
    size = data[at] + 1
    return size >= 5 and at + size <= len(data) and uhfreader18.crc16(data, at, size) == 0


@given(garbage=GARBAGE, tags=st.lists(st.tuples(TAGS, st.integers(-128, 127)), max_size=4), tail=GARBAGE)
@settings(max_examples=300)
def test_r200_frames_behind_garbage_are_found(garbage: bytes, tags: list[tuple[bytes, int]], tail: bytes) -> None:
    frames = [r200_tag(*tag) for tag in tags]
    data = garbage + b"".join(frames) + tail
    assume(not any(r200_form_at(data, at) for at in range(len(garbage))))
    assert taken(r200.R200Window(), data)[: len(frames)] == frames


@given(data=st.binary(max_size=2000))
@settings(max_examples=300)
def test_r200_garbage_gives_only_frames_that_stand_in_it(data: bytes) -> None:
    for frame in taken(r200.R200Window(), data):
        assert frame in data
        assert r200_form_at(frame, 0)


@given(prefix=GARBAGE, tags=st.lists(st.binary(min_size=1, max_size=20), min_size=1, max_size=10))
@settings(max_examples=300)
def test_uhf18_frames_behind_garbage_are_found_when_the_line_falls_quiet(prefix: bytes, tags: list[bytes]) -> None:
    frame = uhf18_tags(tags, uhfreader18.STATUS_FINISHED)
    assume(not any(uhf18_form_at(prefix + frame, at) for at in range(len(prefix))))
    assert taken(uhfreader18.Uhf18Window(), prefix + frame) == [frame]


@given(data=st.binary(max_size=2000))
@settings(max_examples=200)
def test_uhf18_garbage_gives_only_frames_that_stand_in_it(data: bytes) -> None:
    for frame in taken(uhfreader18.Uhf18Window(), data):
        assert frame in data
        assert uhfreader18.crc16(frame, 0, len(frame)) == 0


@given(card=st.one_of(st.binary(min_size=3, max_size=3), st.binary(min_size=4, max_size=4)), wrong=st.integers(0, 33))
@settings(max_examples=300)
def test_every_card_goes_both_ways_and_a_wrong_bit_is_refused(card: bytes, wrong: int) -> None:
    bits = bytearray(40)
    count = wiegand.put_bits(card, len(card), bits)
    collector = wiegand.WiegandCollector()
    for bit in bits[:count]:
        collector.on_bit(bit)
    assert (collector.close(), bytes(collector.data[: collector.size])) == (count, card)
    bits[wrong % count] ^= 1
    for bit in bits[:count]:
        collector.on_bit(bit)
    assert collector.close() == 0


@given(
    data=st.binary(min_size=12, max_size=12), header=st.sampled_from([0x30, 0x33, 0x34]), partition=st.integers(0, 7)
)
@settings(max_examples=500)
def test_fields_that_are_read_are_those_of_the_bits_and_write_the_same_tag(
    data: bytes, header: int, partition: int
) -> None:
    tag = bytes([header, data[1] & 0xE3 | partition << 2]) + data[2:]
    fields = epc_fields.EpcFields()
    if not fields.decode(tag, 0, 12):
        return
    assert partition < 2
    value = int.from_bytes(tag, "big")
    prefix_bits = (40, 37)[partition]
    prefix = value >> (82 - prefix_bits) & ((1 << prefix_bits) - 1)
    assert int("".join(map(str, fields.digits[0][: fields.counts[0]]))) == prefix
    rest_bits = 82 - prefix_bits if fields.kind == epc.KIND_GIAI_96 else 38
    last = fields.digits[fields.count - 1][: fields.counts[fields.count - 1]]
    assert int("".join(map(str, last))) == value & ((1 << rest_bits) - 1)
    again = bytearray(12)
    assert fields.encode(again, 0)
    assert bytes(again) == tag
