"""Reads an evidence bundle, a directory or a zip file, and holds every file to its hash.

Knows: the form of a bundle. Must not know: how it is repeated.
"""

from __future__ import annotations

import hashlib
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from edge.words import later, tr
from hil.evidence.manifest import NAME, BundleError, Manifest, Run, parse_manifest, whole
from hil.targets.target import UsageError
from hil.trace.logical import logical_digest
from hil.trace.recording import Recording, read_recording

_UNREADABLE = later("{name} cannot be read ({why})")


def read_bundle(where: Path, directory: Path) -> tuple[Manifest, Path]:
    """The manifest, and the folder its files lie in: the bundle itself or, unpacked, `directory`; raises UsageError."""
    try:
        folder = where if where.is_dir() else _unpack(where, directory)
        manifest = parse_manifest(_read(folder, NAME).decode("utf-8", "replace"))
        for name, wanted in manifest.files.items():
            _check(folder, name, wanted)
        for run in manifest.runs:
            _check_run(folder, manifest, run)
    except BundleError as error:
        raise UsageError(f"{where}: {error}") from None
    return manifest, folder


def _unpack(where: Path, directory: Path) -> Path:
    try:
        with zipfile.ZipFile(where) as archive:
            for name in archive.namelist():
                _check_inside(name)
            archive.extractall(directory)
    except OSError as error:
        raise BundleError(
            tr("cannot be read ({why}); name a bundle that --evidence made", why=error.strerror)
        ) from None
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, NotImplementedError, RuntimeError) as error:
        said = tr("is no bundle ({why}); name a directory or .zip file that --evidence made", why=error)
        raise BundleError(said) from None
    return directory


def _check_inside(name: str) -> None:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts:
        said = tr("holds the file '{name}', which lies outside of it; take a bundle that --evidence made", name=name)
        raise BundleError(said)


def _read(folder: Path, name: str) -> bytes:
    _check_inside(name)
    try:
        return (folder / name).read_bytes()
    except OSError as error:
        raise BundleError(whole(_UNREADABLE, name=name, why=error.strerror)) from None
    except ValueError as error:  # no file can be called so
        raise BundleError(whole(_UNREADABLE, name=repr(name), why=error)) from None


def _check(folder: Path, name: str, wanted: str) -> None:
    found = hashlib.sha256(_read(folder, name)).hexdigest()
    if found != wanted:
        digests = {"found": found[:12], "wanted": wanted[:12]}
        damaged = later("{name} is damaged (SHA-256 {found}, {manifest} says {wanted})")
        raise BundleError(whole(damaged, name=name, manifest=NAME, **digests))


def _check_run(folder: Path, manifest: Manifest, run: Run) -> None:
    """What a run names is there, and the trace is the one that was seen then: it is what a replay is held to."""
    for name in (run.file, *([run.trace] if run.digest or run.trace else [])):
        if name not in manifest.files:
            raise BundleError(whole(later("{manifest} names no hash of '{name}'"), manifest=NAME, name=name))
    if run.trace and _told(read_recording(folder / run.trace)) != _run_told(run):
        names = {"name": run.trace, "scenario": run.scenario, "target": run.target, "manifest": NAME}
        raise BundleError(whole(later("{name} does not belong to {scenario} on {target} of {manifest}"), **names))


def _told(recording: Recording) -> tuple[object, ...]:
    """Of which run a trace is, as `_run_told` has it of a run."""
    head, trace = recording.head, recording.trace
    return head.scenario, head.target, head.seed, head.verdict, trace.digest(), logical_digest(trace)


def _run_told(run: Run) -> tuple[object, ...]:
    return run.scenario, run.target, run.seed, run.verdict, run.digest, run.logical
