"""Random histories of a lane: whatever happens, every truck is accounted once, and the lane's promises hold."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.edge.lane.world import Truck, World

_PLANS = ("pass", "stop_under", "turn_at_entry", "turn_on_deck", "turn_at_stop", "turn_when_open", "nose")
_HAPPENINGS = ("hub", "boom", "deck", "lose_barrier", "lose_weighbridge", "drop", "refuse", "operator")
_REQUESTS = ("open", "close", "release", "reject")


def _truck(draw: st.DrawFn, index: int) -> Truck:
    return Truck(
        plate=draw(st.sampled_from((f"29A1{index:04d}", f"29A1{index:04d}", ""))),
        kg=draw(st.sampled_from((9_000, 30_000, 47_980, 60_000))),
        length=draw(st.integers(70, 175)),
        plan=draw(st.sampled_from(("pass", "pass", *_PLANS))),
        speed=draw(st.integers(1, 4)),
    )


@st.composite
def _histories(draw: st.DrawFn) -> tuple[list[Truck], list[tuple[int, str, int]]]:
    trucks = [_truck(draw, index) for index in range(draw(st.integers(1, 3)))]
    happening = st.tuples(st.integers(1, 400), st.sampled_from(_HAPPENINGS), st.integers(0, 60))
    return trucks, draw(st.lists(happening, max_size=8))


def _happen(world: World, what: str, amount: int) -> None:
    if what == "hub":
        world.restart_hub()
    elif what in ("boom", "deck"):
        getattr(world, what).restart()
    elif what.startswith("lose_"):
        role = what.removeprefix("lose_")
        world.lost.add(role)
        world.run(amount)
        world.lost.discard(role)
    elif what == "drop":
        world.drop_next_command = True
    elif what == "refuse":
        world.boom.refuse_next = amount % 4
    else:
        world.ask(_REQUESTS[amount % len(_REQUESTS)])


def _settle(world: World) -> None:
    """Run to the end; a person helps where the lane asks for one."""
    for tick in range(12_000):
        world.tick()
        if not world.waiting and not world.trucks and world.machine.state == "IDLE":
            return
        if tick % 600 == 599:
            world.ask("open" if world.machine.state == "ATTENTION" else "close")
    raise AssertionError(f"lane stuck in {world.machine.state}, boom {world.boom}: {world.kinds()[-12:]}")


def _check(world: World) -> None:
    assert world.violations == []
    opened = [record.data["number"] for record in world.records if record.kind == "transaction_opened"]
    closed = [record.data for record in world.records if record.kind == "transaction_closed"]
    assert opened == list(range(1, len(opened) + 1))
    assert [data["transaction"] for data in closed] == [f"A-{number:06d}" for number in opened]
    for kind in ("passed", "turned_back"):
        names = [record.data["transaction"] for record in world.records if record.kind == kind]
        assert names == [data["transaction"] for data in closed if data["outcome"] == kind]
    outcomes = [data["outcome"] for data in closed]
    assert outcomes.count("passed") == world.gone_forward
    assert outcomes.count("turned_back") == world.gone_back


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
@given(_histories())
def test_books_balance_after_any_history(history: tuple[list[Truck], list[tuple[int, str, int]]]) -> None:
    trucks, happenings = history
    world = World()
    world.waiting.extend(trucks)
    for ticks, what, amount in happenings:
        world.run(ticks)
        _happen(world, what, amount)
    _settle(world)
    _check(world)


@pytest.mark.parametrize("plan", ["pass", "nose", "turn_when_open"])
def test_hub_killed_at_any_step_tells_the_same_story(plan: str) -> None:
    def story(kill_at: int) -> tuple[list[str], int]:
        world = World()
        world.waiting.append(Truck(plan=plan, speed=4))
        for tick in range(2000):
            world.tick()
            if tick == kill_at:
                world.restart_hub()
            if tick > 50 and not world.trucks and world.machine.state == "IDLE":
                break
        _check(world)
        return world.kinds(), world.gone_forward

    expected = story(-1)
    for kill_at in range(0, 330, 2):
        assert story(kill_at) == expected, kill_at


def test_hub_killed_every_second_still_gets_a_truck_through() -> None:
    world = World()
    world.waiting.append(Truck(speed=4))
    for _ in range(1500):
        world.run(10).restart_hub()
        if world.gone_forward and not world.machine.save()["transaction"]["is_open"]:
            break
    _check(world)
    assert world.gone_forward == 1
