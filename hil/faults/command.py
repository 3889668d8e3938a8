"""`gate hil faults`: the catalogue, and the sweeps that let every call, write and step go wrong.

Knows: arguments and printing. Must not know: how a fault is brought about.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable

from hil.faults.catalogue import LANE, faults_of
from hil.faults.nth_call import cases, count_calls, run_case
from hil.rig.plants import PLANTS
from hil.scenarios.vocabulary import ROLES
from hil.suite.result import EXIT_FAILED, EXIT_PASSED
from hil.targets.target import UsageError

_STRIDE = 97


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", choices=("list", "calls"), help="the catalogue; a port fails at its N-th call")
    parser.add_argument("--role", action="append", metavar="ROLE", help="repeat for more than one; default all")
    parser.add_argument("--every", type=int, default=_STRIDE, help="of calls that each scan makes, fail every so many")


def run(arguments: argparse.Namespace) -> int:
    roles = arguments.role or ROLES
    for role in roles:
        if role not in ROLES:
            raise UsageError(f"--role {role}: no such role; take one of {', '.join(ROLES)}")
    if arguments.every < 1:
        raise UsageError(f"--every {arguments.every}: no such step; take 1 for every call, or more")
    return _list(roles) if arguments.what == "list" else _fail_calls(roles, arguments.every)


def _list(roles: Iterable[str]) -> int:
    for role in (*roles, LANE):
        plants = [name for name, plant in PLANTS.items() if plant.role == role] or [""]
        for plant in plants:
            print(f"{role}{f' with plant {plant}' if plant else ''}")
            for spec in faults_of(role, plant).values():
                print(f"  fault {spec.name} {spec.forms}\n      {spec.sentence}")
    return EXIT_PASSED


def _fail_calls(roles: Iterable[str], every: int) -> int:
    failed = 0
    for role in roles:
        counts = count_calls(role)
        outcomes = [run_case(role, trigger) for trigger in cases(role, counts, every)]
        bad = [outcome for outcome in outcomes if outcome.problems]
        failed += len(bad)
        calls = ", ".join(f"{call} {count}" for call, count in counts.items() if count)
        print(f"{role}: {len(outcomes)} lives with a failing call, {len(bad)} broke a promise; calls in one: {calls}")
        for outcome in bad:
            print(f"    {outcome}")
    return EXIT_FAILED if failed else EXIT_PASSED
