"""MQTT 3.1.1 packets of a client, both ways: bytes in, values out, and back. Pure.

Knows: the specification's packet layouts (OASIS MQTT 3.1.1, chapters 2 and 3), QoS 0 and 1. Must not know: sockets,
sessions, topics' meanings. Sizes are bounded: a packet above PACKET_SIZE_MAX is an error of the other side.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

CONNACK, PUBLISH, PUBACK, SUBACK, PINGRESP = 2, 3, 4, 9, 13
PINGREQ_PACKET = b"\xc0\x00"
DISCONNECT_PACKET = b"\xe0\x00"
PACKET_SIZE_MAX = 1024 * 1024  # of what a broker may send; commands and acknowledgements are far smaller
_REMAINING_SIZE_MAX = 268_435_455
_TEXT_SIZE_MAX = 65_535
_REFUSALS = {
    1: "it does not speak MQTT 3.1.1",
    2: "it does not accept this client_id",
    3: "it is not ready",
    4: "user name or password is wrong",
    5: "this gate is not allowed to connect",
}


class PacketError(ValueError):
    """Bytes that are no MQTT packet a broker may send; the text says which rule they break."""


@dataclass(frozen=True, slots=True)
class Will:
    """What the broker publishes for us when the connection ends without a DISCONNECT."""

    topic: str
    payload: bytes
    qos: int = 1
    retain: bool = False


@dataclass(frozen=True, slots=True)
class Packet:
    """One packet: its type (upper four bits), flags (lower four) and body."""

    kind: int
    flags: int
    body: bytes


def encode_connect(client_id: str, keepalive_s: int, will: Will | None = None) -> bytes:
    """CONNECT with a clean session (3.1)."""
    flags, tail = 0x02, _text(client_id)
    if will is not None:
        flags |= 0x04 | will.qos << 3 | (0x20 if will.retain else 0)
        tail += _text(will.topic) + struct.pack(">H", len(will.payload)) + will.payload
    return _packet(0x10, b"\x00\x04MQTT\x04" + struct.pack(">BH", flags, keepalive_s) + tail)


def encode_publish(topic: str, payload: bytes, *, packet_id: int = 0, retain: bool = False) -> bytes:
    """PUBLISH, QoS 1 when `packet_id` is not 0 (3.3)."""
    name = topic.encode()
    head = len(name).to_bytes(2, "big") + name
    first = 0x31 if retain else 0x30
    if packet_id:
        head += packet_id.to_bytes(2, "big")
        first |= 0x02
    size = len(head) + len(payload)
    if size < 128:
        return b"".join(((first << 8 | size).to_bytes(2, "big"), head, payload))
    return b"".join((bytes((first,)), _remaining(size), head, payload))


def encode_subscribe(packet_id: int, topic: str, qos: int) -> bytes:
    """SUBSCRIBE to one topic filter (3.8)."""
    return _packet(0x82, struct.pack(">H", packet_id) + _text(topic) + bytes((qos,)))


def encode_puback(packet_id: int) -> bytes:
    """PUBACK (3.4)."""
    return struct.pack(">BBH", 0x40, 2, packet_id)


def decode_publish(packet: Packet) -> tuple[str, bytes, int]:
    """Topic, payload and packet id (0 for QoS 0) of a PUBLISH; raises PacketError."""
    body, qos = packet.body, packet.flags >> 1 & 3
    start = 2 + int.from_bytes(body[:2], "big")
    end = start + (2 if qos else 0)
    if len(body) < max(2, end) or qos > 1:
        raise PacketError(f"PUBLISH of {len(body)} bytes with QoS {qos}")
    try:
        topic = body[2:start].decode()
    except UnicodeDecodeError as error:
        raise PacketError("PUBLISH with a topic that is not UTF-8") from error
    return topic, body[end:], int.from_bytes(body[start:end], "big")


def decode_id(packet: Packet) -> int:
    """Packet id of a PUBACK or SUBACK; raises PacketError."""
    if len(packet.body) < 2:
        raise PacketError(f"packet type {packet.kind} without a packet id")
    return int.from_bytes(packet.body[:2], "big")


def is_suback_failure(packet: Packet) -> bool:
    """Whether the broker refused the subscription (3.9.3)."""
    return len(packet.body) != 3 or packet.body[2] > 2


def refusal(packet: Packet) -> str:
    """Why the broker refuses the connection, "" when it accepts (3.2.2.3)."""
    if len(packet.body) != 2:
        raise PacketError(f"CONNACK of {len(packet.body)} bytes")
    code = packet.body[1]
    return _REFUSALS.get(code, f"return code {code}") if code else ""


class PacketReader:
    """Finds packets in a stream of bytes. `feed` takes what arrived and yields what is complete."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[Packet]:
        """Every packet that is complete now; raises PacketError at bytes that begin none."""
        self._buffer += data
        buffer, position = bytes(self._buffer), 0
        while (found := _find(buffer, position)) is not None:
            start, end = found
            yield Packet(buffer[position] >> 4, buffer[position] & 15, buffer[start:end])
            position = end
        del self._buffer[:position]


def _find(buffer: bytes, position: int) -> tuple[int, int] | None:
    """Start and end of the body of the packet at `position`, None while bytes are missing (2.2.3)."""
    size, shift = 0, 0
    for index in range(position + 1, min(position + 5, len(buffer))):
        size |= (buffer[index] & 127) << shift
        shift += 7
        if buffer[index] < 128:
            if size > PACKET_SIZE_MAX:
                raise PacketError(f"a packet of {size} bytes; at most {PACKET_SIZE_MAX} are taken")
            end = index + 1 + size
            return (index + 1, end) if end <= len(buffer) else None
    if len(buffer) - position >= 5:
        raise PacketError("a remaining length of more than four bytes")
    return None


def _packet(first: int, body: bytes) -> bytes:
    return bytes((first,)) + _remaining(len(body)) + body


def _remaining(size: int) -> bytes:
    if size > _REMAINING_SIZE_MAX:
        raise ValueError(f"a packet of {size} bytes; MQTT allows {_REMAINING_SIZE_MAX}")
    digits = bytearray()
    while size > 127:
        digits.append(size & 127 | 128)
        size >>= 7
    digits.append(size)
    return bytes(digits)


def _text(text: str) -> bytes:
    data = text.encode()
    if len(data) > _TEXT_SIZE_MAX:
        raise ValueError(f"a text of {len(data)} bytes; MQTT allows {_TEXT_SIZE_MAX}")
    return struct.pack(">H", len(data)) + data
