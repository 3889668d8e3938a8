"""N-th call faults: a role lives its short life, and one call of one port fails, once or from then on.

Knows: what a device must do about it. Must not know: how a port is made to fail, how the result is printed.

Judged for every call of every port:
*Escape*: no exception leaves the program, unless the port raised one that its contract does not allow; then the outputs
are safe in the same step, and the device starts again.
*Harm*: the plant was never driven into what must never be.
*Safe*: with inputs that cannot be read, outputs that are not taken or a field line that is dead, everything that moves
or is live is off in the end.
*Said*: a failure that lasts stands in the status, or the watchdog is no longer fed. That an instrument hears nothing is
said when the role needs it next: until then nobody can know it.
*Kept*: after the fault is over and the power was cut, everything acknowledged is there.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from hil.faults.life import MOVES, SECOND_US, Facts, live, provision_of, stand_for, use_line
from hil.faults.ports import MODES, RAISES, JumpingDevice, Trigger
from hil.faults.promises import broken_promises
from hil.faults.stand import SilentError, Stand
from hil.rig.progress import LivelockError
from hil.targets.target import TargetError
from protocols.registers import barrier

_SETTLE_S = 20  # the slowest ending: a charge runs down and the arm goes back
_WATCHDOG_S = 3
_HAS_LINE = ("rfid", "charging_post")
_SELDOM = ("store", "entropy", "bus")
_COPIES = ("settings_a.bin", "settings_b.bin")
_ROLE_TROUBLE = 1 << barrier.REASONS_ROLE_FAULT | 1 << barrier.REASONS_ROLE_WARNING
# Which bits of `reasons` tell a failure of a port that lasts; the header is the same in every role.
_TOLD_BY = {
    "store.read": 1 << barrier.REASONS_STORE_FAULT | 1 << barrier.REASONS_SETTINGS_ONE_COPY,
    "store.write": 1 << barrier.REASONS_STORE_FAULT | 1 << barrier.REASONS_SETTINGS_ONE_COPY,
    "inputs.read": 1 << barrier.REASONS_INPUT_BAD | _ROLE_TROUBLE,
    "line.read": _ROLE_TROUBLE,
    "line.write": _ROLE_TROUBLE,
}
_MUST_END_SAFE = ("inputs.read", "outputs.write", "line.read", "line.write")


@dataclass(frozen=True, slots=True)
class Outcome:
    """One run: which call failed and how, and a sentence for everything that should not be."""

    role: str
    trigger: Trigger
    problems: tuple[str, ...]

    def __str__(self) -> str:
        trigger = self.trigger
        lasts = "from then on" if trigger.is_lasting else "once"
        return f"{self.role}: call {trigger.at} of {trigger.call} {trigger.mode} {lasts}: {'; '.join(self.problems)}"


def count_calls(role: str) -> dict[str, int]:
    """How often each port is called in a life in which nothing fails."""
    return {call: _Run(role, Trigger(call, 0, modes[0])).live() for call, modes in MODES.items()}


def cases(role: str, counts: dict[str, int], stride: int, first: int = 1) -> Iterator[Trigger]:
    """Every call of a port that is seldom called, and of the others every `stride`-th from the `first` on."""
    for call, modes in MODES.items():
        if call.startswith("line") and role not in _HAS_LINE:
            continue
        start, step = (1, 1) if call.startswith(_SELDOM) else (first, stride)
        for at in range(start, counts[call] + 1, step):
            for mode in modes:
                yield Trigger(call, at, mode)
                if mode != RAISES:
                    yield Trigger(call, at, mode, is_lasting=True)


def run_case(role: str, trigger: Trigger) -> Outcome:
    """One life with one failure."""
    return _Run(role, trigger).judge()


class _Run:
    def __init__(self, role: str, trigger: Trigger) -> None:
        self._role = role
        self._trigger = trigger
        self._facts = Facts()
        self._problems: list[str] = []
        self._stand: Stand

    def live(self) -> int:
        """How often the call was made in a life without a failure."""
        with tempfile.TemporaryDirectory(prefix="smartgate-calls-") as directory:
            self._start(Path(directory))
            live(self._stand, self._role, self._facts)
        return self._trigger.calls

    def judge(self) -> Outcome:
        with tempfile.TemporaryDirectory(prefix="smartgate-calls-") as directory:
            try:
                self._start(Path(directory))
                self._suffer()
            except TargetError as error:
                self._judge_escape(error)
            except LivelockError as error:
                self._problems.append(str(error))
            self._judge_harm()
            self._judge_kept(Path(directory))
        return Outcome(self._role, self._trigger, tuple(self._problems))

    def _start(self, directory: Path) -> None:
        if self._trigger.call.startswith("entropy"):
            self._damage(directory)
        self._device = JumpingDevice(provision_of(self._role), directory, self._trigger)
        self._stand = stand_for(self._device, self._role)

    def _damage(self, directory: Path) -> None:
        """The source of numbers is asked only by a device that lost both copies of its settings."""
        for name in _COPIES:
            (directory / name).write_bytes(b"damaged")

    def _suffer(self) -> None:
        with contextlib.suppress(SilentError):  # a hub that gets no answer asks no more
            live(self._stand, self._role, self._facts)
        if self._trigger.is_lasting and self._trigger.hits:
            self._judge_lasting()

    def _judge_lasting(self) -> None:
        call, stand = self._trigger.call, self._stand
        if call.startswith("line"):
            use_line(stand, self._role)
        stand.run(_SETTLE_S * SECOND_US)
        if call in _MUST_END_SAFE and self._live_outputs(stand.outputs):
            self._problems.append(f"{', '.join(self._live_outputs(stand.outputs))} still on after {_SETTLE_S} s")
        if call == "outputs.write":
            feeds = stand.feeds
            stand.run(_WATCHDOG_S * SECOND_US)
            self._problems += ["the watchdog is fed though the outputs are not taken"] if stand.feeds > feeds else []
        elif call in _TOLD_BY and not stand.point("reasons") & _TOLD_BY[call] and not self._facts.refused:
            self._problems.append("the status does not say so")

    def _judge_escape(self, error: TargetError) -> None:
        if self._trigger.mode != RAISES or "made to fail" not in str(error):
            self._problems.append(f"an exception escaped: {error}")
        elif self._is_started() and self._trigger.call != "outputs.write":
            on = self._live_outputs(self._device.outputs)
            self._problems += [f"{', '.join(on)} on after the program ended"] if on else []

    def _judge_harm(self) -> None:
        if self._is_started() and self._stand.plant is not None:
            self._problems += [f"the plant counts {text}" for text in self._stand.plant.harm()]

    def _judge_kept(self, directory: Path) -> None:
        """A device whose start failed is started once more, as its watchdog would."""
        self._trigger.is_over = True
        try:
            if self._is_started():
                self._stand.restart(self._device.kill)
            else:
                self._start(directory)
            self._stand.run(SECOND_US)
            self._problems += broken_promises(self._stand, self._role, self._facts)
        except (SilentError, TargetError) as error:
            self._problems.append(f"after a power cut: {error}")

    def _is_started(self) -> bool:
        return hasattr(self, "_stand")

    def _live_outputs(self, outputs: Sequence[int]) -> list[str]:
        on = dict(zip(self._stand.output_names, outputs, strict=True))
        return [name for name in MOVES[self._role] if on[name]]
