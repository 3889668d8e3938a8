"""A lane that is taken out of service: no truck is begun, none is left half done, and it comes back by itself."""

import pytest

from protocols.registers import barrier as bar
from tests.edge.lane.world import Truck, World, check_commands


def _out_of_service() -> World:
    world = World().run_until("IDLE")
    world.is_withheld = True
    return world.run_until("OUT_OF_SERVICE")


def test_an_idle_lane_goes_at_once_and_comes_back_when_it_is_given_back() -> None:
    world = _out_of_service()
    world.run(100)
    world.is_withheld = False
    world.run(1)
    assert world.machine.state == "IDLE"
    assert world.kinds() == ["out_of_service", "in_service"]
    assert world.sent == []


def test_a_truck_on_the_lane_is_finished_first() -> None:
    world = World().run_until("IDLE")
    world.waiting.append(Truck())
    world.run_until("WEIGHING")
    world.is_withheld = True
    world.run_until("OUT_OF_SERVICE")
    assert world.gone_forward == 1
    assert world.kinds()[-3:] == ["passed", "transaction_closed", "out_of_service"]
    assert world.violations == []


def test_a_truck_that_waits_at_the_entry_does_not_keep_the_lane_in_service_and_gets_its_turn_later() -> None:
    world = World().run_until("IDLE")
    world.trucks.append(Truck(front=9, speed=0))
    world.run(1)
    world.trucks[0].front = 15
    world.is_withheld = True
    world.run_until("OUT_OF_SERVICE", 2)
    world.run(50)
    assert world.kinds() == ["out_of_service", "attention:waits_out_of_service"]
    world.is_withheld = False
    world.trucks[0].speed = 2
    world.run_until("PASSING")
    assert world.kinds()[2:4] == ["in_service", "transaction_opened"]
    check_commands(world)


@pytest.mark.parametrize("state", [bar.STATE_OPEN, bar.STATE_STOPPED_MID, bar.STATE_UNKNOWN])
def test_a_lane_whose_boom_is_not_down_stays_in_service(state: int) -> None:
    world = World().run_until("IDLE")
    world.boom.state = state
    world.is_withheld = True
    world.run(50)
    assert world.machine.state == "IDLE"


def test_devices_that_restart_meanwhile_are_no_attention_and_the_lane_waits_for_both() -> None:
    world = _out_of_service()
    for role in ("barrier", "weighbridge"):
        world.lost.add(role)
        world.run(60)
        world.boom.restart()
        world.deck.restart()
        world.lost.discard(role)
        world.run(5)
    world.lost.add("barrier")
    world.run(60)
    world.is_withheld = False
    world.run(30)
    assert world.machine.state == "OUT_OF_SERVICE"
    world.lost.clear()
    world.waiting.append(Truck())
    world.run_until("PASSING")
    assert [kind for kind in world.kinds() if kind.startswith("attention")] == []
    assert world.violations == []


@pytest.mark.parametrize("request_", ["open", "close", "release", "reject"])
def test_an_operator_is_told_why_nothing_moves(request_: str) -> None:
    world = _out_of_service()
    world.ask(request_)
    world.run(1)
    assert world.machine.operator_refusal == "the lane is out of service while its devices are updated"
    assert world.sent == []


@pytest.mark.parametrize("is_withheld", [True, False])
def test_a_hub_that_starts_again_knows_the_lane_was_out_of_service(is_withheld: bool) -> None:
    world = _out_of_service()
    world.restart_hub()
    world.is_withheld = is_withheld
    world.run(5)
    assert world.machine.state == ("OUT_OF_SERVICE" if is_withheld else "IDLE")
    assert world.kinds() == ["out_of_service"] + ["in_service"] * (not is_withheld)
