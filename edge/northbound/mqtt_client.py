"""One MQTT connection on an asyncio transport: publish, subscribe, and know within seconds when the other end is gone.

Knows: asyncio transports, the packets of `mqtt_packets.py`, when an echo is due (`link_watch.py`). Must not know:
records, acknowledgements, topics' meanings, which link is tried next (`links.py`).
Nothing awaits inside a cancellation: a connection that is given up is aborted, its socket closed in the same call.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import ssl
import struct
from collections import deque
from collections.abc import AsyncIterator

from edge.northbound.link_watch import EchoTrack, LinkRecord
from edge.northbound.mqtt_packets import (
    CONNACK,
    DISCONNECT_PACKET,
    PINGREQ_PACKET,
    PINGRESP,
    PUBACK,
    PUBLISH,
    SUBACK,
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
from edge.northbound.pacer import Pacer

KEEPALIVE_S = 10  # how soon a broker publishes the will; our own echoes are more frequent
PUBACK_MAX_S = 10.0  # a broker that answers echoes but keeps nothing
INCOMING_MAX = 1000  # messages waiting to be read; beyond it the socket is not read
FLUSH_S = 1.0  # a closing connection may take so long to send what was published
_IDS = 65_535
_TCP_INFO_SIZE = 140  # Linux's struct tcp_info up to tcpi_segs_out; tcpi_total_retrans stands at 100
_SEGMENTS_OUT = struct.Struct("=I")


class BrokerError(Exception):
    """The broker cannot be reached or does not answer; the text is one sentence."""


class MqttSession(asyncio.Protocol):
    """One connection. Every method raises BrokerError once it is lost."""

    def __init__(self, record: LinkRecord, pacer: Pacer | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        self._record = record
        self._pacer = pacer
        self._reader = PacketReader()
        self._echo = EchoTrack(self._loop.time(), self._mark())
        self._transport: asyncio.Transport | None = None
        self._outgoing: list[bytes] = []
        self._written = 0
        self._marked = 0
        self._unacked: dict[int, tuple[float, asyncio.Future[None]]] = {}
        self._subscribing: dict[int, asyncio.Future[None]] = {}
        self._last_id = 0
        self._incoming: deque[tuple[str, bytes]] = deque()
        self._arrived = asyncio.Event()
        self._connected: asyncio.Future[None] = self._loop.create_future()
        self.lost: asyncio.Future[str] = self._loop.create_future()  # the reason
        self.error: Exception | None = None  # what the transport said of its end
        self._timer: asyncio.TimerHandle | None = None

    # What the sending side calls.

    def publish_nowait(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Publish with QoS 0; written with everything else of this turn of the loop."""
        self._write(encode_publish(topic, payload, retain=retain))

    def publish_acked(self, topic: str, payload: bytes, *, retain: bool = False) -> asyncio.Future[None]:
        """Publish with QoS 1; the future is done once the broker has it. Cancelling the future recalls nothing."""
        packet_id = self._next_id()
        self._write(encode_publish(topic, payload, packet_id=packet_id, retain=retain))
        acked: asyncio.Future[None] = self._loop.create_future()
        self._unacked[packet_id] = (self._loop.time(), acked)
        return acked

    async def subscribe(self, topic: str) -> None:
        """Ask for `topic`, QoS 1; return once the broker has agreed."""
        packet_id = self._next_id()
        self._write(encode_subscribe(packet_id, topic, 1))
        agreed = self._subscribing[packet_id] = self._loop.create_future()
        await agreed

    async def messages(self) -> AsyncIterator[tuple[str, bytes]]:
        """Topic and payload of what arrives, until the connection is lost; for one reader."""
        while True:
            while self._incoming:
                message = self._incoming.popleft()
                self._read_on()
                yield message
            if self.lost.done():
                raise BrokerError(self.lost.result())
            self._arrived.clear()
            await self._arrived.wait()

    @property
    def unsent(self) -> int:
        """Bytes not yet handed to the operating system."""
        buffered = self._transport.get_write_buffer_size() if self._transport is not None else 0
        return sum(map(len, self._outgoing)) + buffered

    def segments(self) -> tuple[int, int] | None:
        """TCP segments sent on this connection, and how many of them again; None where the system does not tell."""
        sock = self._transport.get_extra_info("socket") if self._transport is not None else None
        if sock is None or self.lost.done() or not hasattr(socket, "TCP_INFO"):
            return None
        info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO_SIZE)
        if len(info) < _TCP_INFO_SIZE:
            return None
        return _SEGMENTS_OUT.unpack_from(info, 136)[0], _SEGMENTS_OUT.unpack_from(info, 100)[0]

    # What the connecting side calls.

    async def open(self, client_id: str, will: Will | None) -> None:
        """Introduce the gate; return once the broker has accepted it."""
        self._write(encode_connect(client_id, KEEPALIVE_S, will))
        await self._connected

    async def close(self) -> None:
        """Send what was published, say goodbye (the broker then drops the will) and close; FLUSH_S at the most."""
        if self._transport is not None and not self.lost.done():
            self._write(DISCONNECT_PACKET)
            self._flush()
            self._transport.close()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(FLUSH_S):
                    await asyncio.shield(self.lost)
        self.abort("closed")

    def abort(self, reason: str) -> None:
        """Close the socket now, whatever is in it."""
        if self._transport is not None:
            self._transport.abort()
        self._on_lost(reason)

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        if self._pacer is not None:
            self._pacer.reset()
        self._arm()

    def data_received(self, data: bytes) -> None:
        self._record.bytes_in += len(data)
        try:
            for packet in self._reader.feed(data):
                self._take(packet)
        except PacketError as error:
            self.abort(f"the broker sent {error}")

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.lost.done():
            self.error = exc or ConnectionError("the broker closed the connection")
            self._on_lost(describe(self.error))

    # Inside

    def _write(self, packet: bytes) -> None:
        if self.lost.done():
            raise BrokerError(self.lost.result())
        if not self._outgoing:
            self._loop.call_soon(self._flush)
        self._outgoing.append(packet)
        self._written += len(packet)
        self._echo.on_data(self._loop.time())

    def _flush(self) -> None:
        if self._outgoing and self._transport is not None and not self.lost.done():
            pacer = self._pacer
            if pacer is not None and pacer.is_busy and self._written - self._marked >= pacer.window / 4:
                self._send_echo()
            data = b"".join(self._outgoing)
            self._outgoing.clear()
            self._transport.write(data)
            self._record.bytes_out += len(data)
            self._arm()

    def _take(self, packet: Packet) -> None:
        if packet.kind == PINGRESP:
            self._on_answer()
        elif packet.kind == PUBLISH:
            self._on_message(packet)
        elif packet.kind == PUBACK:
            _, acked = self._unacked.pop(decode_id(packet), (0.0, None))
            if acked is not None and not acked.done():
                acked.set_result(None)
        elif packet.kind == SUBACK:
            self._on_suback(packet)
        elif packet.kind == CONNACK:
            self._on_connack(packet)

    def _on_connack(self, packet: Packet) -> None:
        if why := refusal(packet):
            self.abort(f"the broker refuses the connection: {why}")
        elif not self._connected.done():
            self._connected.set_result(None)

    def _on_suback(self, packet: Packet) -> None:
        agreed = self._subscribing.pop(decode_id(packet), None)
        if agreed is None or agreed.done():
            return
        if is_suback_failure(packet):
            agreed.set_exception(BrokerError("the broker refuses a subscription; allow this gate to read its topics"))
        else:
            agreed.set_result(None)

    def _on_message(self, packet: Packet) -> None:
        topic, payload, packet_id = decode_publish(packet)
        self._incoming.append((topic, payload))
        self._arrived.set()
        if packet_id and not self.lost.done():
            self._write(encode_puback(packet_id))
        if len(self._incoming) >= INCOMING_MAX and self._transport is not None:
            self._transport.pause_reading()

    def _read_on(self) -> None:
        if len(self._incoming) == INCOMING_MAX // 2 and self._transport is not None and not self.lost.done():
            self._transport.resume_reading()

    def _send_echo(self) -> None:
        self._outgoing.append(PINGREQ_PACKET)
        self._marked = self._written
        self._echo.on_echo(self._loop.time(), self._mark())
        self._record.echoes += 1

    def _mark(self) -> int:
        return sum(self._pacer.sent_bytes) if self._pacer is not None else 0

    def _on_answer(self) -> None:
        now = self._loop.time()
        answer = self._echo.on_answer(now)
        if answer is None:
            return
        round_trip_s, arrived = answer
        self._record.on_round_trip(now, round_trip_s)
        if self._pacer is not None:
            self._pacer.acked(arrived)
            self._pacer.on_round_trip(round_trip_s)
        self._arm()

    def _arm(self) -> None:
        """Wake for what comes first: the next echo, or the last moment for the answer to an earlier one."""
        dead_s = self._echo.dead_s()
        due_s = self._echo.due_s() if dead_s is None else min(self._echo.due_s(), dead_s)
        if self._timer is None or due_s < self._timer.when() - 0.001:
            if self._timer is not None:
                self._timer.cancel()
            self._timer = self._loop.call_at(due_s, self._on_timer)

    def _on_timer(self) -> None:
        self._timer, now = None, self._loop.time()
        if self.lost.done():
            return
        if silence := self._silence(now):
            self.abort(silence)
            return
        if self._echo.due_s() <= now + 0.001:
            self._send_echo()
            self._flush()
        self._arm()

    def _silence(self, now: float) -> str:
        dead_s = self._echo.dead_s()
        if dead_s is not None and dead_s <= now:
            return "no answer from the broker any more; the link swallows what is sent"
        oldest = next(iter(self._unacked.values()), None)
        if oldest is not None and now - oldest[0] >= PUBACK_MAX_S:
            return "the broker answers, but has acknowledged nothing for 10 s; look at its disk and its cluster"
        return ""

    def _next_id(self) -> int:
        if len(self._unacked) + len(self._subscribing) >= _IDS:
            raise BrokerError("65535 messages wait for the broker's acknowledgement")
        while True:
            self._last_id = self._last_id % _IDS + 1
            if self._last_id not in self._unacked and self._last_id not in self._subscribing:
                return self._last_id

    def _on_lost(self, reason: str) -> None:
        """The one end of a connection; what comes later changes nothing."""
        if self.lost.done():
            return
        self.lost.set_result(reason)
        self._record.echoes_lost += self._echo.count()
        if self._timer is not None:
            self._timer.cancel()
        for future in (self._connected, *self._subscribing.values(), *(acked for _, acked in self._unacked.values())):
            if not future.done():
                future.set_exception(BrokerError(reason))
                future.exception()  # whoever waits is told; nobody has to
        self._arrived.set()


def describe(error: BaseException) -> str:
    """The sentence for an error of the operating system or of TLS."""
    if isinstance(error, OSError) and error.strerror and not isinstance(error, ssl.SSLError):
        # asyncio puts its own text and the address into strerror; a name server's errors have negative numbers
        return os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror
    return str(error) or type(error).__name__
