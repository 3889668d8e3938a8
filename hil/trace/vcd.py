"""A recording as a Value Change Dump (IEEE 1364-2001, clause 18), for GTKWave and other wave viewers.

Knows: the form of the file, names of values. Must not know: files, where a recording comes from.

A scope per source and, in it, one per kind of channel. Inputs, outputs and the bits of a bitfield are wires, numbers
are integers, happenings are events. What the register map has a word for is a string besides, `state_text` beside
`state`: an extension that GTKWave, Surfer and PulseView read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from hil.trace.classes import bits_of, is_happening, is_wire
from hil.trace.event import Trace, TraceEvent
from hil.trace.names import value_text
from hil.trace.recording import Recording

_FIRST, _COUNT = 33, 94  # the printable characters, of which short names are made
_WIDTHS = {"wire": 1, "event": 1, "integer": 64, "string": 1}

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Change:
    """A change of one variable; `text` comes before its short name."""

    path: Path
    kind: str
    text: str


def vcd_text(recording: Recording) -> str:
    """The whole file."""
    trace = recording.trace
    changes = [(event.t_us, change) for event in sorted(trace, key=_instant) for change in _changes(trace, event)]
    codes: dict[tuple[Path, str], str] = {}
    for _, change in changes:
        codes.setdefault((change.path, change.kind), _code(len(codes)))
    lines = [*_head(recording), *_declarations(codes), "$enddefinitions $end", *_first(codes)]
    now_us = 0
    for t_us, change in changes:
        if t_us > now_us:
            lines.append(f"#{t_us}")
            now_us = t_us
        lines.append(change.text + codes[change.path, change.kind])
    return "\n".join((*lines, f"#{max(now_us, trace.end_us)}")) + "\n"


def _instant(event: TraceEvent) -> int:
    return event.t_us


def _changes(trace: Trace, event: TraceEvent) -> Iterator[_Change]:
    role = trace.roles.get(event.source, "")
    path = _path(event)
    tag = bits_of(role, event.channel)
    if tag is not None:
        for symbol, bit in tag.symbols:
            yield _Change((*path, symbol), "wire", str(event.value >> bit & 1))
        return
    if is_wire(event.channel):
        yield _Change(path, "wire", str(event.value) if event.value in (0, 1) else "x")
        return
    text = value_text(trace, event)
    if is_happening(event.source, event.channel):
        yield _Change(path, "event", "1")
    else:
        yield _Change(path, "integer", f"b{event.value & (1 << _WIDTHS['integer']) - 1:b} ")
    if text != str(event.value):
        yield _Change((*path[:-1], f"{path[-1]}_text"), "string", f"s{re.sub(r'[^!-~]+', '', text)} ")


def _path(event: TraceEvent) -> Path:
    head, _, rest = event.channel.partition(".")
    return tuple(re.sub(r"\W", "_", part) for part in (event.source, head, rest) if part)


def _code(number: int) -> str:
    """The short name of the `number`th variable: one character, then two."""
    code = ""
    while True:
        code += chr(_FIRST + number % _COUNT)
        number = number // _COUNT - 1
        if number < 0:
            return code


def _head(recording: Recording) -> Iterator[str]:
    head = recording.head
    yield "$version smartgate $end"
    yield f"$comment {head.scenario} on {head.target}, seed {head.seed}, {head.clocks} $end"
    yield "$timescale 1 us $end"


def _declarations(codes: dict[tuple[Path, str], str]) -> Iterator[str]:
    """Variables inside their scopes, each scope once."""
    open_scopes: Path = ()
    for (path, kind), code in sorted(codes.items()):
        scopes = path[:-1]
        common = _common(open_scopes, scopes)
        yield from ("$upscope $end" for _ in open_scopes[common:])
        yield from (f"$scope module {name} $end" for name in scopes[common:])
        yield f"$var {kind} {_WIDTHS[kind]} {code} {path[-1]} $end"
        open_scopes = scopes
    yield from ("$upscope $end" for _ in open_scopes)


def _common(left: Path, right: Path) -> int:
    """How many scopes two paths have in common."""
    pairs = zip(left, right, strict=False)
    return next((n for n, (a, b) in enumerate(pairs) if a != b), min(len(left), len(right)))


def _first(codes: dict[tuple[Path, str], str]) -> Iterator[str]:
    """Nothing is known before its first event."""
    yield "#0"
    yield "$dumpvars"
    unknown = {"wire": "x", "integer": "bx ", "string": "s "}
    yield from (unknown[kind] + code for (_, kind), code in codes.items() if kind in unknown)
    yield "$end"
