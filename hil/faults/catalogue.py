"""Every fault a scenario can bring about, by the part that has it.

Knows: names, kinds, ranges, and what each means in a sentence. Must not know: how a fault is brought about; that is
for the plants, the line and the rig. A test lets every one of them happen.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from hil.faults.spec import FaultSpec

_LINE = ("bus_faults",)
BUS = (
    FaultSpec("bus", "The line is cut, or a transceiver holds it at 0.", ("cut", "stuck"), needs=("bus_cut", *_LINE)),
    FaultSpec("bus_noise", "So many characters arrive with a wrong bit.", (), 1, 1000, "permille", _LINE),
    FaultSpec("bus_loss", "So many frames go nowhere, as past a dead driver.", (), 1, 1000, "permille", _LINE),
    FaultSpec("bus_delay", "Every frame starts so much later, as through a radio.", (), 1, 2000, "ms", _LINE),
)
_NODE_NEEDS = ("watchdog", "watchdog", "power_cut", "power_cut")
NODE = FaultSpec(
    "node",
    "hang: the program stops until the watchdog resets the board; reset: the watchdog resets it now; power_cut: no "
    "supply until it is repaired; brown_out: the supply dips and the board starts anew.",
    ("hang", "reset", "power_cut", "brown_out"),
    needs=_NODE_NEEDS,
)
_BARRIER = (
    FaultSpec(
        "curtain",
        "test_ignored: it does not answer its test; blinded: dirty, dark for ever; dazzled: foreign light, clear for "
        "ever.",
        ("test_ignored", "blinded", "dazzled"),
    ),
    FaultSpec(
        "edge",
        "test_ignored: it does not answer its test; silent: it reports neither press nor test; open: its wire is "
        "broken, pressed for ever.",
        ("test_ignored", "silent", "open"),
    ),
    FaultSpec(
        "safety_loop",
        "stuck: occupied for ever; silent: it never sees anything; open: its wire is broken, and its detector says so; "
        "test_ignored: it does not answer its test.",
        ("stuck", "silent", "open", "test_ignored"),
    ),
    FaultSpec(
        "entry_loop",
        "stuck: occupied for ever; silent: it never sees anything; open: its wire is broken, and its detector says so.",
        ("stuck", "silent", "open"),
    ),
    FaultSpec(
        "open_limit",
        "stuck_on: welded; stuck_off: its wire is broken; late: its cam slips, it closes at the end stop only.",
        ("stuck_on", "stuck_off", "late"),
    ),
    FaultSpec(
        "closed_limit",
        "stuck_on: welded; stuck_off: its wire is broken; late: its cam slips, it closes at the end stop only.",
        ("stuck_on", "stuck_off", "late"),
    ),
    FaultSpec(
        "drive",
        "dead: it does not move; slow: its clutch slips; welded_open, welded_close: the contactor of this direction "
        "stays in.",
        ("dead", "slow", "welded_open", "welded_close"),
    ),
    FaultSpec("mains", "The drive has no mains.", ("lost",)),
    FaultSpec("arm", "The arm is broken off.", ("broken",)),
)
_LOAD_CELL = (
    FaultSpec(
        "load_cell",
        "stuck: the same value for ever; broken_wire: at the upper rail; saturated: at the lower rail, its wires are "
        "swapped; silent: no more conversions.",
        ("stuck", "broken_wire", "saturated", "silent"),
    ),
    FaultSpec("load_cell_drift", "Its zero runs away.", low=-3000, high=3000, unit="kg/min"),
    FaultSpec("load_cell_noise", "So much noise on every conversion (standard deviation).", (), 1, 2000, "kg"),
    FaultSpec("load_cell_creep", "It keeps this part of a load that rests on it.", (), -50, 50, "permille"),
)
_INDICATOR = (
    FaultSpec(
        "indicator",
        "silent: nothing any more; garbage: random bytes; stuck: the same frame for ever; wrong_checksum; noise: 2 % "
        "of the bytes are wrong; overload, unit, net: it shows its overload sign, pounds, a net weight, where its "
        "protocol has a sign for it.",
        ("silent", "garbage", "stuck", "wrong_checksum", "noise", "overload", "unit", "net"),
    ),
)
_READER = (
    FaultSpec(
        "reader",
        "silent: it answers nothing; garbage: every answer is noise; breaks_frames: wrong checksum; cuts_frames: the "
        "second half is missing.",
        ("silent", "garbage", "breaks_frames", "cuts_frames"),
    ),
    FaultSpec("reader_repeats", "Every answer comes so many times more.", low=1, high=50, unit="times"),
    FaultSpec("reader_delay", "Its answers come so much later.", low=1, high=5000, unit="ms"),
    FaultSpec("ghost_tags", "It reports so many tags that nobody has.", low=1, high=20, unit="tags"),
)
_CHARGING = (
    FaultSpec(
        "contactor",
        "welded: once closed it does not open; jammed: it does not move; aux_stuck: its auxiliary contact stays as it "
        "is.",
        ("welded", "jammed", "aux_stuck"),
    ),
    FaultSpec("precharge", "welded: once closed it does not open; jammed: it does not move.", ("welded", "jammed")),
    FaultSpec("insulation", "The monitor reports an earth fault.", ("low",)),
    FaultSpec("insulation_monitor", "It does not answer its test.", ("test_ignored",)),
    FaultSpec("charging_arm", "It does not move.", ("stuck",)),
    FaultSpec("contacts", "The vehicle stands where they do not press.", ("misplaced",)),
    FaultSpec(
        "vehicle_link",
        "silent: the vehicle sends nothing; disobedient: its contactor stays as it is; fault: it reports a fault.",
        ("silent", "disobedient", "fault"),
    ),
    FaultSpec("vehicle_voltage", "The vehicle's measurement is off by so much.", low=-30, high=30, unit="V"),
    FaultSpec(
        "module",
        "silent: no status; deaf: it takes no setpoint; breaks_frames: wrong checksum; garbage: every byte is wrong; "
        "no_current: its output is dead and it does not say so; fault: it stops and says so; runs_away: it keeps its "
        "current whatever it is told.",
        ("silent", "deaf", "breaks_frames", "garbage", "no_current", "fault", "runs_away"),
    ),
    FaultSpec("stray_metal", "Metal lies on the plates where a vehicle's contacts should be.", ("present",)),
    FaultSpec("post_heat", "The post's sensor reads so much above what the charge heats.", (), -100, 200, "°C"),
    FaultSpec("plate_heat", "The plates' sensor reads so much above what the charge heats.", (), -100, 200, "°C"),
)
_OF_PLANT = {
    "boom": _BARRIER,
    "load_cell": _LOAD_CELL,
    "indicator": _INDICATOR,
    "reader": _READER,
    "charging": _CHARGING,
}
LANE = "lane"
_LANE_NODES = tuple(
    FaultSpec(f"{role}_node", NODE.sentence, NODE.kinds, needs=NODE.needs) for role in ("barrier", "weighbridge")
)


def faults_of(role: str, plant: str) -> dict[str, FaultSpec]:
    """The faults of a bench with a device of `role` in `plant` ("" for none), or of a lane (role LANE), by name."""
    if role == LANE:
        return _by_name((*BUS, *_LANE_NODES, *_BARRIER, *_LOAD_CELL))
    return _by_name((*BUS, NODE, *_OF_PLANT.get(plant, ())))


@cache
def fault_named(name: str) -> FaultSpec | None:
    """The fault of that name, whatever it is a fault of; a name stands for one fault everywhere."""
    every = (*BUS, NODE, *_LANE_NODES, *(spec for specs in _OF_PLANT.values() for spec in specs))
    return _by_name(every).get(name)


def _by_name(specs: Iterable[FaultSpec]) -> dict[str, FaultSpec]:
    return {spec.name: spec for spec in specs}
