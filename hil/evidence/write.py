"""Writes an evidence bundle: a directory, or the same as a zip file.

Knows: what belongs into a bundle and where it lies. Must not know: how a run is made, how a report looks.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from edge.words import tr
from hil.evidence.manifest import NAME, Manifest, Run
from hil.evidence.versions import versions
from hil.report.as_html import report_page
from hil.report.as_json import report
from hil.report.folder import check_folder, unwritable
from hil.report.junit import junit_text
from hil.report.traces import trace_files, trace_name
from hil.scenarios.load import files_of
from hil.suite.result import Account, Result
from hil.suite.suite import Compared
from hil.targets.target import UsageError

_ZIP = ".zip"
_TRACES = "traces"


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a bundle is made of; `sources` are the scenario files, in the order of the results."""

    sources: Sequence[Path]
    accounts: Sequence[Account]
    compared: Sequence[Compared]


def check_place(where: Path) -> None:
    """Raise UsageError, before anything runs, when a bundle cannot be written there."""
    taken = where.exists() if where.suffix == _ZIP else where.is_dir() and any(where.iterdir())
    if taken or (where.exists() and not where.is_dir()):
        raise UsageError(tr("{file}: is there already; name a new directory or .zip file with --evidence", file=where))
    check_folder(where.parent if where.suffix == _ZIP else where, "--evidence")


def write_evidence(evidence: Evidence, where: Path) -> None:
    """Write it; raises UsageError."""
    files = _files(evidence)
    manifest = Manifest(
        versions(),
        {account.target: account.identity for account in evidence.accounts},
        tuple(_run(result, path) for account in evidence.accounts for result, path in _paired(evidence, account)),
        {name: hashlib.sha256(data).hexdigest() for name, data in sorted(files.items())},
    )
    files[NAME] = manifest.text().encode()
    try:
        _put(files, where)
    except OSError as error:
        raise UsageError(unwritable(where, error, "--evidence")) from None


def _put(files: Mapping[str, bytes], where: Path) -> None:
    if where.suffix != _ZIP:
        return _put_all(files, where)
    with tempfile.TemporaryDirectory(prefix="smartgate-evidence-") as directory:
        _put_all(files, Path(directory) / "bundle")
        shutil.make_archive(str(where.with_suffix("")), "zip", Path(directory) / "bundle")


def _put_all(files: Mapping[str, bytes], folder: Path) -> None:
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)


def _files(evidence: Evidence) -> dict[str, bytes]:
    texts = {
        "report.json": report(evidence.accounts, evidence.compared),
        "junit.xml": junit_text(evidence.accounts),
        "report.html": report_page(evidence.accounts, evidence.compared, _TRACES),
    }
    for account in evidence.accounts:
        for result in account.results:
            texts |= {f"{_TRACES}/{name}": text for name, text in trace_files(result, account.identity).items()}
    sources = {_source_name(path, each): each.read_bytes() for path in evidence.sources for each in files_of(path)}
    return {**{name: text.encode() for name, text in texts.items()}, **sources}


def _run(result: Result, source: Path) -> Run:
    trace = result.trace
    return Run(
        scenario=result.scenario,
        target=result.target,
        seed=result.seed,
        verdict=result.word,
        digest=trace.digest() if trace is not None else "",
        logical=result.logical,
        file=_source_name(source, source),
        trace=f"{_TRACES}/{trace_name(result)}" if trace is not None else "",
    )


def _paired(evidence: Evidence, account: Account) -> Sequence[tuple[Result, Path]]:
    return list(zip(account.results, evidence.sources, strict=True))


def _source_name(scenario: Path, path: Path) -> str:
    """Each scenario has a folder of its own, since the Python beside two of them may have one name."""
    return f"scenarios/{scenario.stem}/{path.name}"
