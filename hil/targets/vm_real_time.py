"""Target `vm-real-time`: the deployed file set on the real MicroPython VM by its own clock, its RS-485 port a pty.

Knows: how scenario time and the wall clock go together, who dates what. Must not know: scenarios, the field.

The rig steps as ever and waits for the wall clock before each instant, so the device lives between two steps as a board
does: it scans when its own clock says so, and what it says is dated when it arrives. A machine too busy to keep up
shows nothing: the run is BLOCKED.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from edge.words import later
from firmware.boards.host import RESET_POWER_ON, RESET_WATCHDOG, store_settings
from hil.scenarios.vocabulary import safe_outputs
from hil.targets.target import (
    UNDRIVEN,
    BlockedError,
    ContinuousDevice,
    Device,
    Provision,
    StepResult,
    TargetError,
)
from hil.targets.vm import VmTarget, lacks_of
from sim_devices.devices.output_card import OutputCard
from sim_devices.devices.vm_live import LiveVm, LiveVmError, Said, now_us
from sim_devices.devices.vm_node import REFRESH_US

STEP_US = 2_000  # how often inputs and bytes are handed over: well within a scan of 10 ms
LATE_US = 250_000  # how far the rig may fall behind the wall clock
_START_US = 5_000_000  # from supply to the first frame
_PROCESSOR = later("the processor of the target vm-real-time is this machine's")
LACKS = {
    **lacks_of("vm-real-time"),
    "clock_jump": later("the clock of the target vm-real-time is this machine's and cannot be moved"),
    "same_twice": later("two runs on the target vm-real-time differ by what else this machine does"),
    "punctuality": later("what else this machine does delays what the target vm-real-time shows"),
    "scan_time": _PROCESSOR,
    "reaction_time": _PROCESSOR,
}


class RealTimeVmDevice(ContinuousDevice):
    """`step` and `pass_time` take scenario time, which begins with the device's first frame."""

    takes_bursts = starts_at_once = True

    def __init__(self, vm: LiveVm, role: str) -> None:
        self._vm = vm
        self._safe = safe_outputs(role)
        self._card = OutputCard()
        self._zero_us: int | None = None  # this machine's clock when scenario time begins
        self._started_us = 0
        self._hung_until_us = -1
        self._outputs = UNDRIVEN
        self._said: list[Said] = []
        self._told: tuple[tuple[int, ...], tuple[int, ...]] | None = None
        self._told_us = 0
        self._reset_cause = RESET_POWER_ON

    def pass_time(self, now_us: int) -> None:
        if self._zero_us is not None:
            self._refuse_lag(now_us)
            self._listen(self._zero_us + now_us)

    def step(
        self,
        now_us: int,
        inputs: Sequence[int],
        qualities: Sequence[int],
        received: bytes,
        field_received: bytes = b"",
    ) -> StepResult:
        if not self._vm.is_running:
            self._power_on(now_us)
        self._tell(now_us, inputs, qualities, field_received)
        self._end_hang(now_us)
        if received:
            self._vm.put(received)
        if self._zero_us is None:
            self._await_start(now_us)
        return self._result(now_us)

    def hang(self, until_us: int) -> None:
        self._hung_until_us = until_us
        self._vm.pause()

    def kill(self) -> None:
        self._end(RESET_POWER_ON)

    def reset(self) -> None:
        self._end(RESET_WATCHDOG)

    def close(self) -> None:
        self._vm.close()

    def _end(self, reset_cause: int) -> None:
        self._vm.kill()
        self._reset_cause = reset_cause

    def _power_on(self, at_us: int) -> None:
        self._vm.start(self._reset_cause)
        self._card.drop()
        self._outputs, self._told, self._started_us, self._hung_until_us = UNDRIVEN, None, at_us, -1
        self._said.clear()

    def _await_start(self, at_us: int) -> None:
        """Scenario time begins when the device has said its outputs for the first time."""
        limit_us = now_us() + _START_US
        while not self._said and now_us() < limit_us:
            self._listen(min(now_us() + STEP_US, limit_us))
        self._zero_us = now_us() - at_us

    def _refuse_lag(self, at_us: int) -> None:
        assert self._zero_us is not None
        late_us = now_us() - self._zero_us - at_us
        if late_us > LATE_US:
            raise BlockedError(
                f"this machine is too busy for real time: the rig came {late_us // 1000} ms late; run it on a quieter "
                "one, or with fewer --jobs"
            )

    def _listen(self, until_us: int) -> None:
        try:
            self._said += self._vm.listen(until_us)
        except LiveVmError as error:
            raise TargetError(str(error)) from error

    def _end_hang(self, at_us: int) -> None:
        """The inputs of this instant were told before: a board reads its own when it goes on, none from before."""
        if 0 <= self._hung_until_us <= at_us:
            self._hung_until_us = -1
            self._vm.go_on()

    def _tell(self, at_us: int, inputs: Sequence[int], qualities: Sequence[int], field_line: bytes) -> None:
        told = (tuple(inputs), tuple(qualities))
        if at_us < self._hung_until_us:
            return
        if field_line or told != self._told or at_us - self._told_us >= REFRESH_US:
            self._vm.tell(inputs, qualities, field_line)
            self._told, self._told_us = told, at_us

    def _result(self, at_us: int) -> StepResult:
        """What came since the last step. A device that is starting drives nothing yet, and its watchdog waits."""
        said, self._said = self._said, []
        changes = []
        for frame in said:
            frame_us = min(max(0, frame.at_us - (self._zero_us or 0)), at_us)
            if frame.outputs != self._outputs:
                changes.append((frame_us, frame.outputs))
            self._outputs = frame.outputs
            self._card.refresh(frame_us)
        if self._card.has_expired(at_us):
            self._outputs = self._safe
        is_starting = self._outputs == UNDRIVEN
        if is_starting and at_us - self._started_us >= _START_US:
            raise TargetError(f"the device said nothing within {_START_US // 1_000_000} s of its start")
        sent = bytes(self._vm.sent)
        self._vm.sent.clear()
        fed = is_starting or any(frame.watchdog_fed for frame in said)
        field_sent = b"".join(frame.field_sent for frame in said)
        return StepResult(self._outputs, sent, STEP_US, field_sent, fed, tuple(changes))


class RealTimeVmTarget(VmTarget):
    name = "vm-real-time"

    def lacks(self) -> Mapping[str, str]:
        return LACKS

    def start(self, provision: Provision, directory: Path) -> Device:
        store_settings(provision.role, dict(provision.parameters), directory / "flash")
        try:
            vm = LiveVm(self._folder(provision.role, directory), directory / "flash", provision.settings())
        except OSError as error:
            raise BlockedError(f"no pseudo terminal can be had ({error.strerror})") from error
        return RealTimeVmDevice(vm, provision.role)
