"""Python beside a scenario: its lines become steps, its judgement problems, and its mistakes sentences."""

import pickle
from pathlib import Path

import pytest

from hil.scenarios.load import load_scenario
from hil.scenarios.reader import ScenarioError
from hil.suite.job import Job, run_job
from hil.suite.result import FAILED, PASSED, Result
from hil.targets.host import HostTarget

FILE = """
[scenario]
name = "x"
role = "barrier"
seed = 3
{hook}
{check}
steps = ["set FIRE on", {step}]
"""
CODE = """
def write(rng):
    for _ in range(2):
        yield f"wait {rng.randrange(1, 9)} ms"

def typo(rng):
    yield "wate 1 s"

def breaks(argument):
    raise ValueError("no luck")

def leaves(argument):
    raise SystemExit(0)

def prints(argument):
    print("noise")
    yield from ()

def text(argument):
    return "wait 1 s"

def number(argument):
    return [5]

def judge(history):
    (first, *_) = history.values("in.FIRE")
    if first[1] != "on":
        yield "the fire is out"
    yield from ("the state is " + value for _, value in history.values("state") if value != "CLOSED")

def asks_wrong(history):
    return [str(history.values("stat"))]

ten = 10
"""


def _write(tmp_path: Path, hook: str = "", check: str = "", step: str = "") -> Path:
    (tmp_path / "odd.py").write_text(CODE, encoding="utf-8")
    (tmp_path / "rotten.py").write_text("import nowhere_at_all\n", encoding="utf-8")
    (tmp_path / "gone.py").write_text("print('noise')\nraise SystemExit(3)\n", encoding="utf-8")
    hook, check = (f'{key} = "{text}"' if text else "" for key, text in (("hook", hook), ("check", check)))
    path = tmp_path / "x.toml"
    path.write_text(FILE.format(hook=hook, check=check, step=step or ('"hook"' if hook else "")), encoding="utf-8")
    return path


def _run(path: Path) -> Result:
    return run_job(Job(pickle.loads(pickle.dumps(load_scenario(path))), HostTarget(), path.parent))


def test_the_lines_a_function_writes_stand_in_the_place_of_the_hook_and_follow_from_the_seed(tmp_path: Path) -> None:
    path = _write(tmp_path, "odd:write")
    first, second = ([step.text for step in load_scenario(path).steps] for _ in range(2))
    assert first == second
    assert first[0] == "set FIRE on"
    assert [text[:5] for text in first[1:]] == ["wait ", "wait "]
    other = path.read_text(encoding="utf-8").replace("seed = 3", "seed = 4")
    path.write_text(other, encoding="utf-8")
    assert [step.text for step in load_scenario(path).steps] != first


def test_what_the_judging_function_says_is_a_problem(tmp_path: Path) -> None:
    result = _run(_write(tmp_path, check="odd:judge", step='"wait 1 s"'))
    assert (result.word, result.reasons[0]) == (FAILED, "the state is ESTOP")


def test_a_judging_function_sees_values_by_their_names_and_symbols(tmp_path: Path) -> None:
    well = '"set STOP_CHAIN_OK, LIMIT_CLOSED, CURTAIN_CLEAR, LOOPS_OK, EDGE_OK, ARM_INTACT, DRIVE_OK, MAINS_OK on"'
    path = _write(tmp_path, check="odd:judge", step=f'{well}, "wait 500 ms"')
    path.write_text(path.read_text(encoding="utf-8").replace('"set FIRE on"', '"set FIRE off"'), encoding="utf-8")
    assert _run(path).reasons == ("the fire is out",)


@pytest.mark.parametrize(
    ("hook", "step", "told"),
    [
        ("odd.write", "", "hook: 'odd.write' names no function; write \"file:function\""),
        ("none:write", "", "there is no file"),
        ("odd:wright", "", "has no function 'wright'; did you mean write"),
        ("odd:ten", "", "has no function 'ten'"),
        ("odd:text", "", "odd:text gave something else than lines of text"),
        ("odd:breaks", "", "odd:breaks broke down with ValueError: no luck"),
        ("odd:leaves", "", "odd:leaves broke down with SystemExit: 0"),
        ("odd:number", "", "odd:number gave something else than lines of text"),
        ("rotten:write", "", "rotten.py cannot be run: ModuleNotFoundError"),
        ("gone:write", "", "gone.py cannot be run: SystemExit: 3"),
        ("odd:typo", "", "step 2 'wate 1 s': no statement begins so; did you mean wait"),
        ("odd:write", '"wait 1 s"', "'hook' needs one step 'hook', and that step the key"),
        ("", '"hook"', "'hook' needs one step 'hook', and that step the key"),
    ],
)
def test_a_mistake_about_a_hook_is_told(tmp_path: Path, hook: str, step: str, told: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        load_scenario(_write(tmp_path, hook, step=step))
    (sentence,) = str(caught.value).splitlines()
    assert told in sentence


@pytest.mark.parametrize(
    ("check", "told"),
    [
        ("odd:breaks", "check: odd:breaks broke down with ValueError: no luck"),
        ("odd:leaves", "check: odd:leaves broke down with SystemExit: 0"),
        ("gone:judge", "gone.py cannot be run: SystemExit: 3"),
        ("odd:text", "check: odd:text gave something else than lines of text"),
        ("odd:asks_wrong", "check: odd:asks_wrong broke down with Mistake: 'stat' is no name that can be watched here"),
        ("odd:jugde", "has no function 'jugde'; did you mean judge"),
    ],
)
def test_a_judging_function_that_breaks_down_fails_the_run_with_a_sentence(
    tmp_path: Path, check: str, told: str
) -> None:
    result = _run(_write(tmp_path, check=check, step='"wait 1 s"'))
    assert result.word == FAILED
    assert told in result.reasons[0]


@pytest.mark.parametrize(
    ("check", "told"),
    [
        ('"none:judge"', "check: there is no file "),
        ('""', "check: '' names no function; write"),
        ("5", "check: 5 names no function; write"),
    ],
)
def test_a_judging_function_that_is_not_there_is_told_before_anything_runs(
    tmp_path: Path, check: str, told: str
) -> None:
    path = _write(tmp_path, check="odd:judge", step='"wait 1 ms"')
    path.write_text(path.read_text(encoding="utf-8").replace('"odd:judge"', check), encoding="utf-8")
    with pytest.raises(ScenarioError) as caught:
        load_scenario(path)
    (sentence,) = str(caught.value).splitlines()
    assert told in sentence


def test_a_scenario_without_them_needs_no_python(tmp_path: Path) -> None:
    assert _run(_write(tmp_path, step='"wait 1 ms"')).word == PASSED


def test_what_python_beside_a_scenario_prints_is_no_part_of_the_report(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(_write(tmp_path, check="odd:prints", step='"wait 1 ms"')).word == PASSED
    with pytest.raises(ScenarioError):
        load_scenario(_write(tmp_path, "gone:write"))
    assert capsys.readouterr() == ("", "noise\nnoise\n")
