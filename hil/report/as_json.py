"""A run as one JSON object.

Knows: results, accounts, comparisons. Must not know: where the text goes.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from hil.suite.result import BLOCKED, FAILED, PASSED, Account, Result
from hil.suite.suite import Compared


def report(accounts: Sequence[Account], compared: Sequence[Compared]) -> str:
    """The one target's object; for several `{"targets": [...], "comparisons": [...]}`."""
    objects = [account_object(account) for account in accounts]
    if len(objects) == 1:
        return json.dumps(objects[0], indent=1)
    return json.dumps({"targets": objects, "comparisons": [_comparison(item) for item in compared]}, indent=1)


def account_object(account: Account) -> dict[str, Any]:
    """Counts, digest and clocks of a target, then every result."""
    return {
        "target": account.target,
        "scenarios": len(account.results),
        "passed": account.count(PASSED),
        "failed": account.count(FAILED),
        "blocked": account.count(BLOCKED),
        "digest": account.digest,
        "simulated_s": round(account.simulated_s, 3),
        "wall_s": round(account.wall_s, 3),
        "ratio": round(account.ratio, 3),
        "results": [_result(result) for result in account.results],
    }


def _result(result: Result) -> dict[str, Any]:
    return {
        "scenario": result.scenario,
        "verdict": result.word,
        "seed": result.seed,
        "reasons": list(result.reasons),
        "measurements": [
            {"name": item.name, "value": item.value, "unit": item.unit, "low": item.low, "high": item.high}
            for item in result.figures
        ],
        "events": len(result.trace) if result.trace is not None else 0,
        "digest": result.logical or None,
        "full_digest": result.trace.digest() if result.trace is not None else None,
        "simulated_s": round(result.simulated_s, 6),
        "wall_s": round(result.wall_s, 3),
        "ratio": round(result.ratio, 3),
    }


def _comparison(item: Compared) -> dict[str, Any]:
    return {
        "scenario": item.scenario,
        **item.comparison.as_dict(item.left, item.right),
        "text": item.comparison.describe(item.left, item.right),
    }
