"""The real barrier control core on the simulated lane: whatever the hub asks for, the boom never meets a truck."""

import random
import struct

import pytest

from firmware.control.barrier import Barrier
from firmware.control.events import EventRing
from protocols.events import SLOT_SIZE
from protocols.registers import barrier as reg
from sim_devices.devices.field import BARRIER, LaneField
from sim_devices.plants.driver import PLAIN, Habits
from sim_devices.plants.lane import Arrival
from sim_devices.plants.truck import TruckBody, articulated_body, rigid_body

_SCAN_MS = 10
_SETTING = struct.Struct(">HBBiii")


def _core() -> Barrier:
    settings = [row[5] for row in _SETTING.iter_unpack(reg.SETTINGS_TABLE)]
    core = Barrier(settings, EventRing(bytearray(reg.RING_CAPACITY * SLOT_SIZE), reg.RING_CAPACITY))
    core.hub_alive = 1
    return core


def _run(field: LaneField, core: Barrier, seconds: int, close_period_ms: int) -> list[str]:
    """Open for a truck that has stopped; from its start on ask to close every `close_period_ms`. The truth in order."""
    truth: list[str] = []
    for now_ms in range(0, seconds * 1000, _SCAN_MS):
        field.advance_to(now_ms * 1000)
        core.inputs[:], core.quality[:] = field.inputs_of(BARRIER)
        kinds = [entry.kind for entry in field.lane.take_truth()]
        truth += kinds
        if "stopped" in kinds:
            core.request_opcode = reg.OP_OPEN
        elif "under_boom" in truth and now_ms % close_period_ms == 0:
            core.request_opcode = reg.OP_CLOSE
        core.step(now_ms)
        field.apply_outputs(BARRIER, core.outputs)
    return truth


@pytest.mark.parametrize("habits", [PLAIN, Habits(under_boom_s=8.0)], ids=["passes", "stops_under_boom"])
@pytest.mark.parametrize("body", [rigid_body(18_000), articulated_body(40_000)], ids=["rigid", "articulated"])
def test_hub_that_keeps_asking_to_close_never_gets_the_boom_onto_a_truck(body: TruckBody, habits: Habits) -> None:
    field, core = LaneField(random.Random(1)), _core()
    field.lane.arrive(Arrival(1, body, habits=habits))
    truth = _run(field, core, 60, close_period_ms=70)
    assert truth == ["entered", "at_camera", "stopped", "under_boom", "passed"]
    assert (field.lane.hits, field.lane.strikes) == (0, 0)
    assert core.status[reg.ST_STATE] == reg.STATE_CLOSED


def test_dazzled_curtain_is_found_by_its_test_before_the_boom_closes() -> None:
    field, core = LaneField(random.Random(1)), _core()
    field.fail("curtain", "dazzled")
    field.lane.arrive(Arrival(1, rigid_body(18_000)))
    _run(field, core, 60, close_period_ms=1000)
    assert core.status[reg.ST_FAULTS] & (1 << reg.FAULTS_PHOTO_TEST_FAIL)
    assert core.status[reg.ST_STATE] == reg.STATE_OPEN
    assert field.lane.hits == 0


def test_tailgater_keeps_the_boom_up() -> None:
    field, core = LaneField(random.Random(1)), _core()
    field.lane.arrive(Arrival(1, rigid_body(18_000)))
    field.lane.arrive(Arrival(2, rigid_body(18_000), habits=Habits(tailgates=True)))
    truth = _run(field, core, 60, close_period_ms=100)
    assert (field.lane.hits, field.lane.strikes) == (0, 0)
    assert truth.count("passed") >= 1
