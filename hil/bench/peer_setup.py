"""Installs the gateways the hub is compared with, each into a folder of its own below the user's cache.

Knows: exact versions from PyPI and npm. Must not know: how they are configured. Nothing is installed twice: a folder
counts as whole once its stamp says what was installed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from hil.bench.contender import BlockedError, find_program

_STAMP = "installed.txt"
_LIMIT_S = 600.0


def cache_folder() -> Path:
    """Where peers live."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "smartgate" / "peers"


def install_python(name: str, packages: Sequence[str]) -> Path:
    """A virtual environment with exactly `packages` asked for; its folder of programs. Raises BlockedError."""
    folder = cache_folder() / name
    if not _is_whole(folder, packages):
        _run(name, [sys.executable, "-m", "venv", "--clear", str(folder)])
        _run(name, [str(folder / "bin/pip"), "install", "--quiet", *packages])
        _stamp(folder, packages)
    return folder / "bin"


def install_node(name: str, dependencies: Mapping[str, str], overrides: Mapping[str, str]) -> Path:
    """A folder with node_modules of exactly `dependencies`. Raises BlockedError."""
    folder = cache_folder() / name
    wanted = [f"{package}@{version}" for package, version in {**dependencies, **overrides}.items()]
    if not _is_whole(folder, wanted):
        npm = find_program("npm", "npm")
        folder.mkdir(parents=True, exist_ok=True)
        manifest = {"name": name, "private": True, "dependencies": dependencies, "overrides": overrides}
        (folder / "package.json").write_text(json.dumps(manifest, indent=1), encoding="utf-8")
        _run(name, [npm, "install", "--omit=optional", "--no-audit", "--no-fund"], cwd=folder)
        _stamp(folder, wanted)
    return folder


def _is_whole(folder: Path, wanted: Sequence[str]) -> bool:
    stamp = folder / _STAMP
    return stamp.is_file() and stamp.read_text(encoding="utf-8").split() == list(wanted)


def _stamp(folder: Path, wanted: Sequence[str]) -> None:
    (folder / _STAMP).write_text("\n".join(wanted) + "\n", encoding="utf-8")


def _run(name: str, command: Sequence[str], cwd: Path | None = None) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_LIMIT_S, cwd=cwd, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BlockedError(f"{name} cannot be installed ({error}); check the package index and the disk") from error
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip() or "nothing").splitlines()[-1]
        raise BlockedError(f"{name} cannot be installed, {Path(command[0]).name} said: {said[:200]}")
