"""Brings faults of the catalogue about in simulated parts that more than one rig has, or that have many of them.

Knows: the attributes and failures of sim_devices. Must not know: scenarios, traces, how a device is run. Every function
takes the fault's name with its kind or its value; "" and 0 repair.
"""

from __future__ import annotations

from sim_devices.buses.rs485 import Rs485Line, Station
from sim_devices.devices.charging_field import ChargingField
from sim_devices.devices.field import LaneField
from sim_devices.plants.charging_bay import Vehicle
from sim_devices.plants.charging_circuit import Contact
from sim_devices.sensors.load_cell import LoadCell


def fail_load_cell(cell: LoadCell, name: str, kind: str, value: int) -> None:
    if name == "load_cell_drift":
        cell.drift_kg_s = value / 60.0
        cell.fail("drift" if value else "")
    elif name == "load_cell_noise":
        cell.noise_kg = float(value)
    elif name == "load_cell_creep":
        cell.creep_permille = value
    else:
        cell.fail(kind)


def fail_lane(field: LaneField, name: str, kind: str, value: int) -> None:
    if name == "mains":
        field.set_switch("MAINS_OK", not kind)
    elif name == "arm":
        field.lane.boom.arm_intact = not kind
    elif name.startswith("load_cell"):
        fail_load_cell(field.load_cell, name, kind, value)
    else:
        field.fail(name, kind)


def fail_charging(field: ChargingField, vehicle: Vehicle, name: str, kind: str, value: int) -> None:
    bay, circuit = field.bay, field.bay.circuit
    if name == "contactor":
        _fail_contact(circuit.main, kind)
    elif name == "precharge":
        _fail_contact(circuit.precharge, kind)
    elif name == "insulation":
        field.insulation_ok = not kind
    elif name == "insulation_monitor":
        field.imd_tests = not kind
    elif name == "charging_arm":
        bay.arm_moves = not kind
    elif name == "contacts":
        bay.misplaced = bool(kind)
    elif name == "stray_metal":
        circuit.stray_metal = bool(kind)
    elif name == "post_heat":
        field.post_heat_c = value
    elif name == "plate_heat":
        field.plate_heat_c = value
    elif name == "module":
        _fail_module(field, kind)
    else:
        _fail_vehicle(vehicle, name, kind, value)


def _fail_contact(contact: Contact, kind: str) -> None:
    contact.welded, contact.jammed, contact.auxiliary_stuck = kind == "welded", kind == "jammed", kind == "aux_stuck"


def _fail_module(field: ChargingField, kind: str) -> None:
    node, source = field.module, field.bay.circuit.module
    node.is_silent, node.is_deaf = kind == "silent", kind == "deaf"
    node.breaks_frames, node.talks_garbage = kind == "breaks_frames", kind == "garbage"
    source.gives_nothing, source.fault, source.runs_away = kind == "no_current", kind == "fault", kind == "runs_away"


def _fail_vehicle(vehicle: Vehicle, name: str, kind: str, value: int) -> None:
    if name == "vehicle_voltage":
        vehicle.reported_offset_v = float(value)
    else:
        vehicle.sends, vehicle.obeys, vehicle.fault = kind != "silent", kind != "disobedient", kind == "fault"


class BusFaults:
    """Those of the RS-485 line. The transceiver that holds it at 0 is a station of its own, on the line only then."""

    def __init__(self, line: Rs485Line) -> None:
        self._line = line
        self._foreign: Station | None = None

    def fail(self, name: str, kind: str, value: int, now_us: int) -> None:
        line = self._line
        if name == "bus_noise":
            line.noise_permille = value
        elif name == "bus_loss":
            line.loss_permille = value
        elif name == "bus_delay":
            line.delay_us = value * 1000
        else:
            self._break(kind, now_us)

    def _break(self, kind: str, now_us: int) -> None:
        line = self._line
        line.cut() if kind == "cut" else line.restore()
        if kind == "stuck" and self._foreign is None:
            self._foreign = line.attach("foreign")
        line.stick(self._foreign if kind == "stuck" else None, now_us)
