"""The platform's stand-in for telemetry: stores each row of a gate once and says which rows it has.

Knows: Sparkplug births and data, the metric that numbers the rows, its own SQLite file. Must not know: MQTT, records,
the hub's spool. A row is acknowledged once it is on disk. Data whose birth was never seen cannot be read; the node is
then asked to be born again.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from sim_devices.devices.sparkplug_reader import Metric, read_metrics

ROW_NUMBER = "telemetry_seq"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS births(device TEXT PRIMARY KEY, row_alias INTEGER, payload BLOB) STRICT;
CREATE TABLE IF NOT EXISTS telemetry(
    number INTEGER PRIMARY KEY, device TEXT, time_ms INTEGER, historical INTEGER, payload BLOB
) STRICT;
"""

Ranges = list[list[int]]


@dataclass(slots=True)
class TelemetryCounters:
    """Messages since this start, as in platform.PlatformCounters; `unborn` came before any birth of their device."""

    received: int = 0
    stored: int = 0
    duplicates: int = 0
    conflicts: int = 0
    malformed: int = 0
    unborn: int = 0


@dataclass(slots=True)
class Accepted:
    """What became of some messages: `ranges` of row numbers that are stored, and whether a birth is missing."""

    ranges: Ranges = field(default_factory=list)
    is_birth_missing: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """One stored row; `payload` is the whole message."""

    number: int
    device: str
    time_ms: int
    is_historical: bool
    payload: bytes


class TelemetryStore:
    """Rows of one gate by number. `on_arrival(class, number)` is called for everything readable, repeats included."""

    def __init__(self, path: Path | str, on_arrival: Callable[[str, int], None] = lambda *_: None) -> None:
        """Open or make the file; raises sqlite3.Error when it is none."""
        self.counters = TelemetryCounters()
        self._on_arrival = on_arrival
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")
        self._db.executescript(_SCHEMA)
        self._aliases = {str(device): int(alias) for device, alias in self._db.execute(
            "SELECT device, row_alias FROM births"
        )}  # fmt: skip

    def close(self) -> None:
        self._db.close()

    def accept(self, messages: Iterable[tuple[str, bytes]]) -> Accepted:
        """Store (topic, payload) of births and data in one transaction; what may now be acknowledged."""
        accepted, numbers = Accepted(), []
        self._db.execute("BEGIN IMMEDIATE")
        for topic, payload in messages:
            kind, device = topic.split("/")[2], topic.rsplit("/", 1)[1]
            try:
                if kind == "DBIRTH":
                    self._take_birth(device, payload)
                elif device not in self._aliases:
                    self.counters.unborn += 1
                    accepted.is_birth_missing = True
                else:
                    numbers.append(self._take_data(device, payload))
            except ValueError:
                self.counters.malformed += 1
        self._db.execute("COMMIT")
        accepted.ranges = _ranges(numbers)
        return accepted

    def count(self) -> int:
        """How many rows are stored."""
        return int(self._db.execute("SELECT count(*) FROM telemetry").fetchone()[0])

    def rows(self) -> Iterable[Row]:
        """Every stored row by number."""
        found = self._db.execute("SELECT number, device, time_ms, historical, payload FROM telemetry ORDER BY number")
        return (Row(number, device, time_ms, bool(old), payload) for number, device, time_ms, old, payload in found)

    def names(self, device: str) -> dict[int, str]:
        """Names of a device's metrics by alias, as its newest birth had them."""
        found = self._db.execute("SELECT payload FROM births WHERE device = ?", (device,)).fetchone()
        metrics = read_metrics(found[0]) if found else ()
        return {metric.alias: metric.name for metric in metrics if metric.alias is not None}

    def _take_birth(self, device: str, payload: bytes) -> None:
        alias = next((metric.alias for metric in read_metrics(payload) if metric.name == ROW_NUMBER), None)
        if alias is None:
            raise ValueError("the birth names no row number")
        self._aliases[device] = alias
        self._db.execute("INSERT OR REPLACE INTO births VALUES(?, ?, ?)", (device, alias, payload))

    def _take_data(self, device: str, payload: bytes) -> int:
        self.counters.received += 1
        metric = self._row_metric(device, payload)
        number = metric.value
        if type(number) is not int or not 0 < number < 2**62:
            raise ValueError("the row has no number")
        self._on_arrival("history" if metric.is_historical else "live", number)
        known = self._db.execute("SELECT device, time_ms FROM telemetry WHERE number = ?", (number,)).fetchone()
        if known is None:
            row = (number, device, metric.time_ms, int(metric.is_historical), payload)
            self._db.execute("INSERT INTO telemetry VALUES(?, ?, ?, ?, ?)", row)
            self.counters.stored += 1
        elif known == (device, metric.time_ms):
            self.counters.duplicates += 1
        else:
            self.counters.conflicts += 1
        return number

    def _row_metric(self, device: str, payload: bytes) -> Metric:
        alias = self._aliases[device]
        metric = next((metric for metric in read_metrics(payload) if metric.alias == alias), None)
        if metric is None:
            raise ValueError("the data has no row number")
        return metric


def _ranges(numbers: Iterable[int]) -> Ranges:
    """`numbers` as runs [first, last], ascending."""
    found: Ranges = []
    for number in sorted(set(numbers)):
        if found and found[-1][1] == number - 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    return found
