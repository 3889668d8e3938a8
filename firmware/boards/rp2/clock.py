"""The processor's clock: 200 MHz, for which its maker wants 1.15 V at the core.

Knows RP2040's voltage regulator (data sheet 2.10.6). Raspberry Pi certifies 200 MHz at 1.15 V since Pico SDK 2.1.1; the
port starts with 125 MHz at 1.10 V, and its machine.freq leaves the voltage alone.
"""

import time

import machine
from micropython import const

CLOCK_HZ = const(200000000)

_VREG = const(0x40064000)
_VOLTAGE_MASK = const(0xF0)
_VOLTAGE_1V15 = const(0xC0)
# What the SDK gives the regulator before it raises the clock.
_SETTLING_US = const(1000)


def speed_up() -> None:
    """Raise the voltage, then the clock; before any UART is made, whose divider depends on it."""
    machine.mem32[_VREG] = machine.mem32[_VREG] & ~_VOLTAGE_MASK | _VOLTAGE_1V15
    time.sleep_us(_SETTLING_US)
    machine.freq(CLOCK_HZ)
