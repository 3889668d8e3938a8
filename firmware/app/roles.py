"""Which control core and which register map make a role. The only place that names them; a device loads one of them.

Knows no hardware and no bus.
"""


class Role:
    """`core_type` is the control core's class, `regmap` its generated map module.

    `sealed` are the indexes of the metrological settings, whose changes are counted and stored with them.
    """

    def __init__(self, core_type, regmap, sealed: tuple[int, ...]) -> None:  # type: ignore[no-untyped-def]  # class and module
        self.core_type = core_type
        self.regmap = regmap
        self.sealed = sealed


def load_role(name: str) -> Role:
    """Return the role `name`, one of firmware.app.identity.ROLES. Imports only what that role needs."""
    if name == "barrier":
        from firmware.control.barrier import Barrier
        from protocols.registers import barrier

        return Role(Barrier, barrier, ())
    assert name == "weighbridge"
    from firmware.control.weighbridge import Weighbridge
    from protocols.registers import weighbridge as regmap

    sealed = (regmap.SET_MAX_KG, regmap.SET_E_KG, regmap.SET_ZERO_COUNTS, regmap.SET_SPAN_COUNTS)
    return Role(Weighbridge, regmap, sealed)
