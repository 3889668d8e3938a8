"""MQTT packets against the layouts of the specification, in every cut, and against bytes that are none."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.northbound.mqtt_packets import (
    PUBACK,
    PUBLISH,
    Packet,
    PacketError,
    PacketReader,
    Will,
    decode_id,
    decode_publish,
    encode_connect,
    encode_puback,
    encode_publish,
    encode_subscribe,
    is_suback_failure,
    refusal,
)


def _read(data: bytes) -> list[Packet]:
    return list(PacketReader().feed(data))


def test_connect_is_laid_out_as_in_3_1() -> None:
    assert encode_connect("gate", 10) == bytes.fromhex("10 10 0004 4d515454 04 02 000a 0004 67617465")
    will = Will("w", b"\x01\x02", retain=True)
    assert encode_connect("g", 60, will) == bytes.fromhex("10 14 0004 4d515454 04 2e 003c 0001 67 0001 77 0002 0102")


def test_publish_and_subscribe_are_laid_out_as_in_3_3_and_3_8() -> None:
    assert encode_publish("a/b", b"x") == bytes.fromhex("30 06 0003 612f62 78")
    assert encode_publish("a/b", b"x", packet_id=10, retain=True) == bytes.fromhex("33 08 0003 612f62 000a 78")
    assert encode_subscribe(10, "a/b", 1) == bytes.fromhex("82 08 000a 0003 612f62 01")
    assert encode_puback(0x1234) == bytes.fromhex("40 02 1234")


@pytest.mark.parametrize(
    ("size", "length"), [(124, "7f"), (125, "8001"), (16_380, "ff7f"), (16_381, "808001"), (2_097_148, "ffff7f")]
)
def test_remaining_length_grows_at_the_limits_of_2_2_3(size: int, length: str) -> None:
    packet = encode_publish("a", b"x" * size)
    assert packet[1 : 1 + len(length) // 2].hex() == length
    assert len(packet) == 1 + len(length) // 2 + 3 + size


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=200), st.binary(max_size=300), st.integers(0, 65535))
def test_what_is_published_is_read_back(topic: str, payload: bytes, packet_id: int) -> None:
    (packet,) = _read(encode_publish(topic, payload, packet_id=packet_id))
    assert packet.kind == PUBLISH
    assert decode_publish(packet) == (topic, payload, packet_id)


def test_packets_are_found_in_every_cut_of_the_stream() -> None:
    stream = encode_publish("t", b"y" * 300, packet_id=7) + encode_puback(9) + b"\xd0\x00" + encode_publish("u", b"")
    whole = _read(stream)
    assert [packet.kind for packet in whole] == [PUBLISH, PUBACK, 13, PUBLISH]
    for cut in range(len(stream) + 1):
        reader = PacketReader()
        assert [*reader.feed(stream[:cut]), *reader.feed(stream[cut:])] == whole
    reader = PacketReader()
    assert [packet for byte in stream for packet in reader.feed(bytes((byte,)))] == whole


@pytest.mark.parametrize("data", ["30 ffffffff 7f", "30 81808080", "30 80808001"])
def test_a_length_no_broker_may_send_is_refused(data: str) -> None:
    with pytest.raises(PacketError):
        _read(bytes.fromhex(data) + bytes(5))


@pytest.mark.parametrize("body", ["", "00", "0005 61", "0001 61", "0001 ff 0001", "0002 61"])
def test_a_publish_that_ends_early_or_has_no_text_is_refused(body: str) -> None:
    with pytest.raises(PacketError):
        decode_publish(Packet(PUBLISH, 2, bytes.fromhex(body)))


@given(st.binary(max_size=400))
def test_no_bytes_do_worse_than_a_packet_error(data: bytes) -> None:
    with contextlib.suppress(PacketError):
        for packet in _read(data):
            for take in (decode_publish, decode_id, refusal, is_suback_failure):
                with contextlib.suppress(PacketError):
                    take(packet)


def test_the_brokers_answers_are_told_apart() -> None:
    assert refusal(Packet(2, 0, b"\x00\x00")) == ""
    assert refusal(Packet(2, 0, b"\x00\x05")) == "this gate is not allowed to connect"
    assert not is_suback_failure(Packet(9, 0, b"\x00\x01\x01"))
    assert is_suback_failure(Packet(9, 0, b"\x00\x01\x80"))
