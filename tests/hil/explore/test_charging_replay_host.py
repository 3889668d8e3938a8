"""From a way in flags to a scenario of the bench: the inputs say what is wanted, and the bench goes the way."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from firmware.control.charging_post import ChargingPost
from firmware.control.charging_post_power import PostPower
from firmware.control.charging_post_states import PostStates
from firmware.proofs import charging_post as proof
from firmware.proofs.charging_post_image import as_delivered, at_rest, find_image, flags_of, replay
from hil.command import main as hil_main
from hil.explore.bench_file import scenario_name
from hil.explore.replay import as_replay
from hil.explore.search import Scan, Violation
from hil.suite.result import EXIT_FAILED, EXIT_PASSED
from protocols.registers import charging_post as reg
from tests.hil.explore.test_charging_model_host import RETRACT, WELD_CHECK, any_image, seed

ASKED = (*(f"in.{index}" for index in range(reg.IN_COUNT)), *(f"in.{name}" for name in proof._FLAGS))
UNKNOWN = "unknown"
POWERED_UP = {"memory.state": reg.STATE_RAMP_DOWN, "memory.halt": 1, "in.0": 1, "in.current_zero": 1}
OPENED = {"memory.state": reg.STATE_CONTACTOR_OPEN, "timer.state": UNKNOWN, "in.0": 1, "in.7": 0}
# A session that begins, and its first move of the arm.
PROVEN = {
    "memory.state": reg.STATE_WELD_CHECK,
    "timer.state": UNKNOWN,
    "in.0": 1,
    "in.bus_dead": 1,
    "in.plates_dead": 1,
}
STOPPED = {"memory.state": reg.STATE_STOPPED, "in.0": 1, "in.1": 1, "in.2": 1, "in.arm_home": 1, "in.plates_dead": 1}
STARTED = {"memory.state": reg.STATE_RELEASE, "in.0": 1, "in.1": 1, "in.2": 1, "in.3": 1, "in.arm_home": 1,
           "in.request_opcode": reg.OP_START, "in.current_zero": 1, "in.plates_dead": 1}  # fmt: skip
LISTENS = {"memory.state": reg.STATE_HANDSHAKE, "timer.state": UNKNOWN, "in.0": 1, "in.1": 1, "in.2": 1, "in.3": 1,
           "in.vehicle_good": 1, "in.refusal": 0}  # fmt: skip
EXTENDS = {"memory.state": reg.STATE_EXTEND, "timer.state": UNKNOWN, "timer.vehicle": UNKNOWN, "in.0": 1, "in.1": 1,
           "in.2": 1, "in.3": 1, "in.refusal": 0, "in.plates_dead": 0, "in.current_zero": 1,
           "in.arm_out": 0}  # fmt: skip


def scan(values: dict[str, Any], *ended: str) -> Scan:
    running = [name[6:] for name, value in values.items() if value == UNKNOWN and name[6:] not in ended]
    return Scan(dict(values), set(), list(ended), running)


def replayed(name: str, *scans: Scan) -> str:
    prove = next(each for each in proof._PROPERTIES if each.id == name)
    return as_replay("charging_post", list(proof._TIMERS), replay(), Violation(name, "", list(scans)), prove.holds)


def run(text: str, name: str, directory: Path) -> int:
    file = directory / f"{scenario_name('charging_post', name)}.toml"
    file.write_text(text, encoding="utf-8")
    return hil_main(["run", str(file), "--target", "host"])


def test_inputs_are_found_for_what_any_image_says() -> None:
    """With settings as delivered; what is found is read by the real PostInputs."""
    settings, _ = as_delivered({})
    rng = random.Random(3)
    for _ in range(25):
        values, quality, _ = any_image(rng)
        said = flags_of(dict(enumerate(zip(values, quality, strict=True))), settings)
        wanted = {name: said[name] for name in ASKED}
        found, missed = find_image(wanted, at_rest(settings), settings)
        assert missed == []
        assert {name: flags_of(found, settings)[name] for name in ASKED} == wanted


def test_inputs_that_say_what_is_wanted_already_stay() -> None:
    settings, _ = as_delivered({})
    image = at_rest(settings)
    assert find_image({"in.0": 1, "in.plates_dead": 1, "in.bad": 0}, image, settings) == (image, [])


def test_what_no_image_can_say_is_named() -> None:
    settings, _ = as_delivered({})
    wanted = {"in.plates_dead": 1, "in.over_voltage": 0, "in.at_limit": 1}
    assert find_image(wanted, at_rest(settings), settings)[1] != []
    impossible = scan({**POWERED_UP, **wanted})
    assert "# scan 1: no inputs make in." in replayed("weld-checked", impossible, scan(OPENED, "state"))


def test_a_way_that_is_none_is_told_so() -> None:
    """On the right core the last scan is not wrong, and one before does not come where it should."""
    text = replayed("weld-checked", scan(POWERED_UP), scan(OPENED, "state"))
    assert "# behind scan 2 the bench differs from the way in that the property holds" in text
    strayed = scan({**OPENED, "memory.state": reg.STATE_RETRACT}, "state")
    assert "# behind scan 1 the bench differs from the way in state" in replayed(
        "weld-checked", scan(POWERED_UP), strayed
    )


def test_timers_that_cannot_end_together_with_the_settings_as_delivered_are_told() -> None:
    """The vehicle's second is over long before the ten of the arm."""
    way = [scan(POWERED_UP), scan(OPENED, "state"), *(scan(each) for each in (PROVEN, STOPPED, STARTED, LISTENS))]
    text = replayed("arm-moves-dead", *way, scan(EXTENDS, "vehicle", "state"))
    assert "# when scan 7 begins the bench differs from the way in state" in text


def test_a_missing_weld_check_is_replayed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with monkeypatch.context() as broken:
        seed(broken, PostStates, "_contactor_open", WELD_CHECK, RETRACT)
        text = replayed("weld-checked", scan(POWERED_UP), scan(OPENED, "state"))
        assert "differs" not in text
        assert run(text, "weld-checked", tmp_path) == EXIT_FAILED
    assert run(text, "weld-checked", tmp_path) == EXIT_PASSED


ARM_IN_DANGER = "not self.is_dead() or "


def test_an_arm_that_moves_live_is_replayed_through_handshake_and_heartbeat(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Two guards fall; the way has a command, a vehicle's frames and a plate that becomes live."""
    ways = [
        scan(POWERED_UP),
        scan(OPENED, "state"),
        scan(PROVEN),
        scan(STOPPED),
        scan(STARTED),
        scan(LISTENS),
        scan(EXTENDS),
    ]
    with monkeypatch.context() as broken:
        seed(broken, PostPower, "_permitted_motor", ARM_IN_DANGER, "")
        seed(broken, PostStates, "_extend", "not self.power.is_dead()", "False")
        text = replayed("arm-moves-dead", *ways)
        assert "differs" not in text
        assert "command START" in text
        assert "set VEHICLE_SEQUENCE 1" in text
        assert run(text, "arm-moves-dead", tmp_path) == EXIT_FAILED
    assert run(text, "arm-moves-dead", tmp_path) == EXIT_PASSED


def test_a_vehicle_that_is_not_held_back_in_time_is_told_by_what_must_go_off(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The release was on before, so that it is on tells nothing: it has to go off before the mark."""
    released = {
        "memory.state": reg.STATE_RELEASE,
        "in.0": 1,
        "in.arm_home": 0,
        "in.arm_conflict": 0,
        "in.plates_dead": 1,
        "in.current_zero": 1,
    }
    way = [scan(POWERED_UP), scan(OPENED, "state"), scan(PROVEN), scan(STOPPED), scan(released)]
    with monkeypatch.context() as broken:
        seed(broken, ChargingPost, "_may_leave", "self.sensed.arm_home and ", "")
        seed(broken, PostStates, "_leaves_rest", "not self.inputs.arm_home", "False")
        text = replayed("release-is-open", *way)
        assert "differs" not in text
        assert "never = [\n]" in text
        assert run(text, "release-is-open", tmp_path) == EXIT_FAILED
    assert run(text, "release-is-open", tmp_path) == EXIT_PASSED


def test_a_core_that_walks_along_is_one_as_delivered() -> None:
    settings, core = as_delivered({reg.SET_AUTO_START: 1})
    assert isinstance(core, ChargingPost)
    assert settings[reg.SET_AUTO_START] == 1
    assert settings[reg.SET_SCAN_PERIOD_MS] == replay().scan_ms
