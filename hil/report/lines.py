"""A run as lines for a person who watches.

Knows: results and accounts. Must not know: where the lines go.
"""

from __future__ import annotations

from edge.words import tr
from hil.report.hear import hear, hear_lines
from hil.suite.result import WORDS, Account, Result


def result_lines(result: Result) -> list[str]:
    """The verdict with both clocks, then what was measured and what was wrong."""
    head = tr("{word} {scenario} on {target}", word=tr(WORDS[result.word]), **_names(result))
    if result.trace is None:
        return [f"{head}: {'; '.join(map(hear, result.reasons))}"]
    trace = tr(
        "{count} events, {clocks}, seed {seed}, trace {digest}",
        count=len(result.trace),
        clocks=result.clocks,
        seed=result.seed,
        digest=result.trace.digest()[:16],
    )
    told = (*(item.text for item in result.figures), *result.reasons)
    return [f"{head}: {trace}", *(f"    {hear_lines(line)}" for line in told)]


def account_line(account: Account) -> str:
    """Counts, both clocks and their ratio, the digest."""
    counts = ", ".join(f"{account.count(word)} {tr(said).lower()}" for word, said in WORDS.items())
    told = tr(
        "{count} scenarios, {counts}; {clocks}; digest {digest}",
        count=len(account.results),
        counts=counts,
        clocks=account.clocks,
        digest=account.digest[:16],
    )
    return f"{account.target}: {told}"


def _names(result: Result) -> dict[str, str]:
    return {"scenario": result.scenario, "target": result.target}
