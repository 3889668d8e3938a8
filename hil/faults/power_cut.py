"""A power cut in every write to the flash of a device on the MicroPython VM, torn pages included.

Knows: what is judged after a cut. Must not know: how the flash is kept, how a result is printed.

One life is lived, and the facts at each write are kept. Then, for every write and every way it may be torn, the flash
is built as the cut leaves it, and a device starts from it: what it had in RAM is gone, as after any cut. It must start,
and keep every promise.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from hil.faults.life import SECOND_US, Facts, live, provision_of, stand_for
from hil.faults.promises import broken_promises
from hil.faults.stand import SilentError
from hil.faults.vm_flash import ERASE, Flash, FlashDevice, Operation, apply, torn_ways
from hil.targets.target import StepResult, TargetError

TRUCKS = 10  # two more than fit on a page of the alibi memory


@dataclass(frozen=True, slots=True)
class Moment:
    """What was true while the log of the flash grew to `log_size`."""

    log_size: int
    facts: Facts
    nonces: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Cut:
    """The power goes when `done` bytes of the `number`-th operation are done."""

    number: int
    operation: Operation
    done: int
    problems: tuple[str, ...] = ()

    def __str__(self) -> str:
        what = "erase" if self.operation.kind == ERASE else "program"
        size = len(self.operation.data)
        return f"cut in {what} {self.number} after {self.done} of {size} bytes: {'; '.join(self.problems)}"


class Sweep:
    """`cuts` are all there are in the life of a role; `judge` lets one happen. Raises BlockedError and TargetError."""

    def __init__(self, role: str, directory: Path) -> None:
        self._role = role
        self._flash = Flash(directory)
        self._flash.make(provision_of(role))
        self._first = self._flash.read()
        self._moments: list[Moment] = []
        self._live()
        self._log = self._flash.log()

    @property
    def writes(self) -> int:
        """Programs and erases of the life."""
        return len(self._log)

    def cuts(self) -> Iterator[Cut]:
        for number, (_, operation) in enumerate(self._log, 1):
            for done in torn_ways(operation):
                yield Cut(number, operation, done)

    def judge(self, cut: Cut) -> Cut:
        """Start a device from what the cut leaves, and ask it for everything promised."""
        problems = self._problems(self._content_at(cut), self._moment_of(cut))
        return Cut(cut.number, cut.operation, cut.done, tuple(problems))

    def judge_again(self, cut: Cut) -> Cut:
        """The same, with a second cut in the middle of each write of that start."""
        content, moment = bytearray(self._content_at(cut)), self._moment_of(cut)
        self._problems(bytes(content), moment)
        problems: list[str] = []
        for _, operation in self._flash.log():
            size = len(operation.data)
            torn = bytearray(content)
            apply(torn, operation, size // 2)
            problems += self._problems(bytes(torn), moment)
            apply(content, operation, size)
        return Cut(cut.number, cut.operation, cut.done, tuple(problems))

    def _problems(self, content: bytes, moment: Moment) -> Sequence[str]:
        """What should not be, of a device that starts from this flash."""
        self._flash.write(content)
        device = FlashDevice(self._flash.directory, provision_of(self._role))
        stand = stand_for(device, self._role)
        stand.nonces = list(moment.nonces)
        try:
            stand.run(SECOND_US)
            return broken_promises(stand, self._role, moment.facts)
        except (SilentError, TargetError) as error:
            return [f"it does not start: {error}"]
        finally:
            device.close()

    def _live(self) -> None:
        """The life, with what was true at every write."""
        device = _Watched(self._flash, self._role)
        stand = stand_for(device, self._role)
        facts = Facts()
        device.on_write = lambda size: self._moments.append(Moment(size, copy.deepcopy(facts), tuple(stand.nonces)))
        try:
            live(stand, self._role, facts, TRUCKS)
        except SilentError as error:
            raise TargetError(f"the life of {self._role} ended early: {error}") from error
        finally:
            device.close()

    def _content_at(self, cut: Cut) -> bytes:
        content = bytearray(self._first)
        for _, operation in self._log[: cut.number - 1]:
            apply(content, operation, len(operation.data))
        apply(content, cut.operation, cut.done)
        return bytes(content)

    def _moment_of(self, cut: Cut) -> Moment:
        log_size = self._log[cut.number - 1][0]
        return next(moment for moment in self._moments if moment.log_size >= log_size)


class _Watched(FlashDevice):
    """Tells of every step that wrote to the flash."""

    def __init__(self, flash: Flash, role: str) -> None:
        super().__init__(flash.directory, provision_of(role))
        self._flash = flash
        self._seen = 0
        self.on_write: Callable[[int], None] = _ignore

    def step(
        self,
        now_us: int,
        inputs: Sequence[int],
        qualities: Sequence[int],
        received: bytes,
        field_received: bytes = b"",
    ) -> StepResult:
        result = super().step(now_us, inputs, qualities, received, field_received)
        size = self._flash.log_size()
        if size != self._seen:
            self._seen = size
            self.on_write(size)
        return result


def _ignore(size: int) -> None:
    """Nobody looks yet."""
