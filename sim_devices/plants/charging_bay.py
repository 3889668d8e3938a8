"""A charging bay: an arm with plates, a vehicle that comes, connects and goes, and the heat of it all.

Knows: the arm's travel, the vehicle's obedience, temperatures, and the circuit (`circuit`). Must not know: inputs,
outputs, frames, any clock.
"""

from __future__ import annotations

from sim_devices.plants.battery import Battery
from sim_devices.plants.charging_circuit import ChargingCircuit

_LIVE_V = 5.0
# The springs touch before the arm is quite out, and let go of the vehicle soon after it leaves.
_TOUCHES_AT = 0.99
_CLEAR_AT = 0.01
_VEHICLE_LAG_S = 0.1  # its contactor follows what it is asked
_HEAT_C_PER_A2_S = 2e-6
_COOLING_PER_S = 1.0 / 900.0


class Vehicle:
    """A driverless vehicle with its battery. `obeys` False: its contactor stays as it is."""

    def __init__(self, vehicle_id: int, battery: Battery | None = None) -> None:
        self.vehicle_id = vehicle_id
        self.battery = battery or Battery()
        self.wants_charge = True
        self.fault = False
        self.sends = True
        self.obeys = True
        self.closed = False
        self.reported_offset_v = 0.0  # its measurement is off by this
        self._asked_s = 0.0

    def advance(self, dt_s: float, asked: bool) -> None:
        """Follow the request to connect after the lag of its contactor."""
        if asked == self.closed or not self.obeys:
            self._asked_s = 0.0
            return
        self._asked_s += dt_s
        if self._asked_s >= _VEHICLE_LAG_S:
            self.closed = asked


class ChargingBay:
    """Set the commands (`extend`, `retract`, `asks_vehicle`, and those of `circuit`), call `advance`, read the rest.

    `live_moves` counts steps in which the arm moved with live plates or under current: what must never happen.
    `dragged` counts vehicles that left while the arm lay on them.
    """

    def __init__(self, travel_s: float = 2.0, ambient_c: float = 25.0) -> None:
        self.circuit = ChargingCircuit()
        self.vehicle: Vehicle | None = None
        self.extend = False
        self.retract = False
        self.asks_vehicle = False
        self.arm_moves = True
        self.position = 0.0  # 1 is out
        self.misplaced = False  # the vehicle stands where the contacts do not press
        self.ambient_c = ambient_c
        self.post_c = ambient_c
        self.plate_c = ambient_c
        self.live_moves = 0
        self.dragged = 0
        self._speed = 1.0 / travel_s

    @property
    def pressed(self) -> bool:
        """The contacts press on the vehicle's."""
        return self.vehicle is not None and self.position >= _TOUCHES_AT and not self.misplaced

    def arrive(self, vehicle: Vehicle) -> None:
        """A vehicle drives in."""
        self.vehicle = vehicle

    def leave(self) -> None:
        """The vehicle drives off."""
        self.dragged += self.position > _CLEAR_AT
        self.vehicle = None

    def advance(self, dt_s: float) -> None:
        """Arm, vehicle, circuit, heat."""
        before = self.position
        if self.arm_moves:
            travel = (int(self.extend) - int(self.retract)) * self._speed * dt_s
            self.position = min(max(self.position + travel, 0.0), 1.0)
        circuit = self.circuit
        if self.position != before:
            self.live_moves += abs(circuit.plate_v) > _LIVE_V or circuit.current_a >= 1.0
        if self.vehicle:
            self.vehicle.advance(dt_s, self.asks_vehicle)
        circuit.battery = self.vehicle.battery if self.vehicle and self.pressed else None
        circuit.vehicle_closed = bool(self.vehicle and self.vehicle.closed)
        circuit.advance(dt_s)
        self._heat(dt_s)

    def _heat(self, dt_s: float) -> None:
        loss = circuit_loss(self.circuit.current_a) * dt_s
        self.plate_c += 2.0 * loss - (self.plate_c - self.ambient_c) * _COOLING_PER_S * dt_s
        self.post_c += loss - (self.post_c - self.ambient_c) * _COOLING_PER_S * dt_s


def circuit_loss(current_a: float) -> float:
    """Degrees per second the post gains at a current."""
    return current_a * current_a * _HEAT_C_PER_A2_S
