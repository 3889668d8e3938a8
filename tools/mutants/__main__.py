"""`python -m tools.mutants [FILE ...]`: how many small wrong changes of firmware/control/ do the tests notice?

Exit codes: 0 every mutant is killed or stands in equivalent.toml with its reason, 1 otherwise, 2 bad input.
"""

import argparse
import hashlib
import importlib
import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tools.mutants.equivalent import EQUIVALENT, load_equivalent
from tools.mutants.groups import Target
from tools.mutants.operators import make_mutants
from tools.mutants.session import KILLED, run_session

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "firmware/control"
# Which test killed which mutant, from run to run; it saves time only, and may be deleted at any time.
KILLERS = ROOT / "build/mutants.json"
# Tests that run the control cores in this process; those that run the deployed set on a VM see no mutant.
TESTS = ("tests/firmware/control", "tests/firmware/proofs")


def main(arguments: Sequence[str]) -> int:
    """Entry."""
    options = _parse(arguments)
    files = [Path(name).resolve() for name in options.files] or sorted(FOLDER.glob("*.py"))
    strangers = [str(path) for path in files if path.parent != FOLDER or not path.is_file()]
    if strangers:
        print(f"mutants: {strangers[0]} is no file of firmware/control/: name files of that folder, or none for all")
        return 2
    excused = load_equivalent()
    targets = _make_targets(files, _load_killers(), excused)
    if options.open:
        targets = [target for target in targets if not target.is_excused]
    _settle_hypothesis()
    print(f"mutants: {len(targets)} mutants of {len(files)} files, {options.jobs} at a time", flush=True)
    started_s = time.monotonic()
    session = run_session(targets, _find_tests(options.tests), options.jobs, ROOT)
    if session.problem:
        print(f"mutants: {session.problem}")
        return 2
    _save_killers(targets, session.killers)
    return _report(targets, session.outcomes, options, excused, time.monotonic() - started_s)


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.mutants", description=__doc__)
    parser.add_argument("files", nargs="*", help="files of firmware/control/; none for all")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="mutants tried at the same time")
    parser.add_argument("--tests", nargs="+", help="test files instead of all: a quick look")
    parser.add_argument("--open", action="store_true", help="leave out what stands in equivalent.toml: a quick look")
    parser.add_argument("--json", type=Path, help="write the result here as well")
    return parser.parse_args(arguments)


def _find_tests(chosen: Sequence[str] | None) -> list[str]:
    if chosen:
        return [str(Path(name).resolve()) for name in chosen]
    return [str(ROOT / test) for test in TESTS if (ROOT / test).is_dir()]


def _make_targets(files: Sequence[Path], killers: dict[str, str], excused: dict[str, str]) -> list[Target]:
    sys.path.insert(0, str(ROOT))
    targets = []
    for path in files:
        module = importlib.import_module(f"firmware.control.{path.stem}")
        for mutant in make_mutants(path.read_text(encoding="utf-8")):
            name = f"{path.name}: {mutant.key}"
            targets.append(Target(module, mutant, killers.get(name, ""), name in excused))
    return targets


def _name(target: Target) -> str:
    return f"{Path(target.file).name}: {target.mutant.key}"


def _load_killers() -> dict[str, str]:
    """Name of a mutant -> the test that killed it last: tried first, and believed nothing."""
    try:
        found = json.loads(KILLERS.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _save_killers(targets: Sequence[Target], found: Sequence[str]) -> None:
    killers = _load_killers()  # anew, for another run may have ended meanwhile
    for target, killer in zip(targets, found, strict=True):
        if killer:
            killers[_name(target)] = killer
    KILLERS.parent.mkdir(exist_ok=True)
    KILLERS.write_text(json.dumps(killers, indent=0, sort_keys=True) + "\n", encoding="utf-8")


def _settle_hypothesis() -> None:
    """Same examples in every run, no shrinking: a failure is all that is wanted."""
    from hypothesis import HealthCheck, Phase, settings

    phases = (Phase.explicit, Phase.generate)
    checks = list(HealthCheck)
    settings.register_profile(
        "mutants", derandomize=True, database=None, deadline=None, phases=phases, suppress_health_check=checks
    )
    settings.load_profile("mutants")


def _report(
    targets: Sequence[Target],
    outcomes: Sequence[str],
    options: argparse.Namespace,
    excused: dict[str, str],
    wall_s: float,
) -> int:
    names = [_name(target) for target in targets]
    alive = {name: outcome for name, outcome in zip(names, outcomes, strict=True) if outcome != KILLED}
    open_ones = [name for name in alive if name not in excused]
    tried = {Path(target.file).name for target in targets}
    looked_at = set() if options.open else tried
    stale = [name for name in excused if name not in alive and name.split(":")[0] in looked_at]
    lines = {name: target.mutant.line for name, target in zip(names, targets, strict=True)}
    for name in open_ones:
        print(f"  {alive[name]:9} line {lines[name]:4}  {name}")
    for name in stale:
        print(f"  stale     {name}: it is killed or gone; take it out of {EQUIVALENT.name}")
    killed = len(targets) - len(alive)
    print(
        f"mutants: {killed} killed of {len(targets)}, {len(alive) - len(open_ones)} equivalent with a reason, "
        f"{len(open_ones)} not killed, {wall_s:.0f} s"
    )
    if options.json:
        result = {
            "killed": killed,
            "total": len(targets),
            "equivalent": len(alive) - len(open_ones),
            "survivors": open_ones,
            "sources": {name: _digest(FOLDER / name) for name in sorted(tried)},
            "wall_s": round(wall_s, 1),
        }
        options.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    return 1 if open_ones or stale else 0


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
