"""How far the hub's UTC can be trusted, and that a step of the wall clock is noticed."""

from edge.clock import HOLDOVER_MAX_MS, STEP_MIN_MS, SYNCHRONISED_ERROR_MAX_MS, SiteClock, step_data
from edge.kernel_clock import UNKNOWN, KernelClock, read_kernel_clock
from edge.model import ClockQuality


class _Machine:
    """Both clocks and the kernel's word, moved by hand."""

    def __init__(self, kernel: KernelClock) -> None:
        self.kernel = kernel
        self.mono_ms = 5_000
        self.wall_ms = 1_700_000_000_000
        self.clock = SiteClock(
            read_kernel=lambda: self.kernel,
            monotonic_ns=lambda: self.mono_ms * 1_000_000,
            wall_ns=lambda: self.wall_ms * 1_000_000,
        )

    def advance(self, ms: int, step_ms: int = 0) -> int:
        self.mono_ms += ms
        self.wall_ms += ms + step_ms
        return self.clock.check()


_GOOD = KernelClock(is_disciplined=True, error_max_ms=20)


def test_a_disciplined_clock_is_synchronised_and_says_so_in_each_stamp() -> None:
    machine = _Machine(_GOOD)
    stamp = machine.clock.stamp()
    assert (stamp.mono_ms, stamp.wall_ms, stamp.clock) == (5_000, 1_700_000_000_000, ClockQuality.SYNCHRONISED)


def test_a_clock_that_was_synchronised_is_in_holdover_for_a_stated_time() -> None:
    machine = _Machine(_GOOD)
    machine.kernel = KernelClock(is_disciplined=False, error_max_ms=16_000)
    machine.advance(1000)
    assert machine.clock.quality is ClockQuality.HOLDOVER
    machine.advance(HOLDOVER_MAX_MS - 1000)
    assert machine.clock.quality is ClockQuality.HOLDOVER
    machine.advance(1)
    assert machine.clock.quality is ClockQuality.UNSYNCHRONISED


def test_a_clock_that_never_was_synchronised_has_no_holdover() -> None:
    assert _Machine(UNKNOWN).clock.quality is ClockQuality.UNSYNCHRONISED
    too_wide = KernelClock(is_disciplined=True, error_max_ms=SYNCHRONISED_ERROR_MAX_MS + 1)
    assert _Machine(too_wide).clock.quality is ClockQuality.UNSYNCHRONISED


def test_a_clock_that_was_set_is_not_trusted_until_it_is_synchronised_again() -> None:
    machine = _Machine(_GOOD)
    assert machine.clock.is_trusted
    machine.kernel = UNKNOWN
    machine.advance(1000)
    assert machine.clock.is_trusted
    machine.advance(1000, step_ms=10 * 365 * 86_400_000)
    assert machine.clock.quality is ClockQuality.HOLDOVER
    assert not machine.clock.is_trusted
    machine.kernel = _GOOD
    machine.advance(1000)
    assert machine.clock.is_trusted
    assert not _Machine(UNKNOWN).clock.is_trusted


def test_a_step_is_noticed_once_with_size_and_direction() -> None:
    machine = _Machine(_GOOD)
    assert machine.advance(1000) == 0
    assert machine.advance(1000, step_ms=-3_600_000) == -3_600_000
    assert machine.advance(1000) == 0
    assert machine.advance(1000, step_ms=STEP_MIN_MS) == STEP_MIN_MS
    assert machine.clock.status() == {"quality": "synchronised", "error_max_ms": 20, "steps": 2}
    assert step_data(-70, ClockQuality.HOLDOVER) == {"step_ms": 70, "direction": "back", "clock": "holdover"}


def test_what_reading_two_clocks_takes_is_no_step() -> None:
    machine = _Machine(_GOOD)
    assert machine.advance(1000, step_ms=STEP_MIN_MS - 1) == 0


def test_the_kernel_answers() -> None:
    answer = read_kernel_clock()
    assert answer == UNKNOWN or answer.error_max_ms >= 0
