"""A link and a broker at its end, in virtual time: bytes take their time, and fail as a test wants.

The broker takes what arrives in order: it accepts CONNECT, notes PUBLISH with its time of arrival, answers QoS 1 and
PINGREQ. Real brokers behind real sockets: tests/interop.
"""

import asyncio
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from edge.northbound.link_watch import LinkRecord
from edge.northbound.mqtt_client import MqttSession
from edge.northbound.mqtt_packets import PUBLISH, PacketReader, decode_publish, encode_puback
from edge.northbound.pacer import Pacer

_CONNECT, _SUBSCRIBE, _PINGREQ, _DISCONNECT = 1, 8, 12, 14


class Mode(Enum):
    """What becomes of connections and bytes."""

    PASS = "pass"
    REFUSED = "refused"  # no connection is taken, those that stand are reset
    HOLE = "hole"  # nothing arrives, either way; connecting gets no answer
    DOWN_HOLE = "down hole"  # all arrives there, nothing comes back
    DEAF = "deaf"  # connections are taken, and nobody answers on them


@dataclass
class Arrival:
    """One PUBLISH at the broker."""

    at_s: float
    topic: str
    payload: bytes
    client_id: str


@dataclass
class Broker:
    """Where links end. `at_once` is who is connected, by client id."""

    arrivals: list[Arrival] = field(default_factory=list)
    connected: dict[str, "_Wire"] = field(default_factory=dict)
    events: list[str] = field(default_factory=list)
    acks_publications: bool = True


class _Wire(asyncio.Transport):
    """One connection over a link."""

    def __init__(self, link: "SimulatedLink", session: MqttSession) -> None:
        super().__init__()
        self._link = link
        self._session = session
        self._reader = PacketReader()
        self._free_s = 0.0
        self.client_id = ""
        self.is_open = True
        self._is_closing = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        loop, link = asyncio.get_running_loop(), self._link
        self._free_s = max(self._free_s, loop.time()) + len(data) / link.bytes_per_s
        loop.call_at(self._free_s + link.delay_s, self._arrive, bytes(data), link.epoch)

    def get_write_buffer_size(self) -> int:
        return max(0, int((self._free_s - asyncio.get_running_loop().time()) * self._link.bytes_per_s))

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return default

    def close(self) -> None:
        """What was written still arrives; the broker closes in turn."""
        self._is_closing = True
        loop = asyncio.get_running_loop()
        loop.call_at(max(self._free_s, loop.time()) + 2 * self._link.delay_s, self.end, None)

    def abort(self) -> None:
        asyncio.get_running_loop().call_soon(self.end, None)

    def end(self, error: Exception | None) -> None:
        if self.is_open:
            self.is_open = False
            if self._link.broker.connected.get(self.client_id) is self:
                del self._link.broker.connected[self.client_id]
                self._link.broker.events.append(f"- {self.client_id}")
            self._session.connection_lost(error)

    def _arrive(self, data: bytes, epoch: int) -> None:
        """At the broker. What was under way when a hole opened is lost, and with it all that follows."""
        if not self.is_open or epoch != self._link.epoch or self._link.mode in (Mode.HOLE, Mode.DEAF):
            return
        for packet in self._reader.feed(data):
            if packet.kind == PUBLISH:
                self._publish(packet)
            elif packet.kind == _CONNECT:
                self._connect(packet.body)
            elif packet.kind == _PINGREQ:
                self._answer(b"\xd0\x00")
            elif packet.kind == _SUBSCRIBE:
                self._answer(b"\x90\x03" + packet.body[:2] + b"\x01")
            elif packet.kind == _DISCONNECT:
                self._link.broker.events.append(f"bye {self.client_id}")

    def _connect(self, body: bytes) -> None:
        size = int.from_bytes(body[10:12], "big")
        self.client_id, broker = body[12 : 12 + size].decode(), self._link.broker
        if (other := broker.connected.get(self.client_id)) is not None:
            other.end(ConnectionResetError(104, "taken over"))
        broker.connected[self.client_id] = self
        broker.events.append(f"+ {self.client_id}")
        self._answer(b"\x20\x02\x00\x00")

    def _publish(self, packet: Any) -> None:
        topic, payload, packet_id = decode_publish(packet)
        self._link.broker.arrivals.append(Arrival(asyncio.get_running_loop().time(), topic, payload, self.client_id))
        if packet_id and self._link.broker.acks_publications:
            self._answer(encode_puback(packet_id))

    def _answer(self, data: bytes) -> None:
        asyncio.get_running_loop().call_later(self._link.delay_s, self._come_back, data, self._link.epoch)

    def _come_back(self, data: bytes, epoch: int) -> None:
        if self.is_open and epoch == self._link.epoch and self._link.mode is Mode.PASS:
            self._session.data_received(data)


class SimulatedLink:
    """One way to a broker."""

    def __init__(self, broker: Broker, *, bytes_per_s: float = 1e9, delay_s: float = 0.01) -> None:
        self.broker = broker
        self.bytes_per_s = bytes_per_s
        self.delay_s = delay_s
        self.mode = Mode.PASS
        self.epoch = 0  # a hole tears every connection's stream for good
        self.attempts_s: list[float] = []
        self.wires: list[_Wire] = []

    def set(self, mode: Mode) -> None:
        self.mode = mode
        if mode is not Mode.PASS:
            self.epoch += 1
        if mode is Mode.REFUSED:
            for wire in self.wires:
                wire.end(ConnectionResetError(104, "Connection reset by peer"))

    async def open(self, session: MqttSession) -> None:
        """In the place of TCP."""
        self.attempts_s.append(asyncio.get_running_loop().time())
        if self.mode is Mode.REFUSED:
            raise ConnectionRefusedError(111, "Connection refused")
        if self.mode in (Mode.HOLE, Mode.DOWN_HOLE):
            await asyncio.get_running_loop().create_future()
        await asyncio.sleep(2 * self.delay_s)
        wire = _Wire(self, session)
        self.wires = [*(other for other in self.wires if other.is_open), wire]
        session.connection_made(wire)


async def connect(link: SimulatedLink, record: LinkRecord, pacer: Pacer | None = None) -> MqttSession:
    """A session over `link`, accepted by the broker."""
    session = MqttSession(record, pacer)
    await link.open(session)
    await session.open("gate", None)
    return session
