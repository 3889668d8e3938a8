"""What a listener heard, unit by unit, for people and for scripts.

Knows: tallies. Must not know: frames, ports.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any

from edge.service.exchanges import Outcome, Tally, UnitTally
from edge.words import later, tr

_BITS_PER_CHARACTER = 11
_OUTCOMES = {
    Outcome.EXCEPTION: later("exception"),
    Outcome.MISMATCH: later("mismatch"),
    Outcome.SILENT: later("silent"),
    Outcome.STRAY: later("stray"),
}
_TOLD = (Outcome.OK, Outcome.EXCEPTION, Outcome.MISMATCH, Outcome.SILENT, Outcome.STRAY)


def summarise(tally: Tally, roles: Mapping[int, ModuleType], span_s: float, baud: int) -> dict[str, Any]:
    """Counts and times per unit; `load` is the part of the span in which characters were on the wire."""
    wire_s = tally.size * _BITS_PER_CHARACTER / baud
    units = [_unit(number, tally.units[number], roles.get(number)) for number in sorted(tally.units)]
    return {
        "seconds": round(span_s, 3),
        "baud": baud,
        "bytes": tally.size,
        "noise_bytes": tally.noise_size,
        "load": round(wire_s / span_s, 4) if span_s else 0.0,
        "units": units,
    }


def as_text(summary: Mapping[str, Any]) -> str:
    """The same as a table."""
    head = tr(
        "{seconds:.1f} s at {baud} baud: {bytes} bytes, {noise_bytes} of them noise, line busy {load:.1%}", **summary
    )
    return "\n".join([head, *(_row(unit) for unit in summary["units"])])


def _unit(number: int, unit: UnitTally, role: ModuleType | None) -> dict[str, Any]:
    times = sorted(unit.latencies_us)
    counts = {str(outcome): unit.outcomes.get(outcome, 0) for outcome in _TOLD}
    return {
        "unit_id": number,
        "role": role.NAME if role else None,
        "requests": unit.requests,
        **counts,
        "latency_ms": {"median": _ms(times, 50), "p99": _ms(times, 99), "max": _ms(times, 100)} if times else None,
    }


def _ms(times_us: Sequence[int], percent: int) -> float:
    return round(times_us[min(len(times_us) - 1, len(times_us) * percent // 100)] / 1000, 1)


def _row(unit: Mapping[str, Any]) -> str:
    wrong = [f", {unit[str(outcome)]} {tr(_OUTCOMES[outcome])}" for outcome in _TOLD[1:] if unit[str(outcome)]]
    times = unit["latency_ms"]
    shown = tr("; answers after {median} / {p99} / {max} ms (median/p99/max)", **times) if times else ""
    name = tr("unit {unit} {role}", unit=unit["unit_id"], role=unit["role"] or tr("of unknown role"))
    counts = tr("{requests} requests, {ok} ok", requests=unit["requests"], ok=unit["ok"])
    return f"  {name}: {counts}{''.join(wrong)}{shown}"
