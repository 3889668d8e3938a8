"""The files that hold a result's trace, by name.

Knows: the forms of trace files. Must not know: where they are put.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from hil.evidence.versions import versions
from hil.suite.result import Result
from hil.trace.event import Trace
from hil.trace.recording import Head, Recording
from hil.trace.timeline import timeline_text
from hil.trace.vcd import vcd_text


def trace_name(result: Result) -> str:
    """The file that can be read back."""
    return f"{result.scenario}.{result.target}.jsonl"


def trace_files(result: Result, identity: Mapping[str, str]) -> dict[str, str]:
    """Every form, by file name; `identity` says what the target ran. Of what did not run, only why."""
    recording = recording_of(result, identity)
    files = {trace_name(result): recording.text()}
    if result.trace is None:
        return files
    return {**files, timeline_name(result): timeline_text(recording), wave_name(result): vcd_text(recording)}


def timeline_name(result: Result) -> str:
    """The page to look at."""
    return f"{result.scenario}.{result.target}.html"


def wave_name(result: Result) -> str:
    """The file for GTKWave."""
    return f"{result.scenario}.{result.target}.vcd"


def recording_of(result: Result, identity: Mapping[str, str]) -> Recording:
    """The trace with what it is a trace of."""
    trace = result.trace or Trace()
    head = Head(
        scenario=result.scenario,
        scenario_sha256=result.scenario_sha256,
        seed=result.seed,
        target=result.target,
        simulated_us=trace.end_us,
        wall_s=round(result.wall_s, 3),
        roles=trace.roles,
        verdict=result.word,
        problems=result.reasons,
        versions={**_versions(), **identity},
    )
    return Recording(head, trace)


@cache
def _versions() -> dict[str, str]:
    return versions()
