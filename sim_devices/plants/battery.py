"""A vehicle's battery: open-circuit voltage by state of charge, internal resistance, temperature.

Knows: volts, amperes, ampere-hours, degrees Celsius. Must not know: chargers, contacts, any clock. The curves have the
shape of their class (flat for LFP, sloping for NMC and lead); their figures are this simulation's own.
"""

from __future__ import annotations

from dataclasses import dataclass

LFP = "LFP"
NMC = "NMC"
LEAD = "LEAD"

# Volts per cell at 0, 10, 50, 90 and 100 per cent.
_SOC_POINTS = (0.0, 0.1, 0.5, 0.9, 1.0)
_OPEN_CIRCUIT_V = {
    LFP: (2.8, 3.2, 3.3, 3.35, 3.5),
    NMC: (3.0, 3.4, 3.7, 4.0, 4.2),
    LEAD: (1.90, 1.96, 2.05, 2.12, 2.4),
}
_HEAT_C_PER_WH = 0.05
_COOLING_PER_S = 1.0 / 3600.0


@dataclass(frozen=True, slots=True)
class BatterySpec:
    """A battery as built."""

    chemistry: str = LFP
    cells: int = 16
    capacity_ah: float = 100.0
    resistance_ohm: float = 0.02
    max_a: float = 60.0


class Battery:
    """Set `spec` and `soc`; `terminal_v` at a current (positive charges), `advance` to let it flow."""

    def __init__(self, spec: BatterySpec | None = None, soc: float = 0.3, temp_c: float = 20.0) -> None:
        self.spec = spec or BatterySpec()
        self.soc = soc
        self.temp_c = temp_c
        self.ambient_c = temp_c

    @property
    def open_circuit_v(self) -> float:
        """Voltage without current."""
        volts = _OPEN_CIRCUIT_V[self.spec.chemistry]
        soc = min(max(self.soc, 0.0), 1.0)
        place = next(at for at in range(1, len(_SOC_POINTS)) if soc <= _SOC_POINTS[at])
        share = (soc - _SOC_POINTS[place - 1]) / (_SOC_POINTS[place] - _SOC_POINTS[place - 1])
        return self.spec.cells * (volts[place - 1] + share * (volts[place] - volts[place - 1]))

    @property
    def charge_v(self) -> float:
        """The highest voltage it may be charged to: that of a full one."""
        return self.spec.cells * _OPEN_CIRCUIT_V[self.spec.chemistry][-1]

    def terminal_v(self, current_a: float) -> float:
        """Voltage at its terminals while `current_a` flows in."""
        return self.open_circuit_v + current_a * self.spec.resistance_ohm

    def current_at(self, voltage_v: float) -> float:
        """Current that flows in from a source of `voltage_v`."""
        return (voltage_v - self.open_circuit_v) / self.spec.resistance_ohm

    def advance(self, dt_s: float, current_a: float) -> None:
        """Let `current_a` flow in for `dt_s`."""
        self.soc = min(self.soc + current_a * dt_s / 3600.0 / self.spec.capacity_ah, 1.0)
        loss_wh = current_a * current_a * self.spec.resistance_ohm * dt_s / 3600.0
        self.temp_c += loss_wh * _HEAT_C_PER_WH - (self.temp_c - self.ambient_c) * _COOLING_PER_S * dt_s
