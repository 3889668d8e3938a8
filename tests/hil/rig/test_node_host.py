"""What becomes of a device that hangs, is reset, loses its supply or whose program ends; of a rig that stands still."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from hil.rig.bench_rig import BenchRig
from hil.rig.progress import TURNS_MAX, LivelockError, Progress
from hil.rig.script import TAIL_US
from hil.scenarios.bench import BenchStatements
from hil.scenarios.model import BenchScenario
from hil.targets.host import HostDevice, HostTarget
from hil.targets.target import Device, Provision, StepResult, TargetError
from hil.trace.event import Trace

_UNIT_ID = 1


class _Odd(HostDevice):
    """A device that does what a test wants from its `at`-th step on; `restarts` are the causes it was started for."""

    def __init__(self, provision: Provision, directory: Path) -> None:
        self.at = 1 << 30
        self.oddity: Callable[[StepResult], StepResult] = lambda result: result
        self.restarts: list[str] = []
        self._steps = 0
        super().__init__(provision, directory)

    def step(
        self,
        now_us: int,
        inputs: Sequence[int],
        qualities: Sequence[int],
        received: bytes,
        field_received: bytes = b"",
    ) -> StepResult:
        self._steps += 1
        result = super().step(now_us, inputs, qualities, received, field_received)
        return self.oddity(result) if self._steps >= self.at else result

    def kill(self) -> None:
        self.restarts.append("power")
        super().kill()

    def reset(self) -> None:
        self.restarts.append("watchdog")
        super().reset()


class _Bench(BenchRig):
    """A barrier without a master's questions in its way; `deeds` are done at their times in ms."""

    def __init__(self, directory: Path, duration_ms: int, **deeds: str) -> None:
        lines = ("set STOP_CHAIN_OK, DRIVE_OK on", f"wait {max(0, duration_ms - TAIL_US // 1000)} ms")
        read = BenchStatements("barrier", "boom").read
        steps = tuple(read(number, line) for number, line in enumerate(lines, 1))
        scenario = BenchScenario(name="odd", seed=1, role="barrier", plant="boom", steps=steps)
        target = HostTarget()
        target.start = _Odd  # type: ignore[method-assign]
        super().__init__(scenario, target, directory)
        self._deeds = [(int(at[2:]) * 1000, kind) for at, kind in deeds.items()]

    @property
    def device(self) -> _Odd:
        device: Device = self._node.device
        assert isinstance(device, _Odd)
        return device

    def _act(self) -> None:
        while self._deeds and self._deeds[0][0] <= self._now_us:
            self._fail_board(self._node, self._deeds.pop(0)[1])
        super()._act()

    def _wants(self) -> list[tuple[int, str]]:
        return [*super()._wants(), *((at_us, "the test") for at_us, _ in self._deeds)]


def _all_on(result: StepResult) -> StepResult:
    return replace(result, outputs=(1,) * len(result.outputs))


def _times(trace: Trace, name: str, value: int) -> list[int]:
    return [event.t_us // 1000 for event in trace.events if (event.name, event.value) == (name, value)]


def test_the_watchdog_resets_a_device_that_hangs_after_its_outputs_have_fallen_off(tmp_path: Path) -> None:
    bench = _Bench(tmp_path, 6000, at1000="hang")
    bench.device.at, bench.device.oddity = 1, _all_on
    bench.run()
    assert bench.device.restarts == ["watchdog"]
    (dropped_ms,) = _times(bench.trace, "device.out.WARNING_LAMP", 0)
    assert dropped_ms in range(1290, 1301)  # 300 ms after its last scan
    (undriven_ms,) = _times(bench.trace, "device.out.LIGHT_RED", 0)  # until then it is safe to be red
    assert undriven_ms in range(2990, 3001)
    # The master asks again after its time-out.
    assert _times(bench.trace, "device.event.BOOT", 2)[0] in range(4290, 4800)


def test_a_hang_that_ends_before_the_watchdog_bites_resets_nothing(tmp_path: Path) -> None:
    bench = _Bench(tmp_path, 4000, at1000="hang", at2900="")
    bench.device.at, bench.device.oddity = 1, _all_on
    bench.run()
    assert bench.device.restarts == []
    assert _times(bench.trace, "device.out.WARNING_LAMP", 1)[-1] in range(2900, 2911)


def test_a_device_that_does_not_feed_its_watchdog_is_reset_every_two_seconds(tmp_path: Path) -> None:
    bench = _Bench(tmp_path, 6000)
    bench.device.at = 1
    bench.device.oddity = lambda result: StepResult(result.outputs, result.sent, result.wait_us, fed=False)
    bench.run()
    assert bench.device.restarts == ["watchdog", "watchdog"]


@pytest.mark.parametrize(("kind", "cause"), [("reset", 2), ("brown_out", 1)])
def test_a_short_disturbance_starts_the_device_anew_and_it_tells_why(tmp_path: Path, kind: str, cause: int) -> None:
    bench = _Bench(tmp_path, 4000, at1000=kind)
    bench.run()
    assert _times(bench.trace, "device.out.LIGHT_RED", 0) == [1000]
    assert _times(bench.trace, "device.event.BOOT", cause)[-1] in range(2300, 2500)


def test_a_device_without_supply_does_nothing_until_it_is_repaired(tmp_path: Path) -> None:
    bench = _Bench(tmp_path, 10000, at1000="power_cut", at7000="")
    bench.run()
    assert _times(bench.trace, "device.out.LIGHT_RED", 1)[-1] == 8300
    assert bench.device.restarts == ["power"]


def test_a_device_whose_program_ends_is_broken_until_its_power_is_cut(tmp_path: Path) -> None:
    def fall(_: StepResult) -> StepResult:
        raise TargetError("the program ended with ZeroDivisionError")

    bench = _Bench(tmp_path, 5000, at1500="reset", at2000="power_cut", at2100="")
    bench.device.at, bench.device.oddity = 50, fall
    mended = bench._fail_board

    def mend(node: object, kind: str) -> None:
        bench.device.at = bench.device.at if kind == "reset" else 1 << 30
        mended(bench._node, kind)

    bench._fail_board = mend  # type: ignore[method-assign]
    verdict = bench.run()
    assert bench.device.restarts == ["power"]  # the reset in between did not help
    assert len(_times(bench.trace, "rig.broken", _UNIT_ID)) == 1
    assert _times(bench.trace, "device.out.LIGHT_RED", 1)[-1] == 3400
    assert len(verdict.problems) == 1  # and nothing is guessed of what followed
    assert "barrier broke down at" in verdict.problems[0]
    assert "broken until its power is cut: the program ended with ZeroDivisionError" in verdict.problems[0]


def test_a_program_error_on_the_host_is_told_with_its_place(tmp_path: Path) -> None:
    bench = _Bench(tmp_path, 200)
    bench.device._device.core.step = lambda now_ms: 1 // 0
    assert "ended with ZeroDivisionError at test_node_host.py:" in bench.run().problems[0]


def test_a_device_that_never_lets_time_pass_fails_the_run_and_is_named(tmp_path: Path) -> None:
    bench = _Bench(tmp_path, 60_000)
    bench.device.at = 100
    bench.device.oddity = lambda result: StepResult(result.outputs, result.sent, 0)
    (problem,) = bench.run().problems
    assert "scenario time stands still at" in problem
    assert "barrier wanted to act" in problem


def test_a_busy_millisecond_is_no_standstill() -> None:
    progress = Progress()
    for turn in range(4 * TURNS_MAX):
        progress.note(turn * 2, "a part")
    for _ in range(TURNS_MAX):
        progress.note(9_000, "a part")
    with pytest.raises(LivelockError, match="stands still at 9 ms: a part wanted to act"):
        progress.note(9_000, "another")
