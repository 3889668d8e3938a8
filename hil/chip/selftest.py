"""The adapter's self-test: does the emulator do to the microsecond what it did when this was written?

Knows one small program and what came of it. Must not know the deployed firmware. Simulated time is only worth something
on an emulator that keeps time as this one did, so one that changed is refused.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from hil.chip.emulator import EMULATOR, EMULATOR_VERSION, HIGH, LOW, Chip, build_image
from hil.targets.target import BlockedError

_ADC_COUNTS = 0x7FF
_OUT, _IN, _UART = 6, 7, 0
_RUN_US = 100_000
_BOOT_US = 400_000
_START = b"""
import time
from machine import ADC, Pin, UART, WDT, reset_cause
out, back = Pin(6, Pin.OUT, value=0), Pin(7, Pin.IN)
if reset_cause() == 3:
    print("watchdog")
    while True:
        pass
else:
    WDT(timeout=50)
    uart = UART(0, baudrate=9600, tx=Pin(0), rx=Pin(1))
    out(1)
    print("input", back())
    out(0)
    print("adc", ADC(26).read_u16())
    begun_us = time.ticks_us()
    for _ in range(1000):
        pass
    print("loop", time.ticks_us() - begun_us)
    uart.write(b"abc")
    while True:
        pass
"""

# What each check must say: microseconds, levels, words of the program. The loop's time is that of the known image.
EXPECTED: dict[str, object] = {
    "1 ms of time": 1000,
    "an output's levels": [LOW, HIGH, LOW],
    "what the program read": ["input 1", "adc 32759", "loop 4611", "watchdog"],
    "microseconds of two characters at 9600 baud": 2083,
    "watchdog resets": 1,
}


@cache
def check_emulator(uf2: Path) -> None:
    """Run the self-test once per process and image; raises BlockedError that names the first thing that differs."""
    try:
        found = measure(uf2)
    except BlockedError:
        raise
    except Exception as error:  # a library that changed may break down in any way
        raise _changed("its self-test", f"{type(error).__name__}: {error}", "no error") from error
    refuse_changes(found)


def refuse_changes(found: dict[str, object]) -> None:
    """Raises BlockedError when something is not as expected."""
    for what, expected in EXPECTED.items():
        if found[what] != expected:
            raise _changed(what, found[what], expected)


def _changed(what: str, found: object, expected: object) -> BlockedError:
    return BlockedError(
        f"the emulator {EMULATOR} is not the one this was written for: {what}: {found}, expected {expected}; "
        f"install {EMULATOR}=={EMULATOR_VERSION}"
    )


def measure(uf2: Path) -> dict[str, object]:
    """What the emulator does with the small program."""
    chip = Chip(uf2, build_image({"main.py": _START}))
    levels: list[int] = []
    arrivals: list[int] = []
    chip.on_pin(_OUT, levels.append)
    chip.on_uart(_UART, lambda byte: arrivals.append(chip.now_us))
    chip.drive(_IN, HIGH)
    chip.set_adc(0, _ADC_COUNTS)
    before_us = chip.now_us
    chip.advance(1000)
    passed_us = chip.now_us - before_us
    chip.advance(_BOOT_US)
    return {
        "1 ms of time": passed_us,
        "an output's levels": levels[:3],
        "what the program read": chip.console.decode(errors="replace").splitlines(),
        "microseconds of two characters at 9600 baud": (arrivals[-1] - arrivals[0]) if arrivals else 0,
        "watchdog resets": len(chip.resets),
    }
