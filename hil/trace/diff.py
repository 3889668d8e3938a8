"""Compares two recordings: first whether they can be compared at all, then their traces.

Knows: heads of recordings, bands. Must not know: files, printing.
"""

from __future__ import annotations

from hil.trace.bands import bands_between
from hil.trace.compare import compare
from hil.trace.outcome import Comparison, not_comparable
from hil.trace.recording import Head, Recording


def compare_recordings(left: Recording, right: Recording) -> Comparison:
    """Exactly between targets that must be exactly equal, else within bands."""
    if left.head.scenario != right.head.scenario:
        return not_comparable(f"other scenario: {left.head.scenario} and {right.head.scenario}")
    if missing := _what_is_missing(left) or _what_is_missing(right):
        return not_comparable(missing, is_blocked=True)
    if reason := _why_not(left.head, right.head):
        return not_comparable(reason)
    bands = bands_between(left.head.target, right.head.target, left.trace.bands_us)
    return compare(left.trace, right.trace, bands)


def _why_not(left: Head, right: Head) -> str:
    """Why the two runs tell of different things, "" when they do not."""
    if left.scenario_sha256 != right.scenario_sha256:
        return f"the scenario file of {left.scenario} was changed between the two runs"
    if left.seed != right.seed:
        return f"other seed: {left.seed} and {right.seed}"
    if left.roles != right.roles:
        return f"other devices: {_told(left)} and {_told(right)}"
    return ""


def _told(head: Head) -> str:
    return ", ".join(f"{name} ({role})" for name, role in head.roles.items())


def _what_is_missing(recording: Recording) -> str:
    """Why there is nothing to compare: a capability that the target lacks, a device that did not start."""
    if len(recording.trace):
        return ""
    head = recording.head
    return f"{head.scenario} was {head.verdict or 'not run'} on {head.target}: {'; '.join(head.problems)}"
