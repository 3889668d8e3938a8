"""The barrier's core under watch: what it remembers, what it is given, what may be left out and why.

Host only; never deployed. Knows the barrier's core and the meaning of its fields. Must not know how the search works.
docs/explorer.md tells how to read and extend this.
"""

from __future__ import annotations

import struct
from typing import Any

from firmware.control.barrier import Barrier
from firmware.control.barrier_inputs import BarrierInputs
from firmware.control.barrier_memory import MOTOR_OFF
from firmware.proofs.barrier_order import ORDER
from hil.explore.model import TIMER_DONE, TIMER_OFF, Alternative, Model, Reduction, SilentRing, Widening
from protocols.quality import BAD, GOOD, UNCERTAIN
from protocols.registers import barrier as reg

_TIMERS = ("gap", "test", "preflash", "travel", "pause", "settle", "limit_lost", "automatic", "flash")
_FAULT_BITS = 13
_OPCODES = (
    0,
    reg.OP_STOP,
    reg.OP_OPEN,
    reg.OP_CLOSE,
    reg.OP_HOLD_OPEN,
    reg.OP_LOCK_CLOSED,
    reg.OP_RELEASE,
    reg.OP_CLEAR_FAULTS,
)
_SENSOR_BITS = {
    reg.IN_ENTRY_LOOP: reg.PRESENCE_ENTRY_LOOP,
    reg.IN_SAFETY_LOOP: reg.PRESENCE_SAFETY_LOOP,
    reg.IN_EXIT_LOOP: reg.PRESENCE_EXIT_LOOP,
    reg.IN_CURTAIN_CLEAR: reg.PRESENCE_LIGHT_CURTAIN,
}
# Written for the reader outside, or only carried on: the check in Model.memory proves that they decide nothing.
_UNWATCHED = (
    "mode", "vehicle_under", "position_permille", "position_start_permille", "travel_last_ms",
    "cycles", "openings", "passes", "passes_total", "tailgates", "reversals", "motor_ms", "motor_s", "operated_s",
    "stored_s", "power_ons",
)  # fmt: skip


REDUCTIONS = [
    Reduction("Timers are off, running or done; a running one may or may not end in the next scan, in any combination.",
              "Covers the scan at every deadline and just before it, for all durations at once: behaviour is added, none "
              "taken away. The bank's own code decides what ends."),
    Reduction("Settings are inputs: choices with all values, durations as an unknown number within their limits.",
              "Every configuration, and every change of one between two scans, is a part of the search."),
    Reduction("The real BarrierInputs.read is run beforehand for each value and quality of each input; the search goes "
              "over all combinations of the results.", "read() judges each input by itself; "
              "tests/hil/explore/test_barrier_model_host.py compares combinations with it."),
    Reduction("Counters, position estimate, learned times, lamp phase and mode are unknown at each reading.",
              "An unknown number is compared both ways and may not reach a tracked field; the engine refuses a model in "
              "which it does."),
    Reduction("Methods that only count, estimate or push events are skipped.", "Model.skip runs every way through each "
              "and refuses one that writes a tracked field."),
    Reduction("Between two scans some fields may be anything: presence bits that are alike or only told, faults of one "
              "kind while one of them stands, and fields that their state does not ask for.",
              "Widening adds states and transitions from them, so safety and 'from every reachable state' are shown for "
              "more than can happen; the number of states counts the added ones."),
    Reduction("A step is cut into its statements, read from the source of Barrier.step.", "Each runs as it stands, in its "
              "order; what passes between them is tracked, and any other attribute that changes is an error."),
]  # fmt: skip


def _faults(*bits: int) -> tuple[str, ...]:
    return tuple(f"memory.faults.{bit}" for bit in bits)


_AFTER_OVERRIDES = (reg.STATE_BLOCKED, *range(reg.STATE_FIRE_OPEN, reg.STATE_FAULT + 1))
_NO_BUTTON_ASKED = (reg.STATE_UNKNOWN, reg.STATE_CLOSED, reg.STATE_OPEN, reg.STATE_HOLD_OPEN, reg.STATE_STOPPED_MID,
                    reg.STATE_LOCKED_CLOSED)  # fmt: skip
_NO_TIME = (TIMER_OFF, TIMER_DONE)
_WIDENINGS = [
    Widening(("memory.presence.0", "memory.presence.4")),  # the entry loop and the bridge are told, not asked
    Widening(("memory.presence.1", "memory.presence.2", "memory.presence.3"), alike=True),
    Widening(_faults(reg.FAULTS_ARM_BROKEN, reg.FAULTS_DRIVE_FAULT, reg.FAULTS_TRAVEL_TIMEOUT, reg.FAULTS_LIMIT_LOST),
             alike=True),
    Widening(_faults(reg.FAULTS_LIMIT_CONFLICT, reg.FAULTS_LIMIT_STUCK), alike=True),
    Widening(_faults(reg.FAULTS_EDGE_FAULT, reg.FAULTS_LOOP_FAULT, reg.FAULTS_INPUT_BAD), alike=True),
    Widening(_faults(reg.FAULTS_PHOTO_TEST_FAIL, reg.FAULTS_EDGE_TEST_FAIL, reg.FAULTS_LOOP_TEST_FAIL), alike=True),
    Widening(("memory.closing_ran",), unless={"memory.state": (reg.STATE_CLOSING,)}),
    Widening(("memory.hold_to_run",), when={"memory.state": _NO_BUTTON_ASKED}),
    Widening(("memory.fire_gave_up",), unless={"memory.state": (reg.STATE_FIRE_OPEN,)}),
    Widening(("memory.power_opening",), when={"memory.mains_before": (1,)}, unless={"memory.state": _AFTER_OVERRIDES}),
    Widening(("memory.last_direction",), when={"memory.motor": (MOTOR_OFF,), "timer.pause": _NO_TIME}),
    Widening(("timer.pause",), when={"timer.pause": _NO_TIME}),
    Widening(("timer.settle",), when={"timer.settle": _NO_TIME}),
    Widening(("timer.pause",), unless={"memory.motor": (MOTOR_OFF,)}),
    Widening(("timer.settle",), unless={"memory.motor": (MOTOR_OFF,)}),
]  # fmt: skip


def build() -> Model:
    """The barrier's core under watch, with everything that is proven of it."""
    model = Model("barrier")
    settings = model.input_list("setting", _setting_values(model))
    core: Any = Barrier(settings, SilentRing())  # type: ignore[arg-type]
    model.core, model.step = core, Barrier.step
    _declare_memory(model, core)
    _declare_inputs(model, core)
    model.timers(core.timers, _TIMERS, free=("flash",))
    model.scan_values(core.presence, "presence", words={"blocking": 5, "seen": 5, "occupied": 5})
    model.scan_values(core.sensed, "sensed", words={"is_up": 1})
    model.scan_values(core.faults, "faults", words={"found": _FAULT_BITS})
    model.scan_values(core, "core", ("request_result", "health"), {"reasons": 16})
    core.outputs = model.scan_list("out", reg.OUT_COUNT)
    core.status = model.unwatched_list("status", reg.STATUS_COUNT)
    model.publishes("self._write_status(", "status")
    model.skip(core.faults, "_push_each", _FAULT_BITS, 0)
    for method, bits in (("_learn", (0,)), ("_count", (0,)), ("_position_after", (0,)), ("_estimate_position", ())):
        model.skip(core.travel, method, *bits)
    model.once("self.faults.step(", core.faults, "_causes", _FAULT_BITS)
    model.unroll("self.states.step(", core.states, "step")
    model.plain = _plain
    model.order = ORDER
    model.widenings = _WIDENINGS
    model.idle = _idle()
    model.reductions = REDUCTIONS
    model.guard()
    return model


def _plain(wanted: dict[int, int]) -> tuple[list[int], Any]:
    """A core as delivered but for the wanted settings, to walk along a way that was found."""
    size = struct.calcsize(">HBBiii")
    settings = [struct.unpack_from(">HBBiii", reg.SETTINGS_TABLE, i * size)[5] for i in range(reg.SETTING_COUNT)]
    for index, value in wanted.items():
        settings[index] = value
    return settings, Barrier(settings, SilentRing())  # type: ignore[arg-type]


def _setting_values(model: Model) -> list[list[Any]]:
    """A choice has all its values; a duration is any number, and 0 where that is allowed."""
    size = struct.calcsize(">HBBiii")
    found: list[list[Any]] = []
    for index in range(reg.SETTING_COUNT):
        low, high = struct.unpack_from(">HBBiii", reg.SETTINGS_TABLE, index * size)[3:5]
        if high <= 2:
            found.append(list(range(low, high + 1)))
        else:
            found.append([0, model.unknown(1)] if low == 0 else [model.unknown(low)])
    return found


def _declare_memory(model: Model, core: Any) -> None:
    learned = (0, model.unknown(250))  # held within half and twice the setting, which is 500 at least
    budget = (model.unknown(375),)  # 1.5 times that
    model.memory(
        core.memory,
        words={"faults": _FAULT_BITS, "presence": 5},
        numbers={"state": range(16), "latch": range(3), "test_phase": range(4), "test_device": range(3),
                 "motor": range(3), "last_direction": range(3), "contacts": range(3), "automatic": range(6)},
        scan={"lights": range(5)},
        unwatched=_UNWATCHED,
        free={"travel_budget_ms": budget, "travel_least_ms": (0, model.unknown(1)), "learned_open_ms": learned, "learned_close_ms": learned,
              "full_travel": (0, 1), "flash_on": (0, 1)},
    )  # fmt: skip


def _declare_inputs(model: Model, core: Any) -> None:
    sensed = core.sensed
    sensed.values = model.input_list("in", [(0, 1)] * reg.IN_COUNT)
    flags = ("bad", "uncertain", "contact", "edge_good", "edge_bad")
    model.inputs(sensed, {name: (0, 1) for name in flags}, {"sensors": 4, "sensors_seen": 4})
    model.inputs(core, {"hub_alive": (0, 1), "request_opcode": _OPCODES})
    model.splits["self.sensed.read("] = []
    model.flags = ("in.bad", "in.uncertain")
    model.parts = [_alternatives(index) for index in range(reg.IN_COUNT)]


def _alternatives(index: int) -> list[Alternative]:
    """What the real BarrierInputs.read makes of every value and quality of one input, all others being good."""
    found: dict[tuple[Any, ...], Alternative] = {}
    for fitted in (0, 1):
        for edge in range(3):
            for quality in (GOOD, UNCERTAIN, BAD):
                for value in (0, 1):
                    alternative = _judge(index, value, quality, fitted, edge)
                    found.setdefault((tuple(alternative.sets.items()), alternative.flags), alternative)
    return list(found.values())


def _judge(index: int, value: int, quality: int, fitted: int, edge: int) -> Alternative:
    judged = BarrierInputs()
    inputs, qualities, settings = [0] * reg.IN_COUNT, [GOOD] * reg.IN_COUNT, [0] * reg.SETTING_COUNT
    inputs[index], qualities[index] = value, quality
    settings[reg.SET_EXIT_LOOP_FITTED], settings[reg.SET_EDGE_MONITORING] = fitted, edge
    judged.read(inputs, qualities, settings)
    sets = {f"in.{index}": judged.values[index]}
    if index in _SENSOR_BITS:
        bit = _SENSOR_BITS[index]
        sets[f"in.sensors.{bit}"] = judged.sensors >> bit & 1
        sets[f"in.sensors_seen.{bit}"] = judged.sensors_seen >> bit & 1
    if index == reg.IN_EXIT_LOOP:
        sets[f"setting.{reg.SET_EXIT_LOOP_FITTED}"] = fitted
    if index == reg.IN_EDGE_OK:
        sets[f"setting.{reg.SET_EDGE_MONITORING}"] = edge
        for name in ("contact", "edge_good", "edge_bad"):
            sets[f"in.{name}"] = int(getattr(judged, name))
    names = {"in.bad": judged.bad, "in.uncertain": judged.uncertain}
    flags = frozenset(name for name, is_set in names.items() if is_set)
    return Alternative(sets, flags, (index, value, quality))


def _idle() -> dict[str, int]:
    """Inputs as they are when all is well and nobody is there; a way to a violation departs from them where it must."""
    ok = (
        reg.IN_STOP_CHAIN_OK,
        reg.IN_CURTAIN_CLEAR,
        reg.IN_LOOPS_OK,
        reg.IN_EDGE_OK,
        reg.IN_ARM_INTACT,
        reg.IN_DRIVE_OK,
        reg.IN_MAINS_OK,
    )
    found = {"in.request_opcode": 0, "in.bad": 0, "in.uncertain": 0, "in.hub_alive": 1, "in.sensors": 0}
    found |= {f"in.{index}": int(index in ok) for index in range(reg.IN_COUNT)}
    size = struct.calcsize(">HBBiii")
    for index in range(reg.SETTING_COUNT):
        _, high, default = struct.unpack_from(">HBBiii", reg.SETTINGS_TABLE, index * size)[3:6]
        if high <= 2:
            found[f"setting.{index}"] = default
    return found
