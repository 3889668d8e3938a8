"""A broker of a few lines that writes down every packet a gate sends, flags included, and says what it is told to.

It is no broker for anybody else: it agrees to everything, and delivers what the test gives it.
"""

import asyncio
from dataclasses import dataclass, field

from tests.edge.northbound.sparkplug_host import Host, Seen

CONNECT, PUBLISH, PUBACK, SUBSCRIBE, PINGREQ, DISCONNECT = 1, 3, 4, 8, 12, 14


@dataclass
class Packet:
    """One packet as it came over the wire. Of a CONNECT, topic, payload, qos and retain are those of its will."""

    kind: int
    connection: int
    topic: str = ""
    payload: bytes = b""
    qos: int = 0
    retain: bool = False
    flags: int = 0
    seen: Seen | None = None  # of Sparkplug messages


@dataclass
class RecordingBroker:
    """Open it with `start`; `until` waits for what is looked for among `packets`."""

    host: Host = field(default_factory=Host)
    packets: list[Packet] = field(default_factory=list)
    retained: dict[str, bytes] = field(default_factory=dict)  # delivered to whoever subscribes to exactly this topic
    connections: int = 0
    port: int = 0

    async def start(self) -> asyncio.Server:
        self._changed = asyncio.Condition()
        self._writers: list[asyncio.StreamWriter] = []
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        return server

    async def until(self, kind: str, count: int = 1) -> None:
        """Until Sparkplug messages of `kind` have come `count` times."""
        async with self._changed:
            await self._changed.wait_for(lambda: len(self.of(kind)) >= count)

    async def until_packets(self, kind: int, count: int = 1) -> None:
        async with self._changed:
            await self._changed.wait_for(lambda: sum(packet.kind == kind for packet in self.packets) >= count)

    def of(self, *kinds: str) -> list[Packet]:
        """Published Sparkplug messages of these kinds, in order."""
        return [p for p in self.packets if p.kind == PUBLISH and p.seen is not None and p.seen.kind in kinds]

    def published(self) -> list[Packet]:
        """All published Sparkplug messages, in order."""
        return [p for p in self.packets if p.kind == PUBLISH and p.seen is not None]

    def say(self, topic: str, payload: bytes) -> None:
        """Deliver a message to the gate."""
        self._writers[-1].write(_publish(topic, payload))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.append(writer)
        connection = self.connections
        try:
            while True:
                first, body = await _read(reader)
                self._take(connection, first, body, writer)
                async with self._changed:
                    self._changed.notify_all()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    def _take(self, connection: int, first: int, body: bytes, writer: asyncio.StreamWriter) -> None:
        packet = Packet(first >> 4, connection)
        self.packets.append(packet)
        if packet.kind == CONNECT:
            self._take_connect(packet, body)
            writer.write(b"\x20\x02\x00\x00")
        elif packet.kind == PUBLISH:
            packet.qos, packet.retain = first >> 1 & 3, bool(first & 1)
            packet.topic, rest = _text(body)
            packet.payload = rest[2:] if packet.qos else rest
            if packet.qos:
                writer.write(b"\x40\x02" + rest[:2])
            if packet.topic.startswith("spBv1.0/"):
                packet.seen = self.host.take(packet.topic, packet.payload, packet.qos)
        elif packet.kind == SUBSCRIBE:
            packet.topic, rest = _text(body[2:])
            packet.qos = rest[0]
            writer.write(b"\x90\x03" + body[:2] + b"\x01")
            if packet.topic in self.retained:
                writer.write(_publish(packet.topic, self.retained[packet.topic]))
        elif packet.kind == PINGREQ:
            writer.write(b"\xd0\x00")

    def _take_connect(self, packet: Packet, body: bytes) -> None:
        packet.flags = body[7]
        if not packet.flags & 0x04:
            return
        packet.qos, packet.retain = body[7] >> 3 & 3, bool(body[7] & 0x20)
        _, rest = _text(body[10:])
        packet.topic, rest = _text(rest)
        packet.payload = rest[2 : 2 + int.from_bytes(rest[:2], "big")]
        packet.seen = Host().take(packet.topic, packet.payload, packet.qos)


async def _read(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    first, size, shift = (await reader.readexactly(1))[0], 0, 0
    while True:
        byte = (await reader.readexactly(1))[0]
        size |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return first, await reader.readexactly(size)


def _publish(topic: str, payload: bytes) -> bytes:
    body = len(topic).to_bytes(2, "big") + topic.encode() + payload
    return b"\x30" + _size(len(body)) + body


def _size(size: int) -> bytes:
    out = bytearray()
    while size >= 0x80:
        out.append(size & 0x7F | 0x80)
        size >>= 7
    return bytes([*out, size])


def _text(data: bytes) -> tuple[str, bytes]:
    size = int.from_bytes(data[:2], "big")
    return data[2 : 2 + size].decode(), data[2 + size :]
