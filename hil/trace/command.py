"""`gate hil diff A B` compares two trace files, `gate hil export TRACE` writes one in other forms.

Knows: arguments, printing, exit codes. Must not know: how traces are compared or written.
Exit codes: 0 equal or within the bands, 1 diverged, 2 bad input or traces of different things, 3 one of the two did
not run, as `gate hil run` has it.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path

from edge.words import later, tr
from hil.report.hear import hear_lines
from hil.targets.target import UsageError
from hil.trace.diff import compare_recordings
from hil.trace.outcome import Comparison, Outcome
from hil.trace.perfetto import perfetto_text
from hil.trace.recording import Recording, read_recording
from hil.trace.timeline import timeline_text
from hil.trace.vcd import vcd_text

EXIT_SAME, EXIT_DIVERGED, EXIT_BAD_INPUT, EXIT_BLOCKED = 0, 1, 2, 3
_CODES = {Outcome.DIVERGED: EXIT_DIVERGED, Outcome.NOT_COMPARABLE: EXIT_BAD_INPUT}
_FORMS: dict[str, tuple[Callable[[Recording], str], str]] = {
    "vcd": (vcd_text, later("write a wave file, for GTKWave")),
    "perfetto": (perfetto_text, later("write a trace for ui.perfetto.dev")),
    "html": (timeline_text, later("write a page to look at in a browser")),
}


def add_diff_arguments(parser: argparse.ArgumentParser) -> None:
    """The words of `gate hil diff`."""
    parser.add_argument("left", type=Path, metavar="A", help=tr("a trace file that `gate hil run --trace` wrote"))
    parser.add_argument("right", type=Path, metavar="B", help=tr("another, of the same scenario and seed"))
    parser.add_argument("--json", action="store_true", help=tr("one JSON object instead of lines"))


def diff(arguments: argparse.Namespace) -> int:
    """Print how the two compare; raises UsageError."""
    left, right = read_recording(arguments.left), read_recording(arguments.right)
    comparison = compare_recordings(left, right)
    names = _names(left, right)
    print(json.dumps(comparison.as_dict(*names), indent=1) if arguments.json else _lines(left, right, comparison))
    return EXIT_BLOCKED if comparison.is_blocked else _CODES.get(comparison.outcome, EXIT_SAME)


def add_export_arguments(parser: argparse.ArgumentParser) -> None:
    """The words of `gate hil export`."""
    parser.add_argument("trace", type=Path, metavar="TRACE", help=tr("a trace file that `gate hil run --trace` wrote"))
    for name, (_, sentence) in _FORMS.items():
        parser.add_argument(f"--{name}", type=Path, metavar="FILE", help=tr(sentence))


def export(arguments: argparse.Namespace) -> int:
    """Write every form asked for; raises UsageError."""
    wanted = {name: path for name in _FORMS if (path := getattr(arguments, name)) is not None}
    if not wanted:
        raise UsageError(
            tr("nothing to write; name a file with one of {names}", names=", ".join(f"--{n}" for n in _FORMS))
        )
    recording = read_recording(arguments.trace)
    for name, path in wanted.items():
        _write(path, _FORMS[name][0](recording), f"--{name}")
    return EXIT_SAME


def _write(path: Path, text: str, option: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        names = {"file": path, "why": error.strerror, "option": option}
        raise UsageError(tr("{file}: cannot be written ({why}); name another file with {option}", **names)) from None


def _names(left: Recording, right: Recording) -> tuple[str, str]:
    """What to call the two: their targets, with A and B where these are the same."""
    a, b = left.head.target, right.head.target
    return (a, b) if a != b else (f"A ({a})", f"B ({b})")


def _lines(left: Recording, right: Recording, comparison: Comparison) -> str:
    names = _names(left, right)
    heads = zip(names, (left.head, right.head), strict=True)
    told = [
        tr(
            "{name}: {scenario}, seed {seed}, {clocks}",
            name=name,
            scenario=head.scenario,
            seed=head.seed,
            clocks=head.clocks,
        )
        for name, head in heads
    ]
    return "\n".join((*told, hear_lines(comparison.describe(*names))))
