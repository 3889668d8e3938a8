"""The hub's status in the text format Prometheus reads: what GET /metrics answers.

Knows: which numbers of the status are metrics, what they are called and mean. Must not know: how a number comes about,
HTTP. A number the status does not have at the moment gives no sample.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric: `path` leads to its number, from the entry of the thing it belongs to; counters end in _total."""

    name: str
    meaning: str
    path: tuple[str, ...]
    factor: float = 1.0

    @property
    def kind(self) -> str:
        """As Prometheus calls it."""
        return "counter" if self.name.endswith("_total") else "gauge"


def _metric(name: str, meaning: str, *path: str, factor: float = 1.0) -> Metric:
    return Metric(f"smartgate_{name}", meaning, path, factor)


_MS = 0.001
_HUB = (
    _metric("uptime_seconds", "How long the hub runs.", "uptime_s"),
    _metric("clock_steps_total", "Times the wall clock was set.", "clock", "steps"),
    _metric("clock_error_seconds", "How far UTC may be off, as the kernel says.", "clock", "error_max_ms", factor=_MS),
    _metric("ledger_balanced", "1 when every record and report is accounted for.", "ledger", "balanced"),
    _metric("journal_records", "Number of the newest record.", "journal", "last_seq"),
    _metric("journal_first_record", "Number of the oldest record that is kept.", "journal", "first_seq"),
    _metric("journal_used_bytes", "Bytes of the journal in use.", "journal", "used_bytes"),
    _metric("journal_write_errors_total", "Transactions the disk refused.", "journal", "write_errors"),
    _metric("journal_records_lost_total", "Records dropped while the disk refused.", "journal", "records_lost"),
    _metric("journal_records_removed_total", "Acknowledged records removed.", "journal", "removed"),
    _metric("uplink_connected", "1 while a link carries data.", "uplink", "connected"),
    _metric("uplink_backlog_records", "Records the platform does not have yet.", "uplink", "backlog"),
    _metric("uplink_republished_total", "Records sent again.", "uplink", "republished"),
    _metric("uplink_bad_acks_total", "Acknowledgements that were none.", "uplink", "bad_acks"),
    _metric("uplink_switches_total", "Changes of the link that carries data.", "uplink", "switches"),
    _metric("uplink_window_bytes", "Bytes that may be under way.", "uplink", "window_bytes"),
    _metric("uplink_under_way_bytes", "Bytes under way.", "uplink", "under_way_bytes"),
    _metric("telemetry_used_bytes", "Bytes of the telemetry spool in use.", "telemetry", "used_bytes"),
    _metric("telemetry_live_total", "Reports sent live.", "telemetry", "sent_live"),
    _metric("telemetry_history_total", "Reports sent as history.", "telemetry", "sent_history"),
    _metric("telemetry_resent_total", "Reports sent again.", "telemetry", "resent"),
    _metric("telemetry_births_total", "Births of node and devices.", "telemetry", "births"),
    _metric("camera_posts_total", "Posts of plate cameras.", "api", "posts"),
    _metric("camera_reads_total", "Plate reads taken.", "api", "reads"),
    _metric("camera_refused_total", "Posts refused.", "api", "refused"),
    _metric("operator_requests_total", "Requests of operators.", "operator", "requests"),
)
_LINK = (
    _metric("link_connected", "1 while the link is up.", "connected"),
    _metric("link_carries_data", "1 for the link the data goes over, 0 for the one that stands by.", "carries_data"),
    _metric("link_round_trip_seconds", "Last round trip.", "round_trip_ms", factor=_MS),
    _metric("link_round_trip_p50_seconds", "Median of round trips, of two minutes.", "round_trip_p50_ms", factor=_MS),
    _metric("link_round_trip_p99_seconds", "99th percentile of round trips.", "round_trip_p99_ms", factor=_MS),
    _metric("link_loss_percent", "TCP segments that had to be sent again, of the last half minute.", "loss_percent"),
    _metric("link_echoes_lost_total", "Echoes without an answer, each the end of a connection.", "echoes_lost"),
    _metric("link_connects_total", "Connections made.", "connects"),
    _metric("link_outages_total", "Times the link was lost.", "outages"),
    _metric("link_outage_seconds_total", "How long it was lost in all.", "outage_s"),
    _metric("link_longest_outage_seconds", "How long it was lost at the longest.", "longest_outage_s"),
    _metric("link_sent_bytes_total", "Bytes sent.", "bytes_out"),
    _metric("link_received_bytes_total", "Bytes received.", "bytes_in"),
)
_LINE = (
    _metric("line_open", "1 while the line's port or connection is open.", "is_open"),
    _metric("line_requests_total", "Requests sent.", "requests"),
    _metric("line_answers_total", "Answers taken.", "answers"),
    _metric("line_timeouts_total", "Requests without an answer.", "timeouts"),
    _metric("line_crc_errors_total", "Answers with a wrong check sum.", "crc_errors"),
    _metric("line_exceptions_total", "Requests a device refused.", "exceptions"),
    _metric("line_stray_answers_total", "Answers to no request of the moment.", "stray_answers"),
    _metric("line_opened_total", "Times the port or connection was opened.", "opened"),
    _metric("line_wire_seconds_total", "Time the line was in use.", "wire_ms", factor=_MS),
)
_DEVICE = (
    _metric("device_online", "1 while the device answers.", "online"),
    _metric("device_seen_seconds", "Time since the last complete poll.", "seen_ms_ago", factor=_MS),
    _metric("device_timeouts_total", "Requests the device did not answer.", "timeouts"),
    _metric("device_exceptions_total", "Requests the device refused.", "exceptions"),
    _metric("device_crc_errors_total", "Answers the hub found garbled.", "crc_errors_hub"),
    _metric("device_polls_total", "Reads of the device.", "poll_cycles"),
    _metric("device_events_total", "Events taken.", "events"),
    _metric("device_events_lost_total", "Events overwritten before they were taken.", "events_lost"),
    _metric("poll_period_asked_seconds", "Period the site asks for.", "poll", "asked_ms", factor=_MS),
    _metric("poll_period_seconds", "Period the device is read with.", "poll", "got_ms", factor=_MS),
    _metric("poll_late_p99_seconds", "99th percentile of reads' lateness.", "poll", "late_p99_ms", factor=_MS),
    _metric("poll_late_max_seconds", "Greatest lateness.", "poll", "late_max_ms", factor=_MS),
    _metric("poll_skipped_total", "Reads left out because their time had passed.", "poll", "skipped"),
)
# (label of the thing, path to the things by name, their metrics)
_GROUPS = (
    ("link", ("uplink", "links"), _LINK),
    ("line", ("lines",), _LINE),
    ("device", ("devices",), _DEVICE),
)
_SIDES = ("produced", "acknowledged", "stored", "pending", "lost")
_LEDGER = "smartgate_ledger_records"
_DIFFERENCE = "smartgate_ledger_difference"
_EXPIRED = "smartgate_ledger_expired_total"
# Words: (name, meaning, label, path), 1 for the word of the moment.
_STATES = (
    ("smartgate_journal_mode", "1 for the mode the journal is in.", "mode", ("journal", "mode")),
    ("smartgate_clock_quality", "1 for how far the clock can be trusted.", "quality", ("clock", "quality")),
)


def metrics_text(status: Mapping[str, Any]) -> str:
    """`status` as edge/status.py builds it."""
    return "\n".join(_lines(status)) + "\n"


def metric_names() -> list[str]:
    """Every name there is, for the page that lists them."""
    grouped = [metric.name for _, _, metrics in _GROUPS for metric in metrics]
    return [
        *(metric.name for metric in _HUB),
        *grouped,
        _LEDGER,
        _DIFFERENCE,
        _EXPIRED,
        *(name for name, *_ in _STATES),
    ]


def missing_in(status: Mapping[str, Any]) -> list[str]:
    """Metrics whose number `status` has no place for, as opposed to no value at the moment: nobody counts them."""
    missing = [metric.name for metric in _HUB if not _has(status, metric.path)]
    for _, path, metrics in _GROUPS:
        things = (_at(status, path) or {}).values()
        missing += [metric.name for metric in metrics if not any(_has(thing, metric.path) for thing in things)]
    return missing


def _has(entry: Any, path: tuple[str, ...]) -> bool:
    return path[-1] in (_at(entry, path[:-1]) or {})


def _lines(status: Mapping[str, Any]) -> Iterator[str]:
    for metric in _HUB:
        yield from _family(metric, {"": status}, "")
    for label, path, metrics in _GROUPS:
        things = _at(status, path) or {}
        for metric in metrics:
            yield from _family(metric, things, label)
    yield from _ledger_lines(_at(status, ("ledger", "classes")) or {})
    for name, meaning, label, path in _STATES:
        if word := _at(status, path):
            yield from _head(name, meaning, "gauge")
            yield f"{name}{_labels(**{label: word})} 1"


def _family(metric: Metric, things: Mapping[str, Any], label: str) -> Iterator[str]:
    samples = [(name, _at(thing, metric.path)) for name, thing in things.items()]
    if not any(value is not None for _, value in samples):
        return
    yield from _head(metric.name, metric.meaning, metric.kind)
    for name, value in samples:
        if value is not None:
            labels = _labels(**{label: name}) if label else ""
            yield f"{metric.name}{labels} {_number(value, metric.factor)}"


def _ledger_lines(classes: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    yield from _head(_LEDGER, "The account: produced = acknowledged + stored + pending + lost + expired.", "gauge")
    for name, ledger in classes.items():
        for side in _SIDES:
            yield f"{_LEDGER}{_labels(**{'class': name, 'side': side})} {ledger[side]}"
    yield from _head(_DIFFERENCE, "What is missing from the account; 0 when it balances.", "gauge")
    for name, ledger in classes.items():
        yield f"{_DIFFERENCE}{_labels(**{'class': name})} {ledger['difference']}"
    yield from _head(_EXPIRED, "Dropped on purpose, by reason.", "counter")
    for name, ledger in classes.items():
        for reason, count in ledger["expired"].items():
            yield f"{_EXPIRED}{_labels(**{'class': name, 'reason': reason})} {count}"


def _head(name: str, meaning: str, kind: str) -> tuple[str, str]:
    return f"# HELP {name} {meaning}", f"# TYPE {name} {kind}"


def _labels(**labels: Any) -> str:
    escaped = (
        f'{name}="{str(value).replace(chr(92), 2 * chr(92)).replace(chr(34), chr(92) + chr(34))}"'
        for name, value in labels.items()
    )
    return "{" + ",".join(escaped) + "}"


def _at(entry: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        entry = entry.get(name) if isinstance(entry, Mapping) else None
    return entry


def _number(value: Any, factor: float) -> str:
    return str(round(value * factor, 6) if factor != 1.0 else int(value) if isinstance(value, bool) else value)
