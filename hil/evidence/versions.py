"""Which smartgate runs here: its version, that of Python, the commit of its sources.

Knows: packages and git. Must not know: bundles.
"""

from __future__ import annotations

import platform
import subprocess

from hil.targets.identity import package_version
from tools.deploy import ROOT


def versions() -> dict[str, str]:
    """By name."""
    return {"version": package_version("smartgate"), "python": platform.python_version(), "commit": _commit()}


def _commit() -> str:
    """The commit of the sources, and whether they were changed since; "unknown" without a repository."""
    try:
        commit = _git("rev-parse", "HEAD")
        return f"{commit} and changes" if _git("status", "--porcelain") else commit
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def _git(*words: str) -> str:
    done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.strip()
