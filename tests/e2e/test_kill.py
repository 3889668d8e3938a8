"""Any part may die by SIGKILL at any moment while trucks pass: nothing is lost, nobody is hurt, the lane goes on."""

import asyncio
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from hil.run.gate import GateRun
from hil.run.site import RigSite
from sim_devices.plants.driver import Habits
from sim_devices.traffic import TrafficMix
from tests.e2e import gate_site
from tests.e2e.gate_site import gate, hasty_truck, kill, settled, until

VICTIMS = ("barrier1", "weighbridge1", "hub", "broker", "platform")
MOMENTS: dict[str, Callable[[GateRun], bool]] = {
    "on_deck": gate_site.is_on_deck,
    "under_boom": gate_site.is_under_boom,
    "boom_closes": gate_site.is_boom_closing,
}
_RANDOM_US = 180_000_000
_RELAYS_S = 0.3  # the output card gives up a silent device in this time
# A weighbridge that restarts under a truck has no zero and the truck does not pass: that death has a test of its own.
DEATHS = [
    (victim, moment) for victim in VICTIMS for moment in MOMENTS if (victim, moment) != ("weighbridge1", "on_deck")
]
_PASSES_S = 60.0  # a whole passage with a part missing for some seconds


async def _let_pass(site: RigSite, deploy_dir: Path, deaths: dict[str, tuple[str, ...]]) -> None:
    """One truck passes; at each moment of `deaths` the parts named there are killed."""
    async with gate(site, deploy_dir) as run:
        run.world.arrive("L1", hasty_truck(1))
        for moment, is_now in MOMENTS.items():
            if moment not in deaths:
                continue
            await until(run, lambda is_now=is_now: is_now(run), moment, _PASSES_S)
            for victim in deaths[moment]:
                kill(run, victim)
            if "barrier1" in deaths[moment]:
                await until(run, lambda: gate_site.are_motors_off(run, "barrier1"), "the relays fall off", _RELAYS_S)
        await until(run, lambda: bool(run.world.trucks) and gate_site.is_idle(run), "the truck has passed", _PASSES_S)
        await settled(run)
        assert run.world.counts()["passed"] == 1
    gate_site.check_books_of(site)


def test_a_truck_passes_while_every_part_dies_once(tmp_path: Path, deploy_dir: Path) -> None:
    site = gate_site.rig_site(gate_site.write_site(tmp_path))
    deaths = {"on_deck": ("hub",), "under_boom": ("barrier1", "broker"), "boom_closes": ("weighbridge1", "platform")}
    asyncio.run(_let_pass(site, deploy_dir, deaths))


@pytest.mark.long
@pytest.mark.parametrize(("victim", "moment"), DEATHS)
def test_a_truck_passes_though_a_part_dies(victim: str, moment: str, tmp_path: Path, deploy_dir: Path) -> None:
    site = gate_site.rig_site(gate_site.write_site(tmp_path))
    asyncio.run(_let_pass(site, deploy_dir, {moment: (victim,)}))


@pytest.mark.long
def test_weighbridge_that_dies_under_a_truck_does_not_guess_its_zero(tmp_path: Path, deploy_dir: Path) -> None:
    site = gate_site.rig_site(gate_site.write_site(tmp_path, extra="weigh_timeout_ms = 8000"))

    async def body() -> None:
        async with gate(site, deploy_dir) as run:
            run.world.arrive("L1", hasty_truck(1, Habits(patience_s=15.0)))
            await until(run, lambda: gate_site.is_on_deck(run), "a truck stands on the deck")
            kill(run, "weighbridge1")
            await until(run, lambda: run.world.counts()["turned_back"] == 1, "the truck gives up and reverses out")
            run.world.arrive("L1", hasty_truck(2))
            await until(run, lambda: run.world.counts()["passed"] == 1, "the empty deck is zeroed, the next one passes")
            await settled(run)

    asyncio.run(body())
    kinds = gate_site.check_books_of(site)
    assert kinds.index("attention") < kinds.index("turned_back") < kinds.index("weighed")


@pytest.mark.long
@pytest.mark.parametrize("seed", [1])
def test_trucks_pass_while_parts_die_at_random(seed: int, tmp_path: Path, deploy_dir: Path) -> None:
    """Three minutes, two lanes, a death every few seconds."""
    traffic = TrafficMix(trucks_per_hour=300.0, stops_under_boom_share=0.1, reverses_out_share=0.1, patience_s=30.0)
    path = gate_site.write_site(tmp_path, lanes=2)
    path.write_text(path.read_text().replace("max_gross_kg = 48000", "max_gross_kg = 48000\nweigh_timeout_ms = 15000"))
    site = gate_site.rig_site(path, traffic)
    chance = random.Random(seed)

    async def body() -> None:
        async with gate(site, deploy_dir) as run:
            victims = [*run.world.nodes, *(process.name for process in run.processes)]
            while run.world.now_us < _RANDOM_US:
                due_us = run.world.now_us + round(chance.uniform(3.0, 9.0) * 1e6)
                await until(run, lambda due_us=due_us: run.world.now_us >= due_us, "the field moves on")
                kill(run, chance.choice(victims))
            run.world.stop_traffic()
            await settled(run, 120.0)
            assert run.world.counts()["entered"] >= 5

    asyncio.run(body())
    gate_site.check_books_of(site)
