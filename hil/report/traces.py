"""The files that hold a result's trace, by name.

Knows: the forms of trace files. Must not know: where they are put.
"""

from __future__ import annotations

from hil.suite.result import Result


def trace_name(result: Result) -> str:
    """The file that can be read back."""
    return f"{result.scenario}.{result.target}.txt"


def trace_files(result: Result) -> dict[str, str]:
    """Every form, by file name; none when nothing ran."""
    return {} if result.trace is None else {trace_name(result): result.trace.text()}
