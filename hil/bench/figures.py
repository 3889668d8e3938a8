"""What a run came to: the simulator's truth joined with what a subscriber received. Pure.

Knows: counters of reads, times in ns of one clock. Must not know: who polled, which wire format was used.
A value's latency runs from the moment the device answered to the moment the subscriber had it in hand.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

_COUNTS = 65536  # register 0 holds the counter's low word


@dataclass(frozen=True, slots=True)
class Read:
    """Device `device` answered the read that made its counter `counter`."""

    device: int
    counter: int
    at_ns: int


@dataclass(frozen=True, slots=True)
class Delivery:
    """A subscriber received values of one read: the low word of its counter, and how many values."""

    device: int
    word: int
    values: int
    at_ns: int


@dataclass(frozen=True, slots=True)
class Window:
    """The time that counts. A read in it must have been delivered by the end of the recording."""

    from_ns: int
    to_ns: int

    def has(self, at_ns: int) -> bool:
        return self.from_ns <= at_ns < self.to_ns

    @property
    def seconds(self) -> float:
        return (self.to_ns - self.from_ns) / 1e9


def spread(values: Iterable[float]) -> dict[str, float]:
    """p50, p99 and max, rounded to what the clock is worth; empty for no values."""
    ordered = sorted(values)
    if not ordered:
        return {}
    last = len(ordered) - 1
    picks = {"p50": ordered[last // 2], "p99": ordered[round(last * 0.99)], "max": ordered[-1]}
    return {name: round(value, 3) for name, value in picks.items()}


def delivery_figures(reads: Sequence[Read], deliveries: Sequence[Delivery], window: Window) -> dict[str, Any]:
    """Values per second and latencies of what was read in `window`, and what of it was lost or came twice."""
    by_word: dict[tuple[int, int], list[Read]] = defaultdict(list)
    for read in reads:
        by_word[read.device, read.counter % _COUNTS].append(read)
    seen: dict[tuple[int, int], int] = defaultdict(int)
    latencies, values = [], 0
    for item in deliveries:
        # The newest read with this word that was answered before: the word comes again after hours only.
        before = [read for read in by_word[item.device, item.word] if read.at_ns <= item.at_ns]
        if not before or not window.has(before[-1].at_ns):
            continue
        seen[item.device, before[-1].counter] += 1
        if seen[item.device, before[-1].counter] == 1:
            latencies.append((item.at_ns - before[-1].at_ns) / 1e6)
            values += item.values
    asked = sum(window.has(read.at_ns) for read in reads)
    return {
        "tags_per_s": round(values / window.seconds),
        "reads": asked,
        "reads_lost": asked - len(seen),
        "duplicates": sum(count - 1 for count in seen.values()),
        "latency_ms": spread(latencies),
    }


def poll_figures(reads: Sequence[Read], window: Window) -> dict[str, float]:
    """Mean and longest time between two reads of one device, in ms."""
    times: dict[int, list[int]] = defaultdict(list)
    for read in reads:
        if window.has(read.at_ns):
            times[read.device].append(read.at_ns)
    gaps = [(later - earlier) / 1e6 for each in times.values() for earlier, later in pairwise(each)]
    return {"mean": round(sum(gaps) / len(gaps), 3), "max": round(max(gaps), 3)} if gaps else {}


def write_figures(sent_ns: Mapping[int, int], arrived_ns: Mapping[int, int]) -> dict[str, Any]:
    """From a write's request to its arrival at the device, by the value written."""
    times = [(arrived_ns[value] - at_ns) / 1e6 for value, at_ns in sent_ns.items() if value in arrived_ns]
    return {**spread(times), "writes": len(sent_ns), "lost": len(sent_ns) - len(times)}
