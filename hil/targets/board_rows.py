"""Plants as tables for a rig board: what the simulated boom, curtain, edge and loop do, as rows the board runs itself.

Knows: the parameters of the plants and the rows of the rig's protocol. Must not know: terminals of a board, ports.
Numbers come from the plant's own objects, so that a changed plant changes its rows; what rows cannot do is named in
`LEFT_OUT`, and a scenario that needs it is blocked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from edge.words import later
from protocols.rig.messages import AXIS_ONE, AXIS_STEP_US
from sim_devices.plants.boom import Boom
from sim_devices.sensors.curtain import LightCurtain
from sim_devices.sensors.edge import SafetyEdge
from sim_devices.sensors.loop import InductionLoop
from sim_devices.sensors.switch import LimitSwitch, closed_limit, open_limit

# What rows cannot do of the boom, each with the reason.
LEFT_OUT = {
    "body_under": later("the rig board's boom has no body to meet; set EDGE_OK instead"),
    "curtain test_ignored": later("a row of the rig board cannot cease to answer"),
    "edge test_ignored": later("a row of the rig board cannot cease to answer"),
    "safety_loop test_ignored": later("a row of the rig board cannot cease to answer"),
    "open_limit late": later("a switch of the rig board does not move its cam"),
    "closed_limit late": later("a switch of the rig board does not move its cam"),
    "drive slow": later("the rig board's boom has one speed"),
    "drive welded_open": later("the rig board's boom has no contactors that weld"),
    "drive welded_close": later("the rig board's boom has no contactors that weld"),
}
# Plants that have no rows at all.
NO_ROWS = {
    "load_cell": later("the rig card has no output that speaks as a load-cell converter"),
    "indicator": later("the rig board does not speak on the instrument's line"),
    "reader": later("the rig board does not speak on the instrument's line"),
    "charging": later("the rig board does not speak on the power module's line"),
}
# Faults as levels: inputs (`in.NAME`) held against their rows, knobs (`knob.NAME`) turned.
FAULTS: Mapping[str, Mapping[str, int]] = {
    "curtain blinded": {"in.CURTAIN_CLEAR": 0},
    "curtain dazzled": {"in.CURTAIN_CLEAR": 1},
    "edge silent": {"in.EDGE_OK": 1},
    "edge open": {"in.EDGE_OK": 0},
    "safety_loop stuck": {"in.SAFETY_LOOP": 1},
    "safety_loop silent": {"in.SAFETY_LOOP": 0},
    "safety_loop open": {"in.SAFETY_LOOP": 1, "in.LOOPS_OK": 0},
    "entry_loop stuck": {"in.ENTRY_LOOP": 1},
    "entry_loop silent": {"in.ENTRY_LOOP": 0},
    "entry_loop open": {"in.ENTRY_LOOP": 1, "in.LOOPS_OK": 0},
    "open_limit stuck_on": {"in.LIMIT_OPEN": 1},
    "open_limit stuck_off": {"in.LIMIT_OPEN": 0},
    "closed_limit stuck_on": {"in.LIMIT_CLOSED": 1},
    "closed_limit stuck_off": {"in.LIMIT_CLOSED": 0},
    "mains lost": {"in.MAINS_OK": 0, "knob.drive": 0},
    "drive dead": {"knob.drive": 0},
    "arm broken": {"in.ARM_INTACT": 0},
}
_UNUSED = "unused"  # a knob that stays off, for inputs that nothing moves


@dataclass(frozen=True, slots=True)
class FollowRow:
    """An input that follows outputs (`out.NAME`) and knobs (`knob.NAME`), with its delays."""

    target: str
    sources: tuple[str, ...]
    inverted: bool
    on_us: int = 0
    off_us: int = 0


@dataclass(frozen=True, slots=True)
class AxisRow:
    """What travels: its relays, what it needs to move, start, top speed, ramp and brake in parts of AXIS_ONE."""

    plus: str
    minus: str
    enable: str
    start: int
    top: int
    ramp: int
    brake: int


@dataclass(frozen=True, slots=True)
class LimitRow:
    target: str
    on_at: int
    off_at: int


@dataclass(frozen=True, slots=True)
class Rows:
    """All rows of a plant, its knobs in the order of their channels, and those that are on at the start."""

    follows: tuple[FollowRow, ...] = ()
    axis: AxisRow | None = None
    limits: tuple[LimitRow, ...] = ()
    knobs: tuple[str, ...] = ()
    on: frozenset[str] = field(default_factory=frozenset)

    @property
    def targets(self) -> frozenset[str]:
        """The inputs that rows move."""
        return frozenset([*(row.target for row in self.follows), *(row.target for row in self.limits)])


def rows_of(plant: str) -> Rows:
    """The rows of a plant; of no plant, none."""
    return _boom_rows() if plant == "boom" else Rows()


def boom_axis(boom: Boom) -> tuple[int, int, int, int]:
    """Start, top speed, ramp and brake of a boom as an axis has them."""
    step_s = AXIS_STEP_US / 1e6
    return (
        round(boom.position * AXIS_ONE),
        round(boom.top_speed * step_s * AXIS_ONE),
        round(boom.ramp * step_s * step_s * AXIS_ONE),
        round(boom.brake * step_s * step_s * AXIS_ONE),
    )


def limit_rows() -> tuple[LimitRow, ...]:
    """The two limit switches of a boom."""
    return _limit("LIMIT_OPEN", open_limit()), _limit("LIMIT_CLOSED", closed_limit())


def _limit(name: str, switch: LimitSwitch) -> LimitRow:
    return LimitRow(name, round(switch.on_at * AXIS_ONE), round(switch.off_at * AXIS_ONE))


def _boom_rows() -> Rows:
    curtain_us, edge_us = (round(sensor.response_s * 1e6) for sensor in (LightCurtain(), SafetyEdge()))
    loop = InductionLoop()
    loop_us = round(loop.pick_up_s * 1e6), round(loop.drop_out_s * 1e6)
    return Rows(
        follows=(
            FollowRow("CURTAIN_CLEAR", ("out.CURTAIN_TEST", "knob.blocked"), True, curtain_us, curtain_us),
            FollowRow("EDGE_OK", ("out.EDGE_TEST",), True, edge_us, edge_us),
            FollowRow("SAFETY_LOOP", ("out.LOOP_TEST", "knob.over_loop"), False, *loop_us),
            FollowRow("ENTRY_LOOP", ("knob.over_entry_loop",), False, *loop_us),
            *(FollowRow(name, (f"knob.{_UNUSED}",), True) for name in ("LOOPS_OK", "ARM_INTACT", "MAINS_OK")),
        ),
        axis=AxisRow("out.MOTOR_OPEN", "out.MOTOR_CLOSE", "knob.drive", *boom_axis(Boom())),
        limits=limit_rows(),
        knobs=("blocked", "over_loop", "over_entry_loop", "drive", _UNUSED),
        on=frozenset({"drive"}),
    )
