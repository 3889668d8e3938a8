"""The uplink as one task: records, acknowledgements and further parts over one broker connection.

Knows: how they share a connection. Must not know: MQTT, which link is up, the journal's file, what is in a record.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol

from edge.config import UplinkConfig
from edge.journal.writer import JournalWriter
from edge.northbound.links import Links
from edge.northbound.mqtt_client import MqttSession
from edge.northbound.mqtt_packets import Will
from edge.northbound.pacer import Pacer
from edge.northbound.records import RecordUplink

DRAIN_S = 1.0


class Part(Protocol):
    """Whoever else speaks over the data's connection."""

    @property
    def topics(self) -> Sequence[str]:
        """Subscribed on every connection."""

    async def serve(self, session: MqttSession) -> None:
        """Called with every new connection, cancelled at its end; while it is cancelled it may still publish."""

    def on_message(self, topic: str, payload: bytes) -> None:
        """A message arrived, on any topic anybody has subscribed."""


class Uplink:
    """Run `run` as a task. `will` is asked before every connection for what the broker says when it is lost."""

    def __init__(
        self,
        config: UplinkConfig,
        journal: JournalWriter,
        *,
        pacer: Pacer | None = None,
        parts: Sequence[Part] = (),
        will: Callable[[], Awaitable[Will | None]] | None = None,
    ) -> None:
        self.pacer = pacer or Pacer(config.history_bytes_per_s)
        self._links = Links(config, self.pacer, will)
        self._parts = parts
        self._records = RecordUplink(journal, config.topic_root, self.pacer)

    async def run(self) -> None:
        """Until cancelled."""
        await self._links.run(self._serve)

    async def drain(self) -> None:
        """Give what is journalled a last chance to be acknowledged, DRAIN_S at the most; offline, return at once."""
        try:
            async with asyncio.timeout(DRAIN_S if self._links.is_connected else 0):
                await self._records.drained()
        except TimeoutError:
            pass

    def status(self) -> dict[str, Any]:
        """Connection and ledger."""
        links = self._links
        word = "online" if links.is_connected else f"offline ({links.reason})"
        head = {"state": word, "connected": links.is_connected, "reason": links.reason, "connects": links.connects}
        return head | links.status() | self._records.status()

    async def _serve(self, session: MqttSession) -> None:
        topics = [self._records.ack_topic, *(topic for part in self._parts for topic in part.topics)]
        await asyncio.gather(*map(session.subscribe, topics))  # one round trip for all of them
        async with asyncio.TaskGroup() as group:
            group.create_task(self._take_messages(session))
            group.create_task(self._records.send(session))
            for part in self._parts:
                group.create_task(part.serve(session))

    async def _take_messages(self, session: MqttSession) -> None:
        async for topic, payload in session.messages():
            if topic == self._records.ack_topic:
                self._records.on_ack(payload)
            for part in self._parts:
                part.on_message(topic, payload)
