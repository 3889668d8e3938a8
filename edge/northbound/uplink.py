"""The uplink as one task: records, acknowledgements and device state over one broker connection.

Knows: how the three share a connection. Must not know: aiomqtt, the journal's file, what is in a record.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from edge.config import UplinkConfig
from edge.journal.writer import JournalWriter
from edge.model import DeviceImage
from edge.northbound.mqtt_client import MqttLink, MqttSession
from edge.northbound.records import RecordUplink
from edge.northbound.state import StatePublisher

DRAIN_S = 1.0


class Uplink:
    """Run `run` as a task."""

    def __init__(
        self, config: UplinkConfig, journal: JournalWriter, images: Callable[[], Mapping[str, DeviceImage]]
    ) -> None:
        self._link = MqttLink(config.links[0], config.client_id)
        self._records = RecordUplink(journal, config.topic_root)
        self._state = StatePublisher(config.topic_root, images)

    async def run(self) -> None:
        """Until cancelled."""
        await self._link.run(self._serve)

    async def drain(self) -> None:
        """Give what is journalled a last chance to be acknowledged, DRAIN_S at the most; offline, return at once."""
        try:
            async with asyncio.timeout(DRAIN_S if self._link.is_connected else 0):
                await self._records.drained()
        except TimeoutError:
            pass

    def status(self) -> dict[str, Any]:
        """Connection and ledger."""
        link = self._link
        word = "online" if link.is_connected else f"offline ({link.reason})"
        return {"state": word, "connected": link.is_connected, "reason": link.reason, "connects": link.connects} | (
            self._records.status()
        )

    async def _serve(self, session: MqttSession) -> None:
        await session.subscribe(self._records.ack_topic)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._take_acks(session))
            group.create_task(self._records.send(session))
            group.create_task(self._state.send(session))

    async def _take_acks(self, session: MqttSession) -> None:
        async for _, payload in session.messages():
            self._records.on_ack(payload)
