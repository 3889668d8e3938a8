"""Which control core and which register map make a role. The only place that names them; a device loads one of them.

Knows no hardware and no bus.
"""

from firmware.app.identity import ProvisionError
from firmware.app.settings import Settings
from firmware.control.events import EventRing
from firmware.ports import NullStore
from protocols.compat import const

_NONE = const(-1)


class Role:
    """`core_type` is the control core's class, `regmap` its generated map module.

    `sealed` are the indexes of the metrological settings, whose changes are counted and stored with them. `moving` are
    the indexes of the outputs that move something; while one is on, nothing may keep the scan waiting. `protocols` are
    the names of the instruments its field line may lead to, the default first; () for a role without a field line.
    `rest` are the states in which nobody would miss the device for some seconds, () for a role that is never missed;
    then status `status_at_rest` and input `input_at_rest` are also 0, where a role has such.
    `keeper_type` is the class that stores what the core's `pending` asks for, None for a role that asks for nothing.
    """

    def __init__(  # type: ignore[no-untyped-def]  # class and module
        self,
        core_type,
        regmap,
        sealed: tuple[int, ...],
        moving: tuple[int, ...],
        protocols: tuple[str, ...] = (),
        keeper_type=None,
        rest: tuple[int, ...] = (),
        status_at_rest: int = _NONE,
        input_at_rest: int = _NONE,
    ) -> None:
        self.core_type = core_type
        self.regmap = regmap
        self.sealed = sealed
        self.moving = moving
        self.protocols = protocols
        self.keeper_type = keeper_type
        self._rest = rest
        self._status_at_rest = status_at_rest
        self._input_at_rest = input_at_rest

    def make_core(self, settings: list[int], ring: EventRing, protocol: str):  # type: ignore[no-untyped-def]  # core
        """Return a new control core; `protocol` is one of `protocols`, or "" where there are none."""
        if self.protocols:
            return self.core_type(settings, ring, protocol)
        return self.core_type(settings, ring)

    def make_keeper(  # type: ignore[no-untyped-def]  # returns the role's keeper
        self, store: NullStore, settings: Settings, ring: EventRing, key: bytes
    ):
        """Return what stores for the role's core, or None."""
        return self.keeper_type(store, settings, ring, key) if self.keeper_type else None

    def choose_protocol(self, name: str) -> str:
        """Return the provisioned protocol of the field line, the default for ""; raise ProvisionError for another."""
        if not name and self.protocols:
            return self.protocols[0]
        if name and name not in self.protocols:
            expected = "one of " + ", ".join(self.protocols) if self.protocols else "no such key for this role"
            raise ProvisionError(
                "line_protocol is {!r}: expected {}; correct the provision file".format(name, expected)
            )
        return name

    def is_moving(self, outputs: list[int]) -> bool:
        """Tell whether an output of `outputs` that moves something is on."""
        for index in self.moving:  # noqa: SIM110  # a generator would be made anew in the scan of every command
            if outputs[index]:
                return True
        return False

    def is_at_rest(self, core) -> bool:  # type: ignore[no-untyped-def]  # of this role
        """Tell whether the device may start anew: nothing moves, and nobody is there whom it would meet unprepared."""
        if self.is_moving(core.outputs) or (self._rest and core.status[self.regmap.ST_STATE] not in self._rest):
            return False
        if self._status_at_rest != _NONE and core.status[self._status_at_rest]:
            return False
        return self._input_at_rest == _NONE or not core.inputs[self._input_at_rest]


def load_role(name: str) -> Role:
    """Return the role `name`, one of firmware.app.identity.ROLES. Imports only what that role needs."""
    if name == "barrier":
        from firmware.app.barrier_keeper import BarrierKeeper
        from firmware.control.barrier import Barrier
        from protocols.registers import barrier

        closed = (barrier.STATE_CLOSED, barrier.STATE_LOCKED_CLOSED)
        moving = (barrier.OUT_MOTOR_OPEN, barrier.OUT_MOTOR_CLOSE)
        return Role(Barrier, barrier, (), moving, (), BarrierKeeper, closed, barrier.ST_PRESENCE)
    if name == "charging_post":
        from firmware.control.charging_post import ChargingPost
        from protocols.registers import charging_post

        driving = (
            charging_post.OUT_CONTACTOR,
            charging_post.OUT_PRECHARGE,
            charging_post.OUT_ARM_EXTEND,
            charging_post.OUT_ARM_RETRACT,
        )

        idle = (charging_post.STATE_IDLE,)
        present = charging_post.IN_VEHICLE_PRESENT
        return Role(ChargingPost, charging_post, (), driving, ("power_module",), None, idle, _NONE, present)
    if name == "rfid":
        from firmware.control.rfid import PROTOCOLS, Rfid
        from protocols.registers import rfid

        return Role(Rfid, rfid, (), (), PROTOCOLS)
    assert name == "weighbridge"
    from firmware.app.weighbridge_keeper import WeighbridgeKeeper
    from firmware.control import weighbridge_line
    from firmware.control.weighbridge import SEALED_SETTINGS, Weighbridge
    from protocols.registers import weighbridge as regmap

    empty = (regmap.STATE_EMPTY,)
    return Role(Weighbridge, regmap, SEALED_SETTINGS, (), weighbridge_line.PROTOCOLS, WeighbridgeKeeper, empty)
