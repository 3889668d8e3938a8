"""Calls of methods whose class is known become direct, wherever nothing can tell, and nowhere else."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tools.deploy import prepare
from tools.direct import make_direct
from tools.file_set import Order, collect_modules, find_roles
from tools.fold import Folder

ROOT = Path(__file__).parents[2]
PARTS = """
class Memory:
    def __init__(self):
        self.valid = 0
        self.count = 0


class Timers:
    def __init__(self):
        self.now_ms = 0
        self.rows = [0]

    def is_running(self, index):
        return self.rows[index] >= 0

    def twice(self, value):
        return value * value

    def size(self):
        return len(self.rows) + LIMIT

    def restart(self):
        self.now_ms = 0
        return self.now_ms

    def either(self, first, second=0):
        return first or second

    @staticmethod
    def fixed():
        return 1


class Front:
    def __init__(self):
        self.name = 0

    def ask(self):
        return 1

    def tell(self):
        return self.ask()


class OtherFront(Front):
    def ask(self):
        return 2


LIMIT = 4
"""
USER = """from firmware.control.parts import Front, Memory, Timers


class Core:
    def __init__(self, timers: Timers, front: Front):
        self.timers = timers
        self.front = front
        self.memory = Memory()
        self.spare = Timers()
        self.either = Timers() if front else None

    def change(self, other):
        other.timers.rows = []
        self.spare = Timers()

    def is_valid(self):
        return self.memory.valid != 0

    def step(self, x, other):
        timers = self.timers
        {statement}
"""
# What stands in the core's step, and what of it is compiled.
DIRECT = (
    ("y = self.is_valid()", "y = (self.memory.valid != 0)"),
    ("y = timers.is_running(3)", "y = (timers.rows[3] >= 0)"),
    ("y = timers.is_running(x) or x", "y = (timers.rows[x] >= 0) or x"),
    ("y = timers.is_running(x + 1)", "y = (timers.rows[x + 1] >= 0)"),
    ("y = timers.twice(x)", "y = (x * x)"),
    ("y = timers.twice(self.memory.count)", "y = (self.memory.count * self.memory.count)"),
    ("y = self.timers.twice(x[1] + x[2] + x[3])", "y = (_Timers_twice(self.timers, x[1] + x[2] + x[3]))"),
    ("y = timers.is_running(other())", "y = (_Timers_is_running(timers, other()))"),
    ("y = self.timers.restart()", "y = (_Timers_restart(self.timers))"),
    ("y = timers.size()", "y = (_Timers_size(timers))"),
    ("y = self.timers.is_running(timers.restart())", "y = (_Timers_is_running(self.timers, _Timers_restart(timers)))"),
    ("y = self.front.tell()", "y = (self.front.ask())"),
    ("y = timers.either(x, 1)", "y = (x or 1)"),
    ("y = min(x, 3)", "y = (3 if 3 < x else x)"),
    ("y = max(x, self.memory.count)", "y = (self.memory.count if self.memory.count > x else x)"),
    ("y = abs(x - 1)", "y = (-(x - 1) if x - 1 < 0 else x - 1)"),
    ("y = timers.is_running(\n            3\n        )", "y = (timers.rows[3] >= 0\n\n)"),
)
KEPT = (
    "y = other.is_running(3)",
    "y = self.spare.is_running(3)",
    "y = self.either.is_running(3)",
    "y = self.front.ask()",
    "y = timers.either(x)",
    "y = timers.either(x, second=1)",
    "y = timers.either(*x)",
    "y = timers.fixed()",
    "y = timers.unknown()",
    "y = min(x, other())",
    "y = min(x, 3, 4)",
    "y = max(*x)",
    "y = [z.is_running(3) for z in x]",
    "timers = other",
    "x = timers = other; y = timers.is_running(3)",
)


def compiled(statement: str, module: str = "firmware.control.core") -> str:
    texts = {"firmware.control.parts": PARTS, module: USER.format(statement=statement)}
    return make_direct(texts)[module]


@pytest.mark.parametrize(("written", "direct"), DIRECT, ids=[case[0] for case in DIRECT])
def test_a_call_that_can_mean_one_method_only_is_direct(written: str, direct: str) -> None:
    assert compiled(written).startswith(USER.format(statement=direct))


@pytest.mark.parametrize("written", KEPT)
def test_any_other_call_stays_as_it_is_written(written: str) -> None:
    assert compiled(written) == USER.format(statement=written)


def test_the_file_names_each_function_at_its_end_once() -> None:
    text = compiled("y = timers.restart(), timers.size(), timers.restart()")
    assert text.removeprefix(USER.format(statement="y = (_Timers_restart(timers)), (_Timers_size(timers)), ")).endswith(
        "\nfrom firmware.control.parts import Timers as _Timers\n"
        "_Timers_restart = _Timers.restart\n_Timers_size = _Timers.size\n"
    )


def test_nothing_is_named_that_would_be_imported_in_a_ring() -> None:
    core = USER.format(statement="y = timers.restart()")
    texts = {"firmware.control.parts": PARTS + "from firmware.control import core\n", "firmware.control.core": core}
    assert make_direct(texts)["firmware.control.core"] == core


def test_nothing_takes_a_name_the_file_has() -> None:
    core = USER.format(statement="y = timers.restart()") + "\n_Timers_restart = 1\n"
    texts = {"firmware.control.parts": PARTS, "firmware.control.core": core}
    assert make_direct(texts)["firmware.control.core"] == core


def test_a_board_stays_as_it_is_written() -> None:
    written = "y = timers.restart()"
    assert compiled(written, "firmware.boards.core") == USER.format(statement=written)


STEPS = Path(__file__).with_name("core_steps.py")


def statements(text: str, size: int) -> set[tuple[int, str]]:
    """Line and kind of every statement in the first `size` lines."""
    nodes = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.stmt)]
    return {(node.lineno, type(node).__name__) for node in nodes if node.lineno <= size}


def digest(folder: Path, role: str) -> str:
    result = subprocess.run([sys.executable, str(STEPS), str(folder), role], capture_output=True, text=True, check=True)
    return result.stdout


@pytest.mark.parametrize("role", find_roles(ROOT))
def test_every_file_of_a_set_keeps_its_lines_and_the_core_decides_alike(role: str, tmp_path: Path) -> None:
    modules = collect_modules(Order(ROOT, role, "unix"))
    changed = 0
    for target, text in prepare(Folder(ROOT), modules, "unix").items():
        written = modules[target].read_text(encoding="utf-8")
        size = written.count("\n")
        assert statements(text, size) == statements(written, size)
        changed += text != written
        path = tmp_path / Path(target).with_suffix(".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert changed > 25
    plain, direct = digest(ROOT, role), digest(tmp_path, role)
    assert int(plain.split()[1]) > 20
    assert direct == plain
