"""From flags back to the field: which inputs of a charging post make its PostInputs say what a way wants.

Host only; never deployed. Knows the post's inputs, its limits and its two heartbeats. Must not know the search or a
scenario's words.

Nothing of PostInputs is written again here: values on both sides of each limit, with the settings in force, are tried
on the real one, group by group, until what it says is what is wanted. Flags that no image can have together (the
search tries more than real measurements give) are named as missed.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from itertools import product
from typing import Any

from firmware.control import charging_post_inputs as at
from firmware.control.charging_post import ChargingPost
from firmware.control.charging_post_inputs import PostInputs
from hil.explore.claims import Cause, Image, Replay, Shown
from hil.explore.model import SilentRing
from protocols.charger import power_module as wire
from protocols.quality import BAD, GOOD, UNCERTAIN
from protocols.registers import charging_post as reg

_QUALITIES = (GOOD, UNCERTAIN, BAD)
_AT_REST = (reg.IN_STOP_CHAIN_OK, reg.IN_STOP_BUTTON_OK, reg.IN_PANEL_CLOSED, reg.IN_ARM_RETRACTED, reg.IN_IMD_READY,
            reg.IN_IMD_OK)  # fmt: skip
_COOL_C_X10 = 250
_BOTH_PASSES = 2  # a second one, because the limits of current and voltage hang on the vehicle's frame


def as_delivered(wanted: dict[int, int]) -> tuple[list[int], Any]:
    """Settings as delivered but for the wanted ones, and a core with them."""
    size = struct.calcsize(">HBBiii")
    settings = [struct.unpack_from(">HBBiii", reg.SETTINGS_TABLE, n * size)[5] for n in range(reg.SETTING_COUNT)]
    for index, value in wanted.items():
        settings[index] = value
    return settings, ChargingPost(settings, SilentRing())  # type: ignore[arg-type]


def idle_flags() -> dict[str, int]:
    """The model's inputs when all is well and nobody is there; a way departs from them where it must."""
    settings, _ = as_delivered({})
    found = {"in.request_opcode": 0, "in.hub_alive": 1, "in.module_state": reg.MODULE_STATE_ON}
    size = struct.calcsize(">HBBiii")
    for index in range(reg.SETTING_COUNT):
        if struct.unpack_from(">HBBiii", reg.SETTINGS_TABLE, index * size)[4] <= 2:
            found[f"setting.{index}"] = settings[index]
    said = flags_of(at_rest(settings), settings)
    return found | {name: value for name, value in said.items() if name != "in.limit_a_x10"}


def at_rest(settings: list[int]) -> Image:
    """Nobody is there; the frame is that of a vehicle that would be accepted."""
    image: Image = {index: (0, GOOD) for index in range(at.INPUT_COUNT)}
    image |= {index: (1, GOOD) for index in _AT_REST}
    image |= {index: (_COOL_C_X10, GOOD) for index in (at.IN_POST_TEMP_C, at.IN_PLATE_TEMP_C, at.IN_VEHICLE_TEMP_C)}
    image[at.IN_VEHICLE_FLAGS] = (at.FLAG_READY, GOOD)
    image[at.IN_VEHICLE_CHEMISTRY] = (1, GOOD)
    image[at.IN_VEHICLE_MAX_V] = (settings[reg.SET_MAX_V_X10], GOOD)
    image[at.IN_VEHICLE_MAX_A] = (settings[reg.SET_MAX_A_X10] // 2, GOOD)
    image[at.IN_VEHICLE_BATTERY_V] = (settings[reg.SET_MAX_V_X10] * 4 // 5, GOOD)
    return image


def flags_of(image: Image, settings: list[int]) -> dict[str, int]:
    """What the real PostInputs says of an image, under the model's names; `limit_a_x10` is 0 or, for any other, 1."""
    sensed = PostInputs()
    sensed.read([image[n][0] for n in range(at.INPUT_COUNT)], [image[n][1] for n in range(at.INPUT_COUNT)], settings)
    found = {f"in.{name}": int(bool(value)) for name, value in vars(sensed).items() if isinstance(value, (bool, int))}
    return found | {f"in.{index}": int(bool(value)) for index, value in enumerate(sensed.values[: reg.IN_COUNT])}


def find_image(wanted: dict[str, int], before: Image, settings: list[int]) -> tuple[Image, list[str]]:
    """The image nearest to `before` that says what is wanted, and the names of what it cannot say."""
    best, price = before, _price(before, wanted, before, settings)
    for _ in range(_BOTH_PASSES):
        for group in _groups(settings):
            for part in group:
                tried = best | part
                cost = _price(tried, wanted, before, settings)
                if cost < price:
                    best, price = tried, cost
    return best, _missed(best, wanted, settings)


def _missed(image: Image, wanted: dict[str, int], settings: list[int]) -> list[str]:
    said = flags_of(image, settings)
    return [name for name, value in wanted.items() if name in said and said[name] != value]


def _price(image: Image, wanted: dict[str, int], before: Image, settings: list[int]) -> tuple[int, int, int]:
    """What it misses first; then as few doubtful qualities and as few changes as can be."""
    doubtful = sum(quality != GOOD for _, quality in image.values())
    changed = sum(image[index] != before[index] for index in image)
    return len(_missed(image, wanted, settings)), doubtful, changed


def _groups(settings: list[int]) -> Iterator[list[Image]]:
    """Inputs that decide a flag together, with values on both sides of its limits."""
    for index in range(reg.IN_COUNT):
        yield [{index: cause} for cause in product((0, 1), _QUALITIES)]
    yield [{reg.IN_ARM_EXTENDED: (a, GOOD), reg.IN_ARM_RETRACTED: (b, GOOD)} for a, b in product((0, 1), repeat=2)]
    yield _frames(settings)
    yield _voltages(settings)
    yield [{at.IN_CURRENT_A: cause} for cause in product(_currents(settings), _QUALITIES)]
    yield _temperatures(settings)


def _frames(settings: list[int]) -> list[Image]:
    """There or not, willing or not, readable or not, asking for much or for as little as still counts."""
    amperes = (settings[reg.SET_MAX_A_X10] // 2, at.CURRENT_ZERO_A_X10 + 1)
    flags = product((at.FLAG_READY, 0), (GOOD, BAD))
    return [
        {reg.IN_VEHICLE_PRESENT: (there, GOOD), at.IN_VEHICLE_FLAGS: cause, at.IN_VEHICLE_MAX_A: (most, GOOD)}
        for there, cause, most in product((0, 1), flags, amperes)
    ]


def _voltages(settings: list[int]) -> list[Image]:
    """Dead, nearly live, of a battery, of none, at the limit, over it, reversed; a battery is below, at, just over it."""
    most, dead = settings[reg.SET_MAX_V_X10], settings[reg.SET_DEAD_V_X10]
    batteries = (most * 4 // 5, most, most + most * settings[reg.SET_TRIP_MARGIN_PERMILLE] // 2000)
    over = most + most * settings[reg.SET_TRIP_MARGIN_PERMILLE] // 1000 + 2
    volts = (0, dead - 1, batteries[0], (dead + batteries[0]) // 2, most, over, -dead)
    return [
        {at.IN_PLATE_V: plate, at.IN_BUS_V: bus, at.IN_VEHICLE_BATTERY_V: (battery, GOOD)}
        for plate, bus, battery in product(product(volts, _QUALITIES), product(volts, _QUALITIES), batteries)
    ]


def _currents(settings: list[int]) -> tuple[int, ...]:
    """None, below the taper current, a charge, above what was agreed, above what the post may."""
    most = settings[reg.SET_MAX_A_X10]
    return 0, (at.CURRENT_ZERO_A_X10 + settings[reg.SET_TAPER_A_X10]) // 2, most // 4, most * 3 // 4, most * 6 // 5


def _temperatures(settings: list[int]) -> list[Image]:
    derate, stop = settings[reg.SET_POST_TEMP_DERATE_C_X10], settings[reg.SET_POST_TEMP_STOP_C_X10]
    degrees = (_COOL_C_X10, (derate + stop) // 2, stop - 1, stop)
    return [{at.IN_POST_TEMP_C: cause} for cause in product(degrees, _QUALITIES)]


def replay() -> Replay:
    """How ways of this role are replayed."""
    settings, _ = as_delivered({})
    # A vehicle that falls silent in the scan in which a contactor has had its time.
    together = {reg.SET_VEHICLE_TIMEOUT_MS: settings[reg.SET_CONTACTOR_MS]}
    scan_ms, inputs = settings[reg.SET_SCAN_PERIOD_MS], ("STOP_CHAIN_OK", "VEHICLE_SOC")
    return Replay(scan_ms, as_delivered, at_rest, find_image, Heartbeats, ({}, together), _SHOWN, *inputs)


_ENABLED = Shown(("MODULE_ENABLE",))
_LIVE = ("PRECHARGE", "MODULE_ENABLE", "CONTACTOR")
_ARM = ("ARM_EXTEND", "ARM_RETRACT")
_SHOWN = {
    "opens-without-current": Shown(("CONTACTOR",), is_on=False),
    "closes-without-current": Shown(("CONTACTOR",)),
    "plates-need-battery": Shown(_LIVE),
    "enable-needs-contactor": _ENABLED,
    "arm-moves-dead": Shown(_ARM),
    "weld-checked": Shown(event="event.STATE_CHANGED = RETRACT"),
    "release-is-open": Shown(("VEHICLE_RELEASE",)),
    "stop-chain-wins": Shown((*_LIVE, "MODULE_POWER", *_ARM)),
    "heartbeat-stops": _ENABLED,
    "insulation-stops": _ENABLED,
    "heat-stops": _ENABLED,
    "no-current-ends": _ENABLED,
    "hand-moves-held": Shown(_ARM),
}


class Heartbeats:
    """Vehicle and power module as they live on: a frame's sequence as an input, status frames on the field line."""

    timers: tuple[str, ...] = ("vehicle", "module")
    inputs: tuple[int, ...] = (at.IN_VEHICLE_SEQUENCE,)

    def __init__(self) -> None:
        self._frame = wire.Frame()
        self._frame.kind = wire.STATUS

    def beat(self, core: Any, image: Image, alive: set[str], wanted: dict[str, int]) -> bytes:
        """Let those live whose timers are named; what the module says stands in the core's line already."""
        if "vehicle" in alive:
            image[at.IN_VEHICLE_SEQUENCE] = _next(image[at.IN_VEHICLE_SEQUENCE])
        state = wanted.get("in.module_state", reg.MODULE_STATE_ON)
        if state == reg.MODULE_STATE_SILENT:  # cannot be said; the core asks of the state only whether it is FAULT
            state = reg.MODULE_STATE_OFF
        if "module" not in alive and (core.line.state == state or "in.module_state" not in wanted):
            return b""
        frame, data = self._frame, bytearray(wire.FRAME_SIZE)
        if "module" in alive:
            frame.counter = frame.counter + 1 & 0xFF
        frame.flags, frame.extra = state, wire.status_extra(frame.counter, _COOL_C_X10 // 10)
        frame.pack(data)
        core.line.receive(data, len(data), core.timers.now_ms)
        return bytes(data)


def _next(cause: Cause) -> Cause:
    return cause[0] + 1 & 0xFFFF, cause[1]
