"""The Sparkplug edge node as a pure machine: what is to be published, in which order, and when to leave a broker.

Knows: births, deaths, sequence numbers, the primary host's STATE, rebirth. Must not know: MQTT, clocks, disks; what a
device's metrics are comes from `Births`.

Messages are numbered when they are made, so they must be published in the order they were given, or not at all.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

from edge.northbound.sparkplug import wire
from edge.northbound.sparkplug.metric import DataType, Metric, ReadMetric, decode_payload, encode_metric, encode_payload
from edge.northbound.sparkplug.topics import NodeTopics, state_topic

BD_SEQ = "bdSeq"
REBIRTH = "Node Control/Rebirth"
_SEQ_MODULUS = 256


class Births(Protocol):
    """What the node and its devices consist of at this moment, as encoded metrics with name, type and value."""

    def node_metrics(self, now_ms: int) -> bytes:
        """All metrics of the node itself but bdSeq and rebirth."""

    def device_metrics(self, device: str, now_ms: int, *, is_lost: bool) -> bytes:
        """All metrics of a device; of a lost one they are stale."""


class Phase(Enum):
    """Where the node is with one broker."""

    OFFLINE = "offline"
    WAITING = "waiting for the primary host"
    BORN = "born"


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message to publish; deaths of the node have QoS 1, everything else 0, nothing is retained."""

    topic: str
    payload: bytes
    qos: int = 0


@dataclass(frozen=True, slots=True)
class Refused:
    """A command that was not obeyed: the device ("" for the node), the metric's name or alias, and the value."""

    device: str
    metric: str
    value: int | float | bool | str | None


@dataclass(slots=True)
class Answer:
    """What a received message leads to: a first birth, one that was asked for, the end of the session.

    After `must_leave` the node publishes `leave()` and disconnects.
    """

    must_birth: bool = False
    must_rebirth: bool = False
    must_leave: bool = False
    refused: list[Refused] = field(default_factory=list)


class EdgeNode:
    """One node. Per connection: `connecting`, then `connected`, then messages, then `leave` or `disconnected`."""

    def __init__(
        self,
        topics: NodeTopics,
        births: Births,
        *,
        bd_seq_alias: int,
        primary_host: str = "",
        has_other_server: bool = False,
    ) -> None:
        self._bd_seq_alias = bd_seq_alias
        self.topics = topics
        self.phase = Phase.OFFLINE
        self.bad_messages = 0
        self._births = births
        self._primary_host = primary_host
        self._has_other_server = has_other_server
        self._online: dict[str, None] = {}  # devices that answer, in the order they came
        self._born: set[str] = set()  # devices whose birth was sent and whose death was not
        self._bd_seq = 0
        self._seq = 0
        self._state_ms: int | None = None
        self._is_host_online: bool | None = None  # by the newest STATE of this connection

    def connecting(self, bd_seq: int, now_ms: int) -> Outgoing:
        """A CONNECT is about to be sent: its will."""
        self._bd_seq = bd_seq
        self.disconnected()
        return self._death(now_ms)

    @property
    def is_host_offline(self) -> bool:
        """Whether the primary host has said that it is offline."""
        return self._is_host_online is False

    def subscriptions(self) -> list[str]:
        """To be asked for, with QoS 1, before `connected`."""
        own = [self.topics.of_node("NCMD"), self.topics.of_device("DCMD", "+")]
        return [*own, state_topic(self._primary_host)] if self._primary_host else own

    def connected(self) -> bool:
        """Connected and subscribed; whether `births` is due now. With a primary host it waits for that.

        The host's retained STATE may already have come, as it does with the subscription.
        """
        is_awaited = bool(self._primary_host) and self._is_host_online is not True
        self.phase = Phase.WAITING if is_awaited else Phase.BORN
        return self.phase is Phase.BORN

    def disconnected(self) -> None:
        """The connection is gone."""
        self.phase = Phase.OFFLINE
        self._born.clear()
        self._state_ms = None
        self._is_host_online = None

    def births(self, now_ms: int) -> Iterator[Outgoing]:
        """NBIRTH and the DBIRTH of every device that answers; nothing else may be published in between."""
        self._born.clear()
        self._seq = 0
        own = [
            encode_metric(Metric(DataType.INT64, self._bd_seq, now_ms, BD_SEQ, self._bd_seq_alias), is_birth=True),
            encode_metric(Metric(DataType.BOOLEAN, False, now_ms, REBIRTH), is_birth=True),
            self._births.node_metrics(now_ms),
        ]
        yield self._numbered(self.topics.of_node("NBIRTH"), own, now_ms)
        for device in list(self._online):
            yield from self._birth(device, now_ms)

    def is_online(self, device: str) -> bool:
        """Whether the device answers."""
        return device in self._online

    def device_online(self, device: str, now_ms: int) -> list[Outgoing]:
        """A device answers (again)."""
        self._online[device] = None
        return list(self._birth(device, now_ms)) if self.phase is Phase.BORN else []

    def device_lost(self, device: str, now_ms: int) -> list[Outgoing]:
        """A device no longer answers."""
        self._online.pop(device, None)
        return self._device_death(device, now_ms)

    def data(self, device: str, metrics: bytes, now_ms: int) -> list[Outgoing]:
        """DDATA; a device whose rows come after its death is born for them, with stale values."""
        before = [] if device in self._born else list(self._birth(device, now_ms))
        return [*before, self._numbered(self.topics.of_device("DDATA", device), [metrics], now_ms)]

    def node_data(self, metrics: bytes, now_ms: int) -> Outgoing:
        """NDATA."""
        return self._numbered(self.topics.of_node("NDATA"), [metrics], now_ms)

    def after_history(self, now_ms: int) -> list[Outgoing]:
        """All history is sent: the death of every device that was born for its history only."""
        gone = sorted(self._born - self._online.keys())
        return [message for device in gone for message in self._device_death(device, now_ms)]

    def leave(self, now_ms: int) -> Outgoing:
        """To be published before an intentional disconnect: as the broker will then not publish the will."""
        self.disconnected()
        return self._death(now_ms)

    def on_message(self, topic: str, payload: bytes) -> Answer:
        """Something arrived under a subscribed topic."""
        if self._primary_host and topic == state_topic(self._primary_host):
            return self._on_state(payload)
        command = self.topics.command(topic)
        if command is None:
            return Answer()
        try:
            metrics = decode_payload(payload).metrics
        except wire.WireError:
            self.bad_messages += 1
            return Answer()
        return self._on_command(command.device, metrics)

    def _on_command(self, device: str, metrics: Iterable[ReadMetric]) -> Answer:
        """A rebirth is obeyed, everything else refused: who sent it is not known here."""
        answer = Answer()
        for metric in metrics:
            if not device and metric.name == REBIRTH:
                answer.must_rebirth |= metric.value is True and self.phase is Phase.BORN
            else:
                name = metric.name or f"alias {metric.alias}"
                answer.refused.append(Refused(device, name, metric.value))
        return answer

    def _on_state(self, payload: bytes) -> Answer:
        state = _read_state(payload)
        if state is None:
            self.bad_messages += 1
            return Answer()
        is_online, time_ms = state
        if self._state_ms is not None and time_ms < self._state_ms:
            return Answer()  # of an older session of the host
        self._state_ms = time_ms
        self._is_host_online = is_online
        if is_online and self.phase is Phase.WAITING:
            self.phase = Phase.BORN
            return Answer(must_birth=True)
        must_leave = not is_online and (self.phase is Phase.BORN or self._has_other_server)
        return Answer(must_leave=must_leave)

    def _birth(self, device: str, now_ms: int) -> Iterator[Outgoing]:
        metrics = self._births.device_metrics(device, now_ms, is_lost=device not in self._online)
        self._born.add(device)
        yield self._numbered(self.topics.of_device("DBIRTH", device), [metrics], now_ms)

    def _device_death(self, device: str, now_ms: int) -> list[Outgoing]:
        if device not in self._born:
            return []
        self._born.discard(device)
        return [self._numbered(self.topics.of_device("DDEATH", device), [], now_ms)]

    def _death(self, now_ms: int) -> Outgoing:
        metric = encode_metric(Metric(DataType.INT64, self._bd_seq, now_ms, BD_SEQ), is_birth=True)
        return Outgoing(self.topics.of_node("NDEATH"), encode_payload(now_ms, [metric], None), qos=1)

    def _numbered(self, topic: str, metrics: Iterable[bytes], now_ms: int) -> Outgoing:
        message = Outgoing(topic, encode_payload(now_ms, metrics, self._seq))
        self._seq = (self._seq + 1) % _SEQ_MODULUS
        return message


def _read_state(payload: bytes) -> tuple[bool, int] | None:
    """Whether the host is online, and since when; None when the message is none."""
    try:
        state = json.loads(payload)
    except (ValueError, RecursionError):
        return None
    if not isinstance(state, dict):
        return None
    is_online, time_ms = state.get("online"), state.get("timestamp")
    return (is_online, time_ms) if isinstance(is_online, bool) and type(time_ms) is int else None
