"""What a Sparkplug host sees: it decodes with an implementation that is not ours, and keeps what births told."""

from dataclasses import dataclass, field
from typing import Any

from pysparkplug._protobuf import Payload


@dataclass
class Seen:
    """One message as a host reads it; names are filled in from the birth that defined the alias."""

    topic: str
    kind: str
    device: str
    seq: int | None
    qos: int
    metrics: list[dict[str, Any]]
    payload: Payload = field(repr=False)

    def values(self) -> dict[str, Any]:
        return {metric["name"]: metric["value"] for metric in self.metrics}

    def metric(self, name: str) -> dict[str, Any]:
        return {metric["name"]: metric for metric in self.metrics}[name]


class Host:
    """Takes messages in the order of their publication."""

    def __init__(self) -> None:
        self.seen: list[Seen] = []
        self._names: dict[int, str] = {}

    def take(self, topic: str, data: bytes, qos: int = 0) -> Seen:
        payload = Payload.FromString(data)
        parts = topic.split("/")
        kind, device = parts[2], parts[4] if len(parts) > 4 else ""
        if kind.endswith("BIRTH"):
            self._names |= {m.alias: m.name for m in payload.metrics if m.HasField("alias")}
        seq = payload.seq if payload.HasField("seq") else None
        seen = Seen(topic, kind, device, seq, qos, [self._read(m) for m in payload.metrics], payload)
        self.seen.append(seen)
        return seen

    def kinds(self) -> list[str]:
        return [f"{seen.kind} {seen.device}".strip() for seen in self.seen]

    def rows(self) -> list[tuple[int, bool]]:
        """Row number of every DDATA, and whether all of it was marked historical."""
        return [
            (seen.values()["telemetry_seq"], all(m["is_historical"] for m in seen.metrics))
            for seen in self.seen
            if seen.kind == "DDATA"
        ]

    def _read(self, metric: Any) -> dict[str, Any]:
        kind = metric.WhichOneof("value")
        return {
            "name": metric.name or self._names.get(metric.alias, ""),
            "alias": metric.alias if metric.HasField("alias") else None,
            "has_name": metric.HasField("name"),
            "time_ms": metric.timestamp if metric.HasField("timestamp") else None,
            "datatype": metric.datatype if metric.HasField("datatype") else None,
            "is_historical": metric.is_historical,
            "is_null": metric.is_null,
            "value": None if kind is None else getattr(metric, kind),
            "properties": {
                name: getattr(value, value.WhichOneof("value"))
                for name, value in zip(metric.properties.keys, metric.properties.values, strict=True)
            },
        }
