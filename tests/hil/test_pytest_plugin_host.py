"""The pytest plugin: an item per scenario and target, BLOCKED is skipped, measurements stand in the JUnit file."""

import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

ROOT = Path(__file__).parents[2]
SHORT = """
[scenario]
name = "short"
role = "lane"
seed = 1
needs = {needs}
steps = ["{measure}", "wait 200 ms"]
never = ["{never}"]
"""
MEASURED = (
    "measure stop chain until curtain: from barrier.in.STOP_CHAIN_OK = on to barrier.in.CURTAIN_CLEAR = on "
    "between 0 ms and 5 ms"
)


@pytest.fixture
def short(tmp_path: Path) -> Path:
    return _write(tmp_path)


def _write(directory: Path, never: str = "field.hit", needs: str = "[]", measure: str = "wait 0 s") -> Path:
    path = directory / "short.toml"
    path.write_text(SHORT.format(never=never, needs=needs, measure=measure), encoding="utf-8")
    return path


def _pytest(*words: object) -> tuple[int, str]:
    command = [sys.executable, "-m", "pytest", "-rs", "-v", "-p", "hil.pytest_plugin", "-c", "/dev/null"]
    done = subprocess.run(
        [*command, *map(str, words)], cwd=ROOT, capture_output=True, text=True, check=False, timeout=120
    )
    return done.returncode, done.stdout + done.stderr


def test_a_scenario_is_an_item_per_target_and_one_for_their_traces(short: Path) -> None:
    code, told = _pytest(short)
    assert code == 0, told
    for name in ("short[host]", "short[vm]", "short[host~vm]"):
        assert f"{name} PASSED" in told


def test_a_comparison_without_the_two_runs_before_it_makes_its_traces(short: Path) -> None:
    """It is chosen alone, or pytest-xdist gave it to another process than the runs."""
    code, told = _pytest(f"{short}::short[host~vm]")
    assert code == 0, told
    assert "short[host~vm] PASSED" in told
    assert "1 passed" in told


def test_the_junit_file_carries_measurements_with_unit_and_limits(tmp_path: Path) -> None:
    path = _write(tmp_path, measure=MEASURED)
    code, told = _pytest(path, "--target", "host", "--seed", "9", "--junitxml", tmp_path / "junit.xml")
    assert code == 0, told
    (case,) = ElementTree.parse(tmp_path / "junit.xml").iter("testcase")
    found = {item.get("name"): item.get("value") for item in case.iter("property")}
    measured = {key.split(": ")[1]: value for key, value in found.items() if key and ": " in key}
    assert measured == {"value": "0", "unit": "ms", "low": "0", "high": "5"}
    assert found["seed"] == "9"


def test_blocked_is_skipped_with_the_reason(tmp_path: Path) -> None:
    code, told = _pytest(_write(tmp_path, needs='["scan_time"]'), "--target", "host", "--target", "vm")
    assert code == 0, told
    assert "BLOCKED: needs scan_time, but the target host does each scan in no time" in told
    assert "BLOCKED: there is no trace of host to compare" in told
    assert "3 skipped" in told


def test_a_failed_scenario_tells_its_problem_and_no_traceback(tmp_path: Path) -> None:
    code, told = _pytest(_write(tmp_path, never="barrier.in.STOP_CHAIN_OK = on"), "--target", "host")
    assert code == 1
    assert "must never be" in told
    assert "Traceback" not in told
    assert "run_job" not in told


def test_a_scenario_file_with_a_mistake_is_told_when_it_is_collected(tmp_path: Path) -> None:
    code, told = _pytest(_write(tmp_path, never="field.hits"), "--target", "host")
    assert code == 2
    assert "did you mean" in told
    assert "Traceback" not in told


def test_an_unknown_target_is_told_before_anything_runs(short: Path) -> None:
    code, told = _pytest(short, "--target", "moon")
    assert code == 4
    assert "no target 'moon'; expected one of board, host, " in told


def test_a_toml_file_that_is_no_scenario_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "other.toml").write_text("[tool]\nname = 1\n", encoding="utf-8")
    assert _pytest(tmp_path)[0] == 5  # nothing collected


@pytest.mark.parametrize(("sample", "count"), [("short", 2), ("another", 0)])
def test_a_sample_of_the_scenarios_is_not_marked_long_on_a_slow_target(short: Path, sample: str, count: int) -> None:
    words = ("--collect-only", "--target", "host", "--target", "rp2040", "-m", "not long", "-o", f"hil_sample={sample}")
    _, told = _pytest(short, *words, "-o", "markers=long")
    assert told.count("rp2040]>") == count, told
    assert "short[host]>" in told
