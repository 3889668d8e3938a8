"""Every path of a truck through a lane, as statements."""

from dataclasses import replace

import pytest

from edge.lane.machine import LaneMachine, LaneStateError
from protocols.registers import barrier as bar
from tests.edge.lane.world import SETTINGS, Truck, World

PASSED = ["transaction_opened", "identified", "weighed", "decided", "passed", "transaction_closed"]


def _world(*trucks: Truck, **settings: object) -> World:
    world = World(settings=replace(SETTINGS, **settings))
    world.waiting.extend(trucks)
    return world


def _finish(world: World, ticks_max: int = 6000) -> World:
    for _ in range(ticks_max):
        world.tick()
        if not world.waiting and not world.trucks and world.machine.state == "IDLE":
            return world
    raise AssertionError(f"lane stuck in {world.machine.state}: {world.kinds()} {world.opcodes()}")


def _check_books(world: World) -> None:
    assert world.violations == []
    opened = [record.data["transaction"] for record in world.records if record.kind == "transaction_opened"]
    closed = [record.data["transaction"] for record in world.records if record.kind == "transaction_closed"]
    assert opened == closed == [f"A-{number:06d}" for number in range(1, len(opened) + 1)]
    outcomes = [record.data["outcome"] for record in world.records if record.kind == "transaction_closed"]
    assert outcomes.count("passed") == world.gone_forward
    assert outcomes.count("turned_back") == world.gone_back


def test_truck_passes() -> None:
    world = _finish(_world(Truck()))
    assert world.kinds() == PASSED
    assert world.opcodes() == ["REGISTER", "OPEN", "CLOSE"]
    _check_books(world)


def test_register_carries_the_transaction_number_and_its_weight_is_journalled() -> None:
    world = _finish(_world(Truck(), Truck(plate="12C11111", kg=41_260)))
    assert [command.argument for command in world.sent if command.opcode == "REGISTER"] == [1, 2]
    weights = [record.data["gross_kg_x10"] for record in world.records if record.kind == "weighed"]
    assert weights == [300_000, 412_600]
    _check_books(world)


def test_ten_trucks_get_ten_numbers() -> None:
    world = _finish(_world(*(Truck(plate=f"29A0000{index}") for index in range(10))), 20_000)
    assert world.gone_forward == 10
    _check_books(world)


@pytest.mark.parametrize("plan", ["turn_at_entry", "turn_on_deck", "turn_at_stop", "turn_when_open", "nose"])
def test_truck_that_reverses_out_is_turned_back_once(plan: str) -> None:
    world = _finish(_world(Truck(plan=plan), Truck(plate="12C11111")))
    assert world.gone_back == 1
    assert world.gone_forward == 1
    assert world.boom.state == bar.STATE_CLOSED
    _check_books(world)


def test_truck_under_the_boom_is_waited_for_with_attention_and_no_close() -> None:
    world = _finish(_world(Truck(plan="stop_under")))
    assert world.kinds() == [*PASSED[:4], "attention:passing_timeout", *PASSED[4:]]
    assert world.opcodes().count("CLOSE") == 1
    _check_books(world)


def test_too_heavy_truck_is_refused_and_backs_out() -> None:
    world = _finish(_world(Truck(kg=60_000)))
    assert world.kinds() == ["transaction_opened", "identified", "weighed", "decided", "turned_back", PASSED[-1]]
    assert "OPEN" not in world.opcodes()
    _check_books(world)


def test_denied_plate_is_refused() -> None:
    world = _finish(_world(Truck(), deny_plates=("29A12345",)))
    decided = next(record.data for record in world.records if record.kind == "decided")
    assert (decided["decision"], decided["reason"]) == ("refuse", "plate_denied")
    _check_books(world)


def test_unread_plate_is_refused_when_the_site_says_so() -> None:
    world = _finish(_world(Truck(plate=""), on_unidentified="refuse"))
    assert world.gone_back == 1
    assert "OPEN" not in world.opcodes()
    _check_books(world)


def test_unread_plate_waits_for_a_later_read() -> None:
    world = _world(Truck(plate="")).run_until("ATTENTION")
    world.read_plate("29A12345", confidence=40)
    world.run(10)
    assert world.machine.state == "ATTENTION"
    world.read_plate("29A12345")
    _finish(world)
    assert world.kinds() == [PASSED[0], "attention:unidentified", *PASSED[1:]]
    _check_books(world)


def test_operator_lets_an_unread_truck_through() -> None:
    world = _world(Truck(plate="")).run_until("ATTENTION")
    world.ask("open")
    _finish(world)
    decided = next(record.data for record in world.records if record.kind == "decided")
    assert (decided["decision"], decided["by"]) == ("allow", "operator")
    _check_books(world)


def test_operator_rejects_a_truck_before_the_open_boom() -> None:
    world = _world(Truck()).run_until("OPENING")
    world.ask("reject")
    _finish(world)
    assert world.gone_back == 1
    _check_books(world)


def test_operator_request_that_does_not_apply_is_journalled() -> None:
    world = _world(Truck()).run_until("WEIGHING")
    world.ask("release")
    world.tick()
    assert world.kinds()[-1] == "attention:operator_refused"


def test_operator_may_open_and_close_an_empty_lane() -> None:
    world = _world().run(5)
    world.ask("open")
    world.run(30)
    assert world.boom.state == bar.STATE_OPEN
    world.ask("close")
    world.run(60)
    assert world.boom.state == bar.STATE_CLOSED
    assert world.violations == []


def test_plate_of_the_truck_before_is_not_taken_for_the_next_one() -> None:
    world = _world(Truck(), Truck(plate=""), on_unidentified="refuse")
    world.run_until("CLOSING")
    world.read_plate("29A12345")
    _finish(world)
    assert [record.kind for record in world.records].count("identified") == 1
    _check_books(world)


def test_close_refused_by_interlock_is_sent_again() -> None:
    world = _world(Truck()).run_until("PASSING")
    world.boom.refuse_next = 2
    _finish(world)
    assert world.opcodes().count("CLOSE") == 3
    _check_books(world)


def test_close_that_never_works_raises_attention_once_and_goes_on_trying() -> None:
    world = _world(Truck()).run_until("PASSING")
    world.boom.refuse_next = 12
    _finish(world)
    assert world.kinds().count("attention:closing_timeout") == 1
    _check_books(world)


def test_command_without_an_answer_is_sent_again() -> None:
    world = _world(Truck()).run_until("OPENING")
    world.drop_next_command = True
    _finish(world)
    _check_books(world)


def test_barrier_in_local_mode_keeps_the_decision_waiting() -> None:
    world = _world(Truck()).run_until("WEIGHING")
    world.boom.mode = bar.MODE_LOCAL
    world.run_until("ATTENTION")
    assert "OPEN" not in world.opcodes()
    world.boom.mode = bar.MODE_REMOTE
    _finish(world)
    assert "attention:devices_unfit" in world.kinds()
    _check_books(world)


@pytest.mark.parametrize("state", ["IDENTIFYING", "WEIGHING", "OPENING", "PASSING", "CLOSING"])
@pytest.mark.parametrize("role", ["barrier", "weighbridge"])
def test_lost_device_is_waited_for(state: str, role: str) -> None:
    world = _world(Truck()).run_until(state)
    world.lost.add(role)
    world.run(200)
    sent = len(world.sent)
    world.run(300)
    assert len(world.sent) == sent
    assert world.kinds().count("attention:device_lost") == 1
    world.lost.clear()
    _finish(world)
    assert world.gone_forward == 1
    _check_books(world)


@pytest.mark.parametrize("state", ["IDENTIFYING", "WEIGHING", "DECIDING", "OPENING", "PASSING", "CLOSING"])
@pytest.mark.parametrize("role", ["boom", "deck"])
def test_device_restarted_in_the_middle_loses_no_truck(state: str, role: str) -> None:
    for delay in (0, 4, 25, 60):
        world = _world(Truck()).run_until("IDENTIFYING" if state == "DECIDING" else state).run(delay)
        getattr(world, role).restart()
        _finish(world)
        assert world.gone_forward == 1
        _check_books(world)


def test_swapped_truck_after_weighing_needs_a_person() -> None:
    world = _world(Truck()).run_until("OPENING")
    world.boom.refuse_next = 1
    world.trucks[0].kg = 45_000
    world.boom.state = bar.STATE_CLOSED
    world.boom.ticks = 0
    world.run_until("ATTENTION")
    assert world.kinds()[-1] == "attention:weight_changed"


def test_boom_closed_by_hand_before_the_truck_left_needs_a_person() -> None:
    world = _world(Truck()).run_until("PASSING")
    world.boom.state = bar.STATE_CLOSED
    world.run(2)
    assert world.machine.state == "ATTENTION"
    world.ask("release")
    _finish(world)
    _check_books(world)


def test_tailgater_in_the_shadow_of_the_first_truck_is_called_out() -> None:
    world = _world(Truck()).run_until("PASSING")
    world.trucks.append(Truck(plate="12C11111", plan="follow", front=45))
    _finish(world)
    assert "attention:tailgating" in world.kinds()
    assert world.violations == []


def test_tailgater_is_recorded_and_gets_its_own_number() -> None:
    world = _world(Truck()).run_until("PASSING")
    world.trucks.append(Truck(plate="12C11111", plan="follow", front=-20, gap=70))
    _finish(world)
    assert "attention:tailgating" in world.kinds()
    assert world.gone_forward == 2
    assert world.violations == []
    assert [record.kind for record in world.records].count("passed") == 2


def test_killed_hub_resumes_in_every_state() -> None:
    for state in ("IDLE", "ARRIVING", "IDENTIFYING", "WEIGHING", "OPENING", "PASSING", "CLOSING"):
        world = _world(Truck()).run_until("IDLE").run_until(state)
        world.restart_hub()
        assert world.machine.state == "RECOVERING"
        _finish(world)
        assert world.kinds() == PASSED, state
        _check_books(world)


def test_truck_that_passed_while_the_hub_was_dead_is_counted() -> None:
    world = _world(Truck()).run_until("PASSING")
    saved = world.machine.save()
    while not world.gone_forward:
        world.tick()
    world.records[:] = [record for record in world.records if record.kind not in ("passed", "transaction_closed")]
    world.boom.state = bar.STATE_OPEN
    world.machine = LaneMachine(world.settings, saved, world.now_ms)
    _finish(world)
    passed = next(record.data for record in world.records if record.kind == "passed")
    assert passed["evidence"] == "counter"
    _check_books(world)


def test_recovering_does_nothing_until_both_devices_are_seen_anew() -> None:
    world = _world(Truck()).run_until("OPENING")
    sent = len(world.sent)
    world.lost = {"barrier"}
    world.restart_hub()
    world.run(400)
    assert world.machine.state == "RECOVERING"
    assert len(world.sent) == sent
    assert world.kinds()[-1] == "attention:recovering_timeout"
    world.lost = set()
    _finish(world)
    _check_books(world)


def test_saved_state_of_another_version_is_refused() -> None:
    with pytest.raises(LaneStateError, match="version 99, expected 1"):
        LaneMachine(SETTINGS, {"version": 99})
    with pytest.raises(LaneStateError, match="not usable"):
        LaneMachine(SETTINGS, {"version": 1, "state": "NOWHERE", "remembered": "IDLE"})


def test_read_from_long_before_the_arrival_is_not_this_trucks() -> None:
    world = _world(on_unidentified="refuse").run(5)
    world.read_plate("29A12345")
    world.run(101)
    world.waiting.append(Truck(plate=""))
    _finish(world)
    assert "identified" not in world.kinds()
    _check_books(world)


def test_weight_of_another_registration_is_not_taken() -> None:
    world = _world(Truck())
    world.deck.registered = (1, 99_990, 5)
    world.run_until("WEIGHING")
    world.deck.registered = (77, 88_880, 6)
    _finish(world)
    assert [record.data["gross_kg_x10"] for record in world.records if record.kind == "weighed"] == [300_000]
    _check_books(world)


def test_weight_left_under_this_number_by_a_lost_journal_is_not_taken() -> None:
    world = _world(Truck())
    world.deck.registered = (1, 99_990, 5)
    _finish(world)
    assert [record.data["gross_kg_x10"] for record in world.records if record.kind == "weighed"] == [300_000]


def test_registration_count_that_starts_anew_is_followed() -> None:
    world = _world(Truck(), Truck(plate="12C11111")).run_until("CLOSING").run_until("WEIGHING")
    world.deck.restart()
    _finish(world)
    assert world.kinds() == PASSED * 2


def test_transaction_is_not_closed_while_its_command_is_under_way() -> None:
    world = _world(Truck()).run_until("CLOSING")
    while world.machine.commander.pending is None:
        world.tick()
    world._outcomes.clear()
    world.run(20)
    assert world.boom.state == bar.STATE_CLOSED
    assert world.machine.state == "CLOSING"
    _finish(world)
    _check_books(world)


def test_plate_of_a_tailgater_is_not_taken_for_the_truck_after_it() -> None:
    world = _world(Truck(), on_unidentified="refuse").run_until("PASSING")
    world.trucks.append(Truck(plate="12C11111", plan="follow", front=-20, gap=70))
    world.waiting.append(Truck(plate=""))
    _finish(world)
    plates = [record.data["plate"] for record in world.records if record.kind == "identified"]
    assert plates == ["29A12345", "12C11111"]


def test_read_already_used_is_not_used_again() -> None:
    world = _world(Truck(), on_unidentified="refuse", read_before_ms=600_000).run_until("PASSING")
    world.trucks.append(Truck(plate="", plan="follow", front=-20, gap=70))
    world.waiting.append(Truck(plate=""))
    _finish(world)
    assert world.kinds().count("identified") == 1


def test_restarted_hub_remembers_whose_plate_was_read_last() -> None:
    world = _world(Truck(), on_unidentified="refuse").run_until("CLOSING")
    world.read_plate("29A12345")
    world.run_until("IDLE").restart_hub()
    world.waiting.append(Truck(plate=""))
    _finish(world)
    assert world.kinds().count("identified") == 1


def test_operator_cannot_open_for_a_truck_that_has_just_left() -> None:
    world = _world(Truck(plate="")).run_until("ATTENTION")
    world.trucks.clear()
    world.ask("open")
    world.run(50)
    assert "OPEN" not in world.opcodes()
    assert world.kinds()[-2:] == ["turned_back", "transaction_closed"]


def test_lost_boom_is_not_opened_for_a_truck_that_was_refused() -> None:
    world = _world(Truck(kg=60_000)).run_until("BACKING_OUT")
    world.boom.state = bar.STATE_UNKNOWN
    world.run(1000)
    assert world.machine.state == "CLOSING"
    assert world.opcodes() == ["REGISTER"]
    assert "attention:closing_timeout" in world.kinds()


def test_time_without_a_device_does_not_count_as_waiting() -> None:
    world = _world(Truck(plate="")).run_until("IDENTIFYING")
    world.lost.add("weighbridge")
    world.run(400)
    world.lost.clear()
    world.run(100)
    assert world.machine.state == "IDENTIFYING"


def test_boom_closed_by_hand_needs_a_person_even_after_an_earlier_restart() -> None:
    world = _world(Truck()).run_until("PASSING")
    world.boom.restart()
    world.run(2)
    world.run_until("PASSING")
    world.boom.state = bar.STATE_CLOSED
    world.run(2)
    assert world.machine.state == "ATTENTION"
