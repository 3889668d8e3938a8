"""Ways to break a device from outside: what it sees, what it drives, what it says.

Knows: the shape of a step, the inputs and outputs of a role. Must not know: how the firmware is run, scenarios.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from hil.scenarios.vocabulary import names_of
from hil.targets.target import UNDRIVEN, Device, Provision, SteppedTarget, StepResult, WrappedDevice

LATE_US = 300_000
_FAST_PERCENT = 20  # of a clock that runs away
_HIGH_PERMILLE = 50  # of a measured value that is off
_RETRY_US = 10_000


@dataclass(frozen=True, slots=True)
class Break:
    """What is broken: `kind` is dead, mute, deaf or fast for a device; stuck_on, stuck_off, inverted or late for one
    of its inputs or outputs; high for a measured input. `part` is input or output, `channel` its name.
    """

    role: str
    kind: str
    part: str = ""
    channel: str = ""

    @property
    def name(self) -> str:
        return " ".join(word for word in (self.role, self.part, self.channel, self.kind) if word)


def breaks_of(role: str, analogue: Sequence[str]) -> Iterator[Break]:
    """Every way to break a device of a role; `analogue` are those measured inputs that are worth it."""
    yield from (Break(role, kind) for kind in ("dead", "mute", "deaf", "fast"))
    for part, point in (("output", "digital_outputs"), ("input", "digital_inputs")):
        for channel in names_of(role, point):
            yield from (Break(role, kind, part, channel) for kind in ("stuck_on", "stuck_off", "inverted", "late"))
    yield from (Break(role, kind, "input", channel) for channel in analogue for kind in ("high", "late"))


class BrokenDevice(WrappedDevice):
    """A device behind a break. What it is late with comes LATE_US later, whatever happens meanwhile."""

    def __init__(self, device: Device, broken: Break, inputs: Sequence[str], outputs: Sequence[str]) -> None:
        super().__init__(device)
        self._broken = broken
        names = inputs if broken.part == "input" else outputs
        self._index = names.index(broken.channel) if broken.channel else -1
        self._waiting: deque[tuple[int, int]] = deque()
        self._late = 0

    def step(
        self,
        now_us: int,
        inputs: Sequence[int],
        qualities: Sequence[int],
        received: bytes,
        field_received: bytes = b"",
    ) -> StepResult:
        broken = self._broken
        if broken.kind == "dead":
            return StepResult(UNDRIVEN, b"", _RETRY_US)
        if broken.part == "input":
            inputs = self._changed(inputs, now_us)
        if broken.kind == "deaf":
            received = b""
        device_us = now_us * (100 + _FAST_PERCENT) // 100 if broken.kind == "fast" else now_us
        result = self._device.step(device_us, inputs, qualities, received, field_received)
        if broken.kind == "mute":
            return replace(result, sent=b"")
        if broken.part == "output" and result.outputs != UNDRIVEN:
            return replace(result, outputs=tuple(self._changed(result.outputs, now_us)), changes=())
        return result

    def _changed(self, values: Sequence[int], now_us: int) -> list[int]:
        changed = list(values)
        changed[self._index] = self._value(values[self._index], now_us)
        return changed

    def _value(self, value: int, now_us: int) -> int:
        kind = self._broken.kind
        if kind == "inverted":
            return int(not value)
        if kind == "high":
            return value + abs(value) * _HIGH_PERMILLE // 1000 + 1
        return self._delayed(value, now_us) if kind == "late" else int(kind == "stuck_on")

    def _delayed(self, value: int, now_us: int) -> int:
        """What the value was LATE_US ago, as far as that was seen; at first what it is."""
        if not self._waiting:
            self._late = value
        if not self._waiting or self._waiting[-1][1] != value:
            self._waiting.append((now_us + LATE_US, value))
        while self._waiting[0][0] <= now_us:
            self._late = self._waiting[0][1]
            if len(self._waiting) == 1:
                break
            self._waiting.popleft()
        return self._late


class BrokenTarget(SteppedTarget):
    """A target whose devices of one role are broken; of an unbroken role they are as they are."""

    def __init__(self, target: SteppedTarget, broken: Break, inputs: Sequence[str], outputs: Sequence[str]) -> None:
        self.name = target.name
        self._target = target
        self._broken = broken
        self._names = inputs, outputs

    def lacks(self) -> dict[str, str]:
        return dict(self._target.lacks())

    def start(self, provision: Provision, directory: Path) -> Device:
        device = self._target.start(provision, directory)
        if provision.role != self._broken.role:
            return device
        return BrokenDevice(device, self._broken, *self._names)


def worth_breaking(role: str, names: Sequence[str]) -> list[str]:
    """The measured inputs among `names`; a sequence, an id or flags are no measured value."""
    digital = names_of(role, "digital_inputs")
    return [name for name in names if name not in digital and not name.endswith(("SEQUENCE", "_ID", "FLAGS"))]
