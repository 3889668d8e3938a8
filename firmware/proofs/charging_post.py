"""What is proven of the charging post: its core under watch, and the properties, each with its clause.

Host only; never deployed. Knows the post's core and the meaning of its fields. Must not know how the search works.
docs/explorer.md tells how to read and extend this.
"""

from __future__ import annotations

import struct
from itertools import product
from typing import Any

from firmware.control.charging_post import ChargingPost
from firmware.control.charging_post_memory import (
    COUNTERS,
    JOG_EXTEND,
    JOG_NONE,
    TIMER_SUPPLY,
    TIMER_VEHICLE,
)
from firmware.proofs.charging_post_image import idle_flags, replay
from hil.explore.model import Alternative, Leads, Model, Property, Reduction, SilentRing
from protocols.registers import charging_post as reg

_TIMERS = ("state", "hold", "vehicle", "module", "charge", "supply")
_STATES = range(21)
_OPCODES = (0, reg.OP_START, reg.OP_STOP, reg.OP_RELEASE, reg.OP_LOCK, reg.OP_UNLOCK, reg.OP_CLEAR_FAULTS)
_FLAGS = ("bad", "uncertain", "plates_dead", "bus_dead", "bus_charged", "matches", "at_limit", "current_zero", "current_low",
          "over_voltage", "over_current", "over_agreed", "undelivered", "hot", "derated", "arm_home", "arm_out", "arm_conflict",
          "vehicle_good", "refusal")  # fmt: skip
_MEASURED = ("plate_v_x10", "bus_v_x10", "current_a_x10", "post_temp_c_x10", "plate_temp_c_x10", "vehicle_id",
             "vehicle_sequence", "limit_v_x10")  # fmt: skip


def build() -> Model:
    """The post's core under watch, with everything that is proven of it."""
    model = Model("charging_post")
    settings = model.input_list("setting", _setting_values(model))
    core: Any = ChargingPost(settings, SilentRing())  # type: ignore[arg-type]
    model.core, model.step = core, ChargingPost.step
    model.memory(
        core.memory,
        numbers={"state": _STATES, "jog": range(3), "set_a_x10": (0, model.unknown(0)), "block_fault": range(5),
                 "stop_fault": range(18)},
        unwatched=(*COUNTERS, "module_sequence", "vehicle_sequence"),
    )  # fmt: skip
    _declare_inputs(model, core)
    model.timers(core.timers, _TIMERS)
    model.scan_values(core.power, "power", ("precharge", "enable", "power", "motor"))
    model.scan_values(core.states, "states", ("hub_alive",))
    model.scan_values(core, "core", ("request_result", "health"), {"reasons": 16})
    model.watch(core.meter, {"has_moved": model.add("meter.has_moved", "scan", "unwatched")})
    core.outputs = model.scan_list("out", reg.OUT_COUNT)
    core.status = model.unwatched_list("status", reg.STATUS_COUNT)
    model.publishes("self._write_status(", "status", "has_moved")
    model.skip(core.meter, "advance", 0)
    model.skip(core.meter, "hold", 0, 0, 0)
    model.splits["self.line.demand("] = []
    model.ignored = {"state", "driven", "_is_settled"}
    model.properties, model.liveness, model.reductions = _PROPERTIES, _LIVENESS, _REDUCTIONS
    model.order = _order()
    model.idle = {name: value for name, value in idle_flags().items() if _is_asked(model, name, value)}
    model.replay = replay()
    model.guard()
    return model


def _is_asked(model: Model, name: str, value: int) -> bool:
    return name in model.fields and value in model.fields[name].codes


def _setting_values(model: Model) -> list[list[Any]]:
    size = struct.calcsize(">HBBiii")
    found: list[list[Any]] = []
    for index in range(reg.SETTING_COUNT):
        low, high = struct.unpack_from(">HBBiii", reg.SETTINGS_TABLE, index * size)[3:5]
        if high <= 2:
            found.append(list(range(low, high + 1)))
        elif low <= 0:
            found.append([0, model.unknown(1)] if low == 0 else [model.unknown()])
        else:
            found.append([model.unknown(low)])
    return found


def _declare_inputs(model: Model, core: Any) -> None:
    sensed = core.sensed
    sensed.values = model.input_list("in", [(0, 1)] * reg.IN_COUNT)
    model.inputs(sensed, {name: (0, 1) for name in _FLAGS} | {"limit_a_x10": (0, model.unknown(1))})
    model.watch(sensed, {name: model.add(f"in.{name}", "input", "unwatched") for name in _MEASURED})
    model.inputs(core, {"hub_alive": (0, 1), "request_opcode": _OPCODES})
    line_state = model.add("in.module_state", "input", "number", range(4))
    sequence = model.add("in.module_sequence", "input", "unwatched")
    model.watch(core.line, {"state": line_state, "sequence": sequence})
    model.splits["self.sensed.read("] = []
    model.parts = [_arm(), _vehicle(), _supply(), _temperature()]


def _arm() -> list[Alternative]:
    """The three flags of the arm as PostInputs makes them of its two limits."""
    found = []
    for fitted, out, home in product((0, 1), repeat=3):
        sets = {f"setting.{reg.SET_ARM_FITTED}": fitted, f"in.{reg.IN_ARM_EXTENDED}": out}
        sets |= {f"in.{reg.IN_ARM_RETRACTED}": home, "in.arm_conflict": fitted and out and home}
        sets |= {
            "in.arm_home": int(not fitted or (home and not out)),
            "in.arm_out": int(not fitted or (out and not home)),
        }
        found.append(Alternative(sets))
    return found


def _vehicle() -> list[Alternative]:
    """A frame counts only beside a vehicle; a battery on the plates is no dead plate and has a frame to match."""
    found = []
    for present, good, matches, dead in product((0, 1), repeat=4):
        if (good and not present) or (matches and (dead or not good)):
            continue
        names = {f"in.{reg.IN_VEHICLE_PRESENT}": present, "in.vehicle_good": good, "in.matches": matches}
        found.append(Alternative({**names, "in.plates_dead": dead}))
    return found


def _supply() -> list[Alternative]:
    """Nothing comes that could come: no current, below the voltage limit. How much is asked the model does not know."""
    cases = ((1, 0, 0), (1, 1, 0), (0, 0, 0), (0, 1, 0), (0, 1, 1))
    names = ("in.at_limit", "in.current_zero", "in.undelivered")
    return [Alternative(dict(zip(names, case, strict=True))) for case in cases]


def _temperature() -> list[Alternative]:
    """Hot is derated to nothing; derated, the limit is any number, zero included; else it is what was agreed."""
    cases = ((1, 1, 0), (0, 1, 0), (0, 1, 1), (0, 0, 1))
    return [Alternative({"in.hot": hot, "in.derated": less, "in.limit_a_x10.0": any_}) for hot, less, any_ in cases]


def _order() -> list[str]:
    found = [
        "in.request_opcode",
        f"in.{reg.IN_STOP_CHAIN_OK}",
        f"in.{reg.IN_LOCAL_MODE}",
        f"in.{reg.IN_STOP_BUTTON_OK}",
    ]
    found += [f"in.{reg.IN_PANEL_CLOSED}", "memory.state", "memory.contactor", "memory.connect", "memory.session_open"]
    found += [
        "memory.halt",
        "timer.state",
        "timer.hold",
        "timer.vehicle",
        "timer.module",
        "timer.charge",
        "timer.supply",
    ]
    found += ["memory.imd_tested", "memory.set_a_x10", "memory.block_fault", "memory.stop_fault", "memory.locked"]
    return [*found, "memory.jog", "in.current_zero", "in.plates_dead", "in.bus_dead", f"in.{reg.IN_CONTACTOR_AUX}"]


# Safety.


def _input(scan: Any, index: int) -> Any:
    return scan.core.sensed.values[index]


def _battery_seen(scan: Any) -> bool:
    sensed = scan.core.sensed
    if not sensed.matches or not _input(scan, reg.IN_CONTACT_PRESSED) or sensed.refusal:
        return False
    return bool(scan.core.timers.is_running(TIMER_VEHICLE))


def _opens_without_current(scan: Any) -> bool:
    if not scan.before("memory.contactor") or scan.core.outputs[reg.OUT_CONTACTOR]:
        return True
    return bool(scan.core.sensed.current_zero or scan.core.memory.state == reg.STATE_ESTOP)


def _closes_without_current(scan: Any) -> bool:
    if scan.before("memory.contactor") or not scan.core.outputs[reg.OUT_CONTACTOR]:
        return True
    return bool(scan.core.sensed.current_zero and scan.core.sensed.bus_charged)


def _plates_need_battery(scan: Any) -> bool:
    outputs = scan.core.outputs
    closing = outputs[reg.OUT_CONTACTOR] and not scan.before("memory.contactor")
    if not closing and not outputs[reg.OUT_PRECHARGE] and not outputs[reg.OUT_MODULE_ENABLE]:
        return True
    return _battery_seen(scan)


def _enable_needs_contactor(scan: Any) -> bool:
    outputs = scan.core.outputs
    return not outputs[reg.OUT_MODULE_ENABLE] or bool(outputs[reg.OUT_CONTACTOR])


def _arm_moves_dead(scan: Any) -> bool:
    if scan.core.power.motor == JOG_NONE:
        return True
    sensed = scan.core.sensed
    if scan.core.outputs[reg.OUT_CONTACTOR] or _input(scan, reg.IN_CONTACTOR_AUX):
        return False
    return bool(sensed.plates_dead and sensed.current_zero)


def _one_motor(scan: Any) -> bool:
    return not (scan.core.outputs[reg.OUT_ARM_EXTEND] and scan.core.outputs[reg.OUT_ARM_RETRACT])


def _weld_checked(scan: Any) -> bool:
    """RETRACT is entered from the weld check only, and only with the bus and the plates measured dead in that scan."""
    if scan.core.memory.state != reg.STATE_RETRACT or scan.before("memory.state") == reg.STATE_RETRACT:
        return True
    if scan.before("memory.state") != reg.STATE_WELD_CHECK:
        return False
    return bool(scan.core.sensed.bus_dead and scan.core.sensed.plates_dead)


def _release_is_open(scan: Any) -> bool:
    if not scan.core.outputs[reg.OUT_VEHICLE_RELEASE]:
        return True
    if scan.core.outputs[reg.OUT_CONTACTOR] or _input(scan, reg.IN_CONTACTOR_AUX) or scan.core.memory.block_fault:
        return False
    return bool(scan.core.sensed.plates_dead and scan.core.sensed.current_zero and scan.core.sensed.arm_home)


def _stop_chain_wins(scan: Any) -> bool:
    if _input(scan, reg.IN_STOP_CHAIN_OK):
        return True
    outputs = scan.core.outputs
    driven = outputs[reg.OUT_CONTACTOR] or outputs[reg.OUT_PRECHARGE] or outputs[reg.OUT_MODULE_ENABLE]
    return not (driven or outputs[reg.OUT_MODULE_POWER] or scan.core.power.motor != JOG_NONE)


def _heartbeat_stops(scan: Any) -> bool:
    return not scan.core.outputs[reg.OUT_MODULE_ENABLE] or bool(scan.core.timers.is_running(TIMER_VEHICLE))


def _insulation_stops(scan: Any) -> bool:
    return not scan.core.outputs[reg.OUT_MODULE_ENABLE] or bool(
        _input(scan, reg.IN_IMD_OK) and _input(scan, reg.IN_IMD_READY)
    )


def _heat_stops(scan: Any) -> bool:
    return not (scan.core.outputs[reg.OUT_MODULE_ENABLE] and scan.core.sensed.hot)


def _no_current_ends(scan: Any) -> bool:
    """The scan that enters RAMP asks for nothing yet."""
    core = scan.core
    charged = reg.STATE_RAMP <= scan.before("memory.state") <= reg.STATE_TAPER_END
    if core.timers.is_done(TIMER_SUPPLY):
        told = core.health == reg.HEALTH_FAILURE and core.reasons & 1 << reg.REASONS_ROLE_FAULT
        return bool(told) and not core.outputs[reg.OUT_MODULE_ENABLE]
    if not charged or not core.sensed.undelivered or not core.outputs[reg.OUT_MODULE_ENABLE]:
        return True
    return bool(core.timers.is_running(TIMER_SUPPLY))


def _no_setpoint_without_enable(scan: Any) -> bool:
    state = scan.core.memory.state
    return bool(scan.core.memory.set_a_x10 == 0 or reg.STATE_RAMP <= state <= reg.STATE_TAPER_END)


def _hand_moves_held(scan: Any) -> bool:
    if scan.core.memory.state != reg.STATE_MANUAL or scan.core.power.motor == JOG_NONE:
        return True
    button = reg.IN_LOCAL_EXTEND if scan.core.power.motor == JOG_EXTEND else reg.IN_LOCAL_RETRACT
    return bool(_input(scan, button))


def _bad_input_is_told(scan: Any) -> bool:
    if not scan.core.sensed.bad:
        return True
    return scan.core.health == reg.HEALTH_FAILURE and bool(scan.core.reasons & 1 << reg.REASONS_INPUT_BAD)


_PROPERTIES = [
    Property("opens-without-current", "The contactor opens only with the current measured to be zero, the emergency stop "
             "excepted (standards 4.4: current to zero before contactor).", _opens_without_current),
    Property("closes-without-current", "The contactor closes only without current and over a charged bus (standards 4.4: "
             "pre-charge).", _closes_without_current),
    Property("plates-need-battery", "Contactor closing, pre-charge and enable need a battery seen in the same scan: "
             "matching voltage, pressed contacts, living and willing vehicle (standards 4.4: plates dead unless a "
             "battery is seen).", _plates_need_battery),
    Property("enable-needs-contactor", "The power module is enabled only behind a closed contactor (standards 4.4).",
             _enable_needs_contactor),
    Property("arm-moves-dead", "The contacts move only with contactor open, auxiliary contact open, plates dead and no "
             "current (standards 4.4: contactor before retraction).", _arm_moves_dead),
    Property("one-motor", "The two arm outputs are never on together.", _one_motor),
    Property("weld-checked", "Retraction follows a weld check only, in a scan in which bus and plates are measured dead "
             "(standards 4.4: weld check; a weld is always detected before release).", _weld_checked),
    Property("release-is-open", "The vehicle is released only with the contactor open in fact, plates dead, no current, "
             "contacts home and no blocking fault (standards 4.4).", _release_is_open),
    Property("stop-chain-wins", "With the stop chain open nothing is driven, from the same scan on (standards 4.4).",
             _stop_chain_wins),
    Property("heartbeat-stops", "Without the vehicle's heartbeat the module is not enabled (standards 4.4: heartbeat loss "
             "stops).", _heartbeat_stops),
    Property("insulation-stops", "Without a good and ready insulation monitor the module is not enabled (standards 4.4: "
             "insulation check before and during).", _insulation_stops),
    Property("heat-stops", "At the stop temperature or with an unknown one the module is not enabled (standards 4.4: "
             "derating).", _heat_stops),
    Property("no-current-ends", "A module that gives nothing of what it is asked is enabled only while its time runs; when "
             "that is over it is not, and health is FAILURE with the reason, in the same scan (NE 107).", _no_current_ends),
    Property("no-setpoint-outside", "The current setpoint is zero in every state that does not charge (standards 4.4).",
             _no_setpoint_without_enable),
    Property("hand-moves-held", "By hand the contacts move only while the button is held (local manual mode).",
             _hand_moves_held),
    Property("bad-input-is-told", "With any bad input health is FAILURE and the reason is given, in the same scan (NE 107).",
             _bad_input_is_told),
]  # fmt: skip


def _nothing_wrong(scan: Any) -> bool:
    sensed = scan.core.sensed
    if sensed.bad or sensed.uncertain or sensed.hot or sensed.over_voltage or sensed.over_current or sensed.over_agreed:
        return False
    ok = (reg.IN_STOP_CHAIN_OK, reg.IN_STOP_BUTTON_OK, reg.IN_PANEL_CLOSED, reg.IN_IMD_OK)
    return all(_input(scan, index) for index in ok) and not _input(scan, reg.IN_LOCAL_MODE) and not sensed.arm_conflict


def _releases(scan: Any) -> bool:
    return bool(scan.core.outputs[reg.OUT_VEHICLE_RELEASE])


def _charges(scan: Any) -> bool:
    return bool(scan.core.outputs[reg.OUT_MODULE_ENABLE])


_LIVENESS = [
    Leads("vehicle-gets-free", "From every reachable state the vehicle can be released when the site helps: inputs well, "
          "remote commands only.", _releases, _nothing_wrong),
    Leads("charging-comes-back", "From every reachable state a vehicle can be charged when the site helps.", _charges,
          _nothing_wrong),
]  # fmt: skip

_REDUCTIONS = [
    Reduction("Timers are off, running or done; a running one may or may not end in the next scan, in any combination.",
              "Covers the scan at every deadline and just before it, for all durations at once."),
    Reduction("Settings are inputs: choices with all values, durations as an unknown number within their limits.",
              "Every configuration, and every change of one between two scans, is a part of the search."),
    Reduction("Of the measurements only the flags of PostInputs are searched, in all combinations that its parts allow; "
              "shown values are unknown numbers.", "After PostInputs no decision reads a measured value; the combinations "
              "are more than real measurements give, never fewer (test_charging_model_host.py)."),
    Reduction("Sequence numbers, record and meter are unknown at each reading.", "An unknown number is compared both ways "
              "and may not reach a tracked field; the engine refuses a model in which it does."),
    Reduction("The current setpoint is zero or unknown.", "The only question asked of it besides is a comparison with the "
              "limit, which goes both ways."),
    Reduction("The power module's line is an input of two values; what it sends and whether a scan settled are left out.",
              "Without them every decision of a disturbed charge is the same (test_charging_model_host.py)."),
]  # fmt: skip
