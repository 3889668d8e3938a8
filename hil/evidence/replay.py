"""`gate hil replay BUNDLE`: run again what a bundle tells of, and say whether it came out the same.

Knows: bundles, suites, printing. Must not know: how a bundle is written.
Exit codes: 0 repeated bit for bit, 1 not, 2 bad input, 3 nothing could be run here.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from edge.words import tr
from hil.evidence.manifest import Manifest, Run
from hil.evidence.read import read_bundle
from hil.evidence.versions import versions
from hil.report.hear import hear, hear_lines
from hil.scenarios.load import load_scenario
from hil.scenarios.model import Scenario
from hil.suite.choice import make_targets
from hil.suite.options import add_target_options, target_options
from hil.suite.result import BLOCKED, EXIT_BLOCKED, EXIT_FAILED, EXIT_PASSED, WORDS, Result, worst
from hil.suite.suite import Suite, run_suite
from hil.targets.target import Target
from hil.trace.bands import bands_between
from hil.trace.compare import compare
from hil.trace.recording import read_recording

_SHOWN = 12  # digits of a hash
_HASH_SIZE_MIN = 39  # characters; no version is that long


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The words of `gate hil replay`."""
    parser.add_argument("bundle", type=Path, help=tr("a directory or .zip file that `gate hil run --evidence` made"))
    add_target_options(parser)


def replay(arguments: argparse.Namespace) -> int:
    """Run everything again; raises UsageError and ScenarioError."""
    with tempfile.TemporaryDirectory(prefix="smartgate-hil-") as name:
        manifest, folder = read_bundle(arguments.bundle, Path(name) / "bundle")
        targets = make_targets(list(manifest.identity), target_options(arguments))
        codes = [_replay_on(target, manifest, folder, arguments.jobs) for target in targets]
    code = worst(codes)
    if code == EXIT_FAILED:
        for line in _differences("smartgate", manifest.made_with, versions()):
            print(line)
    return code


def _runs_on(target: Target, manifest: Manifest) -> list[Run]:
    return [run for run in manifest.runs if run.target == target.name]


def _replay_on(target: Target, manifest: Manifest, folder: Path, workers: int) -> int:
    runs = _runs_on(target, manifest)
    scenarios = [_scenario(folder, run) for run in runs]
    with tempfile.TemporaryDirectory(prefix="smartgate-hil-") as name:
        (account,) = run_suite(Suite(scenarios, [target], workers), Path(name), lambda result: None)
    if account.identity:
        for line in _differences(target.name, manifest.identity[target.name], account.identity):
            print(line)
    is_exact = "same_twice" not in target.lacks()
    return worst([_judge(run, result, folder, is_exact) for run, result in zip(runs, account.results, strict=True)])


def _scenario(folder: Path, run: Run) -> Scenario:
    return load_scenario(folder / run.file, run.seed)


def _differences(where: str, told: Mapping[str, str], found: Mapping[str, str]) -> Iterator[str]:
    """A sentence for each thing that is not what the bundle was made with."""
    for name in sorted(told.keys() | found.keys()):
        there, here = told.get(name, tr("nothing")), found.get(name, tr("nothing"))
        if there != here:
            names = {"name": name, "where": where, "now": _short(here), "then": _short(there)}
            yield tr("{name} of {where} is {now}, and was {then} in the bundle", **names)


def _short(value: str) -> str:
    """A hash by its first digits, anything else as it is."""
    digits, _, rest = value.partition(" ")
    return f"{digits[:_SHOWN] if len(digits) > _HASH_SIZE_MIN else digits} {rest}".strip()


def _judge(run: Run, result: Result, folder: Path, is_exact: bool) -> int:
    """Print what became of it; of a target whose times never repeat only the logical trace is held to the bundle."""
    names = {"scenario": run.scenario, "target": run.target, "word": tr(WORDS[result.word])}
    if result.word == BLOCKED and run.verdict != BLOCKED:
        print(f"{tr('{word} {scenario} on {target}', **names)}: {'; '.join(map(hear, result.reasons))}")
        return EXIT_BLOCKED
    digest = result.trace.digest() if result.trace is not None else ""
    told, found = (run.digest, digest) if is_exact else (run.logical, result.logical)
    if (found, result.word) == (told, run.verdict):
        said = tr("REPEATED {scenario} on {target}: {word} as before", **names)
        print(f"{said}{_same(found, is_exact)}{_clocks(result)}")
        return EXIT_PASSED
    traces = _same(found, is_exact) if found == told else _other(found, told)
    said = tr("DIFFERS {scenario} on {target}: {word}, was {before}", before=tr(run.verdict), **names)
    print(f"{said}{traces}{_clocks(result)}")
    if result.trace is not None and run.trace and found != told:
        before = read_recording(folder / run.trace).trace
        bands = bands_between(run.target, run.target, before.bands_us)
        print(hear_lines(compare(before, result.trace, bands).describe(tr("then"), tr("now"))))
    return EXIT_FAILED


def _clocks(result: Result) -> str:
    return "" if result.trace is None else f", {result.clocks}"


def _same(digest: str, is_exact: bool) -> str:
    if not digest:
        return ""
    if is_exact:
        how = tr("the trace is the same bit for bit")
    else:
        how = tr("what was decided is the same, times vary on this target")
    return f", {how} ({digest[:_SHOWN]})"


def _other(found: str, told: str) -> str:
    return ", " + tr("with trace {now}, was with {then}", now=found[:_SHOWN], then=told[:_SHOWN])
