"""The page docs/bench/wiring.md and the drawing beside it: every wire between rig card and device, from the files with
the pins.

Knows: both wirings, terminals and signals. Must not know: a run.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from firmware.boards import terminals
from firmware.boards.rp2 import wiring as device
from firmware.roles.rig import wiring as rig
from protocols.rig.messages import DRIVERS, SENSES

_ROLES = sorted(terminals.INPUTS)
_REGISTER = 8  # outputs of one 74HC595

_HEAD = """# Wiring of the bench

Generated from `firmware/roles/rig/wiring.py`, `firmware/boards/rp2/wiring.py` and `firmware/boards/terminals.py`;
`make gen` writes it. What the parts are and in which order to build: [README.md](README.md).

![Terminals of the rig card and of the device's card](terminals.svg)
"""
_PINS = (
    ("HOST_TX", "RX of the host's USB adapter (3.3 V levels)"),
    ("HOST_RX", "TX of the host's USB adapter"),
    ("POWER_CUT", "coil driver of the supply relay; the relay's rest contact feeds the device"),
    ("DRIVERS_OFF", "OE of all three 74HC595, 10 kΩ to 3.3 V: drivers are off until the program runs"),
    ("DRIVERS_RETURN", "QH' of the third 74HC595"),
    ("DRIVERS_LATCH", "RCLK of all three 74HC595"),
    ("DRIVERS_CLOCK", "SRCLK of all three 74HC595"),
    ("DRIVERS_DATA", "SER of the first 74HC595; QH' of each goes to SER of the next"),
    ("MAINTENANCE", "a jumper to GND: bridged at power-on the program does not start"),
)


def wiring_page() -> str:
    """The whole page."""
    pins = sorted((int(getattr(rig, name)), name, use) for name, use in _PINS)
    parts = [
        _HEAD,
        f"## The rig's Pico (`{rig.NAME}`)",
        *_table(("pin", "name", "goes to"), ((f"GP{pin}", f"`{name}`", use) for pin, name, use in pins)),
        "",
        f"`SENSES` are below. The host's line runs at {rig.HOST_BAUD} baud, 8 data bits, no parity, 1 stop bit.",
        "",
        "## Drivers: rig card to the device's inputs",
        "A driver switches 24 V onto its terminal; the wire goes to the input terminal of the same number.",
        "",
        *_table(("driver", "register, output", "device input", *_ROLES), map(_driver_row, range(DRIVERS))),
        "",
        "## Senses: the device's outputs to the rig card",
        "An optocoupler at each sense terminal; its transistor pulls the pin to 3.3 V while the device drives.",
        "",
        *_table(("sense", "rig pin", "device output", "device pin", *_ROLES), map(_sense_row, range(SENSES))),
        "",
        "## The plug of the self-test",
        "It takes the place of the device: drivers on senses. Switching outputs may be joined, for both source 24 V.",
        "",
        *_table(("sense", "drivers"), ((n + 1, f"{n + 1} and {n + SENSES + 1}") for n in range(SENSES))),
        "",
    ]
    return "\n".join(parts)


def terminals_drawing() -> str:
    """Both terminal rows side by side, a line for every wire, as SVG."""
    rows = max(DRIVERS, SENSES)
    height = _TOP + rows * _STEP + 40
    wires = [_wire(_LEFT, n, str(n + 1), _barrier(terminals.INPUTS, n), "#1f6f43") for n in range(DRIVERS)]
    wires += [_wire(_RIGHT, n, str(n + 1), _barrier(terminals.OUTPUTS, n), "#8a4b12") for n in range(SENSES)]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" font-family="sans-serif" '
            'font-size="13">',
            f'<rect width="{_WIDTH}" height="{height}" fill="#ffffff"/>',
            *_column(_LEFT, "drivers 1 to 24 to inputs 1 to 24", "rig card", "device: input"),
            *_column(_RIGHT, "senses 1 to 12 from outputs 1 to 12", "rig card", "device: output"),
            *wires,
            f'<text x="{_RIGHT}" y="{_TOP + (SENSES + 1) * _STEP}">Names are those of the barrier; other roles in the '
            "tables.</text>",
            f'<text x="{_RIGHT}" y="{_TOP + (SENSES + 2) * _STEP}">0 V of rig card and device are joined once.</text>',
            "</svg>",
            "",
        ]
    )


_WIDTH, _TOP, _STEP = 980, 74, 24
_LEFT, _RIGHT = 24, 520
_SPAN = 190  # from terminal to terminal


def _column(x: int, title: str, left: str, right: str) -> list[str]:
    return [
        f'<text x="{x}" y="28" font-size="16" font-weight="bold">{title}</text>',
        f'<text x="{x}" y="54">{left}</text>',
        f'<text x="{x + _SPAN + 40}" y="54">{right}</text>',
    ]


def _wire(x: int, row: int, number: str, name: str, colour: str) -> str:
    y = _TOP + row * _STEP
    far = x + _SPAN + 40
    box = 'width="34" height="18" fill="#f2f2ee" stroke="#333333"/>'
    return (
        f'<rect x="{x}" y="{y - 13}" {box}<text x="{x + 17}" y="{y + 1}" text-anchor="middle">{number}</text>'
        f'<line x1="{x + 34}" y1="{y - 4}" x2="{far}" y2="{y - 4}" stroke="{colour}" stroke-width="2"/>'
        f'<rect x="{far}" y="{y - 13}" {box}<text x="{far + 17}" y="{y + 1}" text-anchor="middle">{number}</text>'
        f'<text x="{far + 42}" y="{y + 1}">{name}</text>'
    )


def _barrier(table: dict[str, str], terminal: int) -> str:
    return _signal(table, "barrier", terminal)


def _signal(table: dict[str, str], role: str, terminal: int) -> str:
    names = table[role].split()
    return names[terminal] if terminal < len(names) else ""


def _driver_row(terminal: int) -> Sequence[object]:
    place = f"{terminal // _REGISTER + 1}, Q{'ABCDEFGH'[terminal % _REGISTER]}"
    signals = [_code(_signal(terminals.INPUTS, role, terminal)) for role in _ROLES]
    return terminal + 1, place, terminal + 1, *signals


def _sense_row(terminal: int) -> Sequence[object]:
    signals = [_code(_signal(terminals.OUTPUTS, role, terminal)) for role in _ROLES]
    return (
        terminal + 1,
        f"GP{rig.SENSES[terminal]}",
        terminal + 1,
        f"GP{device.OUTPUTS[terminal]}",
        *signals,
    )


def _code(name: str) -> str:
    return f"`{name}`" if name else ""


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    return [*lines, *(f"| {' | '.join(map(str, row))} |" for row in rows)]
