"""The node's own metrics: what the hub is, and how its telemetry ledger stands.

Knows: the spool's ledger. Must not know: devices, sessions.
"""

from __future__ import annotations

import importlib.metadata

from edge.northbound.sparkplug.edge_node import BD_SEQ
from edge.northbound.sparkplug.metric import DataType, Metric, Value, encode_metric
from edge.northbound.sparkplug.node_memory import NodeMemory
from edge.northbound.spool import Spool

_VERSION = "Properties/Software Version"
_NAME = "Properties/Software"
_LEDGER = ("produced", "acknowledged", "stored", "expired")


class NodeMetrics:
    """Births all of them, then tells what changed."""

    def __init__(self, memory: NodeMemory, spool: Spool) -> None:
        self._spool = spool
        names = [BD_SEQ, _NAME, _VERSION, *(f"Telemetry/{word}" for word in _LEDGER)]
        self._aliases = memory.take_aliases(f"/{name}" for name in names)
        self.bd_seq_alias = self._aliases[f"/{BD_SEQ}"]
        self._told: dict[str, Value] = {}

    def birth(self, now_ms: int) -> bytes:
        """All metrics with names."""
        self._told = self._values()
        metrics = [
            Metric(_type(value), value, now_ms, name, self._aliases[f"/{name}"]) for name, value in self._told.items()
        ]
        return b"".join(encode_metric(metric, is_birth=True) for metric in metrics)

    def changed(self, now_ms: int) -> bytes:
        """What is not as it was told last; empty when nothing is."""
        now = self._values()
        changed = {name: value for name, value in now.items() if self._told.get(name) != value}
        self._told = now
        metrics = [
            Metric(_type(value), value, now_ms, alias=self._aliases[f"/{name}"]) for name, value in changed.items()
        ]
        return b"".join(encode_metric(metric, is_birth=False) for metric in metrics)

    def _values(self) -> dict[str, Value]:
        ledger = self._spool.ledger
        counts = (ledger.produced, ledger.acknowledged, ledger.stored, sum(ledger.expired.values()))
        told: dict[str, Value] = {_NAME: "smartgate", _VERSION: _version()}
        return told | {f"Telemetry/{word}": count for word, count in zip(_LEDGER, counts, strict=True)}


def _type(value: Value) -> DataType:
    return DataType.STRING if isinstance(value, str) else DataType.UINT64


def _version() -> str:
    try:
        return importlib.metadata.version("smartgate")
    except importlib.metadata.PackageNotFoundError:
        return "not installed"
