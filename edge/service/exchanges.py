"""Requests and their answers, paired, and what each unit's came to.

Knows: frames in order. Must not know: ports, register names, how anything is printed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from edge.service.frames import Frame, Kind
from protocols.modbus import pdu, rtu


class Outcome(StrEnum):
    """What became of a request, or what else was heard."""

    OK = "ok"
    EXCEPTION = "exception"
    MISMATCH = "mismatch"  # an answer that does not fit its request
    SILENT = "silent"
    BROADCAST = "broadcast"
    STRAY = "stray"  # an answer nobody asked for
    NOISE = "noise"


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request with its answer; one of the two is None where it was not heard."""

    outcome: Outcome
    request: Frame | None
    response: Frame | None
    exception: int = 0

    @property
    def at_us(self) -> int:
        """When it began."""
        first = self.request or self.response
        return first.begin_us if first else 0

    @property
    def latency_us(self) -> int | None:
        """From the end of the request to the start of the answer, as this machine saw it."""
        if self.request is None or self.response is None:
            return None
        return self.response.begin_us - self.request.end_us


class Pairing:
    """`take` frames in order, `end` when no answer comes any more; each gives the exchanges that are over."""

    def __init__(self) -> None:
        self._request: Frame | None = None

    def take(self, frame: Frame) -> list[Exchange]:
        """The exchanges that are over with this frame."""
        if frame.kind is Kind.BROKEN:
            return [Exchange(Outcome.NOISE, None, frame)]
        if frame.kind is Kind.RESPONSE:
            return [self._answer(frame)]
        over = self.end()
        if frame.unit_id == rtu.BROADCAST:
            return [*over, Exchange(Outcome.BROADCAST, frame, None)]
        self._request = frame
        return over

    def end(self) -> list[Exchange]:
        """Whoever was asked has not answered."""
        request, self._request = self._request, None
        return [Exchange(Outcome.SILENT, request, None)] if request else []

    def _answer(self, frame: Frame) -> Exchange:
        request, self._request = self._request, None
        if request is None or request.unit_id != frame.unit_id:
            self._request = request
            return Exchange(Outcome.STRAY, None, frame)
        asked, got = bytearray(request.data), bytearray(frame.data)
        code = pdu.decode_response(asked, rtu.PDU_START, got, rtu.PDU_START, len(got) - 3)
        if code == pdu.RESPONSE_OK:
            return Exchange(Outcome.OK, request, frame)
        return Exchange(Outcome.EXCEPTION if code > 0 else Outcome.MISMATCH, request, frame, max(code, 0))


@dataclass(slots=True)
class UnitTally:
    """What was heard of one unit; `latencies_us` of its answers, in the order they came."""

    requests: int = 0
    outcomes: dict[Outcome, int] = field(default_factory=dict)
    latencies_us: list[int] = field(default_factory=list)

    def add(self, exchange: Exchange) -> None:
        """Count one exchange."""
        self.requests += exchange.request is not None
        self.outcomes[exchange.outcome] = self.outcomes.get(exchange.outcome, 0) + 1
        if exchange.latency_us is not None:
            self.latencies_us.append(exchange.latency_us)


class Tally:
    """All units by id, the bytes heard, and those that were noise."""

    def __init__(self) -> None:
        self.units: dict[int, UnitTally] = {}
        self.size = 0
        self.noise_size = 0

    def add(self, exchange: Exchange) -> None:
        """Count one exchange."""
        frames = [frame for frame in (exchange.request, exchange.response) if frame]
        self.size += sum(len(frame.data) for frame in frames)
        if exchange.outcome is Outcome.NOISE:
            self.noise_size += len(frames[0].data)
        else:
            self.units.setdefault(frames[0].unit_id, UnitTally()).add(exchange)
