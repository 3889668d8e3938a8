"""The RFID core part by part: each part's memory is a state, what comes from the other parts is anything.

Host only; never deployed. Knows the core's parts and who writes what for whom. Must not know the search or a property.

The parts meet in few values: the gate decides whether to read (`_is_reading`), the dialogue what the reader answered,
the reads what becomes of a tag, and faults and health look at all of them. Each subject runs the whole step() of the
real core and keeps the memory of one part; what this part asks of another one is decided in every scan (hil/explore/
lazy.py), as are settings, inputs and what came over the line. Parts can do less together than so, never more.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from firmware.control.rfid import NOISE_MAX, Rfid
from firmware.control.rfid_line import RfidLine
from firmware.control.rfid_links import (
    ANSWER_DONE,
    ANSWER_MORE,
    ANSWER_REFUSED,
    NO_NEWS,
    REQUEST_NONE,
)
from firmware.control.rfid_memory import (
    SETUP_DONE,
    SETUP_INFO,
    TIMER_ANSWER,
    TIMER_COUNT,
    TIMER_GATE,
    TIMER_NOISE,
    TIMER_POLL,
    TIMER_TRIGGER,
    RfidMemory,
)
from firmware.control.rfid_tags import Sightings
from firmware.proofs.lazy_timers import DONE, OFF, RUNNING, LazyTimers
from hil.explore.lazy import Chooser, LazyList, Way
from hil.explore.watch import SilentRing
from protocols.registers import rfid as reg
from protocols.rfid import eseal

Numbers = dict[int, tuple[int, ...]]
Flags = dict[str, tuple[Any, ...]]

_BATTERY_LOW = eseal.SEALED | eseal.BATTERY_LOW
BURST = NOISE_MAX  # stretches of garbage in one scan: none, one, or enough to be noisy at once
_LATCHES = (0, 1 << reg.FAULTS_READER_REFUSED)  # READS_LOST is latched and cleared alike


class AnyLink:
    """Stands for the reader's link: frames, answers, garbage as the scan likes; `fixed` has what is not asked here."""

    asks = True

    def __init__(self, chooser: Chooser, news: Flags, has_settings: bool) -> None:
        self._chooser, self._news = chooser, news
        self.has_settings = has_settings
        self.antenna, self.address, self.awaited = 1, 0, REQUEST_NONE
        self.pause_ms = 0
        self.tag_crc_errors = self.partial_rounds = 0
        self.reader_error = NO_NEWS
        self.sightings = Sightings()

    def __getattr__(self, name: str) -> Any:
        news = self.__dict__["_news"]
        if name not in news:
            raise AttributeError(name)
        return self.__dict__["_chooser"].pick(name, news[name])

    @property
    def answers(self) -> int:
        """Only frames answer. An answer and more of it in one scan is an answer."""
        return int(self._chooser.pick("answers", (0, ANSWER_DONE, ANSWER_MORE, ANSWER_REFUSED))) if self.frames else 0

    def is_waiting(self) -> bool:
        """A frame that stopped half-way is judged, as garbage or a frame, in the scan that ends it."""
        return False

    def clear(self) -> None:
        """Taken."""


class AnyLine(RfidLine):
    """`heard` without a frame is garbage."""

    def __init__(self, link: Any, chooser: Chooser) -> None:
        self._chooser = chooser
        super().__init__(link)

    @property
    def heard(self) -> int:  # type: ignore[override]
        """Whether bytes came."""
        return int(self._chooser.pick("heard", (0, 1)))

    @heard.setter
    def heard(self, value: int) -> None:
        """The core has looked."""


class AnySensed:
    """Stands for the judged inputs: flags and values as the scan likes."""

    def __init__(
        self, chooser: Chooser, options: dict[str, tuple[Any, ...]], values: dict[int, tuple[int, ...]]
    ) -> None:
        self._chooser, self._options = chooser, options
        self.values = LazyList(chooser, "in", [values.get(index, (0,)) for index in range(reg.IN_COUNT)])

    def __getattr__(self, name: str) -> Any:
        options = self.__dict__["_options"]
        if name not in options:
            raise AttributeError(name)
        return self.__dict__["_chooser"].pick(name, options[name])

    def read(self, values: list[int], quality: list[int], seal_fitted: bool) -> None:
        """Every input is judged as the scan likes."""


_QUIET: Flags = {
    "vehicle": (0,), "side": (reg.DIRECTION_UNKNOWN,), "seal": (eseal.NOT_FITTED,), "bad": (False,), "uncertain": (False,),
}  # fmt: skip
_NOTHING: Flags = {"frames": (0,), "errors": (0,), "antenna_fault": (NO_NEWS,)}


class RfidSubject:
    """What the parts share. A state is the part's `names` of the memory, its `timers`, and its `witnesses`.

    Witnesses remember what was told, without asking the core; `told` has what they were before the scan.
    """

    names: tuple[str, ...] = ()
    timers: tuple[int, ...] = ()
    witnesses: tuple[str, ...] = ()
    opcodes: tuple[int, ...] = (0,)
    settings: ClassVar[Numbers] = {}
    news: ClassVar[Flags] = {}
    sensed: ClassVar[Flags] = {}
    values: ClassVar[Numbers] = {}

    def __init__(self, has_settings: bool = True) -> None:
        self.chooser = Chooser()
        settings = LazyList(self.chooser, "setting", [self.settings.get(n, (1,)) for n in range(reg.SETTING_COUNT)])
        self.core: Any = Rfid(settings, SilentRing())  # type: ignore[arg-type]
        self.memory = self.core.memory
        self.bank = LazyTimers(TIMER_COUNT, self.chooser)
        link = AnyLink(self.chooser, {**_NOTHING, **self.news}, has_settings)
        line = AnyLine(link, self.chooser)
        sensed = AnySensed(self.chooser, {**_QUIET, **self.sensed}, self.values)
        for part in (self.core, self.core.dialog, self.core.reads):
            part.timers = self.bank
        self.core.sensed = self.core.reads.inputs = sensed
        self.core.line = self.core.dialog.line = line
        self.core.dialog.link = self.link = link
        self.blank = {**vars(RfidMemory()), "setup": SETUP_DONE}
        self.told: dict[str, int] = dict.fromkeys(self.witnesses, 0)
        self.before: dict[str, Any] = {}
        self.opcode = 0
        self.connect()

    def connect(self) -> None:
        """Put what this part asks of the others in the place of their methods."""

    def start(self) -> Any:
        """The state after power-up."""
        memory = vars(RfidMemory())
        first = tuple(memory[name] for name in self.names)
        return first + (OFF,) * len(self.timers) + (0,) * len(self.witnesses)

    def scans(self, state: Any) -> Iterator[tuple[Way, Any]]:
        """Every way through a scan from this state."""
        for way in self.chooser.ways(lambda: self._scan(state)):
            yield way, self.state()

    @property
    def way(self) -> Way:
        """What was decided in this scan."""
        return self.chooser.picked

    def state(self) -> Any:
        """What is remembered now."""
        held = self.decisive(vars(self.memory))
        found = tuple([held[name] for name in self.names])
        found += tuple([self.bank.deadlines[index] for index in self.timers])
        return found + tuple([self.told[name] for name in self.witnesses])

    def decisive(self, held: dict[str, int]) -> dict[str, int]:
        """Numbers only by what is asked of them."""
        return held

    def prepare(self) -> None:
        """Decide what the core cannot ask for by itself."""

    def witness(self) -> None:
        """Remember what was told in this scan."""

    def _scan(self, state: Any) -> None:
        memory, core = self.memory, self.core
        count = len(self.names)
        self.before = dict(zip(self.names, state, strict=False))
        vars(memory).update(self.blank)
        vars(memory).update(self.before)
        self.bank.deadlines[:] = [OFF] * TIMER_COUNT
        for index, value in zip(self.timers, state[count:], strict=False):
            self.bank.deadlines[index] = value
            self.before[f"timer{index}"] = value
        for name, value in zip(self.witnesses, state[count + len(self.timers) :], strict=True):
            self.told[name] = self.before[name] = value
        core.hub_alive = 1
        self.prepare()
        self.opcode = core.request_opcode = self.chooser.pick("opcode", self.opcodes)
        core.step(0)
        self.witness()

    def has_ended(self, timer: int) -> bool:
        """Whether a timer that ran, or had ended already, was over in this scan."""
        return self.before[f"timer{timer}"] == DONE or bool(self.way.get(f"timer{timer}_ends"))


class Dialog(RfidSubject):
    """Questions, answers, silence and garbage. `unanswered` counts questions in a row without an answer, up to three."""

    names = ("setup", "request", "missed", "garbage", "junk", "rounds_run", "was_reading", "region",
             "power_dbm_x100")  # fmt: skip
    timers = (TIMER_ANSWER, TIMER_POLL)
    witnesses = ("unanswered", "noise", "garbled")
    opcodes = (0, reg.OP_RESTART_READER)
    # Region and power: none, one, another one.
    settings: ClassVar[Numbers] = {
        reg.SET_READER_REGION: (0, 1, 2), reg.SET_READER_POWER_DBM_X100: (0, 1, 2), reg.SET_ANTENNA_COUNT: (1, 2),
        reg.SET_POLL_MODE: (reg.POLL_MODE_SINGLE, reg.POLL_MODE_MULTI),
    }  # fmt: skip
    news: ClassVar[Flags] = {"frames": (0, 1)}

    def connect(self) -> None:
        """The gate says when to read."""
        self.core._is_reading = lambda: self.chooser.pick("reading", (0, 1))

    def decisive(self, held: dict[str, int]) -> dict[str, int]:
        """What the reader was told last is nothing or something: with settings it is compared for equality only."""
        return {**held, "region": min(held["region"], 1), "power_dbm_x100": min(held["power_dbm_x100"], 1)}

    def witness(self) -> None:
        """A question whose time ends without an answer; bytes without a frame since the last such question."""
        told, answers = self.told, self.way.get("answers", 0)
        if self.way.get("frames"):
            told["noise"] = 0
        elif self.way.get("heard"):
            told["noise"] = 1
        if not self.before["request"] or self.opcode == reg.OP_RESTART_READER:
            return
        if answers & (ANSWER_DONE | ANSWER_REFUSED):
            told["unanswered"] = 0
        elif not answers and self.has_ended(TIMER_ANSWER):
            told["unanswered"] = min(told["unanswered"] + 1, 3)
            told["garbled"], told["noise"] = told["noise"], 0

    def is_asked(self) -> bool:
        """A question stands with its time-out, or the next one has a time."""
        deadlines = self.bank.deadlines
        return deadlines[TIMER_ANSWER if self.memory.request else TIMER_POLL] == RUNNING


class Gate(RfidSubject):
    """Vehicle, commands, key and button. `stop`: nobody has said START since STOP; `hand`: the button began this time."""

    names = ("stopped", "vehicle", "button_before")
    timers = (TIMER_GATE, TIMER_TRIGGER)
    witnesses = ("stop", "hand")
    opcodes = (0, reg.OP_START, reg.OP_STOP, reg.OP_TRIGGER, reg.OP_RESTART_READER, reg.OP_CLEAR_FAULTS)
    settings: ClassVar[Numbers] = {
        reg.SET_GATE: (reg.GATE_ALWAYS, reg.GATE_PRESENCE), reg.SET_GATE_HOLD_MS: (0, 1),
        reg.SET_DIRECTION_SOURCE: (reg.DIRECTION_SOURCE_NONE, reg.DIRECTION_SOURCE_PRESENCE),
    }  # fmt: skip
    sensed: ClassVar[Flags] = {"vehicle": (0, 1), "side": (reg.DIRECTION_UNKNOWN, reg.DIRECTION_IN)}
    values: ClassVar[Numbers] = {reg.IN_LOCAL_MODE: (0, 1), reg.IN_LOCAL_READ: (0, 1)}

    def connect(self) -> None:
        """The reader is there and set up."""
        self.core.dialog.step = lambda reading: None

    def is_local(self) -> bool:
        """The key, undecided is off."""
        return bool(self.way.get(f"in{reg.IN_LOCAL_MODE}"))

    def witness(self) -> None:
        """In the order of the scan: request, then button."""
        told = self.told
        if self.opcode == reg.OP_STOP:
            told["stop"], told["hand"] = 1, 0
        elif self.opcode == reg.OP_START and not self.is_local():
            told["stop"] = 0
        if self.is_local() and self.way.get(f"in{reg.IN_LOCAL_READ}") and not self.before["button_before"]:
            told["hand"] = 1
        elif self.bank.deadlines[TIMER_TRIGGER] != RUNNING:
            told["hand"] = 0


class Health(RfidSubject):
    """Faults and NE 107. What dialogue and gate say is anything."""

    names = ("noise", "noisy", "antenna_fault", "latched")
    timers = (TIMER_NOISE,)
    opcodes = (0, reg.OP_CLEAR_FAULTS)
    news: ClassVar[Flags] = {"errors": (0, 1, BURST), "antenna_fault": (NO_NEWS, 0, 1)}
    sensed: ClassVar[Flags] = {
        "seal": (eseal.NOT_FITTED, _BATTERY_LOW),
        "bad": (False, True),
        "uncertain": (False, True),
    }
    values: ClassVar[Numbers] = {reg.IN_LOCAL_MODE: (0, 1)}

    def connect(self) -> None:
        """The dialogue latches what it likes."""
        self.core.dialog.step = self._latch

    def decisive(self, held: dict[str, int]) -> dict[str, int]:
        """Of stretches of garbage there were none, some, or enough; some are one here, since any number may follow."""
        noise = held["noise"]
        return {**held, "noise": noise if noise in (0, NOISE_MAX) else 1}

    def prepare(self) -> None:
        """Is the reader there, and may it be read?"""
        memory, pick = self.memory, self.chooser.pick
        memory.setup, memory.missed, memory.garbage = pick(
            "reader", ((SETUP_DONE, 0, 0), (SETUP_INFO, 0, 0), (SETUP_INFO, 3, 0), (SETUP_INFO, 3, 1))
        )
        memory.stopped = pick("stopped", (0, 1))
        self.core.hub_alive = pick("hub", (1, 0))

    def _latch(self, reading: int) -> None:
        self.memory.latched |= self.chooser.pick("latches", _LATCHES)
