"""A power cut and a reset at every step of a device's life on an emulated RP2040: each in a forked copy of the run.

Knows: how a run is forked, how a page is torn, what is judged afterwards. Must not know: how a chip is emulated.

The process is the snapshot: the life goes on in the parent as if nothing had happened. The emulated flash writes a page
whole; torn pages are made here, from what the flash was before a step and after it. A step that erases and programs
several blocks is not torn: in which order it did is not known.
"""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from edge.words import later
from hil.chip.child import in_child
from hil.chip.emulator import read_files
from hil.faults.life import MOVES, Facts, live, provision_of, stand_for
from hil.faults.promises import broken_promises
from hil.faults.stand import SilentError
from hil.targets.rp2040 import Rp2040Device, Rp2040Target
from hil.targets.target import Options, StepResult, TargetError, WrappedDevice

CUT, RESET, TORN = later("cut"), later("reset"), later("torn")
_BLOCK_SIZE = 4096
_START_US = 1_000_000  # no role starts faster
_ASKS = 8  # until the start has surely failed, about half a second apart
_PROGRAM = (".mpy", ".py", "provision.txt")


@dataclass(frozen=True, slots=True)
class Branch:
    """What happened at an instant of the life, and a sentence for everything that should not have followed."""

    at_us: int
    kind: str
    problems: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.kind} at {self.at_us / 1000:.1f} ms: {'; '.join(self.problems)}"


class ForkSweep:
    """`run` lives one life and branches off it. Raises BlockedError and TargetError."""

    def __init__(self, role: str, directory: Path, options: Options, every: int, first: int = 1, most: int = 0) -> None:
        """Branch at every write to the flash and every `every`-th step from the `first` on.

        `most` ends the life after so many branches, 0 never.
        """
        self._role = role
        device = Rp2040Target(options).start(provision_of(role), directory)
        assert isinstance(device, Rp2040Device)
        self._device = device
        self._every, self._first, self._most = every, first, most
        self._program = _program_of(device.flash)
        self._facts = Facts()
        self._stand = stand_for(ForkingDevice(device, self._branch), role)
        self.branches: list[Branch] = []
        self.writes = 0
        self.steps = 0

    def run(self) -> None:
        """Live to the end, or until enough has been seen."""
        try:
            live(self._stand, self._role, self._facts, trucks=1, skips=False)
        except SilentError as error:
            raise TargetError(f"the life of {self._role} ended early: {error}") from error
        except _EnoughError:
            pass
        finally:
            self._device.close()

    def _branch(self, before: bytes, after: bytes) -> None:
        self.steps += 1
        if before != after:
            self.writes += 1
            self._try(RESET, after)
            self._try(CUT, after)
            for torn in tear(before, after):
                self._try(TORN, torn)
        elif self.steps >= self._first and (self.steps - self._first) % self._every == 0:
            self._try(RESET if (self.steps - self._first) // self._every % 2 else CUT, after)

    def _try(self, kind: str, flash: bytes) -> None:
        problems = in_child(lambda: self._suffer(kind, flash))
        self.branches.append(Branch(self._stand.now_us, kind, tuple(problems)))
        if len(self.branches) == self._most:
            raise _EnoughError

    def _suffer(self, kind: str, flash: bytes) -> list[str]:
        """In the copy: let it happen, start again, ask for everything promised."""
        stand, device = self._stand, self._device
        facts = copy.deepcopy(self._facts)
        stand.device = device
        moved: set[str] = set()
        stand.watch = lambda outputs: moved.update(self._moving(outputs))
        stand.restart(device.reset if kind == RESET else lambda: device.cut(flash))
        try:
            self._await_start()
            problems = [f"{name} on during the start" for name in sorted(moved)]
            problems += broken_promises(stand, self._role, facts)
        except (SilentError, TargetError) as error:
            return [f"it does not start: {error}"]
        if _program_of(device.flash) != self._program:
            problems.append("the files of the program are not what was deployed")
        return problems + (stand.plant.harm() if stand.plant else [])

    def _await_start(self) -> None:
        """Until the device answers; raises SilentError when it does not."""
        self._stand.run(_START_US)
        for _ in range(_ASKS):
            with contextlib.suppress(SilentError):
                self._stand.read(0, 1)
                return
        self._stand.read(0, 1)

    def _moving(self, outputs: Sequence[int]) -> Iterator[str]:
        on = dict(zip(self._stand.output_names, outputs, strict=True))
        return (name for name in MOVES[self._role] if on[name])


class _EnoughError(Exception):
    """As many branches as were wanted."""


class ForkingDevice(WrappedDevice):
    """A device whose every step may become a branch; told the flash before the step and after it."""

    def __init__(self, device: Rp2040Device, branch: Callable[[bytes, bytes], None]) -> None:
        super().__init__(device)
        self._chip = device
        self._branch = branch
        self._flash = device.flash

    def step(
        self,
        now_us: int,
        inputs: Sequence[int],
        qualities: Sequence[int],
        received: bytes,
        field_received: bytes = b"",
    ) -> StepResult:
        result = self._device.step(now_us, inputs, qualities, received, field_received)
        before, self._flash = self._flash, self._chip.flash
        self._branch(before, self._flash)
        return result


def tear(before: bytes, after: bytes) -> list[bytes]:
    """What a cut within the write leaves: one byte of it, half, all but one; nothing when more than a block changed."""
    changed = [
        at for at in range(0, len(after), _BLOCK_SIZE) if before[at : at + _BLOCK_SIZE] != after[at : at + _BLOCK_SIZE]
    ]
    if len(changed) != 1:
        return []
    block = range(changed[0], changed[0] + _BLOCK_SIZE)
    differs = [at for at in block if before[at] != after[at]]
    first, last = differs[0], differs[-1]
    ends = (first + 1, (first + last) // 2 + 1, last)
    return [before[:first] + after[first:end] + before[end:] for end in ends if first < end <= last]


def _program_of(flash: bytes) -> Mapping[str, bytes]:
    return {name: data for name, data in read_files(flash).items() if name.endswith(_PROGRAM)}
