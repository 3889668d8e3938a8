"""The only file that knows aiomqtt: a connection to the broker that is made again for as long as the hub runs.

Knows: aiomqtt, keep-alive, backoff. Must not know: records, acknowledgements, topics' meanings.
A missing broker is a field problem: it is a reason and a pause, logged once when it comes and once when it goes.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import aiomqtt

from edge.cancellation import cancel_count, raise_if_cancelled
from edge.config import LinkConfig

KEEPALIVE_S = 5  # a dead link is seen within one and a half times this
OPERATION_TIMEOUT_S = 5.0
RECONNECT_FIRST_S = 0.25
RECONNECT_MAX_S = 5.0
STEADY_S = 5.0  # a connection that held so long was a good one
INCOMING_MAX = 1000  # messages waiting to be read; the broker's next acknowledgement covers what is dropped
_PENDING_CALLS = 1000
_log = logging.getLogger(__name__)
logging.getLogger("mqtt").setLevel(logging.CRITICAL)  # its failures come back as exceptions; ours are logged once


class BrokerError(Exception):
    """The broker cannot be reached or does not answer; the text is one sentence."""


class MqttSession:
    """One connection. Every method raises BrokerError once it is lost."""

    def __init__(self, client: aiomqtt.Client) -> None:
        self._client = client

    async def publish(self, topic: str, payload: str, *, qos: int) -> None:
        """Publish; with QoS 1 return once the broker has it."""
        since = cancel_count()
        try:
            await self._client.publish(topic, payload, qos=qos)
            raise_if_cancelled(since)
        except aiomqtt.MqttError as error:
            raise BrokerError(str(error)) from error

    async def subscribe(self, topic: str) -> None:
        """Ask for `topic`, QoS 1."""
        since = cancel_count()
        try:
            await self._client.subscribe(topic, qos=1)
            raise_if_cancelled(since)
        except aiomqtt.MqttError as error:
            raise BrokerError(str(error)) from error

    async def messages(self) -> AsyncIterator[tuple[str, bytes]]:
        """Topic and payload of what arrives, until the connection is lost."""
        try:
            async for message in self._client.messages:
                payload = message.payload
                yield str(message.topic), payload if isinstance(payload, bytes) else str(payload).encode()
        except aiomqtt.MqttError as error:
            raise BrokerError(str(error)) from error


class MqttLink:
    """Keeps a connection and runs `serve` on it. `reason` is "" while connected."""

    def __init__(self, config: LinkConfig, client_id: str) -> None:
        self._config = config
        self._client_id = client_id
        self.is_connected = False
        self.reason = "not connected yet"
        self.connects = 0
        self._is_loss_told = False
        self._connected_s: float | None = None

    async def run(self, serve: Callable[[MqttSession], Awaitable[None]]) -> None:
        """Connect, serve, connect again, until cancelled. Errors of `serve` other than BrokerError pass through."""
        pause_s = RECONNECT_FIRST_S
        while True:
            self._connected_s = None
            try:
                await self._serve_once(serve)
            except* BrokerError as group:
                self._on_down(_first(group))
            # A broker that accepts and drops at once (two hubs with one client id) is not asked four times a second.
            if self._connected_s is not None and time.monotonic() - self._connected_s >= STEADY_S:
                pause_s = RECONNECT_FIRST_S
            await asyncio.sleep(pause_s * random.uniform(0.8, 1.2))
            pause_s = min(2 * pause_s, RECONNECT_MAX_S)

    async def _serve_once(self, serve: Callable[[MqttSession], Awaitable[None]]) -> None:
        config, since = self._config, cancel_count()
        try:
            client = aiomqtt.Client(
                config.host,
                config.port,
                identifier=self._client_id,
                keepalive=KEEPALIVE_S,
                timeout=OPERATION_TIMEOUT_S,
                max_queued_incoming_messages=INCOMING_MAX,
            )
            client.pending_calls_threshold = _PENDING_CALLS  # aiomqtt warns above 10; our window is larger on purpose
            async with client:
                raise_if_cancelled(since)
                self._on_up()
                await serve(MqttSession(client))
        except (aiomqtt.MqttError, OSError, ValueError) as error:
            raise BrokerError(str(error) or type(error).__name__) from error

    def _on_up(self) -> None:
        self.connects += 1
        self._connected_s = time.monotonic()
        self.is_connected = True
        self._is_loss_told = False
        self.reason = ""
        _log.warning("uplink: connected to %s:%d", self._config.host, self._config.port)

    def _on_down(self, error: BaseException) -> None:
        if not self._is_loss_told:
            _log.warning("uplink: offline (%s); records are kept in the journal", error)
        self._is_loss_told = True
        self.is_connected = False
        self.reason = str(error)


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """One leaf of the group; they all tell the same loss."""
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
