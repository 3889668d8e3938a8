"""The power path of a charging post: module, bus, pre-charge, contactor, plates, and whatever lies on them.

Knows: volts, amperes, seconds, and how contacts stick and bounce. Must not know: inputs, outputs, frames, any clock.

*Bus*: the capacitors behind the module's output. *Plates*: the vehicle's side of the contactor. While the contactor is
closed, or nothing but the battery can set their voltage, bus and plates are one node.
"""

from __future__ import annotations

from dataclasses import dataclass

from sim_devices.plants.battery import Battery

BREAKS_UNDER_LOAD_A = 1.0


@dataclass(slots=True)
class Contact:
    """A contactor: set `coil`, read `closed` and `auxiliary`. Welded it does not open, jammed it does not move."""

    pull_in_s: float = 0.020
    drop_out_s: float = 0.015
    bounce_s: float = 0.020
    coil: bool = False
    closed: bool = False
    auxiliary: bool = False
    welded: bool = False
    jammed: bool = False
    auxiliary_stuck: bool = False
    _moving_s: float = 0.0
    _bouncing_s: float = 0.0

    def advance(self, dt_s: float) -> None:
        """Follow the coil after its lag; the auxiliary contact flutters while the contacts bounce."""
        if self.jammed or self.coil == self.closed or (self.welded and self.closed):
            self._moving_s = 0.0
        else:
            self._moving_s += dt_s
            if self._moving_s >= (self.pull_in_s if self.coil else self.drop_out_s):
                self.closed = self.coil
                self._moving_s = 0.0
                self._bouncing_s = self.bounce_s
        self._bouncing_s = max(self._bouncing_s - dt_s, 0.0)
        if not self.auxiliary_stuck:
            self.auxiliary = not self.auxiliary if self._bouncing_s > 0.0 else self.closed


class PowerModule:
    """The source: set `mains`, `enabled`, `set_v`, `set_a`; it gives `current_a` into a load. `fault` stops it."""

    def __init__(self, slew_a_per_s: float = 200.0) -> None:
        self.mains = False
        self.enabled = False
        self.set_v = 0.0
        self.set_a = 0.0
        self.current_a = 0.0
        self.temp_c = 25.0
        self.fault = False
        self.gives_nothing = False  # its output stage is dead, and it says nothing of it
        self.runs_away = False  # gives its last current whatever it is told, while it has mains
        self._slew_a_per_s = slew_a_per_s

    @property
    def gives(self) -> bool:
        """Its output stage is switching."""
        return self.mains and not self.fault and (self.enabled or (self.runs_away and self.current_a > 0.0))

    def advance(self, dt_s: float, battery: Battery | None) -> None:
        """Move the current towards the lower of set current and what set voltage allows; at once to nothing."""
        if not self.gives or self.gives_nothing or battery is None:
            self.current_a = 0.0
        elif self.enabled:
            wanted = min(self.set_a, max(battery.current_at(self.set_v), 0.0))
            step = self._slew_a_per_s * dt_s
            self.current_a = min(wanted, self.current_a + step)


class ChargingCircuit:
    """The whole path. Set the commands and what lies on the plates, call `advance`, read the voltages.

    `load_breaks` and `load_makes` count main contacts that moved under current, `inrushes` contacts that closed onto a
    bus far from the plates' voltage, `shorts` steps in which the post fed stray metal: what must never happen.
    """

    def __init__(self) -> None:
        self.main = Contact()
        self.precharge = Contact(bounce_s=0.0)
        self.module = PowerModule()
        self.battery: Battery | None = None  # touches the plates
        self.vehicle_closed = False  # the vehicle's own contactor
        self.stray_metal = False
        self.precharge_tau_s = 0.15
        self.bleed_tau_s = 0.5
        self.bus_v = 0.0
        self.plate_v = 0.0
        self.current_a = 0.0
        self.load_breaks = 0
        self.load_makes = 0
        self.inrushes = 0
        self.shorts = 0
        self.wh = 0.0

    def advance(self, dt_s: float) -> None:
        """Contacts, then the voltages they make, then the current."""
        was_closed = self.main.closed
        before_a = self.current_a
        self.main.advance(dt_s)
        self.precharge.advance(dt_s)
        battery = self.battery if self.vehicle_closed and not self.stray_metal else None
        source_v = battery.terminal_v(self.current_a) if battery else 0.0
        if self.main.closed and not was_closed:
            self.inrushes += abs(self.bus_v - source_v) > 0.1 * max(source_v, 1.0)
        self._settle(dt_s, battery, source_v)
        self.module.advance(dt_s, battery if self.main.closed else None)
        self.current_a = self.module.current_a
        self._count(was_closed, before_a)
        if battery:
            battery.advance(dt_s, self.current_a)
            self.wh += self.plate_v * self.current_a * dt_s / 3600.0

    def _settle(self, dt_s: float, battery: Battery | None, source_v: float) -> None:
        joined = self.main.closed or self.precharge.closed
        self.plate_v = source_v
        if self.main.closed and battery:
            self.bus_v = source_v
            return
        if self.precharge.closed and battery:
            self.bus_v += (source_v - self.bus_v) * min(dt_s / self.precharge_tau_s, 1.0)
        elif self.module.gives and self.module.enabled and not self.module.gives_nothing:
            self.bus_v = self.module.set_v
        else:
            self.bus_v -= self.bus_v * min(dt_s / self.bleed_tau_s, 1.0)
        if joined and not battery:
            self.plate_v = 0.0 if self.stray_metal else self.bus_v
            self.shorts += self.stray_metal and self.bus_v > 1.0

    def _count(self, was_closed: bool, before_a: float) -> None:
        if was_closed and not self.main.closed:
            self.load_breaks += before_a >= BREAKS_UNDER_LOAD_A
        elif self.main.closed and not was_closed:
            self.load_makes += self.current_a >= BREAKS_UNDER_LOAD_A
