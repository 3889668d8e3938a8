"""The mutation tool: which changes it makes, that they take effect everywhere, and that its verdicts are true."""

import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import pytest

from tools.mutants.__main__ import main
from tools.mutants.calls import CallNotes
from tools.mutants.groups import Target, make_groups
from tools.mutants.operators import make_mutants
from tools.mutants.patch import apply_mutant

ROOT = Path(__file__).parents[2]


def keys(text: str) -> list[str]:
    return [mutant.key for mutant in make_mutants(text)]


def load(name: str, text: str) -> Any:
    module = types.ModuleType(name)
    module.__file__ = f"{name}.py"
    exec(compile(text, f"{name}.py", "exec"), vars(module))
    sys.modules[name] = module
    return module


@pytest.mark.parametrize(
    ("line", "after"),
    [
        ("return a < b", "a < b -> LtE"),
        ("return a == b", "a == b -> NotEq"),
        ("return a + b", "a + b -> Sub"),
        ("return a & b", "a & b -> BitOr"),
        ("return a and b", "a and b -> Or"),
        ("return not a", "not a -> operator dropped"),
        ("return -a", "-a -> operator dropped"),
        ("return min(a, b)", "min(a, b) -> max(...)"),
        ("return 7", "7 -> 8"),
        ("return True", "True -> False"),
        ("a.x = b", "a.x = b -> deleted"),
        ("a.x += b", "a.x += b -> Sub"),
        ("a(b)", "a(b) -> deleted"),
        ("return a if b else a", "a if b else a -> condition negated"),
    ],
)
def test_each_operator_makes_its_mutant(line: str, after: str) -> None:
    assert f"f: {after}" in keys(f"def f(a, b):\n    {line}\n")


def test_docstrings_assertions_and_annotations_are_left_alone() -> None:
    assert keys('"""Text."""\n\ndef f(a: int = 3) -> int:\n    """Text 1."""\n    assert a > 0\n    return a\n') == []


def test_every_cell_of_a_table_is_changed_and_equal_mutants_have_names_of_their_own() -> None:
    found = keys('ROW = b"ab"\n\ndef f(a):\n    return a + 1 + 1\n')
    assert found[:2] == ["ROW: b'ab' -> b'bb'", "ROW: b'ab' -> b'aa'"]
    assert "f: 1 -> 0" in found
    assert "f: 1 -> 0 #2" in found
    assert len(set(found)) == len(found)


def test_names_do_not_depend_on_the_place_in_the_file() -> None:
    text = "def f(a):\n    return a < 1\n"
    assert keys(text) == keys("import struct\n\n\n" + text)


def test_a_mutant_changes_the_function_that_others_have_imported() -> None:
    module = load("mutated_for_test", "class Box:\n    def grows(self, a):\n        return a < 2\n")
    held = module.Box().grows
    assert held(2) is False
    apply_mutant(module, next(m for m in make_mutants("class Box:\n    def grows(self, a):\n        return a < 2\n")))
    assert held(2) is True


def test_a_changed_constant_reaches_its_importers_and_what_is_made_of_it() -> None:
    text = "BASE = 4\nDOUBLE = 2 * BASE\n"
    module = load("mutated_constants", text)
    importer = load("importer_of_constants", "from mutated_constants import BASE\n")
    apply_mutant(module, next(m for m in make_mutants(text) if m.key == "BASE: 4 -> 5"))
    assert (module.BASE, module.DOUBLE, importer.BASE) == (5, 10, 5)


def test_a_changed_constant_reaches_the_classes_that_are_made_of_it() -> None:
    text = "BASE = 4\n\nclass Box:\n    size = BASE\n    is_open = False\n"
    module = load("mutated_class", text)
    box = module.Box()
    mutants = list(make_mutants(text))
    assert [mutant.key for mutant in mutants] == ["BASE: 4 -> 5", "Box.is_open: False -> True"]
    apply_mutant(module, mutants[0])
    assert (box.size, box.is_open) == (5, False)
    apply_mutant(module, mutants[1])
    assert box.is_open is True


def test_calls_are_noted_and_the_functions_are_what_they_were_afterwards(tmp_path: Path) -> None:
    file = tmp_path / "noted.py"
    file.write_text(
        "class Base:\n    def grow(self):\n        return 1\n\n"
        "class Box(Base):\n    def grow(self):\n        return super().grow() + twice(1)\n\n"
        "def twice(a):\n    return 2 * a\n\ndef unused():\n    return 0\n"
    )
    module = load("noted_for_test", file.read_text())
    module.__file__ = str(file)
    plain = module.twice.__code__
    notes = CallNotes([module])
    for _ in range(2):
        notes.begin()
        assert [module.Box().grow() for _ in range(3)] == [3, 3, 3]
        assert {scope for _, scope in notes.end()} == {"Box.grow", "Base.grow", "twice"}
    assert module.twice.__code__ is plain


def test_a_file_from_elsewhere_is_refused_with_its_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["edge/hub.py"]) == 2
    assert "edge/hub.py is no file of firmware/control/" in capsys.readouterr().out


def run_tool(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tools.mutants", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_the_event_ring_has_no_surviving_mutant() -> None:
    run = run_tool("firmware/control/events.py", "--tests", "tests/firmware/control/test_events.py")
    assert run.returncode == 0, run.stdout + run.stderr
    assert " 0 not killed" in run.stdout


def test_equivalent_ones_are_tried_unless_only_the_open_ones_are_asked_for() -> None:
    name = "charging_post_memory"
    for options, counted in (((), "1 equivalent"), (("--open",), "0 equivalent")):
        run = run_tool(f"firmware/control/{name}.py", "--tests", f"tests/firmware/control/test_{name}.py", *options)
        assert run.returncode == 0, run.stdout + run.stderr
        assert f"{counted} with a reason, 0 not killed" in run.stdout


def test_excused_mutants_of_different_functions_are_tried_together_and_all_others_alone() -> None:
    text = "BASE = 4\n\ndef f(a):\n    return a + 1\n\ndef g(a):\n    return a < 2\n"
    module = types.ModuleType("grouped")
    module.__file__ = "grouped.py"
    mutants = list(make_mutants(text))
    assert [mutant.scope for mutant in mutants] == ["", "f", "f", "g", "g"]
    targets = [Target(module, mutant, "", mutant.key != "g: 2 -> 3") for mutant in mutants]
    groups = make_groups(targets)
    assert [[mutants[at].scope for at in group] for group in groups] == [["", "f", "g"], ["f"], ["g"]]
    assert sorted(at for group in groups for at in group) == list(range(5))


def test_a_group_that_a_test_notices_is_halved_until_its_killed_ones_are_found() -> None:
    program = """
import importlib
from pathlib import Path
from tools.mutants.groups import Target
from tools.mutants.groups import Target, make_groups
from tools.mutants.operators import make_mutants
from tools.mutants.session import run_session
targets = []
for name in ("events", "charging_post_memory"):
    module = importlib.import_module("firmware.control." + name)
    targets += [Target(module, mutant, "", True) for mutant in make_mutants(Path(module.__file__).read_text())]
tests = ["tests/firmware/control/test_events.py", "tests/firmware/control/test_charging_post_memory.py"]
session = run_session(targets, tests, 2, Path("."))
print([target.mutant.key for target, word in zip(targets, session.outcomes) if word != "killed"])
"""
    run = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=300, check=True
    )
    assert run.stdout.splitlines()[-1] == "['JOG_RETRACT: 2 -> 3']"


def test_a_test_file_that_cannot_be_imported_is_no_test_that_passed(tmp_path: Path) -> None:
    broken = tmp_path / "test_broken.py"
    broken.write_text("import no_such_module\n")
    whole = ROOT / "tests/firmware/control/test_events.py"
    run = run_tool("firmware/control/events.py", "--tests", str(broken), str(whole))
    assert run.returncode == 2, run.stdout
    assert "a test file cannot be imported" in run.stdout
