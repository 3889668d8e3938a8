"""A trace with what it is a trace of, and its form as a file: JSON lines, a head and then one event a line.

Knows: the form of the file. Must not know: how a run is made, how two are compared.

The head says how many events follow, so a file whose tail is cut off is told from a whole one. An event is
`[t_us, "source", "channel", value, cause]`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edge.words import later, tr
from hil.scenarios.vocabulary import ROLES
from hil.targets.target import UsageError
from hil.trace.bands import TIMES_US
from hil.trace.event import NO_CAUSE, Trace, TraceEvent

FORMAT = "smartgate trace 1"
_NUMBER_MAX = 2**63 - 1
_CUT_OFF = later("is cut off: {whole} of {count} events are whole; take a whole copy, or run it again")
_TOO_LONG = later("line {line} is one too many, the head tells of {count} events; take an unchanged copy")
_OTHER_FORM = later("its form is '{found}', this smartgate reads '{wanted}'; run the scenario again")
_NO_EVENT = later("line {line} is no event ({text!r}); take an unchanged copy, or run it again")


@dataclass(frozen=True, slots=True)
class Head:
    """What a trace is of. `scenario_sha256` is "" when the scenario was no file; `problems` are what was wrong, or why
    nothing ran, in sentences; `versions` are those of what made it."""

    scenario: str
    scenario_sha256: str
    seed: int
    target: str
    simulated_us: int
    wall_s: float
    roles: Mapping[str, str]
    verdict: str = ""
    problems: Sequence[str] = ()
    versions: Mapping[str, str] = field(default_factory=dict)

    @property
    def clocks(self) -> str:
        """Both clocks and their ratio, as every report has them."""
        simulated, wall = f"{self.simulated_us / 1e6:.1f}", f"{self.wall_s:.1f}"
        return f"{tr('{simulated} s simulated in {wall} s', simulated=simulated, wall=wall)} ({self.ratio_text})"

    @property
    def ratio_text(self) -> str:
        """Simulated seconds in a second of the wall clock: `67x`."""
        return f"{self.simulated_us / 1e6 / self.wall_s:.3g}x" if self.wall_s else "no wall time"


@dataclass(frozen=True, slots=True)
class Recording:
    head: Head
    trace: Trace

    def text(self) -> str:
        """As a file."""
        told = {name: getattr(self.head, name) for name in Head.__slots__}
        told |= {"bands_us": self.trace.bands_us, "events": len(self.trace)}
        first = json.dumps({"format": FORMAT, **told}, ensure_ascii=False, default=dict)
        rows = (json.dumps([e.t_us, e.source, e.channel, e.value, e.cause], ensure_ascii=False) for e in self.trace)
        return "\n".join((first, *rows)) + "\n"


def read_recording(path: Path) -> Recording:
    """Read a file; raises UsageError with one sentence when it is none of ours, damaged or cut."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path}: {_advised(tr('cannot be read ({why})', why=error.strerror))}") from None
    except UnicodeDecodeError:
        raise UsageError(f"{path}: {_advised(tr('is no text'))}") from None
    try:
        return parse_recording(text)
    except UsageError as error:
        raise UsageError(f"{path}: {error}") from None


def parse_recording(text: str) -> Recording:
    """The recording a text is; raises UsageError with what goes on after the file's name."""
    lines = text.split("\n")
    head, bands_us, count = _parse_head(lines[0])
    trace = Trace(head.roles, bands_us)
    trace.end_us = head.simulated_us
    rows = lines[1:-1]
    for number, row in enumerate(rows[:count], 2):
        trace.add(_parse_event(row, number, len(trace)))
    if len(trace) < count or lines[-1]:
        raise UsageError(tr(_CUT_OFF, whole=len(trace), count=count))
    if len(rows) > count:
        raise UsageError(tr(_TOO_LONG, line=count + 2, count=count))
    return Recording(head, trace)


def _advised(what: str) -> str:
    return tr("{what}; name a trace file that `gate hil run --trace` wrote", what=what)


def _parse_head(line: str) -> tuple[Head, dict[str, int], int]:
    data = _json(line)
    if not isinstance(data, dict) or "format" not in data:
        raise UsageError(_advised(tr("line 1 is not the head of a trace")))
    if data["format"] != FORMAT:
        raise UsageError(tr(_OTHER_FORM, found=data["format"], wanted=FORMAT))
    for name, kind in _KINDS.items():
        if not isinstance(data.get(name), kind):
            said = tr(
                "line 1 has no right '{name}' ({value!r}); take an unchanged copy", name=name, value=data.get(name)
            )
            raise UsageError(said)
    if not all(isinstance(text, str) for text in (*data["problems"], *data["roles"].values())):
        said = tr("line 1 has something else than texts in 'problems' or 'roles'; take an unchanged copy")
        raise UsageError(said)
    unknown = [role for role in data["roles"].values() if role not in ROLES]
    if unknown:
        known = {"role": unknown[0], "names": ", ".join(ROLES)}
        raise UsageError(tr("line 1 has the role {role!r}; this smartgate knows {names}", **known))
    strange = [name for name, value in data["bands_us"].items() if name not in TIMES_US or not isinstance(value, int)]
    if strange:
        known = {"band": strange[0], "names": ", ".join(TIMES_US)}
        raise UsageError(tr("line 1 has the band {band!r}; this smartgate knows {names}", **known))
    return Head(**{name: data[name] for name in Head.__slots__}), data["bands_us"], data["events"]


def _parse_event(line: str, number: int, index: int) -> TraceEvent:
    row = _json(line)
    right = isinstance(row, list) and [type(item) for item in row] == [int, str, str, int, int]
    if not right or row[0] < 0 or not NO_CAUSE <= row[4] < index:
        raise UsageError(tr(_NO_EVENT, line=number, text=line[:60]))
    return TraceEvent(*row)


def _json(line: str) -> Any:
    try:
        return json.loads(line, parse_int=_int)
    except (ValueError, RecursionError):
        return None


def _int(digits: str) -> int:
    """Raises ValueError for one that no run has: every instant and value must be told in seconds and units."""
    number = int(digits)
    if abs(number) > _NUMBER_MAX:
        raise ValueError
    return number


_KINDS: Mapping[str, type | tuple[type, ...]] = {
    "scenario": str,
    "scenario_sha256": str,
    "seed": int,
    "target": str,
    "simulated_us": int,
    "wall_s": (int, float),
    "roles": dict,
    "verdict": str,
    "problems": list,
    "versions": dict,
    "bands_us": dict,
    "events": int,
}
