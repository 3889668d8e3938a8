"""Whether a link lives, and how well: echoes sent and come back, outages, round trips. Pure.

Knows: when an echo is due and when its absence means that the link is dead. Must not know: sockets, MQTT, clocks; time
comes in as seconds of a steady clock. An echo is a question the other end answers in order (MQTT's PINGREQ), so its
answer also says that everything sent in front of it has arrived.

Worst case for a link that swallows everything: ECHO_IDLE_S until the next echo, ECHO_MAX_S until its absence counts.
"""

from __future__ import annotations

from collections import deque
from typing import Any

ECHO_IDLE_S = 2.0
ECHO_BUSY_S = 0.05  # while data is under way: the pacer lives on round trips
ECHO_MAX_S = 5.0  # no round trip of a usable link takes so long; the pacer keeps queues far below
_SAMPLE_S = 0.5  # one round trip of so long is kept, the longest
_SAMPLES = 240  # two minutes of them
_RECENT = 5  # echoes
_SEGMENT_LOOKS = 60  # of the links' health, half a minute of them
_SEGMENTS_MIN = 10


class EchoTrack:
    """The echoes of one connection."""

    def __init__(self, now_s: float, mark: int = 0) -> None:
        self._under_way: deque[tuple[float, int]] = deque()
        self._last_s = now_s
        self._unmarked_since_s: float | None = None
        self._answered_mark = mark

    def on_data(self, now_s: float) -> None:
        """Something was written."""
        if self._unmarked_since_s is None:
            self._unmarked_since_s = now_s

    def due_s(self) -> float:
        """When the next echo is to be sent; in the past when it is overdue."""
        idle_s = self._last_s + ECHO_IDLE_S
        return idle_s if self._unmarked_since_s is None else min(idle_s, self._unmarked_since_s + ECHO_BUSY_S)

    def on_echo(self, now_s: float, mark: int) -> None:
        """An echo is sent; `mark` counts what was sent in front of it, from the one given at the beginning on."""
        self._under_way.append((now_s, mark))
        self._last_s = now_s
        self._unmarked_since_s = None

    def on_answer(self, now_s: float) -> tuple[float, int] | None:
        """The oldest echo came back: its round trip, and how much more is now known to have arrived."""
        if not self._under_way:
            return None
        sent_s, mark = self._under_way.popleft()
        arrived = mark - self._answered_mark
        self._answered_mark = mark
        return now_s - sent_s, arrived

    def dead_s(self) -> float | None:
        """When the oldest echo will have been away for too long; None while none is."""
        return self._under_way[0][0] + ECHO_MAX_S if self._under_way else None

    def count(self) -> int:
        """Echoes that have not come back."""
        return len(self._under_way)


class LinkRecord:
    """What a link has been through since the hub started."""

    def __init__(self, now_s: float) -> None:
        self.is_up = False
        self.reason = "not connected yet"
        self.since_s = now_s
        self.connects = 0
        self.attempts = 0
        self.echoes = 0
        self.echoes_lost = 0
        self.outages = 0
        self.outage_s = 0.0
        self.longest_outage_s = 0.0
        self.bytes_out = 0
        self.bytes_in = 0
        self.round_trip_s: float | None = None
        self._samples: deque[float] = deque(maxlen=_SAMPLES)
        self._sampled_s = float("-inf")
        self._recent: deque[float] = deque(maxlen=_RECENT)
        self._segments: deque[tuple[int, int]] = deque(maxlen=_SEGMENT_LOOKS)

    def on_up(self, now_s: float) -> None:
        """Connected."""
        self.connects += 1
        self._recent.clear()
        self._segments.clear()
        if not self.is_up:
            self._count_outage(now_s)
            self.is_up, self.reason, self.since_s = True, "", now_s

    def on_down(self, now_s: float, reason: str) -> None:
        """Lost, or an attempt failed. The first of them begins an outage, unless there was no connection before."""
        self.reason = reason
        if self.is_up:
            self.is_up, self.since_s = False, now_s
            self.outages += 1

    def on_round_trip(self, now_s: float, round_trip_s: float) -> None:
        """An echo came back."""
        self.round_trip_s = round_trip_s
        self._recent.append(round_trip_s)
        if now_s - self._sampled_s >= _SAMPLE_S or not self._samples:
            self._samples.append(round_trip_s)
            self._sampled_s = now_s
        else:
            self._samples[-1] = max(self._samples[-1], round_trip_s)

    def on_segments(self, sent: int, repeated: int) -> None:
        """What the system has sent on this connection so far, and how much of it twice or more."""
        self._segments.append((sent, repeated))

    def recent_round_trip_s(self) -> float | None:
        """The median of this connection's last few; None before they are that many."""
        return sorted(self._recent)[_RECENT // 2] if len(self._recent) == _RECENT else None

    def loss_percent(self) -> float | None:
        """Of the segments lately sent, those that had to be sent again; None while there are too few to tell."""
        if not self._segments or (sent := self._segments[-1][0] - self._segments[0][0]) < _SEGMENTS_MIN:
            return None
        return min(100.0, 100.0 * (self._segments[-1][1] - self._segments[0][1]) / sent)

    def round_trip_percentile_s(self, percent: int) -> float | None:
        """Of the last two minutes; None before the first echo."""
        ordered = sorted(self._samples)
        return ordered[-(-(len(ordered) - 1) * percent // 100)] if ordered else None

    def status(self, now_s: float) -> dict[str, Any]:
        """For the status and the metrics; an outage that goes on is counted up to now."""
        running_s = 0.0 if self.is_up or not self.outages else now_s - self.since_s
        return {
            "connected": self.is_up,
            "reason": self.reason,
            "state_s": round(now_s - self.since_s, 1),
            "connects": self.connects,
            "attempts": self.attempts,
            "round_trip_ms": _ms(self.round_trip_s),
            "round_trip_p50_ms": _ms(self.round_trip_percentile_s(50)),
            "round_trip_p99_ms": _ms(self.round_trip_percentile_s(99)),
            "loss_percent": None if (loss := self.loss_percent()) is None else round(loss, 1),
            "echoes": self.echoes,
            "echoes_lost": self.echoes_lost,
            "outages": self.outages,
            "outage_s": round(self.outage_s + running_s, 1),
            "longest_outage_s": round(max(self.longest_outage_s, running_s), 1),
            "bytes_out": self.bytes_out,
            "bytes_in": self.bytes_in,
        }

    def _count_outage(self, now_s: float) -> None:
        if self.outages:
            self.outage_s += now_s - self.since_s
            self.longest_outage_s = max(self.longest_outage_s, now_s - self.since_s)


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else round(1000 * seconds, 2)
