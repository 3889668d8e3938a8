"""The device's NE 107 status: the worse of what the control core says and what the shell knows.

Knows the header's reason bits and their weight. Numbers as OPC 10000-100 DeviceHealth: 0 normal, else lower is worse.
"""

from firmware.app.settings import Settings
from firmware.control.events import EventRing


class Health:
    """`value` and `reasons` as published; a change of either is one event."""

    def __init__(self, regmap, ring: EventRing) -> None:  # type: ignore[no-untyped-def]  # a module
        self._ring = ring
        self._changed_code = regmap.EV_HEALTH_CHANGED
        self._normal = regmap.HEALTH_NORMAL
        self._maintenance = regmap.HEALTH_MAINTENANCE_REQUIRED
        self._check = regmap.HEALTH_CHECK_FUNCTION
        self._auth_at = regmap.SET_COMMAND_AUTH
        self._auth_on = regmap.COMMAND_AUTH_ON
        self._auth_off_bit = 1 << regmap.REASONS_AUTH_OFF
        self._defaulted_bit = 1 << regmap.REASONS_SETTINGS_DEFAULTED
        self._one_copy_bit = 1 << regmap.REASONS_SETTINGS_ONE_COPY
        self._fault_bit = 1 << regmap.REASONS_STORE_FAULT
        self._overrun_bit = 1 << regmap.REASONS_SCAN_OVERRUN
        self.value = self._normal
        self.reasons = 0

    def step(self, core_health: int, core_reasons: int, settings: Settings, overrun: bool) -> None:
        """Judge anew after a scan."""
        reasons = 0
        if settings.defaulted:
            reasons |= self._defaulted_bit
        if settings.one_copy:
            reasons |= self._one_copy_bit
        if settings.store_fault:
            reasons |= self._fault_bit
        if overrun:
            reasons |= self._overrun_bit
        health = self._maintenance if reasons else self._normal
        if settings.values[self._auth_at] != self._auth_on:
            reasons |= self._auth_off_bit
            health = self._check
        self._publish(_worse(core_health, health), core_reasons | reasons)

    def _publish(self, value: int, reasons: int) -> None:
        if value == self.value and reasons == self.reasons:
            return
        self.value = value
        self.reasons = reasons
        self._ring.push(self._changed_code, value * 65536 + reasons)


def _worse(one: int, other: int) -> int:
    if one == 0 or other == 0:
        return one + other
    return min(one, other)
