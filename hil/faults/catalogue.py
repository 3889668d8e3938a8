"""Every fault a scenario can bring about, by the part that has it.

Knows: names, kinds, ranges, and what each means in a sentence. Must not know: how a fault is brought about; that is
for the plants, the line and the rig. A test lets every one of them happen.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from edge.words import later
from hil.faults.spec import FaultSpec

_LINE = ("bus_faults",)
BUS = (
    FaultSpec(
        "bus", later("The line is cut, or a transceiver holds it at 0."), ("cut", "stuck"), needs=("bus_cut", *_LINE)
    ),
    FaultSpec("bus_noise", later("So many characters arrive with a wrong bit."), (), 1, 1000, "permille", _LINE),
    FaultSpec("bus_loss", later("So many frames go nowhere, as past a dead driver."), (), 1, 1000, "permille", _LINE),
    FaultSpec("bus_delay", later("Every frame starts so much later, as through a radio."), (), 1, 2000, "ms", _LINE),
)
_NODE_NEEDS = ("watchdog", "watchdog", "power_cut", "power_cut")
NODE = FaultSpec(
    "node",
    later(
        "hang: the program stops until the watchdog resets the board; reset: the watchdog resets it now; power_cut: "
        "no supply until it is repaired; brown_out: the supply dips and the board starts anew."
    ),
    ("hang", "reset", "power_cut", "brown_out"),
    needs=_NODE_NEEDS,
)
_BARRIER = (
    FaultSpec(
        "curtain",
        later(
            "test_ignored: it does not answer its test; blinded: dirty, dark for ever; dazzled: foreign light, clear "
            "for ever."
        ),
        ("test_ignored", "blinded", "dazzled"),
    ),
    FaultSpec(
        "edge",
        later(
            "test_ignored: it does not answer its test; silent: it reports neither press nor test; open: its wire is "
            "broken, pressed for ever."
        ),
        ("test_ignored", "silent", "open"),
    ),
    FaultSpec(
        "safety_loop",
        later(
            "stuck: occupied for ever; silent: it never sees anything; open: its wire is broken, and its detector "
            "says so; test_ignored: it does not answer its test."
        ),
        ("stuck", "silent", "open", "test_ignored"),
    ),
    FaultSpec(
        "entry_loop",
        later(
            "stuck: occupied for ever; silent: it never sees anything; open: its wire is broken, and its detector "
            "says so."
        ),
        ("stuck", "silent", "open"),
    ),
    FaultSpec(
        "open_limit",
        later("stuck_on: welded; stuck_off: its wire is broken; late: its cam slips, it closes at the end stop only."),
        ("stuck_on", "stuck_off", "late"),
    ),
    FaultSpec(
        "closed_limit",
        later("stuck_on: welded; stuck_off: its wire is broken; late: its cam slips, it closes at the end stop only."),
        ("stuck_on", "stuck_off", "late"),
    ),
    FaultSpec(
        "drive",
        later(
            "dead: it does not move; slow: its clutch slips; welded_open, welded_close: the contactor of this "
            "direction stays in."
        ),
        ("dead", "slow", "welded_open", "welded_close"),
    ),
    FaultSpec("mains", later("The drive has no mains."), ("lost",)),
    FaultSpec("arm", later("The arm is broken off."), ("broken",)),
)
_LOAD_CELL = (
    FaultSpec(
        "load_cell",
        later(
            "stuck: the same value for ever; broken_wire: at the upper rail; saturated: at the lower rail, its wires "
            "are swapped; silent: no more conversions."
        ),
        ("stuck", "broken_wire", "saturated", "silent"),
    ),
    FaultSpec("load_cell_drift", later("Its zero runs away."), low=-3000, high=3000, unit="kg/min"),
    FaultSpec("load_cell_noise", later("So much noise on every conversion (standard deviation)."), (), 1, 2000, "kg"),
    FaultSpec("load_cell_creep", later("It keeps this part of a load that rests on it."), (), -50, 50, "permille"),
)
_INDICATOR = (
    FaultSpec(
        "indicator",
        later(
            "silent: nothing any more; garbage: random bytes; stuck: the same frame for ever; wrong_checksum; noise: "
            "2 % of the bytes are wrong; overload, unit, net: it shows its overload sign, pounds, a net weight, where "
            "its protocol has a sign for it."
        ),
        ("silent", "garbage", "stuck", "wrong_checksum", "noise", "overload", "unit", "net"),
    ),
)
_READER = (
    FaultSpec(
        "reader",
        later(
            "silent: it answers nothing; garbage: every answer is noise; breaks_frames: wrong checksum; cuts_frames: "
            "the second half is missing."
        ),
        ("silent", "garbage", "breaks_frames", "cuts_frames"),
    ),
    FaultSpec("reader_repeats", later("Every answer comes so many times more."), low=1, high=50, unit="times"),
    FaultSpec("reader_delay", later("Its answers come so much later."), low=1, high=5000, unit="ms"),
    FaultSpec("ghost_tags", later("It reports so many tags that nobody has."), low=1, high=20, unit="tags"),
)
_CHARGING = (
    FaultSpec(
        "contactor",
        later(
            "welded: once closed it does not open; jammed: it does not move; aux_stuck: its auxiliary contact stays "
            "as it is."
        ),
        ("welded", "jammed", "aux_stuck"),
    ),
    FaultSpec(
        "precharge", later("welded: once closed it does not open; jammed: it does not move."), ("welded", "jammed")
    ),
    FaultSpec("insulation", later("The monitor reports an earth fault."), ("low",)),
    FaultSpec("insulation_monitor", later("It does not answer its test."), ("test_ignored",)),
    FaultSpec("charging_arm", later("It does not move."), ("stuck",)),
    FaultSpec("contacts", later("The vehicle stands where they do not press."), ("misplaced",)),
    FaultSpec(
        "vehicle_link",
        later(
            "silent: the vehicle sends nothing; disobedient: its contactor stays as it is; fault: it reports a fault."
        ),
        ("silent", "disobedient", "fault"),
    ),
    FaultSpec("vehicle_voltage", later("The vehicle's measurement is off by so much."), low=-30, high=30, unit="V"),
    FaultSpec(
        "module",
        later(
            "silent: no status; deaf: it takes no setpoint; breaks_frames: wrong checksum; garbage: every byte is "
            "wrong; no_current: its output is dead and it does not say so; fault: it stops and says so; runs_away: it "
            "keeps its current whatever it is told."
        ),
        ("silent", "deaf", "breaks_frames", "garbage", "no_current", "fault", "runs_away"),
    ),
    FaultSpec("stray_metal", later("Metal lies on the plates where a vehicle's contacts should be."), ("present",)),
    FaultSpec("post_heat", later("The post's sensor reads so much above what the charge heats."), (), -100, 200, "°C"),
    FaultSpec(
        "plate_heat", later("The plates' sensor reads so much above what the charge heats."), (), -100, 200, "°C"
    ),
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
