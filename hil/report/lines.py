"""A run as lines for a person who watches.

Knows: results and accounts. Must not know: where the lines go.
"""

from __future__ import annotations

from hil.suite.result import BLOCKED, FAILED, PASSED, Account, Result


def result_lines(result: Result) -> list[str]:
    """The verdict with both clocks, then what was measured and what was wrong."""
    head = f"{result.word} {result.scenario} on {result.target}"
    if result.trace is None:
        return [f"{head}: {'; '.join(result.reasons)}"]
    trace = f"{len(result.trace)} events, {result.clocks}, seed {result.seed}, trace {result.trace.digest()[:16]}"
    return [f"{head}: {trace}", *(f"    {line}" for line in (*(item.text for item in result.figures), *result.reasons))]


def account_line(account: Account) -> str:
    """Counts, both clocks and their ratio, the digest."""
    counts = ", ".join(f"{account.count(word)} {word.lower()}" for word in (PASSED, FAILED, BLOCKED))
    return (
        f"{account.target}: {len(account.results)} scenarios, {counts}; {account.clocks}; digest {account.digest[:16]}"
    )
