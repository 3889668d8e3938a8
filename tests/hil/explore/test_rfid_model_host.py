"""The RFID reader's searches: what they find in a core with a seeded fault, and whether their parts hide anything."""

from __future__ import annotations

import inspect
import random
import sys
import textwrap
from typing import Any

import pytest

from firmware.control.rfid import Rfid
from firmware.control.rfid_dialog import RfidDialog
from firmware.control.rfid_inputs import RfidInputs
from firmware.control.rfid_links import R200Link
from firmware.control.rfid_reads import CAPACITY, RfidReads
from firmware.proofs import rfid as proof
from firmware.proofs import rfid_frames_subject as frames
from firmware.proofs.lazy_timers import DONE, OFF, RUNNING
from firmware.proofs.rfid_reads_subject import ABSENT
from hil.explore.engine import Report
from hil.explore.explicit import verify_explicit
from hil.explore.lazy import Chooser
from protocols.quality import BAD, GOOD, UNCERTAIN
from protocols.registers import rfid as reg
from tests.firmware.control.rfid_bench import RfidBench

DIALOG, PLAIN_DIALOG, GATE, HEALTH, READS, FRAMES = range(6)


def run(part: int, scans: int, *ids: str) -> Report:
    model = proof.build()[part]
    if ids:
        model.checks = [each for each in model.checks if each.id in ids]
    return verify_explicit(model, lambda text: None, scans)


def seed(monkeypatch: pytest.MonkeyPatch, owner: type, method: str, old: str, new: str) -> None:
    """Change one place in the source of a method of the real core."""
    source = textwrap.dedent(inspect.getsource(getattr(owner, method)))
    assert source.count(old) == 1
    found: dict[str, Any] = {}
    exec(source.replace(old, new), sys.modules[owner.__module__].__dict__, found)
    monkeypatch.setattr(owner, method, found[method])


def test_every_way_is_run_once_and_what_nobody_asks_for_stays_open() -> None:
    chooser = Chooser()
    seen = []

    def scan() -> None:
        if chooser.pick("a", (0, 1)):
            chooser.pick("b", "xyz")

    for way in chooser.ways(scan):
        seen.append(dict(way))
    assert seen == [{"a": 0}, {"a": 1, "b": "x"}, {"a": 1, "b": "y"}, {"a": 1, "b": "z"}]


ASKS = "self.timers.start(TIMER_ANSWER, self.settings[reg.SET_ANSWER_TIMEOUT_MS])"
READING = "self.memory.state == reg.STATE_READING"
# Part, property, scans of a shortest way, the change.
FAULTS = (
    (PLAIN_DIALOG, "silence-told", 4, (RfidDialog, "is_lost", ">= MISSED_MAX", "> MISSED_MAX")),
    (PLAIN_DIALOG, "silence-told", 4, (RfidDialog, "listen", "self.memory.junk = 1", "pass")),
    (PLAIN_DIALOG, "set-up-anew", 5, (RfidDialog, "_on_silence", "self.restart()", "pass")),
    (PLAIN_DIALOG, "always-asked", 1, (RfidDialog, "_ask", ASKS, "pass")),
    (PLAIN_DIALOG, "refusal-told", 1, (RfidDialog, "step", "memory.latched |= _REFUSED", "pass")),
    (PLAIN_DIALOG, "trigger-means-reading", 1, (Rfid, "_write_outputs", READING, "self.memory.was_reading")),
    (GATE, "stop-holds", 1, (Rfid, "_is_reading", "if self.memory.stopped:", "if False:")),
    (GATE, "vehicle-is-read", 1, (Rfid, "_is_reading", " or self.memory.vehicle", "")),
    (GATE, "reading-has-a-cause", 1, (Rfid, "_is_reading", "self.settings[reg.SET_GATE] == reg.GATE_ALWAYS", "True")),
    (GATE, "local-refuses", 1, (Rfid, "_carry_out", "if self.sensed.values[reg.IN_LOCAL_MODE]:", "if False:")),
    (HEALTH, "bad-input-is-told", 1, (Rfid, "_set_faults", "if self.sensed.bad:", "if False:")),
    (HEALTH, "found-now-stays", 1, (Rfid, "_set_faults", "faults = memory.latched", "faults = 0")),
    (HEALTH, "noise-is-told", 1, (Rfid, "_watch_noise", "        memory.noisy = 1\n", "        pass\n")),
    (HEALTH, "normal-means-well", 1, (Rfid, "_judge_health", "elif local or self.memory.stopped:", "elif local:")),
    (HEALTH, "failure-means-failure", 1, (Rfid, "_set_faults", "if memory.antenna_fault:", "if False:")),
)  # fmt: skip


@pytest.mark.parametrize(("part", "name", "scans", "change"), FAULTS)
def test_a_seeded_fault_is_found_by_a_shortest_way(
    monkeypatch: pytest.MonkeyPatch, part: int, name: str, scans: int, change: tuple[type, str, str, str]
) -> None:
    seed(monkeypatch, *change)
    report = run(part, scans, name)
    assert [each["scans"] for each in report.violations if each["id"] == name] == [scans]


NOTHING = (0, ABSENT, ABSENT, OFF)
IN_WINDOW = (0, RUNNING, ABSENT, OFF)
FULL = (CAPACITY, ABSENT, ABSENT, OFF)
KNOWN = "known = place >= 0 and self.timers.is_running(TIMER_TAG + place)"
RENEWS = "self.timers.start(TIMER_TAG + place, self.settings[reg.SET_DUPLICATE_MS])"
COUNTS = "memory.duplicates = (memory"
LIGHTS = "self.timers.start(TIMER_READ_OK, 9)\n        "
READ_FAULTS = (
    ("numbered-once", NOTHING, ("_report", "(memory.read_head - 1) % CAPACITY", "memory.read_head % CAPACITY")),
    ("counted-once", NOTHING, ("step", " + sightings.repeats", "")),
    ("gated", NOTHING, ("_judge", "if not reading:", "if False:")),
    ("duplicates-suppressed", IN_WINDOW, ("_is_repetition", KNOWN, "known = False")),
    ("reported-beyond", (0, DONE, ABSENT, OFF), ("_is_repetition", KNOWN, "known = place >= 0")),
    ("window-kept", IN_WINDOW, ("_free_place", "best = 0\n", "return 0\n")),
    ("window-renews", NOTHING, ("_is_repetition", RENEWS, "pass")),
    ("loss-counted", FULL, ("_note_orphan", "self._lose(1)", "pass")),
    ("loss-counted", FULL, ("_note_orphan", "self.memory.orphans < CAPACITY", "self.memory.orphans <= CAPACITY")),
    ("loss-counted", NOTHING, ("_lose", "self.memory.latched |= _LOST", "pass")),
    ("direction-seen", (0, DONE, ABSENT, OFF), ("_direction", "self.timers.is_running(TIMER_TAG + before)", "True")),
("read-ok-means-a-read", IN_WINDOW, ("_judge", COUNTS, LIGHTS + COUNTS)),
)  # fmt: skip


def refuted(state: Any) -> set[str]:
    """Properties of the reads that a scan from this state breaks."""
    model = proof.build()[READS]
    subject: Any = model.make()
    found: set[str] = set()
    for _ in subject.scans(state):
        found |= {check.id for check in model.checks if check.id not in found and not check.holds(subject)}
    return found


@pytest.mark.parametrize("state", [NOTHING, IN_WINDOW, FULL])
def test_a_right_core_breaks_no_property_of_the_reads(state: Any) -> None:
    assert refuted(state) == set()


@pytest.mark.parametrize(("name", "state", "change"), READ_FAULTS)
def test_a_fault_seeded_into_the_reads_is_found(
    monkeypatch: pytest.MonkeyPatch, name: str, state: Any, change: tuple[str, str, str]
) -> None:
    seed(monkeypatch, RfidReads, *change)
    assert name in refuted(state)


def test_a_tag_whose_own_checksum_is_wrong_is_found_if_it_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two wrong bits may leave the frame's sum right."""
    monkeypatch.setattr(frames, "damages", lambda: (each for each in some if each.protocol == "r200"))
    some = [frames.Damage("r200", (8 * 9, 8 * 10)), frames.Damage("r200", (8 * 9 + 3, 8 * 10 + 3))]
    assert run(FRAMES, 1).violations == []
    seed(monkeypatch, R200Link, "_on_notification", "if not r200.is_tag_crc_right(window):", "if False:")
    found = [each["id"] for each in run(FRAMES, 1).violations]
    assert found == ["damage-never-read"]


# The parts against the whole core: each scan of a real one, seen by a part, is one of that part's search.


class Part:
    """One part, and what its search finds a scan after a state; an ended timer counts as one that may end."""

    def __init__(self, part: int) -> None:
        self.subject: Any = proof.build()[part].make()
        self.known: dict[Any, set[Any]] = {}
        self.size = len(self.subject.names) + len(self.subject.timers)

    def seen(self, core: Any) -> Any:
        held = self.subject.decisive(vars(core.memory))
        timers = tuple(OFF if core.timers.deadlines[n] == OFF else RUNNING for n in self.subject.timers)
        return tuple(held[name] for name in self.subject.names) + timers

    def followers(self, state: Any) -> set[Any]:
        if state not in self.known:
            whole = state + (0,) * len(self.subject.witnesses)
            self.known[state] = {self.merged(after) for _, after in self.subject.scans(whole)}
        return self.known[state]

    def merged(self, state: Any) -> Any:
        first = len(self.subject.names)
        return state[:first] + tuple(RUNNING if each == DONE else each for each in state[first : self.size])


def happen(bench: RfidBench, chance: random.Random) -> None:
    """One of the things that happen to a reader."""
    core, reader = bench.core, bench.reader
    kind = chance.randrange(8)
    if kind == 0:
        index = chance.choice((reg.IN_PRESENCE_1, reg.IN_PRESENCE_2, reg.IN_LOCAL_MODE, reg.IN_LOCAL_READ))
        core.inputs[index] ^= 1
    elif kind == 1:
        core.quality[chance.randrange(reg.IN_COUNT)] = chance.choice((GOOD, GOOD, UNCERTAIN, BAD))
    elif kind == 2:
        core.request_opcode = chance.choice((reg.OP_START, reg.OP_STOP, reg.OP_TRIGGER, reg.OP_RESTART_READER))
    elif kind == 3:
        reader.is_silent = chance.random() < 0.5
    elif kind == 4:
        reader.talks_garbage = chance.random() < 0.5
    elif kind == 5:
        reader.breaks_frames = chance.random() < 0.3
    elif kind == 6:
        bench.settings[reg.SET_GATE] = chance.randrange(2)
        bench.settings[reg.SET_POLL_MODE] = chance.randrange(2)
    else:
        bench.settings[reg.SET_READER_REGION] = chance.choice((0, 1, 4))
        bench.settings[reg.SET_READER_POWER_DBM_X100] = chance.choice((0, 2000))


def follow_a_walk(number: int, scans: int, parts: list[Part]) -> list[set[Any]]:
    chance = random.Random(number)
    bench = RfidBench()
    bench.field.add(bytes(range(12)))
    met: list[set[Any]] = [set() for _ in parts]
    for _ in range(scans):
        if chance.random() < 0.02:
            happen(bench, chance)
        before = [part.seen(bench.core) for part in parts]
        bench.run(10)
        for place, part in enumerate(parts):
            after = part.seen(bench.core)
            met[place].add(after)
            assert after in part.followers(before[place]), (part.subject.names, before[place], after)
    return met


def test_each_scan_of_a_real_core_is_one_of_each_part() -> None:
    met = follow_a_walk(1, 6000, [Part(DIALOG), Part(GATE)])
    assert [len(each) > size for each, size in zip(met, (30, 6), strict=True)] == [True, True]


def test_inputs_give_no_more_than_the_flags_of_the_search() -> None:
    """A bad or uncertain presence input is a vehicle, and tells no side."""
    for quality in (UNCERTAIN, BAD):
        judged = RfidInputs()
        qualities = [GOOD] * reg.IN_COUNT
        qualities[reg.IN_PRESENCE_2] = quality
        judged.read([0] * reg.IN_COUNT, qualities, False)
        assert (judged.vehicle, judged.side) == (1, reg.DIRECTION_UNKNOWN)
        assert (judged.bad, judged.uncertain) == (quality == BAD, quality == UNCERTAIN)


@pytest.mark.long
def test_everything_reachable_has_every_property_and_holds_every_state_of_real_walks() -> None:
    for part, model in enumerate(proof.build()):
        report = verify_explicit(model, lambda text: None)
        assert report.complete
        assert [each["id"] for each in report.properties if each["holds"] is not True] == [], part
    parts = [Part(DIALOG), Part(GATE)]
    for number in range(2, 20):
        follow_a_walk(number, 6000, parts)
