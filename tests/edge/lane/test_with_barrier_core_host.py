"""The lane with the firmware's own barrier core instead of a model of it: commands, lights and counts must agree."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from edge.lane.facts import BarrierFacts
from firmware.control.barrier import Barrier
from firmware.control.events import EventRing
from protocols.quality import GOOD
from protocols.registers import barrier as bar
from protocols.registers.barrier_tags import OPCODES, TAGS
from tests.edge.lane.test_machine import PASSED
from tests.edge.lane.world import TICK_MS, Truck, World

_SCAN_MS = 10
_TRAVEL_SCANS = 200
_RESULTS = next(
    {value: name for name, value in tag.symbols} for tag in TAGS if tag.name == "command_result" and tag.symbols
)
_ENERGISED = (
    bar.IN_STOP_CHAIN_OK,
    bar.IN_LOOPS_OK,
    bar.IN_ARM_INTACT,
    bar.IN_DRIVE_OK,
    bar.IN_MAINS_OK,
)


class CoreBoom:
    """A boom that takes 2 s, under the real control core; restarting keeps the boom and forgets the rest."""

    def __init__(self) -> None:
        self.position = 0
        self.now_ms = 0
        self.boot = 0
        self.refuse_next = 0
        self.restart()

    def restart(self) -> None:
        settings = [tag.default or 0 for tag in TAGS if tag.default is not None]
        assert len(settings) == bar.SETTING_COUNT
        self.core = Barrier(settings, EventRing(bytearray(bar.RING_CAPACITY * 16), bar.RING_CAPACITY))
        for index in range(bar.IN_COUNT):
            self.core.quality[index] = GOOD
        self.boot += 1
        self.entry = False
        self.under = False

    @property
    def state(self) -> int:
        return self.core.status[bar.ST_STATE]

    def order(self, opcode: str) -> tuple[bool, str]:
        self.core.request_opcode = OPCODES[opcode]
        self._scan()
        result = self.core.request_result
        return result == bar.COMMAND_RESULT_ACCEPTED, _RESULTS[result]

    def tick(self, under: bool) -> None:
        self.under = under
        for _ in range(TICK_MS // _SCAN_MS):
            self._scan()

    def _scan(self) -> None:
        inputs, outputs = self.core.inputs, self.core.outputs
        self.now_ms += _SCAN_MS
        for index in _ENERGISED:
            inputs[index] = 1
        inputs[bar.IN_ENTRY_LOOP] = int(self.entry)
        inputs[bar.IN_EDGE_OK] = int(not outputs[bar.OUT_EDGE_TEST])
        inputs[bar.IN_SAFETY_LOOP] = int(self.under or outputs[bar.OUT_LOOP_TEST])
        inputs[bar.IN_CURTAIN_CLEAR] = int(not self.under and not outputs[bar.OUT_CURTAIN_TEST])
        inputs[bar.IN_LIMIT_CLOSED] = int(self.position == 0)
        inputs[bar.IN_LIMIT_OPEN] = int(self.position == _TRAVEL_SCANS)
        self.core.hub_alive = 1
        self.core.step(self.now_ms)
        moved = outputs[bar.OUT_MOTOR_OPEN] - outputs[bar.OUT_MOTOR_CLOSE]
        self.position = max(0, min(_TRAVEL_SCANS, self.position + moved))


@dataclass
class CoreWorld(World):
    boom: CoreBoom = field(default_factory=CoreBoom)  # type: ignore[assignment]

    def _is_called(self) -> bool:
        status = self.boom.core.status
        return status[bar.ST_STATE] == bar.STATE_OPEN and status[bar.ST_LIGHTS] == bar.LIGHTS_GREEN

    def _barrier_facts(self) -> BarrierFacts:
        status = self.boom.core.status
        self.boom.entry = self._covered(10, 30)
        return BarrierFacts(
            online=True,
            seen_ms=self.now_ms,
            quality="good",
            state=status[bar.ST_STATE],
            mode=status[bar.ST_MODE],
            faults=status[bar.ST_FAULTS],
            presence=status[bar.ST_PRESENCE],
            lights=status[bar.ST_LIGHTS],
            health=self.boom.core.health,
            passes=status[bar.ST_PASSES],
            boot=self.boom.boot,
        )


def _finish(*trucks: Truck, restarts: tuple[int, ...] = ()) -> CoreWorld:
    world = CoreWorld()
    world.waiting.extend(trucks)
    for tick in range(8000):
        if tick in restarts:
            world.boom.restart()
        world.tick()
        if not world.waiting and not world.trucks and world.machine.state == "IDLE":
            break
    assert world.violations == []
    assert world.machine.state == "IDLE", (world.kinds(), world.opcodes(), world.boom.state)
    outcomes = [record.data["outcome"] for record in world.records if record.kind == "transaction_closed"]
    assert outcomes.count("passed") == world.gone_forward
    assert outcomes.count("turned_back") == world.gone_back
    assert world.boom.position == 0
    return world


def test_truck_passes() -> None:
    world = _finish(Truck(), Truck(plate="12C11111"))
    assert world.kinds() == PASSED * 2
    assert world.opcodes() == ["REGISTER", "OPEN", "CLOSE"] * 2


@pytest.mark.parametrize("plan", ["turn_at_entry", "turn_on_deck", "turn_when_open", "nose", "stop_under"])
def test_other_drivers_are_accounted(plan: str) -> None:
    world = _finish(Truck(plan=plan), Truck(plate="12C11111"))
    assert world.gone_forward + world.gone_back == 2


def test_barrier_restarted_at_any_time_loses_no_truck() -> None:
    for at in range(20, 420, 8):
        world = _finish(Truck(speed=4), restarts=(at,))
        assert world.gone_forward == 1, at
