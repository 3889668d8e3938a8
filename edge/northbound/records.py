"""The uplink of records: a cursor on the journal that moves when the platform says it has stored them, and only then.

Knows: the journal's order, the window, the acknowledgement. Must not know: aiomqtt, what records mean.
Records go out in order, QoS 1, at most WINDOW of them unacknowledged. After a new connection, and when nothing was
acknowledged for RESEND_AFTER_S, sending starts again at the cursor; the platform knows repeats by their number.
"""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any, Protocol

from edge.journal.writer import JournalWriter

WINDOW = 64
RESEND_AFTER_S = 5.0
READ_RETRY_S = 1.0  # while the disk cannot be read
_log = logging.getLogger(__name__)


class Publisher(Protocol):
    """What the uplink needs of a connection."""

    async def publish(self, topic: str, payload: str, *, qos: int) -> None:
        """Publish; with QoS 1 return once the broker has it."""


class RecordUplink:
    """The cursor and its window. `send` runs as a task per connection, `on_ack` takes acknowledgements."""

    def __init__(self, journal: JournalWriter, topic_root: str, *, resend_after_s: float = RESEND_AFTER_S) -> None:
        self._journal = journal
        self._resend_after_s = resend_after_s
        self.topic = f"{topic_root}/records"
        self.ack_topic = f"{topic_root}/acks"
        self._sent_seq = journal.acked_seq
        self._highest_sent = journal.acked_seq
        self._news = asyncio.Event()
        self._changed = asyncio.Event()
        self._progress_s = 0.0  # loop time of the last acknowledgement, or of the first record it is owed for
        self.republished = 0
        self.bad_acks = 0
        self.fault = ""
        journal.listeners += [self._news.set, self._changed.set]

    async def send(self, publisher: Publisher) -> None:
        """Send from the cursor on, for as long as the connection lives."""
        self._sent_seq = self._journal.acked_seq
        while True:
            self._news.clear()
            await self._send_window(publisher)
            if self._can_send():
                await asyncio.sleep(0 if self._journal.degraded == "" else READ_RETRY_S)
                continue
            try:
                async with asyncio.timeout_at(self._resend_at()):
                    await self._news.wait()
            except TimeoutError:
                self._sent_seq = self._journal.acked_seq
                self._progress_s = asyncio.get_running_loop().time()

    def on_ack(self, payload: bytes) -> None:
        """The platform's word up to where it has stored everything; anything else is counted and changes nothing."""
        seq = _decode_ack(payload)
        if seq is None:
            self.bad_acks += 1
        elif seq > self._journal.last_seq:
            self.bad_acks += 1
            self._note_fault(
                f"the platform acknowledged record {seq}, but the journal ends at {self._journal.last_seq}: "
                "check that this journal and this topic root belong together"
            )
        else:
            if seq > self._journal.acked_seq:
                self._progress_s = asyncio.get_running_loop().time()
            self._journal.acknowledge(seq)
            self._sent_seq = max(self._sent_seq, self._journal.acked_seq)
            self._news.set()

    async def drained(self) -> None:
        """Until everything posted is journalled and acknowledged."""
        while self._journal.has_work() or self._journal.acked_seq < self._journal.last_seq:
            await self._changed.wait()
            self._changed.clear()

    def status(self) -> dict[str, Any]:
        """The ledger: produced = acked + stored, always."""
        produced, acked = self._journal.last_seq, self._journal.acked_seq
        return {
            "produced": produced,
            "acked_seq": acked,
            "backlog": produced - acked,
            "republished": self.republished,
            "bad_acks": self.bad_acks,
            "fault": self.fault,
        }

    def _can_send(self) -> bool:
        return self._sent_seq < self._journal.last_seq and self._sent_seq - self._journal.acked_seq < WINDOW

    async def _send_window(self, publisher: Publisher) -> None:
        room = WINDOW - (self._sent_seq - self._journal.acked_seq)
        if room <= 0 or self._sent_seq >= self._journal.last_seq:
            return
        records = await self._journal.records_after(self._sent_seq, room)
        if not records:
            return
        if self._sent_seq == self._journal.acked_seq:
            self._progress_s = asyncio.get_running_loop().time()
        self.republished += sum(record.seq <= self._highest_sent for record in records)
        self._sent_seq = records[-1].seq
        self._highest_sent = max(self._highest_sent, self._sent_seq)
        # Started in order on one connection, so they arrive in order; waiting for each would cost a round trip each.
        async with asyncio.TaskGroup() as group:
            for record in records:
                group.create_task(publisher.publish(self.topic, record.payload(), qos=1))

    def _resend_at(self) -> float | None:
        """When the silence of the platform is too long; None while it owes nothing."""
        return self._progress_s + self._resend_after_s if self._sent_seq > self._journal.acked_seq else None

    def _note_fault(self, text: str) -> None:
        if text != self.fault:
            _log.error("uplink: %s", text)
        self.fault = text


def _decode_ack(payload: bytes) -> int | None:
    try:
        ack = json.loads(payload)
    except ValueError:
        return None
    seq = ack.get("seq") if isinstance(ack, dict) else None
    return seq if type(seq) is int and seq >= 0 else None
