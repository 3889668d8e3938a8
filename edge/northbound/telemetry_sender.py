"""Sends rows over one connection after another: live ones at once, the rest as history, and keeps account of both.

Knows: spool, edge node, pacer; what is live and what is history. Must not know: MQTT's wire, what is in a row.

What can be sent soon is sent live; what could not (link down, no room, unacknowledged on an earlier connection) is
history: in order, marked, behind live data. A row goes when the platform says it has it, or, where that is enough, when
the broker acknowledged a marker sent behind it: never because it was handed over, never because time went by.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import deque
from collections.abc import Collection, Iterable
from typing import Protocol

from edge.northbound.intervals import Intervals
from edge.northbound.mqtt_client import BrokerError
from edge.northbound.pacer import Pacer, TrafficClass
from edge.northbound.sent_rows import SentRows
from edge.northbound.sparkplug.block import as_historical
from edge.northbound.sparkplug.edge_node import EdgeNode, Outgoing, Phase
from edge.northbound.spool import REMOVED, Spool
from edge.northbound.spool_file import SpoolRow

LIVE_SIZE_MAX = 256 * 1024  # waiting for room; what is beyond that becomes history
HISTORY_ROWS = 32  # read from the spool at a time
READ_RETRY_S = 1.0  # while the disk cannot be read
MARK_S = 0.2
PIECES_MAX = 10_000  # of history, on a link that takes a part of what is reported for long
PROBE_S = 10.0  # between two repeats of one row that a silent platform did not acknowledge


class Session(Protocol):
    """What telemetry needs of a connection. Every method raises BrokerError once it is lost."""

    def publish_nowait(self, topic: str, payload: bytes) -> None:
        """Publish with QoS 0."""

    def publish_acked(self, topic: str, payload: bytes) -> asyncio.Future[None]:
        """Publish with QoS 1; done once the broker has it."""


class TelemetrySender:
    """`serve` per connection; `take` gives it rows, whether there is a connection or not."""

    def __init__(
        self, spool: Spool, node: EdgeNode, pacer: Pacer, *, devices: Collection[str], mark_topic: str | None
    ) -> None:
        """`devices` are those of the site; `mark_topic` is None where only the platform's word counts."""
        self._spool = spool
        self._node = node
        self._pacer = pacer
        self._device_names = devices
        self._mark_topic = mark_topic
        self._session: Session | None = None
        self._live: deque[SpoolRow] = deque()  # saved, waiting for room
        self._live_size = 0
        self._todo = Intervals()  # to be sent as history
        self._sent = SentRows()
        self._wake = asyncio.Event()
        self.live = 0
        self.history = 0
        self.resent = 0
        self.births = 0

    @property
    def waiting(self) -> tuple[int, int]:
        """How many live rows wait for room, and in how many pieces history waits."""
        return len(self._live), len(self._todo)

    async def serve(self, session: Session) -> None:
        """Births, live data, history, until cancelled; then the node's death, as the connection is about to be left."""
        self._begin(session)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._send_waiting())
                group.create_task(self._send_marks())
                group.create_task(self._probe())
        finally:
            self.leave()

    def leave(self) -> None:
        """Publish the node's death if it was born, and publish nothing more on this connection."""
        if self._node.phase is Phase.BORN:
            self.put(self._node.leave(_now_ms()))
        self._end()

    def birth(self) -> None:
        """All births, with nothing in between."""
        self.births += 1
        self.publish(self._node.births(_now_ms()))
        self._wake.set()

    def take(self, rows: list[SpoolRow]) -> None:
        """Rows that are saved now, in order."""
        if self._node.phase is not Phase.BORN:
            self._later(rows[0].number, rows[-1].number)
            return
        self._live.extend(rows)
        self._live_size += sum(len(row.metrics) for row in rows)
        self._send_live()
        while self._live_size > LIVE_SIZE_MAX:
            row = self._take_live()
            self._later(row.number, row.number)
        if self._live:
            self._wake.set()

    def acknowledge(self, ranges: Iterable[tuple[int, int]]) -> None:
        """The platform has these rows. What it has not, though it was sent long before, is sent again."""
        for first, last in ranges:
            self._spool.acknowledge(first, last)
            self._todo.remove(first, last)
            self._sent.acknowledge(first, last)
        for first, last in self._sent.overdue(time.monotonic()):
            self.resent += last - first + 1
            self._later(first, last)
        self._wake.set()

    def repeat_one(self) -> None:
        """Send the row that is overdue longest again, if one is."""
        row = self._sent.longest_overdue(time.monotonic())
        if row is not None:
            self.resent += 1
            self._later(row, row)
            self._wake.set()

    def publish(self, messages: Iterable[Outgoing], traffic: TrafficClass = TrafficClass.LIVE) -> None:
        """Publish in this order."""
        for message in messages:
            self.put(message, traffic)

    def put(self, message: Outgoing, traffic: TrafficClass = TrafficClass.LIVE) -> None:
        """Publish one message; without a connection it is gone, and the next births tell what it would have told."""
        if self._session is None:
            return
        try:
            if message.qos:
                self._session.publish_acked(message.topic, message.payload)
            else:
                self._session.publish_nowait(message.topic, message.payload)
        except BrokerError:
            self._end()  # whoever runs the connection learns it too; the spool has everything
            return
        self._pacer.sent(traffic, len(message.payload) + len(message.topic))

    def _begin(self, session: Session) -> None:
        self._session = session
        self._live.clear()
        self._live_size = 0
        self._sent.clear()
        self._todo.clear()
        if self._spool.last_number:
            self._later(1, self._spool.last_number)  # what was acknowledged is no longer there
        if self._node.connected():
            self.birth()

    def _end(self) -> None:
        self._session = None
        self._node.disconnected()

    def _send_live(self) -> None:
        while self._live and self._node.phase is Phase.BORN and self._pacer.room(TrafficClass.LIVE):
            row = self._take_live()
            self.publish(self._node.data(row.device, row.metrics, _now_ms()))
            self._sent.add(row.number, row.number, time.monotonic())
            self.live += 1
        self._end_old()

    def _end_old(self) -> None:
        """Nothing waits: devices that do not answer and were born for rows that had waited die (again)."""
        if not self._live and not self._todo and self._node.phase is Phase.BORN:
            self.publish(self._node.after_history(_now_ms()))

    def _later(self, first: int, last: int) -> None:
        """These rows are history; of too many pieces, rows sent in between are sent once more."""
        self._todo.add(first, last)
        if len(self._todo) > PIECES_MAX:
            self._todo.coarsen()

    def _take_live(self) -> SpoolRow:
        row = self._live.popleft()
        self._live_size -= len(row.metrics)
        return row

    async def _send_waiting(self) -> None:
        while True:
            self._wake.clear()
            while self._node.phase is Phase.BORN and (self._live or self._todo):
                await self._pacer.wait_room(TrafficClass.LIVE if self._live else TrafficClass.HISTORY)
                self._send_live()
                if not self._live and not self._send_history():
                    await asyncio.sleep(READ_RETRY_S)
            await self._wake.wait()

    def _send_history(self) -> bool:
        """Some rows of the oldest interval, as far as there is room; False when they cannot be read."""
        if self._node.phase is not Phase.BORN or not self._todo:
            return True
        first, last = self._todo.head()
        rows = self._spool.rows(first, last, HISTORY_ROWS)
        if rows is None:
            return False
        for row in rows:
            if not self._pacer.room(TrafficClass.HISTORY):
                return True
            self._send_old(row)
            self._todo.remove(first, row.number)
        if len(rows) < HISTORY_ROWS:
            self._todo.remove(first, last)
        self._end_old()
        return True

    def _send_old(self, row: SpoolRow) -> None:
        if row.device not in self._device_names:
            self._spool.expire(row.number, row.number, REMOVED)
            return
        self.publish(self._node.data(row.device, as_historical(row.metrics), _now_ms()), TrafficClass.HISTORY)
        self._sent.add(row.number, row.number, time.monotonic())
        self.history += 1

    async def _probe(self) -> None:
        """A platform that lost rows and hears no newer ones would never say so."""
        while self._mark_topic is None:
            await asyncio.sleep(PROBE_S)
            self.repeat_one()

    async def _send_marks(self) -> None:
        """A marker behind what was sent: its acknowledgement says that the broker has taken all of it."""
        while self._mark_topic is not None:
            await asyncio.sleep(MARK_S)
            ranges = self._sent.take()
            if self._session is None or not ranges:
                continue
            await self._session.publish_acked(self._mark_topic, json.dumps({"telemetry": ranges}).encode())
            for first, last in ranges:
                self._spool.acknowledge(first, last)
            self._spool.save()


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
