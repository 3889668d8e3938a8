"""The links of the uplink: connections that are made again for as long as the hub runs, the data on one at a time.

Knows: attempts and pauses, the data's connection and the probes of links that stand by, which link carries the data.
Must not know: records, telemetry, what is in a message. A missing broker is a field problem: a reason and a pause,
logged once when it comes and once when it goes.

After a link's return an attempt begins within one phase's deadline and one pause, so data flows again within 2 s.
"""

from __future__ import annotations

import asyncio
import logging
import random
import socket
import ssl
from collections.abc import Awaitable, Callable
from typing import Any

from edge.config import LinkConfig, UplinkConfig
from edge.northbound.link_choice import Health, LinkChoice
from edge.northbound.link_tls import client_context, tls_sentence
from edge.northbound.link_watch import LinkRecord
from edge.northbound.mqtt_client import BrokerError, MqttSession, describe
from edge.northbound.mqtt_packets import Will
from edge.northbound.pacer import Pacer
from edge.northbound.resolver import Resolver

PHASE_S = 1.2  # longest for each of: TCP, TLS, MQTT; a slower link would be of no use
PAUSE_FIRST_S, PAUSE_MAX_S = 0.1, 0.3  # between attempts that fail
DROPPED_PAUSE_S = 1.0  # after a connection that did not last, so that two hubs with one client_id do no harm
STEADY_S = 5.0  # a connection that lasted
LOOK_S = 0.5  # the health of links is looked at so often
_log = logging.getLogger(__name__)
_Serve = Callable[[MqttSession], Awaitable[None]]
_Will = Callable[[], Awaitable[Will | None]]


class Links:
    """`run` is a task of the hub; `serve` of it is called with every new connection of the data."""

    def __init__(self, config: UplinkConfig, pacer: Pacer, will: _Will | None = None) -> None:
        self._config = config
        self._pacer = pacer
        self._will = will or _no_will
        now = asyncio.get_running_loop().time()
        self._links = [_Link(link, now) for link in config.links]
        self._choice = LinkChoice(
            len(self._links),
            fail_over_after_s=config.fail_over_after_s,
            fail_back_after_s=config.fail_back_after_s,
        )
        self._data = asyncio.Lock()  # one connection at a time carries the data
        self._looking = asyncio.Event()
        self.session: MqttSession | None = None
        self.connects = 0

    @property
    def is_connected(self) -> bool:
        """Whether the data has a connection."""
        return self.session is not None and not self.session.lost.done()

    @property
    def reason(self) -> str:
        """Why it has none, "" while it has."""
        return "" if self.is_connected else self._links[self._choice.active].record.reason

    async def run(self, serve: _Serve) -> None:
        """Until cancelled. Errors of `serve` other than BrokerError pass through."""
        async with asyncio.TaskGroup() as group:
            for index in range(len(self._links)):
                group.create_task(self._keep(index, serve))
            group.create_task(self._look_on())

    def status(self) -> dict[str, Any]:
        """The links by name, the one that carries the data, and what is under way on it."""
        now = asyncio.get_running_loop().time()
        return {
            "active": self._config.links[self._choice.active].name,
            "active_because": self._choice.why,
            "switches": self._choice.switches,
            "window_bytes": int(self._pacer.window),
            "under_way_bytes": self._pacer.under_way,
            "links": {link.config.name: link.record.status(now) for link in self._links},
        }

    async def _keep(self, index: int, serve: _Serve) -> None:
        """One link for as long as the hub runs: the data's connection while it is chosen, else a probe."""
        link, pause = self._links[index], _Pause()
        while True:
            link.recall.clear()
            try:
                if index == self._choice.active:
                    await self._carry(link, serve)
                else:
                    await self._stand_by(link)
                pause.on_end(link.connected_for_s())
            except* BrokerError as group:
                pause.on_end(link.connected_for_s())
                link.on_down(str(_first(group)))
                self._looking.set()
            if not link.recall.is_set():
                await asyncio.sleep(pause.next_s())

    async def _carry(self, link: _Link, serve: _Serve) -> None:
        async with self._data:
            if self._config.links[self._choice.active] is not link.config:
                return  # chosen and given up again while the other connection closed
            session = await link.connect(self._config.client_id, self._will, self._pacer)
            self.session = session
            self.connects += 1
            self._looking.set()
            try:
                await _serve_until_recalled(session, link.recall, serve)
            finally:
                self.session = None
                await session.close()

    async def _stand_by(self, link: _Link) -> None:
        session = await link.connect(f"{self._config.client_id}-{link.config.name}-probe", _no_will, None)
        self._looking.set()
        try:
            await _serve_until_recalled(session, link.recall, _only_echo)
        finally:
            await session.close()

    async def _look_on(self) -> None:
        """Choose anew whenever a link comes or goes, and every LOOK_S."""
        while True:
            try:
                async with asyncio.timeout(LOOK_S):
                    await self._looking.wait()
            except TimeoutError:
                pass
            self._looking.clear()
            before, now = self._choice.active, asyncio.get_running_loop().time()
            for link in self._links:
                link.count_segments()
            if self._choice.look(now, [link.health(self._config) for link in self._links]):
                _log.warning("uplink: now over %s (%s)", self._links[self._choice.active].config.name, self._choice.why)
                for index in (before, self._choice.active):
                    self._links[index].recall.set()


class _Link:
    """One link: its attempts, and what it has been through."""

    def __init__(self, config: LinkConfig, now_s: float) -> None:
        self.config = config
        self.record = LinkRecord(now_s)
        self.recall = asyncio.Event()  # end what the link does, its part has changed
        self._resolver = Resolver(config.host, config.port)
        self._session: MqttSession | None = None
        self._connected_s: float | None = None
        self._is_loss_told = False

    async def connect(self, client_id: str, will: _Will, pacer: Pacer | None) -> MqttSession:
        """One attempt; raises BrokerError with the reason."""
        self._connected_s = None
        self.record.attempts += 1
        session = MqttSession(self.record, pacer)
        try:
            await self._open(session, client_id, will)
        except TimeoutError:
            session.abort("")
            raise BrokerError(f"no answer from {self.config.host}:{self.config.port} within {PHASE_S:.1f} s") from None
        except BrokerError as error:
            raise BrokerError(self._why_unaccepted(session, str(error))) from error
        except TlsBrokenOffError as error:
            place = f"{self.config.host}:{self.config.port}"
            raise BrokerError(f"{place}: {error} during the TLS handshake; is this the broker's TLS port?") from error
        except ssl.SSLError as error:
            raise BrokerError(tls_sentence(error, self.config)) from error
        except (OSError, ValueError) as error:
            raise BrokerError(f"{self.config.host}:{self.config.port}: {describe(error)}") from error
        except asyncio.CancelledError:
            session.abort("")
            raise
        self._on_up(session)
        return session

    async def _open(self, session: MqttSession, client_id: str, will: _Will) -> None:
        loop, context = asyncio.get_running_loop(), client_context(self.config)
        async with asyncio.timeout(PHASE_S):
            address = await self._resolver.next_address()
            sock = make_socket(address.family)
            try:
                if self.config.bind_address:
                    sock.bind((self.config.bind_address, 0))
                await loop.sock_connect(sock, address.sockaddr)
            except BaseException:
                sock.close()
                raise
        self._resolver.keep_address()
        async with asyncio.timeout(PHASE_S):
            name = (self.config.server_name or self.config.host) if context is not None else None
            try:
                await loop.create_connection(lambda: session, sock=sock, ssl=context, server_hostname=name)
            except ConnectionError as error:
                raise TlsBrokenOffError(describe(error)) from error
        async with asyncio.timeout(PHASE_S):
            await session.open(client_id, await will())  # asked now: a will belongs to one CONNECT

    def _why_unaccepted(self, session: MqttSession, reason: str) -> str:
        """TLS 1.3 hears of a refused certificate after its handshake; a broker that expects TLS just closes."""
        if isinstance(session.error, ssl.SSLError):
            return tls_sentence(session.error, self.config)
        if isinstance(session.error, ConnectionError):
            place = f"{self.config.host}:{self.config.port}"
            return f"{place}: {reason} before it accepted this gate; see its log, and whether it expects TLS there"
        return reason

    def _on_up(self, session: MqttSession) -> None:
        now = asyncio.get_running_loop().time()
        self._session, self._connected_s = session, now
        self.record.on_up(now)
        self._is_loss_told = False
        _log.warning("uplink: %s: connected to %s:%d", self.config.name, self.config.host, self.config.port)

    def on_down(self, reason: str) -> None:
        """The connection is lost, or an attempt failed."""
        if not self._is_loss_told:
            _log.warning("uplink: %s: offline (%s); records are kept in the journal", self.config.name, reason)
        self._is_loss_told = True
        self._session = None
        self.record.on_down(asyncio.get_running_loop().time(), reason)

    def connected_for_s(self) -> float | None:
        """How long the last connection lasted; None after an attempt that failed."""
        return None if self._connected_s is None else asyncio.get_running_loop().time() - self._connected_s

    def count_segments(self) -> None:
        """Note what the system says of the connection's losses."""
        segments = self._session.segments() if self._session is not None else None
        if segments is not None:
            self.record.on_segments(*segments)

    def health(self, config: UplinkConfig) -> Health:
        """For the choice between the links."""
        round_trip_s, loss = self.record.recent_round_trip_s(), self.record.loss_percent()
        is_slow = round_trip_s is not None and round_trip_s * 1000 > config.fail_over_rtt_ms
        return Health(self.record.is_up, not is_slow and (loss or 0.0) <= config.fail_over_loss_percent)


class TlsBrokenOffError(Exception):
    """The other end closed the connection instead of a TLS handshake."""


class _Pause:
    """How long until the next attempt: short, never growing beyond what 2 s for everything allow."""

    def __init__(self) -> None:
        self._next_s = PAUSE_FIRST_S

    def on_end(self, connected_for_s: float | None) -> None:
        """A connection ended after so long, or an attempt failed (None)."""
        if connected_for_s is None:
            self._next_s = min(2 * self._next_s, PAUSE_MAX_S)
        else:
            self._next_s = PAUSE_FIRST_S if connected_for_s >= STEADY_S else DROPPED_PAUSE_S

    def next_s(self) -> float:
        """With jitter, so that gates that lost one broker do not come back as one."""
        return self._next_s * random.uniform(0.75, 1.0)


async def _serve_until_recalled(session: MqttSession, recall: asyncio.Event, serve: _Serve) -> None:
    """Run `serve` until it fails, the connection is lost or the link is recalled; it may publish while it is ended."""
    work, recalled = asyncio.ensure_future(serve(session)), asyncio.ensure_future(recall.wait())
    work.add_done_callback(lambda done: done.cancelled() or done.exception())  # looked at, also when the hub ends
    ends: list[asyncio.Future[Any]] = [work, recalled, session.lost]
    try:
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    finally:
        recalled.cancel()
        work.cancel()
        await asyncio.wait([work])
    if not work.cancelled() and (error := work.exception()) is not None:
        raise error
    if session.lost.done():
        raise BrokerError(session.lost.result())


async def _no_will() -> None:
    """A probe's end is nobody's business."""


async def _only_echo(session: MqttSession) -> None:
    """What a probe does: nothing; the session's echoes tell how the link is."""
    await asyncio.shield(session.lost)


def make_socket(family: socket.AddressFamily) -> socket.socket:
    """A TCP socket for the loop that sends at once: a message must not wait for the acknowledgement of the one before.

    The loop sees to that for sockets of its own making alone.
    """
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setblocking(False)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """One leaf of the group; they all tell the same loss."""
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
