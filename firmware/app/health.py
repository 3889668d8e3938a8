"""The device's NE 107 status: the worse of what the control core says and what the shell knows.

Knows the header's reason bits and their weight. Numbers as OPC 10000-100 DeviceHealth: 0 normal, else lower is worse.
"""

from firmware.app.settings import Settings
from firmware.control.events import EventRing


class Health:
    """`value` and `reasons` as published; a change of either is one event."""

    def __init__(self, regmap, ring: EventRing) -> None:  # type: ignore[no-untyped-def]  # a module
        self._map = regmap
        self._ring = ring
        self.value = regmap.HEALTH_NORMAL
        self.reasons = 0

    def step(self, core_health: int, core_reasons: int, settings: Settings, overrun: bool) -> None:
        """Judge anew after a scan."""
        regmap = self._map
        reasons = 0
        if settings.defaulted:
            reasons |= 1 << regmap.REASONS_SETTINGS_DEFAULTED
        if settings.one_copy:
            reasons |= 1 << regmap.REASONS_SETTINGS_ONE_COPY
        if settings.store_fault:
            reasons |= 1 << regmap.REASONS_STORE_FAULT
        if overrun:
            reasons |= 1 << regmap.REASONS_SCAN_OVERRUN
        health = regmap.HEALTH_MAINTENANCE_REQUIRED if reasons else regmap.HEALTH_NORMAL
        if settings.values[regmap.SET_COMMAND_AUTH] != regmap.COMMAND_AUTH_ON:
            reasons |= 1 << regmap.REASONS_AUTH_OFF
            health = regmap.HEALTH_CHECK_FUNCTION
        self._publish(_worse(core_health, health), core_reasons | reasons)

    def _publish(self, value: int, reasons: int) -> None:
        if value == self.value and reasons == self.reasons:
            return
        self.value = value
        self.reasons = reasons
        self._ring.push(self._map.EV_HEALTH_CHANGED, value * 65536 + reasons)


def _worse(one: int, other: int) -> int:
    if one == 0 or other == 0:
        return one + other
    return min(one, other)
