"""A call of a port fails: the device goes on or resets, ends safe, says so, and keeps what it acknowledged."""

import pytest

from firmware.app.health import Health
from firmware.app.settings import Settings
from firmware.app.watchdog import OUTPUTS_TAKEN, Supervisor
from firmware.control.barrier import Barrier
from firmware.control.charging_post_faults import PostFaults
from hil.faults.nth_call import cases, count_calls, run_case
from hil.faults.ports import LOST, RAISES, REFUSED, Trigger
from protocols.registers.barrier import OUT_MOTOR_CLOSE, OUT_MOTOR_OPEN

_STRIDE = 97  # prime to the rhythm of scans and questions
_ROLES = ("barrier", "charging_post", "rfid", "weighbridge")


def _problems(role: str, every: int) -> list[str]:
    triggers = list(cases(role, count_calls(role), _STRIDE))[every // 2 :: every]
    return [str(outcome) for outcome in (run_case(role, trigger) for trigger in triggers) if outcome.problems]


@pytest.mark.parametrize(("role", "every"), [("rfid", 11), ("weighbridge", 71), ("barrier", 101)])
def test_a_failing_call_breaks_no_promise(role: str, every: int) -> None:
    assert _problems(role, every) == []


@pytest.mark.long
@pytest.mark.parametrize("role", _ROLES)
def test_no_failing_call_breaks_a_promise(role: str) -> None:
    assert _problems(role, 1) == []


def test_every_call_of_the_store_fails_in_every_way_and_of_the_others_some_in_each_run() -> None:
    counts = {name: 5 for name in count_calls("rfid")}
    found = [(t.call, t.at, t.mode, t.is_lasting) for t in cases("rfid", counts, 3)]
    assert {at for call, at, _, _ in found if call == "store.write"} == {1, 2, 3, 4, 5}
    assert {at for call, at, _, _ in found if call == "inputs.read"} == {1, 4}
    runs = [cases("rfid", counts, 3, first) for first in (1, 2, 3)]
    assert {t.at for run in runs for t in run if t.call == "inputs.read"} == {1, 2, 3, 4, 5}
    assert ("bus.write", 4, REFUSED, True) in found
    assert ("bus.write", 4, RAISES, True) not in found  # the program has ended after the first


def test_a_device_that_believes_its_store_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Settings, "_is_stored", lambda self, name: True)
    outcome = run_case("rfid", Trigger("store.write", 3, LOST, is_lasting=True))
    assert any("acknowledged was" in problem for problem in outcome.problems)


def test_a_device_that_hides_a_failing_store_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Health, "step", lambda self, health, reasons, settings, overrun: None)
    outcome = run_case("barrier", Trigger("store.write", 6, REFUSED, is_lasting=True))
    assert outcome.problems == ("the status does not say so",)


@pytest.mark.parametrize("mode", [REFUSED, LOST])
def test_a_line_that_dies_while_the_module_is_off_is_told_by_the_next_charge(mode: str) -> None:
    assert run_case("charging_post", Trigger("line.write", 195, mode, is_lasting=True)).problems == ()


def test_a_post_that_hides_a_dead_line_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PostFaults, "any", lambda self: False)
    outcome = run_case("charging_post", Trigger("line.write", 195, REFUSED, is_lasting=True))
    assert outcome.problems == ("the status does not say so",)


def test_a_device_that_feeds_its_watchdog_whatever_becomes_of_its_outputs_is_caught(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    prove = Supervisor.prove
    monkeypatch.setattr(Supervisor, "prove", lambda self, part: prove(self, part | OUTPUTS_TAKEN))
    outcome = run_case("rfid", Trigger("outputs.write", 50, REFUSED, is_lasting=True))
    assert outcome.problems == ("the watchdog is fed though the outputs are not taken",)


def test_a_boom_that_closes_onto_a_truck_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    step = Barrier.step

    def close_under_the_truck(self: Barrier, now_ms: int) -> None:
        step(self, now_ms)
        if self.ring.uptime_s >= 8:
            self.outputs[OUT_MOTOR_OPEN], self.outputs[OUT_MOTOR_CLOSE] = 0, 1

    monkeypatch.setattr(Barrier, "step", close_under_the_truck)
    outcome = run_case("barrier", Trigger("store.write", 100, LOST))
    assert any("driven onto a body" in problem for problem in outcome.problems)
