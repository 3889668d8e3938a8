"""The charging bay's physics: batteries, contacts that bounce, weld and jam, and what is counted as harm."""

import pytest

from sim_devices.plants.battery import LEAD, LFP, NMC, Battery, BatterySpec
from sim_devices.plants.charging_bay import ChargingBay, Vehicle
from sim_devices.plants.charging_circuit import ChargingCircuit, Contact

DT_S = 0.005


def settle(circuit: ChargingCircuit, seconds: float) -> None:
    for _ in range(round(seconds / DT_S)):
        circuit.advance(DT_S)


def connected(tau_s: float = 0.15) -> ChargingCircuit:
    circuit = ChargingCircuit()
    circuit.precharge_tau_s = tau_s
    circuit.battery = Battery()
    circuit.vehicle_closed = True
    return circuit


@pytest.mark.parametrize("chemistry", [LFP, NMC, LEAD])
def test_voltage_rises_with_the_charge_up_to_that_of_a_full_battery(chemistry: str) -> None:
    battery = Battery(BatterySpec(chemistry, 10))
    volts = []
    for percent in range(101):
        battery.soc = percent / 100.0
        volts.append(battery.open_circuit_v)
    assert volts == sorted(set(volts))
    assert volts[-1] == pytest.approx(battery.charge_v)


def test_an_hour_at_a_tenth_of_its_capacity_is_a_tenth_of_its_charge() -> None:
    battery = Battery(BatterySpec(capacity_ah=100.0), soc=0.3)
    for _ in range(3600):
        battery.advance(1.0, 10.0)
    assert battery.soc == pytest.approx(0.4)
    assert battery.temp_c > 20.0
    assert battery.terminal_v(10.0) - battery.open_circuit_v == pytest.approx(0.2)


def test_contact_closes_bounces_and_rests() -> None:
    contact = Contact(coil=True)
    seen = []
    for _ in range(20):
        contact.advance(DT_S)
        seen.append(contact.auxiliary)
    assert seen.index(True) == 3
    assert False in seen[seen.index(True) :]
    assert all(seen[8:])


def test_welded_contact_stays_closed_and_a_jammed_one_open() -> None:
    welded = Contact(coil=True)
    for _ in range(20):
        welded.advance(DT_S)
    welded.welded, welded.coil = True, False
    jammed = Contact(coil=True, jammed=True)
    for _ in range(20):
        welded.advance(DT_S)
        jammed.advance(DT_S)
    assert (welded.closed, welded.auxiliary) == (True, True)
    assert not jammed.closed


def test_bus_charges_over_the_resistor_and_bleeds_without_it() -> None:
    circuit = connected()
    circuit.precharge.coil = True
    settle(circuit, 0.5)
    assert circuit.bus_v > 0.95 * circuit.plate_v
    circuit.precharge.coil = False
    settle(circuit, 2.5)
    assert circuit.bus_v < 1.0
    assert circuit.plate_v == pytest.approx(circuit.battery.open_circuit_v)  # type: ignore[union-attr]  # connected


def test_closing_onto_an_empty_bus_is_an_inrush() -> None:
    circuit = connected()
    circuit.main.coil = True
    settle(circuit, 0.1)
    assert circuit.inrushes == 1


def test_opening_under_current_is_a_load_break() -> None:
    circuit = connected()
    circuit.precharge.coil = True
    settle(circuit, 1.0)
    circuit.main.coil = True
    settle(circuit, 0.1)
    module = circuit.module
    module.mains, module.enabled, module.set_v, module.set_a = True, True, 56.0, 20.0
    settle(circuit, 1.0)
    assert circuit.current_a == pytest.approx(20.0)
    circuit.main.coil = False
    settle(circuit, 0.1)
    assert (circuit.inrushes, circuit.load_breaks) == (0, 1)


def test_feeding_stray_metal_is_a_short() -> None:
    circuit = ChargingCircuit()
    circuit.stray_metal = True
    circuit.module.mains = circuit.module.enabled = True
    circuit.module.set_v = 50.0
    settle(circuit, 0.1)
    circuit.main.coil = True
    settle(circuit, 0.1)
    assert circuit.shorts > 0


def test_moving_the_arm_with_live_plates_and_leaving_under_it_are_counted() -> None:
    bay = ChargingBay()
    bay.arrive(Vehicle(1))
    bay.extend = True
    for _ in range(500):
        bay.advance(DT_S)
    bay.extend = False
    bay.asks_vehicle = True
    for _ in range(100):
        bay.advance(DT_S)
    assert bay.pressed
    assert bay.circuit.plate_v > 40.0
    assert bay.live_moves == 0
    bay.retract = True
    bay.advance(DT_S)
    assert bay.live_moves == 1
    bay.leave()
    assert bay.dragged == 1


def test_run_away_module_stops_with_its_mains_only() -> None:
    circuit = connected()
    circuit.main.coil = circuit.precharge.coil = True
    settle(circuit, 0.2)
    module = circuit.module
    module.mains, module.enabled, module.set_v, module.set_a = True, True, 56.0, 20.0
    settle(circuit, 1.0)
    module.runs_away, module.enabled = True, False
    settle(circuit, 1.0)
    assert circuit.current_a == pytest.approx(20.0)
    module.mains = False
    settle(circuit, DT_S)
    assert circuit.current_a == 0.0
