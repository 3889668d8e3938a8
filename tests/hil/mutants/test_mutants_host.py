"""`gate hil mutants`: what counts as caught, and what is told."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from hil.command import main
from hil.mutants.firmware import every_change
from hil.mutants.score import CAUGHT, MISSED, WRONG_REASON, Score, Sighting, by_scenario, judge
from hil.mutants.session import run_session
from hil.suite.choice import find_scenarios, load_scenarios
from hil.suite.result import FAILED, PASSED, Result


def result(word: str, *reasons: str) -> Result:
    return Result("s", "host", word, 1, reasons)


@pytest.mark.parametrize(
    ("reason", "outcome"),
    [
        ("step 3 'expect state = OPEN within 1 s' was not met by 4 s: state was never seen", CAUGHT),
        ("step 3 'expect no out.MOTOR_OPEN = on for 3 s' was broken at 4 s: out.MOTOR_OPEN is on", CAUGHT),
        ("measure opening: 9000 ms (at most 4500 ms)", CAUGHT),
        ("'field.hit' must never be and was at 4 s", CAUGHT),
        ("step 3 'wait until state = OPEN within 1 s' ended the run at 4 s: state was never seen", WRONG_REASON),
        ("the result of command barrier OPEN was never read", WRONG_REASON),
        ("barrier broke down at 0 ms and is broken until its power is cut: no more", WRONG_REASON),
    ],
)
def test_a_break_is_caught_by_what_a_scenario_states_and_not_by_what_it_waits_for(reason: str, outcome: str) -> None:
    assert judge(result(FAILED, reason)) == Sighting("s", outcome, reason)


def test_what_is_stated_counts_even_behind_what_was_waited_for() -> None:
    waited, stated = "step 3 'wait until x' ended the run", "measure opening: not seen"
    assert judge(result(FAILED, waited, stated)) == Sighting("s", CAUGHT, stated)
    assert judge(result(PASSED)) == Sighting("s", MISSED)


def test_a_program_that_ends_is_caught_by_what_is_stated_of_the_time_after() -> None:
    ended, stated = "rfid broke down at 5 ms and is broken until its power is cut: no more", "measure beep: not seen"
    assert judge(replace(result(FAILED, ended), besides=(stated,))) == Sighting("s", CAUGHT, stated)
    waited = "step 3 'wait until x' ended the run"
    assert judge(replace(result(FAILED, ended), besides=(waited,))) == Sighting("s", WRONG_REASON, ended)


@pytest.mark.parametrize(
    ("scenario", "outcome", "reason"),
    [
        ("weighbridge_tares_and_refusals", CAUGHT, "'expect command.PRESET_TARE = OUT_OF_LIMITS within 500 ms'"),
        ("weighbridge_weighs_axle_by_axle", MISSED, ""),
    ],
)
def test_a_program_that_ends_in_a_command_is_seen_where_that_command_is_given(
    scenario: str, outcome: str, reason: str
) -> None:
    name = "WeighbridgeCommands._preset_tare: memory = self.memory -> deleted"
    (ends,) = [each for each in every_change("weighbridge") if each.name.endswith(name)]
    (score,) = run_session([ends], load_scenarios(find_scenarios([scenario])), 1, whole=False)
    assert score.outcome == outcome
    assert reason in score.sightings[0].reason


def test_the_best_that_any_scenario_made_of_it_counts() -> None:
    seen = (Sighting("a", MISSED), Sighting("b", WRONG_REASON), Sighting("c", CAUGHT))
    assert [Score("x", "r", seen[:count]).outcome for count in (1, 2, 3)] == [MISSED, WRONG_REASON, CAUGHT]
    assert by_scenario([Score("x", "r", seen), Score("y", "r", seen[:1])])["a"] == {MISSED: 2}


def test_a_scenario_catches_what_it_states_and_misses_what_it_does_not(capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["mutants", "rfid_seal_opens", "--firmware", "0", "--json"])
    said = capsys.readouterr()
    told = json.loads(said.out)
    outcomes = {score["break"]: score["outcome"] for score in told["results"]}
    assert code == 1
    assert outcomes["rfid input SEAL_CLOSED stuck_on"] == "caught"
    assert outcomes["rfid dead"] == "caught"
    assert outcomes["rfid output BUZZER stuck_on"] == "missed"
    assert told["breaks"] == told["caught"] + told["wrong_reason"] + told["missed"] == len(outcomes)
    assert [line.partition(": ")[2].split("  ")[::-1] for line in said.err.splitlines()] == list(
        map(list, outcomes.items())
    )


def test_a_scenario_that_fails_by_itself_says_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    broken = tmp_path / "never_met.toml"
    broken.write_text(
        '[scenario]\nname = "never_met"\nrole = "rfid"\nseed = 1\nsteps = ["expect state = STOPPED within 1 s"]\n'
    )
    assert main(["mutants", str(broken), "--firmware", "0"]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("gate hil mutants: never_met fails already when nothing is broken: step 1 'expect state")
    assert said.err.count("\n") == 1


def test_firmware_that_does_not_come_back_is_noticed_for_the_wrong_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hil.mutants.session.LIMIT_S", 2.0)
    (endless,) = [each for each in every_change("barrier") if "_push_each: bits >>= 1 -> deleted" in each.name]
    scenarios = load_scenarios(find_scenarios(["barrier_mains_fail_and_return", "barrier_open_limit_breaks"]))
    (score,) = run_session([endless], scenarios, 1, whole=True)
    assert score.outcome == WRONG_REASON
    assert score.sightings[-1].reason == "it did not end within 2 s"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["rfid_seal_open"], "no scenario 'rfid_seal_open'; did you mean rfid_seal_opens"),
        (["rfid_seal_opens", "--role", "barrier"], "no scenario of these has a device of this role"),
        (["--firmware", "-1"], "--firmware is -1; a number from 0 up is needed"),
        (["--jobs", "0"], "--jobs is 0; a number from 1 up is needed"),
        (["--role", "crane"], "invalid choice: 'crane'"),
    ],
)
def test_wrong_words_get_one_sentence(words: list[str], sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["mutants", *words]) == 2
    said = capsys.readouterr().err
    assert sentence in said
    assert said.count("\n") == 1
