"""One link: an attempt to connect in three phases, each with its deadline, and what became of the attempts.

Knows: sockets, TLS, the resolver, the sentences for what can go wrong. Must not know: other links, when to try again
(`links.py`), what is sent.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import Awaitable, Callable

from edge.config import LinkConfig, UplinkConfig
from edge.northbound.link_choice import Health
from edge.northbound.link_tls import broken_off_sentence, client_context, tls_sentence
from edge.northbound.link_watch import LinkRecord
from edge.northbound.mqtt_client import BrokerError, MqttSession, describe
from edge.northbound.mqtt_packets import Will
from edge.northbound.pacer import Pacer
from edge.northbound.resolver import Resolver

PHASE_S = 1.2  # longest for each of: TCP, TLS, MQTT; a slower link would be of no use
WillSource = Callable[[], Awaitable[Will | None]]
_log = logging.getLogger(__name__)


class TlsBrokenOffError(Exception):
    """The other end closed the connection instead of a TLS handshake."""


class Link:
    """One link: its attempts, and what it has been through."""

    def __init__(self, config: LinkConfig, now_s: float) -> None:
        self.config = config
        self.record = LinkRecord(now_s)
        self.recall = asyncio.Event()  # end what the link does, its part has changed
        self._resolver = Resolver(config.host, config.port)
        self._session: MqttSession | None = None
        self._connected_s: float | None = None
        self._is_loss_told = False

    async def connect(self, client_id: str, will: WillSource, pacer: Pacer | None) -> MqttSession:
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

    async def _open(self, session: MqttSession, client_id: str, will: WillSource) -> None:
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
        packet = (
            await will()
        )  # asked now: a will belongs to one CONNECT; how long a disk takes says nothing of the link
        # What came meanwhile is read before anything is written: a write to a connection that the broker has reset
        # fails, and with it the alert is lost that says why.
        await asyncio.sleep(0)
        async with asyncio.timeout(PHASE_S):
            await session.open(client_id, packet)

    def _why_unaccepted(self, session: MqttSession, reason: str) -> str:
        """TLS 1.3 hears of a refused certificate after its handshake; a broker that expects TLS just closes."""
        if isinstance(session.error, ssl.SSLError):
            return tls_sentence(session.error, self.config)
        if isinstance(session.error, ConnectionError):
            if self.config.ca_file is not None:
                return broken_off_sentence(reason, self.config)
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


def make_socket(family: socket.AddressFamily) -> socket.socket:
    """A TCP socket for the loop that sends at once: a message must not wait for the acknowledgement of the one before.

    The loop sees to that for sockets of its own making alone.
    """
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setblocking(False)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock
