"""The RFID core's reads: what becomes of one tag at two antennas among any others, and of every number it is given.

Host only; never deployed. Knows the read list and the table of tags seen lately. Must not know a property.

One tag is watched; the others in the table are strangers, of which only matters whose window is over, or over sooner.
All tags are treated alike, so what holds for this one holds for each.
"""

from __future__ import annotations

from typing import Any, ClassVar

from firmware.control.rfid_memory import TAG_COUNT, TIMER_READ_OK, TIMER_TAG
from firmware.control.rfid_reads import CAPACITY
from firmware.control.rfid_tags import Identifier
from firmware.proofs.lazy_timers import OFF, RUNNING, LazyTimers
from firmware.proofs.rfid_subject import Numbers, RfidSubject
from hil.explore.lazy import Chooser
from protocols.registers import rfid as reg
from protocols.rfid.read_slot import RSSI_NONE, SLOT_SIZE, read_read

MASK = 0x3FFFFFFF
ABSENT = 0  # in the place of a timer: the tag is not in the table
# Where the tag stands at either antenna: of windows that are over the first in the table is given away first.
_PLACES = ((0, 1), (1, 0), (TAG_COUNT - 2, TAG_COUNT - 1), (TAG_COUNT - 1, TAG_COUNT - 2))
_KNOWN_AT = 2  # this stranger stands in the table at any rate
WEAK_DBM, LIMIT_DBM = -70, -60
# What was seen since the last scan, in this order: t the tag at antenna 1, T at antenna 2, k a stranger seen before, a
# to p strangers that are new.
PATTERNS = ("", "t", "T", "tT", "Tt", "k", "a", "at", "ta", "atT", "kt", "abcdefghijklmno", "abcdefghijklmnot",
            "tabcdefghijklmno", "abcdefghijklmnop")  # fmt: skip


class TagTimers(LazyTimers):
    """Windows of strangers: over, or running for a shorter or a longer time than that of the tag."""

    def __init__(self, count: int, chooser: Chooser) -> None:
        super().__init__(count, chooser)
        self.fresh: dict[int, int] = {}
        self.strangers: set[int] = set()
        self.first = TIMER_TAG  # the tag's window at antenna 1

    def advance(self, now_ms: int) -> None:
        """A scan begins; windows of strangers are over or are not, all alike."""
        super().advance(now_ms)
        self._open -= self.strangers
        self.fresh = {}

    def start(self, index: int, duration_ms: int) -> None:
        """The later one starts, the longer it runs."""
        super().start(index, duration_ms)
        self.fresh[index] = 10_000 + len(self.fresh)

    def remaining_ms(self, index: int) -> int:
        """By the order of the windows' ends."""
        if not self.is_running(index):
            return 0
        if index in self.fresh:
            return self.fresh[index]
        if index in self.strangers:
            return 500 if self._chooser.pick("strangers", ("sooner", "later")) == "sooner" else 5000
        return 1000 if (index == self.first) == (self._chooser.pick("first_seen", (1, 2)) == 1) else 1001


ALONE = ("", "t", "T")


def _identifier(mark: int) -> Identifier:
    tag = Identifier()
    tag.take(bytes([mark]) * 12, 0, 12, 0)
    return tag


TAG = _identifier(1)
_STRANGERS = {letter: _identifier(100 + place) for place, letter in enumerate("abcdefghijklmnopk")}
_FILLERS = [_identifier(200 + place) for place in range(TAG_COUNT)]


class Reads(RfidSubject):
    """A state: the tag's windows at both antennas, ABSENT if it is not in the table; reads without a hub; READ_OK.

    BUZZER is timed as READ_OK is. Numbers at the end of the list, a weak signal and what is counted besides are tried one at
    a time, with the patterns of ALONE: they do not depend on which tag it is, nor on each other.
    """

    names = ("orphans",)
    timers = (TIMER_TAG, TIMER_TAG + 1, TIMER_READ_OK)
    settings: ClassVar[Numbers] = {
        reg.SET_DIRECTION_SOURCE: (reg.DIRECTION_SOURCE_NONE, reg.DIRECTION_SOURCE_ANTENNAS),
        reg.SET_MIN_RSSI_DBM: (LIMIT_DBM,), reg.SET_DUPLICATE_MS: (1, 0), reg.SET_READ_OK_MS: (1, 0),
    }  # fmt: skip

    bank: TagTimers
    places: tuple[int, int] = _PLACES[0]

    def connect(self) -> None:
        """The reader is there; the gate says when to read."""
        self.bank = TagTimers(len(self.bank.deadlines), self.chooser)
        for part in (self.core, self.core.dialog, self.core.reads):
            part.timers = self.bank
        self.core.dialog.step = lambda reading: None
        self.core._is_reading = lambda: self.chooser.pick("reading", (1, 0))
        self.slots = bytearray(len(self.core.reads.data))
        self.core.reads.data = self.slots
        self.slots_before = b""
        self.head = 0
        self.counted: dict[str, int] = {}

    def start(self) -> Any:
        """Nothing was seen."""
        return (0, ABSENT, ABSENT, OFF)

    def decisive(self, held: dict[str, int]) -> dict[str, int]:
        """Reads without a hub are none, some, or as many as the list holds."""
        orphans = held["orphans"]
        return {**held, "orphans": orphans if orphans in (0, CAPACITY) else 1}

    def state(self) -> Any:
        """Places in the table are alike, so the tag goes back to its own."""
        found = list(super().state())
        for antenna in (1, 2):
            place = self.core.reads.table.find(TAG, antenna)
            found[len(self.names) + antenna - 1] = self.bank.deadlines[TIMER_TAG + place] if place >= 0 else ABSENT
        return tuple(found)

    def prepare(self) -> None:
        """The table, the number of the newest read, and what was seen."""
        memory, pick = self.memory, self.chooser.pick
        self.core.hub_alive = pick("hub", (1, 0))
        if 0 < memory.orphans < CAPACITY and not self.core.hub_alive:
            memory.orphans = pick("orphans", (1, CAPACITY - 1))
        pattern = pick("seen", PATTERNS)
        memory.read_head = self.head = pick("head", (0, CAPACITY - 1, MASK) if pattern in ALONE else (0,))
        self._fill_table(any(letter not in "tT" for letter in pattern))
        self.slots[:] = bytes(len(self.slots))
        self.slots_before = bytes(self.slots)
        self.counted = {
            name: getattr(memory, name) for name in ("duplicates", "weak_reads", "gated_reads", "reads_lost")
        }
        self._see(pattern)

    def _fill_table(self, are_there_others: bool) -> None:
        table, deadlines = self.core.reads.table, self.bank.deadlines
        table.forget()
        is_running = are_there_others and self.chooser.pick("others", ("run", "over")) == "run"
        window = RUNNING if is_running else OFF
        windows = [deadlines[TIMER_TAG], deadlines[TIMER_TAG + 1]]
        self.places = _PLACES[0]
        if windows != [ABSENT, ABSENT] and self.head == 0:
            self.places = self.chooser.pick("places", _PLACES)
        self.bank.strangers = {TIMER_TAG + place for place in range(TAG_COUNT)}
        for place in range(TAG_COUNT):
            table.put(place, _FILLERS[place], 1)
            deadlines[TIMER_TAG + place] = window
        for antenna, place, own in zip((1, 2), self.places, windows, strict=True):
            if own != ABSENT:
                table.put(place, TAG, antenna)
                deadlines[TIMER_TAG + place] = own
                self.bank.strangers.discard(TIMER_TAG + place)
        self.bank.first = TIMER_TAG + self.places[0]
        table.put(_KNOWN_AT, _STRANGERS["k"], 1)

    def _see(self, pattern: str) -> None:
        sightings = self.link.sightings
        sightings.clear()
        rssi = self.chooser.pick("rssi", (RSSI_NONE, WEAK_DBM, LIMIT_DBM)) if pattern in ALONE else RSSI_NONE
        for letter in pattern:
            tag = TAG if letter in "tT" else _STRANGERS[letter]
            sightings.add(tag, 2 if letter == "T" else 1, rssi)
        if pattern in (*ALONE, PATTERNS[-1]) and rssi == RSSI_NONE and self.head == 0:
            sightings.repeats, sightings.lost = self.chooser.pick("besides", ((0, 0), (2, 0), (0, 3)))

    # What came of it.

    def new_reads(self) -> int:
        """How many numbers were given."""
        return (self.memory.read_head - self.head) & MASK

    def slot(self, number: int) -> tuple[Any, ...]:
        """The read that stands where this number belongs."""
        return read_read(self.slots, ((number - 1) % CAPACITY) * SLOT_SIZE)

    def grown(self, name: str) -> int:
        """How far a counter moved."""
        return int(getattr(self.memory, name) - self.counted[name]) & 0xFFFF

    def reads_of_tag(self, antenna: int) -> int:
        """How often the tag was reported at an antenna in this scan."""
        numbers = [(self.head + 1 + n) & MASK for n in range(self.new_reads())]
        found = [self.slot(number) for number in numbers]
        return sum(each[3] == antenna and each[9] == bytes(TAG.data[:12]) for each in found)

    def was_in_window(self, antenna: int) -> bool:
        """The tag's window at an antenna ran into this scan and did not end with it."""
        running = self.before[f"timer{TIMER_TAG + antenna - 1}"] == RUNNING
        return running and not self.way.get(f"timer{TIMER_TAG + self.places[antenna - 1]}_ends")
