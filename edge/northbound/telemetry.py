"""Telemetry of a site: reports become rows, acknowledgements delete them, commands from outside are refused.

Knows: how spool, edge node and sender work together. Must not know: MQTT's wire, what a tag means, which link is up.

A report is a row on disk before it is sent; `TelemetrySender` says what becomes of it. Nothing but a rebirth is obeyed
that comes from the broker: a boom opens through the lane and its authenticated command block, or not at all.
"""

from __future__ import annotations

import asyncio
import json
import math
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from edge.config import TELEMETRY_ACK_BROKER, UplinkConfig
from edge.model import Quality, Record, Report
from edge.northbound.mqtt_client import BrokerError
from edge.northbound.mqtt_packets import Will
from edge.northbound.pacer import Pacer
from edge.northbound.sparkplug.device_metrics import DeviceMetrics, alias_keys
from edge.northbound.sparkplug.edge_node import EdgeNode, Phase, Refused
from edge.northbound.sparkplug.node_memory import NUMBERS_AHEAD, NodeMemory
from edge.northbound.sparkplug.node_metrics import NodeMetrics
from edge.northbound.sparkplug.topics import NodeTopics
from edge.northbound.spool import Spool
from edge.northbound.spool_file import SPOOL_NAME, SpoolRow
from edge.northbound.telemetry_alarms import TelemetryAlarms
from edge.northbound.telemetry_sender import Session, TelemetrySender
from protocols.registers.tag import Tag

TEND_S = 1.0
NODE_DATA_S = 10.0
LOG_PAGES_MAX = 4096  # 16 MB of log: saving is held for the moment in which it begins anew
WALK_S = 10.0  # so long the node waits for its primary host on a server before it tries the other
REBIRTHS_MAX, REBIRTHS_S = 3, 3.0  # births of a whole site cost tens of milliseconds
REFUSALS_MAX = 10  # records of refused commands within REFUSALS_S; the rest is counted
REFUSALS_S = 60.0
ACK_RANGES_MAX = 500  # of one message, so that none holds the hub up; what is beyond is sent again
REFUSED_TEXT_MAX = 200  # characters of a refused command's name or text that go on record
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_Result = TypeVar("_Result")


class Telemetry:
    """All telemetry of a site. `run` is a task of the hub's group, `serve` one per connection."""

    def __init__(
        self,
        config: UplinkConfig,
        data_dir: Path,
        devices: Mapping[str, Sequence[Tag]],
        *,
        post: Callable[[Sequence[Record]], object],
        pacer: Pacer,
    ) -> None:
        self._post = post
        self._memory = NodeMemory(data_dir / "sparkplug.sqlite")
        self._spool = Spool(
            data_dir / SPOOL_NAME,
            budget_bytes=config.telemetry_budget_mb * 1024 * 1024,
            age_s=config.telemetry_max_age_h * 3600,
            remembered=self._memory.ledger,
        )
        self._spool.skip_numbers(self._memory.first_unused(self._spool.last_number, _boot_id()))
        self._devices = self._make_devices(devices)
        self._alarms = TelemetryAlarms(self._spool.ledger.expired)
        self._own = NodeMetrics(self._memory, self._spool)
        self._node = self._make_node(config)
        is_broker_enough = config.telemetry_ack == TELEMETRY_ACK_BROKER
        mark_topic = f"{config.topic_root}/marks" if is_broker_enough else None
        self._sender = TelemetrySender(self._spool, self._node, pacer, devices=self._devices, mark_topic=mark_topic)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="telemetry")
        self._ack_topic = f"{config.topic_root}/acks"
        self._fresh: list[SpoolRow] = []  # reported, not yet saved
        self._is_held = False
        self._leaving = asyncio.Event()
        self._refusals: deque[float] = deque(maxlen=REFUSALS_MAX)
        self._rebirths: deque[float] = deque(maxlen=REBIRTHS_MAX)
        self._is_rebirth_late = False
        self.refused = 0
        self.bad_acks = 0

    # What the southbound side calls.

    def report(self, report: Report) -> None:
        """Tags of one read that changed. Cheap; saved and sent at the end of this turn of the loop."""
        device = self._devices[report.device]
        if report.quality is Quality.GOOD and not self._node.is_online(report.device):
            self.device_online(report.device)
        metrics = device.encode(report, self._spool.last_number + 1)
        if not self._fresh:
            asyncio.get_running_loop().call_soon(self._flush)
        self._fresh.append(self._spool.append(report.device, report.source_time_ms, metrics))

    def on_presence(self, device: str, is_online: bool, reason: str, time_ms: int) -> None:
        """A device came or went, just now (`time_ms`): a message bears the time it is sent."""
        if is_online:
            self.device_online(device)
        else:
            self.device_lost(device, reason)

    def device_online(self, device: str) -> None:
        """A device answers (again)."""
        self._devices[device].reason = ""
        self._sender.publish(self._node.device_online(device, _now_ms()))

    def device_lost(self, device: str, reason: str) -> None:
        """A device no longer answers."""
        self._flush()
        self._devices[device].reason = reason
        self._sender.publish(self._node.device_lost(device, _now_ms()))

    # What the uplink calls.

    @property
    def topics(self) -> Sequence[str]:
        """Heard on every connection, with QoS 1."""
        return self._node.subscriptions()

    async def will(self) -> Will:
        """A CONNECT is about to be sent: its will, which has a bdSeq of its own."""
        death = self._node.connecting(await self._in_thread(self._memory.next_bd_seq), _now_ms())
        return Will(death.topic, death.payload, death.qos)

    async def serve(self, session: Session) -> None:
        """Births, live data, history, until cancelled; raises BrokerError when the node must leave this server."""
        self._leaving.clear()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._sender.serve(session))
            await self._leaving.wait()
            raise BrokerError("the primary host is offline at this server")

    def on_message(self, topic: str, payload: bytes) -> None:
        """Something arrived: an acknowledgement, a command, the primary host's state, or what is for others."""
        if topic == self._ack_topic:
            self.on_ack(payload)
            return
        answer = self._node.on_message(topic, payload)
        for refused in answer.refused:
            self._refuse(refused)
        if answer.must_birth:
            self._sender.birth()
        if answer.must_rebirth:
            self._rebirth()
        if answer.must_leave and self._node.phase is Phase.BORN:
            self._sender.leave()
            self._leaving.set()
        elif answer.must_leave:
            asyncio.get_running_loop().call_later(WALK_S, self._walk_on)

    def on_ack(self, payload: bytes) -> None:
        """The platform's word about rows: `{"telemetry": [[first, last], ...]}`; not that of records."""
        ranges = _decode_ack(payload, self._spool.last_number)
        if ranges is None:
            self.bad_acks += 1
            return
        self._sender.acknowledge(ranges)
        self._flush()

    # What the hub calls.

    async def run(self) -> None:
        """Ages, budget, checkpoints; until cancelled."""
        before = told = time.monotonic()
        while True:
            await asyncio.sleep(TEND_S)
            now = time.monotonic()
            self._spool.tend(now - before)
            before = now
            await self._checkpoint()
            self._raise_alarms(now)
            if now - told >= NODE_DATA_S:
                told = now
                self._tell_own()
                await self._in_thread(partial(self._memory.keep_ledger, self._spool.state))

    def close(self) -> None:
        """Save and close the files."""
        self._thread.shutdown(wait=True)
        self._spool.close()
        self._memory.keep_ledger(self._spool.state)
        self._memory.close()

    def ledger(self) -> dict[str, Any]:
        """Produced, acknowledged, stored, expired by reason."""
        return self._spool.ledger.as_dict()

    def status(self) -> dict[str, Any]:
        """For status and metrics."""
        sender = self._sender
        waiting_live, history_pieces = sender.waiting
        return {
            "ledger": self.ledger(),
            "session": self._node.phase.value,
            "degraded": self._degraded,
            "used_bytes": self._spool.used_bytes,
            "waiting_live": waiting_live,
            "history_pieces": history_pieces,
            "sent_live": sender.live,
            "sent_history": sender.history,
            "resent": sender.resent,
            "births": sender.births,
            "refused": self.refused,
            "bad_acks": self.bad_acks,
        }

    # Births, asked for by the edge node.

    def node_metrics(self, now_ms: int) -> bytes:
        """All metrics of the node itself."""
        return self._own.birth(now_ms)

    def device_metrics(self, device: str, now_ms: int, *, is_lost: bool) -> bytes:
        """All metrics of a device."""
        return self._devices[device].birth(now_ms, is_lost=is_lost)

    # Inside.

    def _make_node(self, config: UplinkConfig) -> EdgeNode:
        return EdgeNode(
            NodeTopics(config.sparkplug_group, config.sparkplug_node),
            self,
            bd_seq_alias=self._own.bd_seq_alias,
            primary_host=config.primary_host,
            has_other_server=len(config.links) > 1,
        )

    def _make_devices(self, devices: Mapping[str, Sequence[Tag]]) -> dict[str, DeviceMetrics]:
        keys = {name: alias_keys(name, tags) for name, tags in devices.items()}
        aliases = self._memory.take_aliases(key for named in keys.values() for key in named)
        return {name: DeviceMetrics(tags, [aliases[key] for key in keys[name]]) for name, tags in devices.items()}

    def _flush(self) -> None:
        """Save what was reported, then send it."""
        if self._is_held:
            return
        self._spool.save()
        rows, self._fresh = self._fresh, []
        if rows:
            self._sender.take(rows)

    def _tell_own(self) -> None:
        if self._node.phase is Phase.BORN and (changed := self._own.changed(_now_ms())):
            self._sender.put(self._node.node_data(changed, _now_ms()))

    def _raise_alarms(self, now_s: float) -> None:
        found = self._alarms.look(self._degraded, self._spool.ledger.expired, now_s)
        if found:
            self._post([Record("attention", "", "", data, _now_ms()) for data in found])

    @property
    def _degraded(self) -> str:
        return self._spool.degraded or self._memory.degraded

    def _rebirth(self) -> None:
        """At once, unless a host asks and asks: then one answer for all within REBIRTHS_S."""
        now = time.monotonic()
        if len(self._rebirths) < REBIRTHS_MAX or now - self._rebirths[0] >= REBIRTHS_S:
            self._rebirths.append(now)
            self._sender.birth()
        elif not self._is_rebirth_late:
            self._is_rebirth_late = True
            asyncio.get_running_loop().call_later(self._rebirths[0] + REBIRTHS_S - now, self._rebirth_late)

    def _rebirth_late(self) -> None:
        self._is_rebirth_late = False
        if self._node.phase is Phase.BORN:
            self._rebirths.append(time.monotonic())
            self._sender.birth()

    def _walk_on(self) -> None:
        if self._node.phase is Phase.WAITING and self._node.is_host_offline:
            self._leaving.set()

    async def _checkpoint(self) -> None:
        if await self._in_thread(self._spool.checkpoint) > LOG_PAGES_MAX:
            self._is_held = True
            try:
                await self._in_thread(self._spool.checkpoint)
            finally:
                self._is_held = False
                self._flush()
        if self._spool.last_number > self._memory.numbers_to - NUMBERS_AHEAD // 2:
            numbers_to = self._spool.last_number + NUMBERS_AHEAD
            await self._in_thread(partial(self._memory.set_aside, numbers_to))

    async def _in_thread(self, work: Callable[[], _Result]) -> _Result:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def _refuse(self, refused: Refused) -> None:
        """Nobody's word on this path is authenticated, so nothing is written to a device; it is put on record."""
        self.refused += 1
        now = time.monotonic()
        if len(self._refusals) == REFUSALS_MAX and now - self._refusals[0] < REFUSALS_S:
            return
        self._refusals.append(now)
        known = refused.device if refused.device in self._devices else ""
        metric, value = refused.metric[:REFUSED_TEXT_MAX], _recordable(refused.value)
        data = {"by": "sparkplug", "metric": metric, "value": value, "refused": self.refused}
        self._post([Record("command_refused", "", known, data, _now_ms())])


def _decode_ack(payload: bytes, last_number: int) -> list[tuple[int, int]] | None:
    """The ranges in an acknowledgement, none in one of records, None when it is no acknowledgement of ours."""
    try:
        ack = json.loads(payload)
    except (ValueError, RecursionError):
        return None
    if not isinstance(ack, dict):
        return None
    ranges = ack.get("telemetry", [])
    if not isinstance(ranges, list) or not all(_is_range(item, last_number) for item in ranges):
        return None
    return [(first, last) for first, last in ranges[:ACK_RANGES_MAX]]


def _is_range(item: object, last_number: int) -> bool:
    return (
        isinstance(item, list)
        and len(item) == 2
        and all(type(number) is int for number in item)
        and 0 < item[0] <= item[1] <= last_number
    )


def _recordable(value: int | float | bool | str | None) -> int | float | bool | str | None:
    """A refused value as a record can hold it: JSON has no word for a number that is none, and a text may be long."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value[:REFUSED_TEXT_MAX] if isinstance(value, str) else value


def _boot_id() -> str:
    try:
        return _BOOT_ID.read_text().strip()
    except OSError:
        return ""


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
