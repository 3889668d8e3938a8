"""Every path of a truck through a lane, as statements."""

from dataclasses import replace

import pytest

from edge.lane.machine import LaneMachine, LaneStateError
from protocols.registers import barrier as bar
from tests.edge.lane.world import SETTINGS, Truck, World, check_commands

PASSED = ["transaction_opened", "identified", "weighed", "decided", "passed", "transaction_closed"]


def make_world(*trucks: Truck, **settings: object) -> World:
    world = World(settings=replace(SETTINGS, **settings))
    world.waiting.extend(trucks)
    return world


def finish(world: World, ticks_max: int = 6000) -> World:
    for _ in range(ticks_max):
        world.tick()
        if not world.waiting and not world.trucks and world.machine.state == "IDLE":
            return world
    raise AssertionError(f"lane stuck in {world.machine.state}: {world.kinds()} {world.opcodes()}")


def check_books(world: World) -> None:
    assert world.violations == []
    opened = [record.data["transaction"] for record in world.records if record.kind == "transaction_opened"]
    closed = [record.data["transaction"] for record in world.records if record.kind == "transaction_closed"]
    assert opened == closed == [f"A-{number:06d}" for number in range(1, len(opened) + 1)]
    outcomes = [record.data["outcome"] for record in world.records if record.kind == "transaction_closed"]
    assert outcomes.count("passed") == world.gone_forward
    assert outcomes.count("turned_back") == world.gone_back
    check_commands(world)


def test_truck_passes() -> None:
    world = finish(make_world(Truck()))
    assert world.kinds() == PASSED
    assert world.opcodes() == ["REGISTER", "OPEN", "CLOSE"]
    check_books(world)


def test_register_carries_number_and_attempt_and_its_weight_is_journalled() -> None:
    world = finish(make_world(Truck(), Truck(plate="12C11111", kg=41_260)))
    assert [command.argument for command in world.sent if command.opcode == "REGISTER"] == [17, 33]
    weighed = [record.data for record in world.records if record.kind == "weighed"]
    assert [data["registered_id"] for data in weighed] == [17, 33]
    assert [data["gross_kg_x10"] for data in weighed] == [300_000, 412_600]
    check_books(world)


def test_ten_trucks_get_ten_numbers() -> None:
    world = finish(make_world(*(Truck(plate=f"29A0000{index}") for index in range(10))), 20_000)
    assert world.gone_forward == 10
    check_books(world)


@pytest.mark.parametrize("plan", ["turn_at_entry", "turn_on_deck", "turn_at_stop", "turn_when_open", "nose"])
def test_truck_that_reverses_out_is_turned_back_once(plan: str) -> None:
    world = finish(make_world(Truck(plan=plan), Truck(plate="12C11111")))
    assert world.gone_back == 1
    assert world.gone_forward == 1
    assert world.boom.state == bar.STATE_CLOSED
    check_books(world)


def test_truck_under_the_boom_is_waited_for_with_attention_and_no_close() -> None:
    world = finish(make_world(Truck(plan="stop_under")))
    assert world.kinds() == [*PASSED[:4], "attention:passing_timeout", *PASSED[4:]]
    assert world.opcodes().count("CLOSE") == 1
    check_books(world)


def test_too_heavy_truck_is_refused_and_backs_out() -> None:
    world = finish(make_world(Truck(kg=60_000)))
    assert world.kinds() == ["transaction_opened", "identified", "weighed", "decided", "turned_back", PASSED[-1]]
    assert "OPEN" not in world.opcodes()
    check_books(world)


def test_denied_plate_is_refused() -> None:
    world = finish(make_world(Truck(), deny_plates=("29A12345",)))
    decided = next(record.data for record in world.records if record.kind == "decided")
    assert (decided["decision"], decided["reason"]) == ("refuse", "plate_denied")
    check_books(world)


def test_unread_plate_is_refused_when_the_site_says_so() -> None:
    world = finish(make_world(Truck(plate=""), on_unidentified="refuse"))
    assert world.gone_back == 1
    assert "OPEN" not in world.opcodes()
    check_books(world)


def test_unread_plate_waits_for_a_later_read() -> None:
    world = make_world(Truck(plate="")).run_until("ATTENTION")
    world.read_plate("29A12345", confidence=40)
    world.run(10)
    assert world.machine.state == "ATTENTION"
    world.read_plate("29A12345")
    finish(world)
    assert world.kinds() == [PASSED[0], "attention:unidentified", *PASSED[1:]]
    check_books(world)


def test_operator_lets_an_unread_truck_through() -> None:
    world = make_world(Truck(plate="")).run_until("ATTENTION")
    world.ask("open")
    finish(world)
    decided = next(record.data for record in world.records if record.kind == "decided")
    assert (decided["decision"], decided["by"]) == ("allow", "operator")
    check_books(world)


def test_operator_rejects_a_truck_before_the_open_boom() -> None:
    world = make_world(Truck()).run_until("OPENING")
    world.ask("reject")
    finish(world)
    assert world.gone_back == 1
    check_books(world)


def test_operator_request_that_does_not_apply_is_journalled() -> None:
    world = make_world(Truck()).run_until("WEIGHING")
    world.ask("release")
    world.tick()
    assert world.records[-1].kind == "override"
    assert world.records[-1].data == {
        "transaction": "A-000001",
        "request": "release",
        "user": "an",
        "uid": 1000,
        "reason": "seen by eye",
        "state": "WEIGHING",
        "ok": False,
        "refusal": "the lane is in state WEIGHING, where release changes nothing",
    }
    assert world.machine.operator_refusal == world.records[-1].data["refusal"]


@pytest.mark.parametrize(("request_", "state"), [("open", "ATTENTION"), ("reject", "WEIGHING")])
def test_operator_request_that_is_carried_out_is_journalled_before_what_follows(request_: str, state: str) -> None:
    world = make_world(Truck(plate="" if state == "ATTENTION" else "29A12345")).run_until(state)
    world.ask(request_)
    world.tick()
    override, decided = (record for record in world.records[-2:])
    assert (override.kind, override.data["ok"], decided.kind) == ("override", True, "decided")
    assert world.machine.operator_refusal == ""


def test_operator_is_told_when_the_hub_or_a_device_is_not_ready() -> None:
    world = make_world().run(5)
    world.restart_hub()
    world.lost = {"barrier"}
    world.ask("open")
    world.tick()
    assert world.machine.operator_refusal == "the hub has just started and has not read both devices yet"
    world.run(60).ask("open")
    world.tick()
    assert world.machine.operator_refusal == "the barrier does not answer"
    assert world.opcodes() == []


def test_operator_cannot_close_on_a_presence() -> None:
    world = make_world().run(5)
    world.boom.state = bar.STATE_OPEN
    world.trucks.append(Truck(front=270, length=20, plate=""))
    world.run(1).ask("close")
    world.tick()
    assert world.machine.operator_refusal == "something is in the path of the boom"
    assert world.opcodes() == []


def test_operator_may_open_and_close_an_empty_lane() -> None:
    world = make_world().run(5)
    world.ask("open")
    world.run(30)
    assert world.boom.state == bar.STATE_OPEN
    world.ask("close")
    world.run(60)
    assert world.boom.state == bar.STATE_CLOSED
    assert world.violations == []


def test_plate_of_the_truck_before_is_not_taken_for_the_next_one() -> None:
    world = make_world(Truck(), Truck(plate=""), on_unidentified="refuse")
    world.run_until("CLOSING")
    world.read_plate("29A12345")
    finish(world)
    assert [record.kind for record in world.records].count("identified") == 1
    check_books(world)


def test_close_refused_by_interlock_is_sent_again() -> None:
    world = make_world(Truck()).run_until("PASSING")
    world.boom.refuse_next = 2
    finish(world)
    assert world.opcodes().count("CLOSE") == 3
    check_books(world)


def test_close_that_never_works_raises_attention_once_and_goes_on_trying() -> None:
    world = make_world(Truck()).run_until("PASSING")
    world.boom.refuse_next = 12
    finish(world)
    assert world.kinds().count("attention:closing_timeout") == 1
    check_books(world)


def test_command_without_an_answer_is_sent_again() -> None:
    world = make_world(Truck()).run_until("OPENING")
    world.drop_next_command = True
    finish(world)
    check_books(world)


def test_barrier_in_local_mode_keeps_the_decision_waiting() -> None:
    world = make_world(Truck()).run_until("WEIGHING")
    world.boom.mode = bar.MODE_LOCAL
    world.run_until("ATTENTION")
    assert "OPEN" not in world.opcodes()
    world.boom.mode = bar.MODE_REMOTE
    finish(world)
    assert "attention:devices_unfit" in world.kinds()
    check_books(world)


@pytest.mark.parametrize("state", ["IDENTIFYING", "WEIGHING", "OPENING", "PASSING", "CLOSING"])
@pytest.mark.parametrize("role", ["barrier", "weighbridge"])
def test_lost_device_is_waited_for(state: str, role: str) -> None:
    world = make_world(Truck()).run_until(state)
    world.lost.add(role)
    world.run(200)
    sent = len(world.sent)
    world.run(300)
    assert len(world.sent) == sent
    assert world.kinds().count("attention:device_lost") == 1
    world.lost.clear()
    finish(world)
    assert world.gone_forward == 1
    check_books(world)


@pytest.mark.parametrize("state", ["IDENTIFYING", "WEIGHING", "DECIDING", "OPENING", "PASSING", "CLOSING"])
@pytest.mark.parametrize("role", ["boom", "deck"])
def test_device_restarted_in_the_middle_loses_no_truck(state: str, role: str) -> None:
    for delay in (0, 4, 25, 60):
        world = make_world(Truck()).run_until("IDENTIFYING" if state == "DECIDING" else state).run(delay)
        getattr(world, role).restart()
        finish(world)
        assert world.gone_forward == 1
        check_books(world)


def test_swapped_truck_after_weighing_needs_a_person() -> None:
    world = make_world(Truck()).run_until("OPENING")
    world.boom.refuse_next = 1
    world.trucks[0].kg = 45_000
    world.boom.state = bar.STATE_CLOSED
    world.boom.ticks = 0
    world.run_until("ATTENTION")
    assert world.kinds()[-1] == "attention:weight_changed"
    world.restart_hub()
    world.run(5).ask("release")
    finish(world)
    weights = [record.data["gross_kg_x10"] for record in world.records if record.kind == "weighed"]
    assert weights == [300_000, 450_000], "weighed anew under an id of its own"
    assert world.gone_forward == 1
    check_books(world)


def test_truck_beyond_the_weighbridges_range_is_refused_as_overloaded() -> None:
    world = finish(make_world(Truck(kg=85_000)))
    decided = next(record.data for record in world.records if record.kind == "decided")
    assert (decided["decision"], decided["reason"]) == ("refuse", "overloaded")
    assert world.opcodes() == []
    assert world.gone_back == 1
    check_books(world)


def test_weight_at_rest_that_cannot_be_registered_waits_for_a_person() -> None:
    world = make_world(Truck()).run_until("WEIGHING")
    world.deck.refuse_all = True
    world.run_until("ATTENTION").run(2000)
    assert world.machine.state == "ATTENTION"
    assert world.machine.view()["attention"] == ["weigh_timeout", "attention_timeout"]
    assert len(world.records) < 30, "nothing is tried without end"
    world.deck.refuse_all = False
    world.ask("release")
    world.run(1)
    assert "weigh_timeout" not in world.machine.view()["attention"]
    finish(world)
    check_books(world)


def test_weight_that_comes_to_rest_late_is_registered() -> None:
    world = make_world(Truck(), weigh_timeout_ms=1000).run_until("ATTENTION")
    finish(world)
    assert world.kinds() == [*PASSED[:2], "attention:weigh_timeout", *PASSED[2:]]
    check_books(world)


def test_overload_of_a_braking_truck_is_waited_out() -> None:
    world = make_world(Truck()).run_until("WEIGHING")
    world.deck.overload_kg = 20_000
    world.run(15)
    world.deck.overload_kg = 80_000
    finish(world)
    assert world.kinds() == PASSED
    check_books(world)


def test_overload_found_after_the_time_for_weighing_still_refuses() -> None:
    world = make_world(Truck(), weigh_timeout_ms=500).run_until("ATTENTION")
    world.deck.overload_kg = 20_000
    finish(world)
    assert world.gone_back == 1
    check_books(world)


def test_boom_closed_by_hand_before_the_truck_left_needs_a_person() -> None:
    world = make_world(Truck()).run_until("PASSING")
    world.boom.state = bar.STATE_CLOSED
    world.run(2)
    assert world.machine.state == "ATTENTION"
    world.ask("release")
    finish(world)
    check_books(world)


def test_tailgater_in_the_shadow_of_the_first_truck_is_called_out() -> None:
    world = make_world(Truck()).run_until("PASSING")
    world.trucks.append(Truck(plate="12C11111", plan="follow", front=45))
    finish(world)
    assert "attention:tailgating" in world.kinds()
    assert world.violations == []


def test_tailgater_is_recorded_and_gets_its_own_number() -> None:
    world = make_world(Truck()).run_until("PASSING")
    world.trucks.append(Truck(plate="12C11111", plan="follow", front=-20, gap=70))
    finish(world)
    assert "attention:tailgating" in world.kinds()
    assert world.gone_forward == 2
    assert world.violations == []
    assert [record.kind for record in world.records].count("passed") == 2


def test_killed_hub_resumes_in_every_state() -> None:
    for state in ("IDLE", "ARRIVING", "IDENTIFYING", "WEIGHING", "OPENING", "PASSING", "CLOSING"):
        world = make_world(Truck()).run_until("IDLE").run_until(state)
        world.restart_hub()
        assert world.machine.state == "RECOVERING"
        finish(world)
        assert world.kinds() == PASSED, state
        check_books(world)


def test_truck_that_passed_while_the_hub_was_dead_is_counted() -> None:
    world = make_world(Truck()).run_until("PASSING")
    saved = world.machine.save()
    while not world.gone_forward:
        world.tick()
    world.records[:] = [record for record in world.records if record.kind not in ("passed", "transaction_closed")]
    world.boom.state = bar.STATE_OPEN
    world.machine = LaneMachine(world.settings, saved, world.now_ms)
    finish(world)
    passed = next(record.data for record in world.records if record.kind == "passed")
    assert passed["evidence"] == "counter"
    check_books(world)


def test_recovering_does_nothing_until_both_devices_are_seen_anew() -> None:
    world = make_world(Truck()).run_until("OPENING")
    sent = len(world.sent)
    world.lost = {"barrier"}
    world.restart_hub()
    world.run(400)
    assert world.machine.state == "RECOVERING"
    assert len(world.sent) == sent
    assert world.kinds()[-1] == "attention:recovering_timeout"
    world.lost = set()
    world.run(1)
    assert world.machine.view()["attention"] == []
    finish(world)
    check_books(world)


def test_saved_state_of_another_version_is_refused() -> None:
    with pytest.raises(LaneStateError, match="version 99, expected 1"):
        LaneMachine(SETTINGS, {"version": 99})
    with pytest.raises(LaneStateError, match="not usable"):
        LaneMachine(SETTINGS, {"version": 1, "state": "NOWHERE", "remembered": "IDLE"})
