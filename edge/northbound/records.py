"""The uplink of records: per class a cursor on the journal that moves when the platform has stored them, and only then.

Knows: the journal's order, the windows, the acknowledgement, whose turn it is on a thin link (`pacer.py`).
Must not know: MQTT, what records mean.
Records of a class go out in order, QoS 1, at most WINDOW of them unacknowledged. After a new connection, and when
nothing was acknowledged for RESEND_AFTER_S, sending starts again at the cursor; the platform knows repeats by number.
A platform that stays silent gets only the first PROBE of them, ever more rarely, until it speaks.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from typing import Any, Protocol

from edge.journal.classes import RecordClass
from edge.journal.writer import JournalWriter
from edge.northbound.pacer import Pacer, TrafficClass

WINDOW = 256  # 2,000 records a second over a round trip of 0.1 s
PROBE = 8  # while the platform is silent: enough to hear of it, cheap on a metered link
_HEADER_SIZE = 8  # bytes of an MQTT publication beside topic and payload, at the most for records of this size
_TRAFFIC = {RecordClass.TRANSACTION: TrafficClass.TRANSACTION, RecordClass.EVENT: TrafficClass.EVENT}
RESEND_AFTER_S = 5.0
RESEND_MAX_S = 60.0
READ_RETRY_S = 1.0  # while the disk cannot be read
OF_TELEMETRY = "telemetry"  # the member that acknowledges rows of telemetry, under the same topic
_log = logging.getLogger(__name__)


class RecordPublisher(Protocol):
    """What records need of a connection."""

    def publish_acked(self, topic: str, payload: bytes) -> asyncio.Future[None]:
        """Publish with QoS 1, in the order of the calls; the future is done once the broker has it."""


class RecordUplink:
    """The cursors and their windows. `send` runs as a task per connection, `on_ack` takes acknowledgements."""

    def __init__(
        self,
        journal: JournalWriter,
        topic_root: str,
        pacer: Pacer,
        *,
        resend_after_s: float = RESEND_AFTER_S,
    ) -> None:
        self._journal = journal
        self.topic = f"{topic_root}/records"
        self.ack_topic = f"{topic_root}/acks"
        self._windows = {
            name.value: _Window(
                name.value, journal, _Road(self.topic, pacer, _TRAFFIC[name]), resend_after_s, refuse=self._refuse
            )
            for name in RecordClass
        }
        self._changed = asyncio.Event()
        self.bad_acks = 0
        self.fault = ""
        journal.listeners.append(self._on_commit)

    async def send(self, publisher: RecordPublisher) -> None:
        """Send from the cursors on, for as long as the connection lives: no class waits for another's answers."""
        async with asyncio.TaskGroup() as group:
            for window in self._windows.values():
                group.create_task(window.send(publisher))

    def on_ack(self, payload: bytes) -> None:
        """The platform's word up to where it has stored a class; anything else is counted and changes nothing."""
        record_class, seq, digest = _decode_ack(payload)
        if record_class == OF_TELEMETRY:
            return
        if record_class not in self._windows:
            self.bad_acks += 1
        elif seq > self._journal.heads[record_class]:
            self._refuse(
                f"the platform acknowledged {record_class} record {seq}, but the journal ends at "
                f"{self._journal.heads[record_class]}: check that this journal and this topic root belong together"
            )
        else:
            self._windows[record_class].on_ack(seq, digest)
            self._changed.set()

    async def drained(self) -> None:
        """Until everything posted is journalled and acknowledged."""
        while self._journal.has_entries() or self._journal.acked_count < self._journal.last_seq:
            await self._changed.wait()
            self._changed.clear()

    @property
    def republished(self) -> int:
        """How many records were sent again."""
        return sum(window.republished for window in self._windows.values())

    def status(self) -> dict[str, Any]:
        """How far the platform is behind the journal, in all and by class."""
        produced, acked = self._journal.last_seq, self._journal.acked_count
        return {
            "produced": produced,
            "acked": acked,
            "backlog": produced - acked,
            "republished": self.republished,
            "bad_acks": self.bad_acks,
            "fault": self.fault,
            "classes": {name: window.status() for name, window in self._windows.items()},
        }

    def _on_commit(self) -> None:
        self._changed.set()
        for window in self._windows.values():
            window.on_news()

    def _refuse(self, text: str) -> None:
        """An acknowledgement that cannot be: it moves nothing."""
        self.bad_acks += 1
        if text != self.fault:
            _log.error("uplink: %s", text)
        self.fault = text


class _Window:
    """One class on its way: what was sent, what of it is owed an acknowledgement."""

    def __init__(
        self, name: str, journal: JournalWriter, road: _Road, resend_after_s: float, *, refuse: Callable[[str], None]
    ) -> None:
        self._name = name
        self._journal = journal
        self._road = road
        self._refuse = refuse
        self._claim: tuple[int, str] | None = None  # number and hash of an acknowledgement that is not judged yet
        self._resend_first_s = self._resend_after_s = resend_after_s
        self._limit = WINDOW
        self._sent_seq = self._highest_sent = journal.acked[self._name]
        self._news = asyncio.Event()
        self._progress_s = 0.0  # loop time of the last acknowledgement, or of the first record it is owed for
        self.republished = 0

    def on_news(self) -> None:
        """The journal has committed something."""
        self._news.set()

    def on_ack(self, seq: int, digest: str) -> None:
        """The platform has the class up to `seq`; with the record's hash it is believed once the journal agrees."""
        if digest and seq > self._acked_seq:
            self._claim = seq, digest
            self._news.set()
        else:
            self._believe(seq)

    def _believe(self, seq: int) -> None:
        if seq > self._acked_seq:
            self._progress_s = asyncio.get_running_loop().time()
            self._open_window()
        self._journal.acknowledge(self._name, seq)
        self._sent_seq = max(self._sent_seq, self._acked_seq)
        self._news.set()

    async def send(self, publisher: RecordPublisher) -> None:
        """Send from the cursor on, until cancelled or the connection is lost."""
        self._sent_seq = self._acked_seq
        self._open_window()
        while True:
            self._news.clear()
            await self._judge_claim()
            await self._send_window(publisher)
            if self._can_send():
                await asyncio.sleep(0 if self._journal.degraded == "" else READ_RETRY_S)
                continue
            try:
                async with asyncio.timeout_at(self._resend_at()):
                    await self._news.wait()
            except TimeoutError:
                self._sent_seq = self._acked_seq
                self._progress_s = asyncio.get_running_loop().time()
                self._limit, self._resend_after_s = PROBE, min(2 * self._resend_after_s, RESEND_MAX_S)

    def status(self) -> dict[str, int]:
        """How far the platform is behind in this class."""
        produced = self._journal.heads[self._name]
        return {"produced": produced, "acked": self._acked_seq, "backlog": produced - self._acked_seq}

    async def _judge_claim(self) -> None:
        """A platform that has stored another journal under this topic root knows its numbers, but not its records."""
        if self._claim is None:
            return
        claim, self._claim = self._claim, None
        seq, digest = claim
        records = await self._journal.class_records_after(self._name, seq - 1, 1)
        if not records:  # the disk cannot be read now
            self._claim = self._claim or claim
        elif records[0].hash == digest:
            self._believe(seq)
        else:
            self._refuse(
                f"the platform has another {self._name} record {seq} than this journal: restore the journal it knows, "
                "or give this one another topic_root"
            )

    def _open_window(self) -> None:
        self._limit, self._resend_after_s = WINDOW, self._resend_first_s

    @property
    def _acked_seq(self) -> int:
        return self._journal.acked[self._name]

    def _can_send(self) -> bool:
        return self._sent_seq < self._journal.heads[self._name] and self._sent_seq - self._acked_seq < self._limit

    async def _send_window(self, publisher: RecordPublisher) -> None:
        if not self._can_send():
            return
        room = self._limit - (self._sent_seq - self._acked_seq)
        records = await self._journal.class_records_after(self._name, self._sent_seq, room)
        if not records:
            return
        if self._sent_seq == self._acked_seq:
            self._progress_s = asyncio.get_running_loop().time()
        for record in records:
            await self._road.send(publisher, record.payload().encode())
            self.republished += record.class_seq <= self._highest_sent
            self._sent_seq = record.class_seq
            self._highest_sent = max(self._highest_sent, self._sent_seq)

    def _resend_at(self) -> float | None:
        """When the silence of the platform is too long; None while it owes nothing."""
        return self._progress_s + self._resend_after_s if self._sent_seq > self._acked_seq else None


class _Road:
    """Where a class goes, and its share of what may be under way."""

    def __init__(self, topic: str, pacer: Pacer, traffic: TrafficClass) -> None:
        self._topic = topic
        self._pacer = pacer
        self._traffic = traffic

    async def send(self, publisher: RecordPublisher, payload: bytes) -> None:
        """Publish when there is room; not waiting for the broker's word, it is the platform's that counts."""
        await self._pacer.wait_room(self._traffic)
        publisher.publish_acked(self._topic, payload)
        self._pacer.sent(self._traffic, len(payload) + len(self._topic) + _HEADER_SIZE)


def _decode_ack(payload: bytes) -> tuple[str, int, str]:
    """Class, number and hash ("" without) of an acknowledgement; class "" when it is none, OF_TELEMETRY when it is not
    about records."""
    try:
        ack = json.loads(payload)
    except (ValueError, RecursionError):
        return "", 0, ""
    if not isinstance(ack, dict):
        return "", 0, ""
    if ack.keys() == {OF_TELEMETRY}:
        return OF_TELEMETRY, 0, ""
    record_class, seq, digest = ack.get("class"), ack.get("seq"), ack.get("hash", "")
    if isinstance(record_class, str) and type(seq) is int and seq >= 0 and isinstance(digest, str):
        return record_class, seq, digest
    return "", 0, ""
