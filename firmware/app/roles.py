"""Which control core and which register map make a role. The only place that names them; a device loads one of them.

Knows no hardware and no bus.
"""


class Role:
    """`core_type` is the control core's class, `regmap` its generated map module.

    `sealed` are the indexes of the metrological settings, whose changes are counted and stored with them. `moving` are
    the indexes of the outputs that move something; while one is on, nothing may keep the scan waiting.
    """

    def __init__(  # type: ignore[no-untyped-def]  # class and module
        self, core_type, regmap, sealed: tuple[int, ...], moving: tuple[int, ...]
    ) -> None:
        self.core_type = core_type
        self.regmap = regmap
        self.sealed = sealed
        self.moving = moving

    def is_moving(self, outputs: list[int]) -> bool:
        """Tell whether an output of `outputs` that moves something is on."""
        return any(outputs[index] for index in self.moving)


def load_role(name: str) -> Role:
    """Return the role `name`, one of firmware.app.identity.ROLES. Imports only what that role needs."""
    if name == "barrier":
        from firmware.control.barrier import Barrier
        from protocols.registers import barrier

        return Role(Barrier, barrier, (), (barrier.OUT_MOTOR_OPEN, barrier.OUT_MOTOR_CLOSE))
    assert name == "weighbridge"
    from firmware.control.weighbridge import Weighbridge
    from protocols.registers import weighbridge as regmap

    sealed = (regmap.SET_MAX_KG, regmap.SET_E_KG, regmap.SET_ZERO_COUNTS, regmap.SET_SPAN_COUNTS)
    return Role(Weighbridge, regmap, sealed, ())
