"""A way to a violation in flags of what was measured, as a scenario of the bench, scan by scan.

Knows ways and the words of bench scenarios; how flags become inputs and who must live comes with the model (`Replay`).
Must not know roles, diagrams, how a scenario is run.

The bench scans every `scan_ms`, and so does a plain core of the role that walks along here. Where a timer of the way
ends, it is waited for, either with the inputs of the scan before or already with those of this one: the core that
walks along tells which of the two goes the way. Where neither does, other durations are tried, and where none of them
does, the file's head says so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from itertools import product
from typing import Any

from hil.explore.bench_file import CUT_BUS, REPAIR_BUS, add_wait, file_text, set_input, set_inputs, wait
from hil.explore.claims import Beats, Image, Replay, Shown
from hil.explore.search import Scan, Violation
from hil.scenarios.vocabulary import input_names, map_of, names_of, setting_tags

_COMMAND_MS = 100  # a request is on the line behind a poll
_BEAT_MS = 100
_TAIL_MS = 300  # the end of the way must be seen, and its events read
_WAIT_MS_MAX = 120_000


def as_replay(
    role: str, timer_names: list[str], replay: Replay, violation: Violation, holds: Callable[[Any], Any]
) -> str:
    """The text of a scenario file that replays the way to a violation of the property `holds`."""
    best = None
    for durations in replay.durations:
        tried = _Writer(role, timer_names, replay, violation, holds, durations)
        tried.follow()
        if best is None or tried.strays < best.strays:
            best = tried
        if not best.strays:
            break
    assert best is not None  # a role has at least the durations as delivered
    return best.text()


@dataclass
class _Seen:
    """A scan of the plain core, as a property looks at one."""

    core: Any
    memory: dict[str, Any]  # before it

    def before(self, name: str) -> Any:
        return self.memory[name.partition(".")[2]]


@dataclass
class _Moment:
    """The bench at one time of the way, and what it was told so far."""

    core: Any
    image: Image
    beats: Beats
    now_ms: int
    steps: list[str]
    is_wrong: bool = False  # the property failed here
    strayed: tuple[str, ...] = ()  # what was remembered otherwise than on the way when its newest scan began

    def scan(self, holds: Callable[[Any], Any]) -> None:
        """One scan of the core that walks along."""
        before = dict(vars(self.core.memory))
        self.core.step(self.now_ms)
        self.is_wrong = self.is_wrong or not holds(_Seen(self.core, before))

    def wait(self, duration_ms: int) -> None:
        """Let time pass; what follows on a wait without an action between makes it longer."""
        self.now_ms += duration_ms
        add_wait(self.steps, duration_ms)


class _Writer:
    def __init__(
        self,
        role: str,
        timer_names: list[str],
        replay: Replay,
        violation: Violation,
        holds: Callable[[Any], Any],
        durations: dict[int, int],
    ) -> None:
        self._role, self._timers, self._replay, self._violation = role, timer_names, replay, violation
        self._holds = holds
        self._names = input_names(role)
        self._doubts: list[str] = []
        self.strays = 0  # how often the bench differs from the way
        self._chosen = durations | self._choose()
        self._settings, core = replay.plain(self._chosen)
        core.hub_alive = 1
        self._outputs = names_of(role, "digital_outputs")
        self._on: set[str] = set()  # outputs, before the last scan
        self._rises: Counter[str] = Counter()
        self._start = replay.start(self._settings)
        self._moment = _Moment(core, dict(self._start), replay.beats(), 0, [])

    def follow(self) -> None:
        """Go the way from its first scan to its last."""
        scans = self._violation.scans
        for number, scan in enumerate(scans):
            self._follow(number, scan, scans[number + 1] if number + 1 < len(scans) else None)

    def text(self) -> str:
        """The file, when the way was gone."""
        moment = self._moment
        title = [f"{self._violation.id}: {self._violation.text}", *self._doubts]
        never, ending = self._verdict()
        if not never and not ending:
            title.append("No single output tells: read the trace at the end of the way.")
        first = set_inputs(self._role, {self._names[index]: value for index, (value, _) in self._start.items()})
        steps = [*first, *moment.steps, *ending, wait(_TAIL_MS)]
        return file_text(title, self._violation.id, self._role, steps, never, self._named_settings())

    def _verdict(self) -> tuple[list[str], list[str]]:
        """What tells a right core from the one of the way: what must never be, or what is expected at the end."""
        shown = self._replay.shown.get(self._violation.id, Shown())
        if shown.event:
            return [shown.event], []
        at_end = dict(zip(self._outputs, self._moment.core.outputs, strict=True))
        wrong = next((name for name in shown.outputs if bool(at_end[name]) == shown.is_on), "")
        if wrong and shown.is_on and not self._rises[wrong]:
            return [f"out.{wrong} = on"], []
        return [], self._end(wrong, shown.is_on) if wrong in self._on else []

    def _end(self, output: str, must_fall: bool) -> list[str]:
        """An output that was on before must fall before the next scan, or may fall only when the stop is asked for."""
        before_next = wait(max(1, self._replay.scan_ms - 1))
        if must_fall:
            return [before_next, f"expect out.{output} = off"]
        stop = set_input(self._role, self._replay.stop, 0)
        return [before_next, f"expect out.{output} = on", stop, f"expect out.{output} = off within {_TAIL_MS} ms"]

    def _choose(self) -> dict[int, int]:
        """Settings by index as the way has them first; durations stay as delivered."""
        found: dict[int, int] = {}
        for scan in self._violation.scans:
            for name, value in _wanted(scan, "setting.").items():
                index = int(name.partition(".")[2])
                if found.setdefault(index, value) != value:
                    self._doubt(f"setting {index} changes on the way; here it keeps its first value")
        return found

    def _named_settings(self) -> dict[str, int]:
        tags = sorted(setting_tags(self._role).values(), key=lambda tag: tag.address)
        chosen = {tags[index]: value for index, value in self._chosen.items()}
        return {tag.name: value for tag, value in chosen.items() if value != tag.default}

    def _follow(self, number: int, scan: Scan, after: Scan | None) -> None:
        """The scan in each order that may do; the first that comes where the way comes is taken."""
        before = self._on
        self._on = {name for name, is_on in zip(self._outputs, self._moment.core.outputs, strict=True) if is_on}
        self._rises.update(self._on - before)
        image, missed = self._replay.image(_wanted(scan, "in."), self._moment.image, self._settings)
        for name in missed:
            self._doubt(f"scan {number + 1}: no inputs make {name} {_wanted(scan, 'in.')[name]} beside the rest")
        tried = []
        orders = (False, True) if number and scan.ended else (False,)
        for early, alive in product(orders, _living(self._moment.beats.timers, scan, after)):
            moment = deepcopy(self._moment)
            self._move(moment, image, scan, alive, early, bool(number))
            tried.append((_strayed(moment, after), moment))
        strayed, self._moment = min(tried, key=lambda each: len(each[0]) + len(each[1].strayed))
        self.strays += len(self._moment.strayed) + len(strayed)
        if self._moment.strayed:
            self._doubt(
                f"when scan {number + 1} begins the bench differs from the way in {_list(self._moment.strayed)}"
            )
        if strayed:
            self._doubt(f"behind scan {number + 1} the bench differs from the way in {_list(strayed)}")

    def _move(self, moment: _Moment, image: Image, scan: Scan, alive: set[str], early: bool, later: bool) -> None:
        wanted = _wanted(scan, "in.")
        if early:
            self._show(moment, image)
        if later:
            self._wait(moment, scan)
            moment.strayed = _differs(moment.core, scan)
        self._show(moment, image)
        self._set_hub(moment, wanted.get("in.hub_alive", moment.core.hub_alive))
        self._beat(moment, alive, wanted)
        opcode = wanted.get("in.request_opcode", 0)
        if opcode:
            self._command(moment, opcode)
        else:
            moment.scan(self._holds)

    def _wait(self, moment: _Moment, scan: Scan) -> None:
        """To the end of the timers that end in this scan, in whole scans; the last one is not made yet."""
        core, scan_ms = moment.core, self._replay.scan_ms
        left = max([1, *(core.timers.remaining_ms(self._timers.index(name)) for name in scan.ended)])
        waits = min(-(-left // scan_ms) * scan_ms, _WAIT_MS_MAX)
        for passed in range(scan_ms, waits, scan_ms):
            moment.wait(scan_ms)
            if passed % _BEAT_MS == 0:
                self._beat(moment, self._running(core) - set(scan.ended), {})
            moment.scan(self._holds)
        moment.wait(scan_ms)

    def _running(self, core: Any) -> set[str]:
        return {name for place, name in enumerate(self._timers) if core.timers.is_running(place)}

    def _command(self, moment: _Moment, opcode: int) -> None:
        name = next(name for name, code in map_of(self._role).OPCODES.items() if code == opcode)
        self._doubt("a command reaches the device some scans later than the inputs it comes with")
        moment.steps.append(f"command {name}")
        for passed in range(0, _COMMAND_MS, self._replay.scan_ms):
            if passed:
                moment.wait(self._replay.scan_ms)
            moment.core.request_opcode = opcode if passed == _COMMAND_MS // 2 else 0
            moment.scan(self._holds)

    def _show(self, moment: _Moment, image: Image) -> None:
        """What beats move stays as it is."""
        self._set(moment, image | {index: moment.image[index] for index in moment.beats.inputs})

    def _set(self, moment: _Moment, image: Image) -> None:
        for index, (value, quality) in image.items():
            if moment.image[index] != (value, quality):
                moment.steps.append(set_input(self._role, self._names[index], value, quality))
        moment.image = dict(image)
        for index, (value, quality) in image.items():
            moment.core.inputs[index], moment.core.quality[index] = value, quality

    def _set_hub(self, moment: _Moment, alive: int) -> None:
        if moment.core.hub_alive and not alive:
            self._doubt("the hub is lost here only when hub_timeout_ms has passed: put a wait in its place")
            moment.steps.append(CUT_BUS)
        elif alive and not moment.core.hub_alive:
            moment.steps.append(REPAIR_BUS)
        moment.core.hub_alive = alive

    def _beat(self, moment: _Moment, alive: set[str], wanted: dict[str, int]) -> None:
        image = dict(moment.image)
        said = moment.beats.beat(moment.core, image, alive, wanted)
        self._set(moment, image)
        if said:
            moment.steps.append(f"line {said.hex()}")

    def _doubt(self, text: str) -> None:
        if text not in self._doubts:
            self._doubts.append(text)


def _wanted(scan: Scan, prefix: str) -> dict[str, int]:
    """What the way asks for; any number that is not 0 counts as 1."""
    given = {name: value for name, value in scan.values.items() if name.startswith(prefix)}
    asked = {name: value for name, value in given.items() if name not in scan.open_fields and value is not None}
    if prefix == "setting.":
        return {name: value for name, value in asked.items() if isinstance(value, int)}
    return {name: value if isinstance(value, int) else 1 for name, value in asked.items()}


def _living(names: tuple[str, ...], scan: Scan, after: Scan | None) -> list[set[str]]:
    """Whose timers run behind this scan. Behind the last one that is open: all that have not ended, or those before."""
    if after is None:
        return [set(names) - set(scan.ended), set(names) & set(scan.running)]
    return [{name for name in names if not isinstance(after.values.get(f"timer.{name}"), int)}]


def _strayed(moment: _Moment, after: Scan | None) -> tuple[str, ...]:
    """What the core remembers otherwise than the way; behind the last scan whether that was wrong at all."""
    if after is None:
        return () if moment.is_wrong else ("that the property holds",)
    return _differs(moment.core, after)


def _differs(core: Any, scan: Scan) -> tuple[str, ...]:
    """What the core remembers otherwise than the way at the beginning of a scan."""
    wanted = {name: value for name, value in scan.values.items() if name.startswith("memory.")}
    asked = {name[7:]: value for name, value in wanted.items() if name not in scan.open_fields}
    return tuple(
        name for name, value in asked.items() if isinstance(value, int) and getattr(core.memory, name) != value
    )


def _list(names: tuple[str, ...]) -> str:
    return ", ".join(names)
