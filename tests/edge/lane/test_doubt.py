"""Reads, weights and boom positions that are not what they seem, and what a lane makes of them."""

from protocols.registers import barrier as bar
from tests.edge.lane.test_machine import PASSED, check_books, finish, make_world
from tests.edge.lane.world import Truck, check_commands


def test_read_from_long_before_the_arrival_is_not_this_trucks() -> None:
    world = make_world(on_unidentified="refuse").run(5)
    world.read_plate("29A12345")
    world.run(101)
    world.waiting.append(Truck(plate=""))
    finish(world)
    assert "identified" not in world.kinds()
    check_books(world)


def test_weight_of_another_registration_is_not_taken() -> None:
    world = make_world(Truck())
    world.deck.registered = (17, 99_990, 5)
    world.run_until("WEIGHING")
    world.deck.registered = (77, 88_880, 6)
    finish(world)
    assert [record.data["gross_kg_x10"] for record in world.records if record.kind == "weighed"] == [300_000]
    check_books(world)


def test_weight_left_under_this_number_by_a_lost_journal_is_not_taken() -> None:
    world = make_world(Truck()).run_until("WEIGHING")
    world.deck.registered, world.deck.is_here = (17, 99_990, 5), True
    world.machine.transaction.registered_base = 5
    finish(world)
    assert [record.data["gross_kg_x10"] for record in world.records if record.kind == "weighed"] == [300_000]


def test_registration_count_that_starts_anew_is_followed() -> None:
    world = make_world(Truck(), Truck(plate="12C11111")).run_until("CLOSING").run_until("WEIGHING")
    world.deck.restart()
    finish(world)
    assert world.kinds() == PASSED * 2


def test_transaction_is_not_closed_while_its_command_is_under_way() -> None:
    world = make_world(Truck()).run_until("CLOSING")
    while world.machine.commander.pending is None:
        world.tick()
    world._outcomes.clear()
    world.run(20)
    assert world.boom.state == bar.STATE_CLOSED
    assert world.machine.state == "CLOSING"
    finish(world)
    check_books(world)


def test_plate_of_a_tailgater_is_not_taken_for_the_truck_after_it() -> None:
    world = make_world(Truck(), on_unidentified="refuse").run_until("PASSING")
    world.trucks.append(Truck(plate="12C11111", plan="follow", front=-20, gap=70))
    world.waiting.append(Truck(plate=""))
    finish(world)
    plates = [record.data["plate"] for record in world.records if record.kind == "identified"]
    assert plates == ["29A12345", "12C11111"]


def test_read_already_used_is_not_used_again() -> None:
    world = make_world(Truck(), on_unidentified="refuse", read_before_ms=600_000).run_until("PASSING")
    world.trucks.append(Truck(plate="", plan="follow", front=-20, gap=70))
    world.waiting.append(Truck(plate=""))
    finish(world)
    assert world.kinds().count("identified") == 1


def test_restarted_hub_remembers_whose_plate_was_read_last() -> None:
    world = make_world(Truck(), on_unidentified="refuse").run_until("CLOSING")
    world.read_plate("29A12345")
    world.run_until("IDLE").restart_hub()
    world.waiting.append(Truck(plate=""))
    finish(world)
    assert world.kinds().count("identified") == 1


def test_operator_cannot_open_for_a_truck_that_has_just_left() -> None:
    world = make_world(Truck(plate="")).run_until("ATTENTION")
    world.trucks.clear()
    world.ask("open")
    world.run(50)
    assert "OPEN" not in world.opcodes()
    assert world.kinds()[-2:] == ["turned_back", "transaction_closed"]


def test_lost_boom_is_not_opened_for_a_truck_that_was_refused() -> None:
    world = make_world(Truck(kg=60_000)).run_until("BACKING_OUT")
    world.boom.state = bar.STATE_UNKNOWN
    world.run(1000)
    assert world.machine.state == "CLOSING"
    assert world.opcodes() == ["REGISTER"]
    assert "attention:closing_timeout" in world.kinds()


def test_time_without_a_device_does_not_count_as_waiting() -> None:
    world = make_world(Truck(plate="")).run_until("IDENTIFYING")
    world.lost.add("weighbridge")
    world.run(400)
    world.lost.clear()
    world.run(100)
    assert world.machine.state == "IDENTIFYING"


def test_boom_closed_by_hand_needs_a_person_even_after_an_earlier_restart() -> None:
    world = make_world(Truck()).run_until("PASSING")
    world.boom.restart()
    world.run(2)
    world.run_until("PASSING")
    world.boom.state = bar.STATE_CLOSED
    world.run(2)
    assert world.machine.state == "ATTENTION"


def test_a_command_of_a_hub_that_was_killed_gets_its_record_from_the_next_one() -> None:
    world = make_world(Truck()).run_until("WEIGHING")
    while world.machine.commander.pending is None:
        world.tick()
    token = world.machine.commander.pending.token
    world.restart_hub()
    world.restart_hub()
    finish(world)
    records = [record.data for record in world.records if record.kind == "command" and record.data["token"] == token]
    assert [(data["ok"], data["reason"], data["latency_ms"]) for data in records] == [(False, "hub_restarted", None)]
    check_commands(world)
