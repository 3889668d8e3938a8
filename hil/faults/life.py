"""A short life of each role that stores everything the role can store, and what must be true of the device after it.

Knows: deeds of a hub and a person at the device, and the promises of the store: what was acknowledged is there, what
was under way is there as a whole or not at all. Must not know: what is made to fail, and how the firmware is run.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from hil.faults.stand import Stand
from hil.rig.plants import PLANTS, USUAL_PLANT
from hil.targets.target import Device, Provision
from protocols.registers import charging_post

SECOND_US = 1_000_000
ACCEPTED = 1  # COMMAND_RESULT_ACCEPTED, the same in every role
# The outputs of each role that move something or make it live.
MOVES: Mapping[str, tuple[str, ...]] = {
    "barrier": ("MOTOR_OPEN", "MOTOR_CLOSE"),
    "charging_post": ("CONTACTOR", "PRECHARGE", "MODULE_ENABLE", "ARM_EXTEND", "ARM_RETRACT"),
    "rfid": (),
    "weighbridge": (),
}
_KEY = bytes(range(32))
_INPUTS: Mapping[str, Mapping[str, int]] = {
    "barrier": {"STOP_CHAIN_OK": 1, "DRIVE_OK": 1},
    "weighbridge": {"FRONT_CLEAR": 1, "REAR_CLEAR": 1, "SEAL_CLOSED": 1},
    "rfid": {"SEAL_CLOSED": 1, "SEAL_BATTERY_OK": 1},
    "charging_post": {"STOP_CHAIN_OK": 1, "STOP_BUTTON_OK": 1, "PANEL_CLOSED": 1},
}
# A setting of each role that changes nothing a short life would notice.
_SETTING = {
    "barrier": "reverse_pause_ms",
    "weighbridge": "limit_single_kg",
    "rfid": "beep_ms",
    "charging_post": "charge_time_max_s",
}
EMPTY_COUNTS, EMPTY_SPREAD = 100_000, 300  # what the converter gives for an empty deck, and its noise
_TRUCK_KG = 20_000
_CHARGE_BEGINS_S = 40  # at the latest, or the post has told why not
_MODULE_MISSED_S = 45  # the arm goes out and its contacts settle, then the module is waited for (imd_test_ms)
_KEPT_AFTER_S = 4_000  # the barrier keeps its counters every hour


@dataclass(slots=True)
class Facts:
    """What the device has acknowledged, and what it may or may not have done since it was last heard.

    `settings`: each value acknowledged, `is_set` once there is one that is no default; `offered`: a setting and the
    value that is under way. `records`: the weights registered, by number, each with id and gross in 0.1 kg;
    `registering`: one that is under way. `calibration`: zero and seal count as acknowledged, `calibrating` while others
    are under way. `openings`: each count since the last one that is known to be kept, `is_kept` once there is one.
    """

    settings: dict[str, int] = field(default_factory=dict)
    is_set: bool = False
    offered: dict[str, int] = field(default_factory=dict)
    records: list[tuple[int, int]] = field(default_factory=list)
    registering: tuple[int, int] | None = None
    calibration: tuple[int, int] | None = None
    calibrating: bool = False
    openings: list[int] = field(default_factory=lambda: [0])
    is_kept: bool = False
    refused: list[str] = field(default_factory=list)


def provision_of(role: str, site_key: bytes = b"") -> Provision:
    return Provision(role, serial=1001, unit_id=1, baud=115_200, key=_KEY, site_key=site_key)


def stand_for(device: Device, role: str) -> Stand:
    """A device of `role` on its stand, in a healthy, idle field."""
    return Stand(device, provision_of(role), PLANTS[USUAL_PLANT[role]](random.Random(1), ""), _INPUTS[role])


def live(stand: Stand, role: str, facts: Facts, trucks: int = 2, *, skips: bool = True) -> None:
    """Live; raises SilentError and TargetError. `facts` are true at every instant.

    With `skips` an hour passes at the end that a device with a clock of its own would have to live through.
    """
    stand.run(2 * SECOND_US)
    for value in (150, 250):
        change(stand, facts, _SETTING[role], value + (1000 if role == "weighbridge" else 0))
    _LIVES[role](stand, facts, trucks)
    if role == "barrier" and skips:
        _keep_counters(stand, facts)


def change(stand: Stand, facts: Facts, name: str, value: int) -> None:
    """Set a setting and remember what was said to it."""
    facts.settings.setdefault(name, stand.point(name))
    facts.offered = {name: value}
    result = stand.change(name, value)
    if result == ACCEPTED:
        facts.settings[name] = value
        facts.is_set = True
    else:
        facts.refused.append(f"SET {name}")
    facts.offered = {}


def use_line(stand: Stand, role: str) -> None:
    """Have the role need its instrument once more, for as long as it may take to miss it.

    A post at rest has its power module off and cannot know whether it would hear. A reader is asked all the time.
    """
    if role == "charging_post":
        stand.command("START")
        stand.run(_MODULE_MISSED_S * SECOND_US)


def _order(stand: Stand, facts: Facts, opcode: str, argument: int = 0) -> bool:
    is_accepted = stand.command(opcode, 0, argument) == ACCEPTED
    if not is_accepted:
        facts.refused.append(opcode)
    return is_accepted


def _live_as_barrier(stand: Stand, facts: Facts, trucks: int) -> None:
    """Opens, is told to close onto a truck, and closes behind it."""
    assert stand.plant is not None
    _order(stand, facts, "OPEN")
    stand.run(5 * SECOND_US)
    for is_there in (1, 0):
        for knob in ("blocked", "over_loop", "body_under"):
            stand.plant.turn(knob, is_there)
        stand.run(3 * SECOND_US)
        if is_there:
            stand.command("CLOSE")
            stand.run(SECOND_US)
    _order(stand, facts, "CLOSE")
    stand.run(7 * SECOND_US)
    facts.openings.append(stand.point("openings"))


def _keep_counters(stand: Stand, facts: Facts) -> None:
    """Live on until they are due."""
    stand.skip(_KEPT_AFTER_S)
    stand.run(10 * SECOND_US)
    if stand.point("counters_stored_s") >= _KEPT_AFTER_S:
        facts.openings, facts.is_kept = facts.openings[-1:], True


def _live_as_weighbridge(stand: Stand, facts: Facts, trucks: int) -> None:
    """Weighs trucks one after another, and is calibrated."""
    assert stand.plant is not None
    facts.calibration = stand.point("zero_counts"), stand.point("calibration_count")
    for number in range(1, trucks + 1):
        stand.plant.turn("load_kg", _TRUCK_KG + 100 * number)
        stand.run(3 * SECOND_US)
        facts.registering = (number, (_TRUCK_KG + 100 * number) * 10)
        if _order(stand, facts, "REGISTER", number):
            facts.records.append(facts.registering)
        facts.registering = None
        stand.plant.turn("load_kg", 0)
        stand.run(3 * SECOND_US)
    _calibrate(stand, facts)


def _calibrate(stand: Stand, facts: Facts) -> None:
    """Take the empty deck for zero, as a person with the key does."""
    stand.set_input("LOCAL_MODE", 1)
    stand.run(2 * SECOND_US)
    facts.calibrating = True
    _order(stand, facts, "CALIBRATE_ZERO")
    facts.calibration = stand.point("zero_counts"), stand.point("calibration_count")
    facts.calibrating = False
    stand.set_input("LOCAL_MODE", 0)


def _live_as_reader(stand: Stand, facts: Facts, trucks: int) -> None:
    """Reads a tag."""
    assert stand.plant is not None
    stand.plant.turn("tag", 1)
    stand.run(2 * SECOND_US)


def _live_as_post(stand: Stand, facts: Facts, trucks: int) -> None:
    """Charges a vehicle for some seconds."""
    assert stand.plant is not None
    stand.plant.turn("vehicle", 1)
    stand.run(SECOND_US)
    _order(stand, facts, "START")
    for _ in range(_CHARGE_BEGINS_S):
        stand.run(SECOND_US)
        if stand.point("state") >= charging_post.STATE_CC:
            break
    stand.run(2 * SECOND_US)
    _order(stand, facts, "RELEASE")
    stand.run(8 * SECOND_US)


_LIVES: Mapping[str, Callable[[Stand, Facts, int], None]] = {
    "barrier": _live_as_barrier,
    "weighbridge": _live_as_weighbridge,
    "rfid": _live_as_reader,
    "charging_post": _live_as_post,
}
