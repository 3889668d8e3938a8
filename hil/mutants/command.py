"""`gate hil mutants`: how strong the scenarios are, shown by what they notice when something is broken on purpose.

Knows: arguments, printing. Must not know: how something is broken.
Exit codes: 0 every break was noticed by a scenario that states what must be, 1 one was not, or a scenario fails already
when nothing is broken, 2 bad input.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from typing import Any

from edge.words import tr
from hil.mutants.breaks import breaks_of, worth_breaking
from hil.mutants.firmware import changes_of
from hil.mutants.score import CAUGHT, MISSED, WRONG_REASON, Score, Sighting, by_outcome, by_scenario
from hil.mutants.session import Broken, run_session, run_unbroken, takes_part
from hil.report.hear import hear
from hil.scenarios.model import Scenario
from hil.scenarios.vocabulary import ROLES, input_names
from hil.suite.choice import find_scenarios, load_scenarios
from hil.suite.pool import default_workers
from hil.suite.result import EXIT_FAILED, EXIT_PASSED
from hil.targets.target import UsageError

_FIRMWARE_COUNT = 60
_OUTCOMES = (CAUGHT, WRONG_REASON, MISSED)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `gate hil mutants`."""
    says = tr("those to try; all when none is named")
    parser.add_argument("scenario", nargs="*", metavar="SCENARIO", help=says)
    says = tr("break devices of this role only; may be repeated")
    parser.add_argument("--role", action="append", choices=ROLES, help=says)
    parser.add_argument(
        "--firmware",
        type=int,
        default=_FIRMWARE_COUNT,
        metavar="N",
        help=tr("changes of each firmware; default %(default)s"),
    )
    says = tr("show a break that was caught to the other scenarios too")
    parser.add_argument("--whole", action="store_true", help=says)
    parser.add_argument("--jobs", type=int, default=default_workers(), metavar="N", help=tr("default: %(default)s"))
    parser.add_argument("--json", action="store_true", help=tr("one JSON object instead of lines"))


def run(arguments: argparse.Namespace) -> int:
    """Break and look; returns the exit code."""
    for name, value, low in (("--firmware", arguments.firmware, 0), ("--jobs", arguments.jobs, 1)):
        if value < low:
            raise UsageError(
                tr("{option} is {value}; a number from {low} up is needed", option=name, value=value, low=low)
            )
    scenarios = load_scenarios(find_scenarios(arguments.scenario))
    roles = [role for role in arguments.role or ROLES if any(takes_part(role, each) for each in scenarios)]
    broken = [one for role in roles for one in _all_of(role, arguments.firmware)]
    if not broken:
        raise UsageError(tr("no scenario of these has a device of this role; name another"))
    mine = [each for each in scenarios if any(takes_part(role, each) for role in roles)]
    for sighting in run_unbroken(mine, arguments.jobs):
        if sighting.outcome != MISSED:
            print(f"gate hil mutants: {_fails_already(sighting)}", file=sys.stderr)
            return EXIT_FAILED
    scores = []
    for score in run_session(broken, scenarios, arguments.jobs, arguments.whole):
        scores.append(score)
        _show_progress(score, len(scores), len(broken))
    print(json.dumps(_as_json(scores), indent=1) if arguments.json else _as_text(scores, scenarios))
    return EXIT_PASSED if by_outcome(scores)[CAUGHT] == len(scores) else EXIT_FAILED


def _fails_already(sighting: Sighting) -> str:
    return tr(
        "{scenario} fails already when nothing is broken: {reason}; mend it first",
        scenario=sighting.scenario,
        reason=hear(sighting.reason),
    )


def _all_of(role: str, count: int) -> list[Broken]:
    return [*breaks_of(role, worth_breaking(role, input_names(role))), *changes_of(role, count)]


def _as_json(scores: Sequence[Score]) -> dict[str, Any]:
    return {
        "breaks": len(scores),
        **{outcome.replace(" ", "_"): by_outcome(scores)[outcome] for outcome in _OUTCOMES},
        "scenarios": {name: dict(counts) for name, counts in sorted(by_scenario(scores).items())},
        "results": [
            {
                "break": score.name,
                "outcome": score.outcome,
                "by": [
                    {"scenario": sighting.scenario, "outcome": sighting.outcome, "reason": sighting.reason}
                    for sighting in score.sightings
                    if sighting.outcome != MISSED
                ],
            }
            for score in scores
        ],
    }


def _as_text(scores: Sequence[Score], scenarios: Sequence[Scenario]) -> str:
    said = {outcome: tr(outcome) for outcome in _OUTCOMES}
    lines = [f"{said[score.outcome]:>12}  {score.name}{_why(score)}" for score in scores if score.outcome != CAUGHT]
    width = max(len(scenario.name) for scenario in scenarios)
    lines += ["", f"{tr('scenario'):{width}}  {'  '.join(said.values())}"]
    for name, counts in sorted(by_scenario(scores).items()):
        cells = (f"{counts[outcome]:>{len(word)}}" for outcome, word in said.items())
        lines.append(f"{name:{width}}  {'  '.join(cells)}")
    total = ", ".join(f"{by_outcome(scores)[outcome]} {word}" for outcome, word in said.items())
    return "\n".join([*lines, "", tr("{count} breaks: {total}", count=len(scores), total=total)])


def _why(score: Score) -> str:
    first = next((sighting for sighting in score.sightings if sighting.outcome == WRONG_REASON), None)
    return f"  ({first.scenario}: {hear(first.reason)})" if first else ""


def _show_progress(score: Score, done: int, count: int) -> None:
    """A run takes long: on a terminal how far it is, else a line each, so that one that is cut has told what it saw."""
    so_far = tr("{done} of {count}", done=done, count=count)
    if sys.stderr.isatty():
        print(f"\r\x1b[K{so_far}", end="\n" if done == count else "", file=sys.stderr, flush=True)
    else:
        print(f"{so_far}: {tr(score.outcome)}  {score.name}", file=sys.stderr, flush=True)
