"""What a run says in English is heard in Vietnamese: every sentence that can end or block a run has a form."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.words import choose
from hil.report.hear import hear, hear_lines
from hil.targets import board, board_rows
from hil.targets.table import TARGETS
from hil.targets.target import Options

ROOT = Path(__file__).parents[3]
FOLDERS = ("board", "chip", "rig", "suite", "targets")
OTHERS = ("bench.py",)  # `gate bench chip`, which says what it measures in English
SAID_BY = ("BlockedError", "TargetError", "LivelockError")
VALUE = "X1"


@pytest.fixture(autouse=True)
def vietnamese(english: None) -> None:
    choose("vi")


def _sentences() -> Iterator[str]:
    """Every sentence that is raised or noted as a problem, with a word in the place of each value."""
    for path in (path for folder in FOLDERS for path in sorted((ROOT / "hil" / folder).glob("*.py"))):
        if path.name not in OTHERS:
            calls = [
                node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)
            ]
            yield from (_text(node.args[0]) for node in calls if node.args and _says(node.func))


def _says(function: ast.expr) -> bool:
    if isinstance(function, ast.Name):
        return function.id in SAID_BY
    noted = isinstance(function, ast.Attribute) and function.attr == "append"
    return noted and ast.unparse(function) in ("self.problems.append", "self._breakdowns.append")


def _text(node: ast.expr) -> str:
    if isinstance(node, ast.Constant):
        return str(node.value)
    parts = node.values if isinstance(node, ast.JoinedStr) else []
    return "".join(str(part.value) if isinstance(part, ast.Constant) else VALUE for part in parts)


@pytest.mark.parametrize("sentence", sorted({text for text in _sentences() if text.strip(VALUE)}))
def test_every_sentence_that_ends_or_blocks_a_run_is_heard(sentence: str) -> None:
    assert hear(sentence) != sentence, f"{sentence!r} has no form; add one to hil/report/hear.py"


def test_a_device_that_refuses_its_instrument_is_heard() -> None:
    said = "line_protocol is 'telex': expected one of power_module; correct the provision file"
    assert hear(said) == "line_protocol là 'telex': cần một trong power_module; hãy sửa tệp cấu hình"


def test_what_a_target_lacks_is_heard() -> None:
    lacks = [make(Options(rig_port="a", dut_port="b")).lacks() for make in TARGETS.values()]
    lacks += [board.LACKS, board_rows.LEFT_OUT, board_rows.NO_ROWS]
    for reason in {reason for each in lacks for reason in each.values()}:
        assert hear(f"needs a, but {reason}").startswith("cần a, nhưng ")
        assert hear(reason) != reason


def test_a_reason_within_a_sentence_is_heard_and_its_values_stay() -> None:
    said = "step 2 'expect a is b since c within 1 s' was not met by 3 s: state is CLOSED since 0.1 s"
    assert hear(said) == "bước 2 'expect a is b since c within 1 s' không đạt trước 3 s: state là CLOSED từ 0.1 s"


def test_a_comparison_is_heard_line_by_line() -> None:
    told = (
        "DIVERGED at 0.520 s on a.state:\n    host  1 at 0.520 s, after b 1 at 0.500 s\n    vm    nothing more until\n"
    )
    assert hear_lines(told) == (
        "LỆCH NHAU lúc 0.520 s ở a.state:\n    host  1 lúc 0.520 s, sau b 1 lúc 0.500 s\n    vm    nothing more until\n"
    )


def test_what_nobody_has_a_form_for_stays_and_english_is_left_alone() -> None:
    assert hear("the moon is too near") == "the moon is too near"
    choose("en")
    assert hear("'a' never came") == "'a' never came"
