"""A way to a violation as a scenario file of the bench, with real times.

Knows: models, paths, the words of bench scenarios. Must not know: diagrams, how a scenario is run.

The search knows which timers end in a scan, not when. Here a plain core of the same role walks along: the wait before a
scan is the time its timers of that scan still have to run, or one millisecond when none ends. If no wait
fits, because the settings in force do not allow this order of deadlines, the scenario says so in its head.
"""

from __future__ import annotations

from typing import Any

from hil.explore.bench_file import CUT_BUS, REPAIR_BUS, add_wait, file_text, set_input, set_inputs, wait
from hil.explore.model import Alternative, Model
from hil.explore.replay import as_replay
from hil.explore.search import Scan, Violation
from hil.scenarios.vocabulary import input_names, map_of, names_of, setting_tags
from protocols.quality import GOOD

NOTHING_TELLS = "No single output tells: read the trace at the end of the way."
_TAIL_MS = 200  # the end of the way must be seen
_COMMAND_MS = 50  # a request and its answer on the bus


def as_scenario(model: Model, violation: Violation) -> str:
    """The text of a scenario file that replays the way to a violation."""
    if model.replay is not None:
        holds = next(each.holds for each in model.properties if each.id == violation.id)
        return as_replay(model.role, model.timer_names, model.replay, violation, holds)
    if model.plain is None:
        return as_comment(model, violation)
    return _Writer(model, violation).text()


def as_comment(model: Model, violation: Violation) -> str:
    """The way in words, for a model whose inputs are flags of measured values: each scan's state and inputs."""
    lines = [f"# {violation.id}: {violation.text}", "# This model has no raw inputs; the way in its own fields:"]
    for number, scan in enumerate(violation.scans, 1):
        shown = {k: v for k, v in scan.values.items() if v not in (0, "unknown") and k not in scan.open_fields}
        ended = f"; timers that end: {', '.join(scan.ended)}" if scan.ended else ""
        lines.append(f"# scan {number}: " + ", ".join(f"{name} = {value}" for name, value in shown.items()) + ended)
    return "\n".join([*lines, ""])


class _Writer:
    def __init__(self, model: Model, violation: Violation) -> None:
        self._model = model
        self._violation = violation
        self._names = input_names(model.role)
        self._image: dict[int, tuple[int, int]] = {}
        self._steps: list[str] = []
        self._time_ms = 0
        self._doubts: list[str] = []
        self._seen_on: set[str] = set()
        self._outputs = names_of(model.role, "digital_outputs")
        self._hub = 1
        self._core: Any = model.plain(self._choices())[1] if model.plain else None

    def text(self) -> str:
        for number, scan in enumerate(self._violation.scans):
            self._add_scan(number, scan)
        never = self._never()
        title = [f"{self._violation.id}: {self._violation.text}", *self._doubts, *([] if never else [NOTHING_TELLS])]
        role = self._model.role
        steps = [*set_inputs(role, self._first), *self._steps, wait(_TAIL_MS)]
        return file_text(title, self._violation.id, role, steps, never, self._named_settings())

    def _never(self) -> list[str]:
        """What must not be seen: the output that is wrong, if it was off on all the way before."""
        shows = self._violation.shows
        return [f"out.{shows} = on"] if shows and shows not in self._seen_on else []

    def _choices(self) -> dict[int, int]:
        """Settings by index as the way has them; durations stay as delivered unless the way wants 0."""
        found: dict[int, int] = {}
        for scan in self._violation.scans:
            for name, value in scan.values.items():
                if name.startswith("setting.") and name not in scan.open_fields and isinstance(value, int):
                    index = int(name.partition(".")[2])
                    if found.setdefault(index, value) != value:
                        self._doubts.append(f"setting {index} changes on the way; here it keeps its first value")
        return found

    def _named_settings(self) -> dict[str, int]:
        names = {tag.address: name for name, tag in setting_tags(self._model.role).items()}
        ordered = [names[address] for address in sorted(names)]
        wanted = self._choices()
        found = {ordered[index]: value for index, value in wanted.items() if index < len(ordered)}
        tags = setting_tags(self._model.role)
        return {name: value for name, value in found.items() if value != tags[name].default}

    def _add_scan(self, number: int, scan: Scan) -> None:
        causes = self._causes(scan)
        wait_ms = self._wait(scan) if number else 0
        if wait_ms:
            add_wait(self._steps, wait_ms)
            self._time_ms += wait_ms
        if number == 0:
            self._first = {self._names[index]: value for index, (value, _) in causes.items() if value}
            self._image = {index: (value, GOOD) for index, (value, _) in causes.items()}
        changes = any(self._image.get(index) != cause for index, cause in causes.items())
        if number and changes and scan.values.get("in.request_opcode", 0):
            self._doubts.append(f"scan {number + 1}: command and inputs at once; here the command comes a frame later")
        for index, (value, quality) in causes.items():
            if self._image.get(index) != (value, quality):
                self._steps.append(set_input(self._model.role, self._names[index], value, quality))
                self._image[index] = (value, quality)
        self._set_hub(scan)
        opcode = scan.values.get("in.request_opcode", 0)
        if opcode:
            name = next(name for name, code in map_of(self._model.role).OPCODES.items() if code == opcode)
            self._steps += [f"command {name}", wait(_COMMAND_MS)]
            self._time_ms += _COMMAND_MS
        self._walk(causes, scan, opcode)

    def _set_hub(self, scan: Scan) -> None:
        hub = scan.values.get("in.hub_alive", 1)
        if hub != self._hub and "in.hub_alive" not in scan.open_fields:
            self._hub = hub
            if not hub:
                self._doubts.append("the hub is lost here only when hub_timeout_ms has passed: put a wait in its place")
            self._steps.append(REPAIR_BUS if hub else CUT_BUS)

    def _causes(self, scan: Scan) -> dict[int, tuple[int, int]]:
        """For each input a value and quality that are judged as the way wants."""
        found: dict[int, tuple[int, int]] = {}
        needed = {flag for flag in self._model.flags if scan.values.get(flag) and flag not in scan.open_fields}
        for part in self._model.parts:
            fitting = [each for each in part if _fits(each, scan)]
            allowed = [
                each
                for each in fitting
                if all(scan.values.get(flag) or flag in scan.open_fields for flag in each.flags)
            ]
            candidates = sorted(allowed or fitting, key=lambda each: self._price(each, needed))
            if not candidates:
                self._doubts.append("an input of the way cannot be brought about")
                continue
            index, value, quality = candidates[0].cause
            needed -= candidates[0].flags
            found[index] = (value, quality)
        return found

    def _price(self, each: Alternative, needed: set[str]) -> tuple[int, int, int]:
        """A needed flag first, no other flag, then as it was or is when idle."""
        index, value, quality = each.cause
        before = self._image.get(index)
        idle = self._model.idle.get(f"in.{index}")
        as_before = 0 if before == (value, quality) else 1
        return (len(each.flags - needed) - len(each.flags & needed), as_before, 0 if value == idle else 1)

    def _wait(self, scan: Scan) -> int:
        """Time from the scan before to this one."""
        if self._core is None or not scan.ended:
            return 1
        remaining = {name: self._core.timers.remaining_ms(place) for place, name in enumerate(self._model.timer_names)}
        wait_ms: int = max(1, max(remaining[name] for name in scan.ended))
        early = [name for name in scan.running if 0 < remaining[name] <= wait_ms]
        if early:
            self._doubts.append(f"with these durations the timers {', '.join(early)} end before the way wants it")
        return wait_ms

    def _walk(self, causes: dict[int, tuple[int, int]], scan: Scan, opcode: int) -> None:
        core = self._core
        if core is None:
            return
        for index, (value, quality) in causes.items():
            core.inputs[index], core.quality[index] = value, quality
        core.hub_alive = scan.values.get("in.hub_alive", 1)
        core.request_opcode = opcode
        self._seen_on |= {name for name, is_on in zip(self._outputs, core.outputs, strict=True) if is_on}
        core.step(self._time_ms)


def _fits(alternative: Alternative, scan: Scan) -> bool:
    for name, wanted in alternative.sets.items():
        if name in scan.values:
            if name not in scan.open_fields and scan.values[name] != wanted:
                return False
            continue
        word, _, bit = name.rpartition(".")
        if word not in scan.open_fields and scan.values[word] >> int(bit) & 1 != wanted:
            return False
    return True
