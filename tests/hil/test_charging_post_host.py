"""A whole charge with real physics: the firmware on host board and VM, step by step the same, nothing burnt.

The field answers outputs and frames; the command path is left out (`auto_start`), it has its own tests.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from hil.targets.host import HostTarget
from hil.targets.target import Device, Provision
from hil.targets.vm import VmTarget
from protocols.quality import GOOD
from protocols.registers import charging_post as reg
from sim_devices.devices.charging_field import ChargingField
from sim_devices.plants.battery import LEAD, LFP, NMC, Battery, BatterySpec
from sim_devices.plants.charging_bay import Vehicle

SCAN_US = 10_000
PARAMETERS = (("auto_start", 1), ("hub_timeout_ms", 60000), ("taper_hold_ms", 1000))


def provision(parameters: tuple[tuple[str, int], ...] = PARAMETERS) -> Provision:
    return Provision("charging_post", 7, 1, 115200, bytes(32), parameters=parameters)


class Rig:
    """One field and one or more devices that see the same inputs; the first one's outputs drive the field."""

    def __init__(self, *devices: Device, field: ChargingField | None = None) -> None:
        self.devices = devices
        self.field = field or ChargingField()
        self.now_us = 0
        self.outputs: tuple[int, ...] = ()

    def step(self) -> None:
        self.now_us += SCAN_US
        self.field.advance_to(self.now_us)
        inputs = self.field.inputs()
        said = self.field.take()
        results = [device.step(self.now_us, inputs, [GOOD] * len(inputs), b"", said) for device in self.devices]
        for result in results[1:]:
            assert result.outputs == results[0].outputs, self.now_us
            assert result.field_sent == results[0].field_sent, self.now_us
        self.outputs = results[0].outputs
        self.field.apply_outputs(self.outputs)
        self.field.receive(results[0].field_sent)

    def run_until(self, condition: Callable[[], bool], limit_s: float) -> None:
        for _ in range(int(limit_s * 1e6) // SCAN_US):
            if condition():
                return
            self.step()
        raise AssertionError(f"not within {limit_s} s; outputs {self.outputs}")

    def run(self, seconds: float) -> None:
        for _ in range(int(seconds * 1e6) // SCAN_US):
            self.step()

    def out(self, index: int) -> bool:
        return bool(self.outputs and self.outputs[index])

    def assert_nothing_burnt(self, load_breaks: int = 0) -> None:
        circuit = self.field.bay.circuit
        assert (circuit.load_breaks, circuit.load_makes, circuit.inrushes, circuit.shorts) == (load_breaks, 0, 0, 0)
        assert self.field.bay.live_moves == 0

    def charge(self, vehicle: Vehicle, current_a: float = 5.0) -> None:
        """Let it in, and charge until so much flows."""
        self.run(1.0)
        self.field.bay.arrive(vehicle)
        self.run_until(lambda: self.field.bay.circuit.current_a > current_a, 30.0)

    def release(self) -> None:
        """Until the vehicle may go; it goes."""
        self.run_until(lambda: self.out(reg.OUT_VEHICLE_RELEASE), 60.0)
        assert not self.field.bay.circuit.main.closed
        self.field.bay.leave()
        assert self.field.bay.dragged == 0


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(HostTarget().start(provision(), tmp_path))


def nearly_full(chemistry: str, cells: int) -> Vehicle:
    spec = BatterySpec(chemistry, cells, capacity_ah=2.0, resistance_ohm=0.05, max_a=20.0)
    return Vehicle(12, Battery(spec, soc=0.9))


def test_whole_charge_is_the_same_on_host_and_vm_and_burns_nothing(tmp_path: Path) -> None:
    with ExitStack() as stack:
        devices = [HostTarget().start(provision(), _folder(tmp_path / "host"))]
        devices.append(VmTarget().start(provision(), _folder(tmp_path / "vm")))
        for device in devices:
            stack.callback(device.close)
        rig = Rig(*devices)
        vehicle = nearly_full(LFP, 16)
        rig.charge(vehicle)
        rig.release()
        assert vehicle.battery.soc > 0.9
        rig.run(1.0)
        rig.assert_nothing_burnt()


def _folder(path: Path) -> Path:
    path.mkdir()
    return path


@pytest.mark.parametrize(("chemistry", "cells"), [(LFP, 16), (NMC, 13), (LEAD, 24)])
def test_each_class_is_charged_to_its_voltage_and_let_go(rig: Rig, chemistry: str, cells: int) -> None:
    vehicle = nearly_full(chemistry, cells)
    rig.charge(vehicle)
    highest = 0.0
    while not rig.out(reg.OUT_VEHICLE_RELEASE):
        rig.step()
        highest = max(highest, rig.field.bay.circuit.plate_v)
        assert rig.now_us < 300_000_000
    assert 0.98 * vehicle.battery.charge_v < highest <= vehicle.battery.charge_v * 1.001
    rig.release()
    rig.assert_nothing_burnt()


def test_metered_energy_is_what_flowed(rig: Rig, tmp_path: Path) -> None:
    rig.charge(Vehicle(5, Battery(BatterySpec(capacity_ah=1000.0), soc=0.3)))
    rig.run(120.0)
    rig.field.bay.vehicle.wants_charge = False  # type: ignore[union-attr]  # it is there
    rig.release()
    core = rig.devices[0]._device.core  # type: ignore[attr-defined]  # the host's
    assert abs(core.status[reg.ST_SESSION_WH] - rig.field.bay.circuit.wh) <= 1.0
    assert core.status[reg.ST_SESSION_VEHICLE_ID] == 5


def test_emergency_stop_under_load_opens_everything_and_nothing_moves_after(rig: Rig) -> None:
    rig.charge(Vehicle(1))
    rig.field.switches[reg.IN_STOP_CHAIN_OK] = 0
    rig.run(1.0)
    assert not rig.field.bay.circuit.main.closed
    rig.field.switches[reg.IN_STOP_CHAIN_OK] = 1
    rig.run(20.0)
    assert rig.field.bay.position > 0.99
    assert rig.field.bay.live_moves == 0


def test_welded_contactor_holds_the_vehicle(rig: Rig) -> None:
    vehicle = Vehicle(1)
    rig.charge(vehicle)
    rig.field.bay.circuit.main.welded = True
    vehicle.wants_charge = False
    rig.run(60.0)
    assert rig.out(reg.OUT_LAMP_FAULT)
    assert not rig.out(reg.OUT_VEHICLE_RELEASE)
    assert rig.field.bay.position > 0.99
    rig.assert_nothing_burnt()


def test_weld_with_a_lying_auxiliary_contact_holds_the_vehicle(rig: Rig) -> None:
    vehicle = Vehicle(1)
    rig.charge(vehicle)
    main = rig.field.bay.circuit.main
    main.welded = True
    vehicle.wants_charge = False
    rig.run_until(lambda: not rig.out(reg.OUT_CONTACTOR), 10.0)
    main.auxiliary, main.auxiliary_stuck = False, True
    rig.run(60.0)
    assert rig.field.bay.position > 0.99
    assert not rig.out(reg.OUT_VEHICLE_RELEASE)


def test_stray_metal_is_never_fed(rig: Rig) -> None:
    rig.field.bay.circuit.stray_metal = True
    rig.run(1.0)
    rig.field.bay.arrive(Vehicle(1))
    rig.run_until(lambda: rig.field.bay.position > 0.99, 20.0)
    rig.release()
    rig.assert_nothing_burnt()


def _fall_silent(rig: Rig) -> None:
    assert rig.field.bay.vehicle
    rig.field.bay.vehicle.sends = False


def _module_silent(rig: Rig) -> None:
    rig.field.module.is_silent = True


def _module_deaf(rig: Rig) -> None:
    rig.field.module.is_deaf = True


def _module_garbled(rig: Rig) -> None:
    rig.field.module.breaks_frames = True


def _module_faulty(rig: Rig) -> None:
    rig.field.bay.circuit.module.fault = True


def _earth_fault(rig: Rig) -> None:
    rig.field.insulation_ok = False


def _overheated(rig: Rig) -> None:
    rig.field.bay.post_c = 61.0


def _runs_away(rig: Rig) -> None:
    rig.field.bay.circuit.module.runs_away = True
    rig.field.insulation_ok = False


def _drives_off_the_contacts(rig: Rig) -> None:
    rig.field.bay.misplaced = True


@pytest.mark.parametrize(
    "fail",
    [
        _fall_silent,
        _module_silent,
        _module_deaf,
        _module_garbled,
        _module_faulty,
        _earth_fault,
        _overheated,
        _drives_off_the_contacts,
    ],
)
def test_failure_during_the_charge_ends_it_and_lets_the_vehicle_go(rig: Rig, fail: Callable[[Rig], None]) -> None:
    rig.charge(Vehicle(1))
    fail(rig)
    rig.run_until(lambda: rig.field.bay.circuit.current_a == 0.0, 3.0)
    rig.release()
    rig.assert_nothing_burnt()


def test_module_that_runs_away_loses_its_mains_before_the_contactor_opens(rig: Rig) -> None:
    rig.charge(Vehicle(1))
    _runs_away(rig)
    rig.run_until(lambda: not rig.field.bay.circuit.main.closed, 10.0)
    rig.assert_nothing_burnt()


def test_power_cut_of_the_post_comes_back_at_the_safe_end(rig: Rig) -> None:
    rig.charge(Vehicle(1))
    rig.devices[0].kill()
    rig.field.drop_outputs()
    rig.field.advance_to(rig.now_us + 2_000_000)
    rig.now_us += 2_000_000
    rig.run(20.0)
    assert rig.field.bay.position > 0.99
    assert not rig.out(reg.OUT_CONTACTOR)
    assert rig.field.bay.live_moves == 0
