"""`gate hil faults`: the catalogue, and the sweeps that let every call and every write go wrong.

Knows: arguments and printing. Must not know: how a fault is brought about.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from edge.words import later, tr
from hil.faults.catalogue import LANE, faults_of
from hil.faults.flash_error import FlashErrors
from hil.faults.forks import ForkSweep
from hil.faults.nth_call import cases, count_calls, run_case
from hil.faults.power_cut import Sweep
from hil.report.hear import hear
from hil.rig.plants import PLANTS
from hil.scenarios.vocabulary import ROLES
from hil.suite.result import EXIT_BLOCKED, EXIT_FAILED, EXIT_PASSED
from hil.targets.target import BlockedError, Options, UsageError

_STRIDE = 97


def add_arguments(parser: argparse.ArgumentParser) -> None:
    says = "; ".join(f"{word}: {tr(text)}" for word, (text, _) in _DEEDS.items())
    parser.add_argument("what", choices=tuple(_DEEDS), help=says)
    parser.add_argument("--role", action="append", metavar="ROLE", help=tr("repeat for more than one; default all"))
    says = tr("of calls or steps as often as scans, every so many")
    parser.add_argument("--every", type=int, default=_STRIDE, help=says)
    says = tr("which of them is the first; runs with 1 to EVERY have them all; default 1")
    parser.add_argument("--first", type=int, default=1, help=says)
    says = tr("MicroPython image of the emulated RP2040")
    parser.add_argument("--uf2", type=Path, help=says)


def run(arguments: argparse.Namespace) -> int:
    roles = arguments.role or ROLES
    for role in roles:
        if role not in ROLES:
            raise UsageError(tr("--role {role}: no such role; take one of {names}", role=role, names=", ".join(ROLES)))
    if arguments.every < 1:
        raise UsageError(tr("--every {count}: no such step; take 1 for every call, or more", count=arguments.every))
    if not 1 <= arguments.first <= arguments.every:
        said = tr(
            "--first {count}: no such call or step; take 1 to {most}, which is --every",
            count=arguments.first,
            most=arguments.every,
        )
        raise UsageError(said)
    try:
        return _DEEDS[arguments.what][1](roles, arguments)
    except BlockedError as error:
        print(f"{tr('BLOCKED')}: {hear(str(error))}")
        return EXIT_BLOCKED


def _list(roles: Iterable[str], arguments: argparse.Namespace) -> int:
    for role in (*roles, LANE):
        plants = [name for name, plant in PLANTS.items() if plant.role == role] or [""]
        for plant in plants:
            print(tr("{role} with plant {plant}", role=role, plant=plant) if plant else role)
            for spec in faults_of(role, plant).values():
                print(f"  fault {spec.name} {spec.forms}\n      {tr(spec.sentence)}")
    return EXIT_PASSED


def _fail_calls(roles: Iterable[str], arguments: argparse.Namespace) -> int:
    failed = 0
    for role in roles:
        counts = count_calls(role)
        outcomes = [run_case(role, trigger) for trigger in cases(role, counts, arguments.every, arguments.first)]
        calls = ", ".join(f"{call} {count}" for call, count in counts.items() if count)
        bad = [str(outcome) for outcome in outcomes if outcome.problems]
        what = tr("{count} lives with a failing call ({calls} in one)", count=len(outcomes), calls=calls)
        failed += _tell(role, what, bad)
    return EXIT_FAILED if failed else EXIT_PASSED


def _fail_flash(roles: Iterable[str], arguments: argparse.Namespace) -> int:
    failed = 0
    for role in roles:
        with tempfile.TemporaryDirectory(prefix="smartgate-flash-") as directory:
            results = list(FlashErrors(role, Path(directory)).sweep())
        bad = [f"operation {at} {'from then on' if lasts else 'once'}: {'; '.join(p)}" for at, lasts, p in results if p]
        failed += _tell(role, tr("{count} lives with a failing operation of the flash", count=len(results)), bad)
    return EXIT_FAILED if failed else EXIT_PASSED


def _cut_power(roles: Iterable[str], arguments: argparse.Namespace) -> int:
    failed = 0
    for role in roles:
        with tempfile.TemporaryDirectory(prefix="smartgate-flash-") as directory:
            sweep = Sweep(role, Path(directory))
            cuts = [judged for cut in sweep.cuts() for judged in (sweep.judge(cut), sweep.judge_again(cut))]
        bad = [str(cut) for cut in cuts if cut.problems]
        what = tr(
            "{count} power cuts in {writes} writes to the flash, each with another in the next start",
            count=len(cuts) // 2,
            writes=sweep.writes,
        )
        failed += _tell(role, what, bad)
    return EXIT_FAILED if failed else EXIT_PASSED


def _branch(roles: Iterable[str], arguments: argparse.Namespace) -> int:
    failed = 0
    for role in roles:
        with tempfile.TemporaryDirectory(prefix="smartgate-steps-") as directory:
            sweep = ForkSweep(role, Path(directory), Options(uf2=arguments.uf2), arguments.every, arguments.first)
            sweep.run()
        counts = sorted(Counter(branch.kind for branch in sweep.branches).items())
        kinds = ", ".join(f"{count} {tr(kind)}" for kind, count in counts)
        bad = [str(branch) for branch in sweep.branches if branch.problems]
        values = {"kinds": kinds, "steps": sweep.steps, "writes": sweep.writes}
        failed += _tell(role, tr("{kinds} in {steps} steps with {writes} writes to the flash", **values), bad)
    return EXIT_FAILED if failed else EXIT_PASSED


def _tell(role: str, what: str, bad: Sequence[str]) -> int:
    """Print a result and the sentences of what broke; how many there are."""
    head = tr("{role}: {what}, {count} broke a promise", role=role, what=what, count=len(bad))
    print("\n    ".join([head, *bad]), flush=True)
    return len(bad)


_DEEDS: dict[str, tuple[str, Callable[[Iterable[str], argparse.Namespace], int]]] = {
    "list": (later("the catalogue"), _list),
    "calls": (later("each call of each port fails (host)"), _fail_calls),
    "flash": (later("each operation of the flash fails (vm)"), _fail_flash),
    "cuts": (later("the power is cut in each write to the flash (vm)"), _cut_power),
    "steps": (later("cuts and resets along a life on the emulated chip (rp2040)"), _branch),
}
