"""Random exploration of the barrier core: over many lives, what must never be is never."""

import pytest

from firmware.control.barrier import Barrier
from firmware.control.barrier_memory import TEST_ACTIVE, TEST_RELEASED
from protocols.registers import barrier as reg
from tests.firmware.control.barrier_script import Life, record

BLOCKING = (
    1 << reg.PRESENCE_SAFETY_LOOP
    | 1 << reg.PRESENCE_EXIT_LOOP
    | 1 << reg.PRESENCE_LIGHT_CURTAIN
    | 1 << reg.PRESENCE_BRIDGED
)
CHANGES_PER_LIFE = 1500
SEEDS = range(100, 112)
PAUSE_MS = 100


class Watcher:
    """Checks one core after every scan against the safety properties, from the outside."""

    def __init__(self, core: Barrier) -> None:
        self.core = core
        self.direction = 0
        self.stopped_at_ms = -1_000_000
        self.states: set[int] = set()
        self.closings = 0

    def check(self, elapsed_ms: int) -> None:
        opens = self.core.outputs[reg.OUT_MOTOR_OPEN]
        closes = self.core.outputs[reg.OUT_MOTOR_CLOSE]
        self.states.add(self.core.status[reg.ST_STATE])
        assert not (opens and closes)
        self._check_pause(opens, closes, elapsed_ms)
        if opens or closes:
            assert self._is_on(reg.IN_STOP_CHAIN_OK)
            assert not self._may_be_on(reg.IN_MANUAL_RELEASED)
        if closes:
            self._check_closing()
        if self.core.outputs[reg.OUT_LIGHT_GREEN]:
            self._check_green()

    def _check_closing(self) -> None:
        self.closings += 1
        assert not self.core.status[reg.ST_PRESENCE] & BLOCKING
        assert self._is_on(reg.IN_EDGE_OK)
        assert self._is_on(reg.IN_MAINS_OK)
        assert not self._may_be_on(reg.IN_FIRE)
        assert not self._may_be_on(reg.IN_SAFETY_LOOP)
        assert self.core.quality[reg.IN_SAFETY_LOOP] == 0
        assert self.core.quality[reg.IN_CURTAIN_CLEAR] == 0
        assert self.core.inputs[reg.IN_CURTAIN_CLEAR] == 1
        assert not (self._is_on(reg.IN_LIMIT_CLOSED))
        assert self.core.memory.test_phase not in (TEST_ACTIVE, TEST_RELEASED), "a test masks a device"
        if not self._is_on(reg.IN_LOOPS_OK) or self.core.status[reg.ST_MODE] == reg.MODE_DEGRADED:
            assert self._is_on(reg.IN_LOCAL_CLOSE), "only hold-to-run closes without its safety devices"
            assert self._may_be_on(reg.IN_LOCAL_MODE)

    def _check_green(self) -> None:
        assert self.core.status[reg.ST_STATE] in (reg.STATE_OPEN, reg.STATE_HOLD_OPEN)
        assert self._is_on(reg.IN_LIMIT_OPEN)
        assert self.core.hub_alive
        assert not self.core.status[reg.ST_FAULTS]
        assert not self.core.status[reg.ST_PRESENCE] & BLOCKING
        assert self.core.status[reg.ST_LIGHTS] == reg.LIGHTS_GREEN
        assert self.core.memory.test_phase not in (TEST_ACTIVE, TEST_RELEASED), "a test masks a device"

    def _check_pause(self, opens: int, closes: int, elapsed_ms: int) -> None:
        direction = 1 if opens else (2 if closes else 0)
        if direction and self.direction and direction != self.direction:
            raise AssertionError("the motor swapped its direction without a scan in between")
        if direction and direction != self.last_direction():
            assert elapsed_ms - self.stopped_at_ms >= PAUSE_MS
        if self.direction and not direction:
            self.stopped_at_ms = elapsed_ms
        if direction:
            self._last = direction
        self.direction = direction

    _last = 0

    def last_direction(self) -> int:
        return self._last

    def _is_on(self, index: int) -> bool:
        return self.core.inputs[index] == 1 and self.core.quality[index] < 2

    def _may_be_on(self, index: int) -> bool:
        return self.core.inputs[index] == 1 or self.core.quality[index] == 2


def explore(seed: int) -> Watcher:
    life = Life(seed)
    if seed % 2:
        life.core.settings[reg.SET_PREFLASH_MS] = 0
    watcher = Watcher(life.core)
    for _ in range(CHANGES_PER_LIFE):
        wait_ms = life.script.change(life.core)
        while True:
            life.scan()
            watcher.check(life.elapsed_ms)
            wait_ms = life.wait(wait_ms)
            if wait_ms <= 0:
                break
    return watcher


def test_no_random_life_breaks_a_safety_property_and_together_they_meet_every_state() -> None:
    states: set[int] = set()
    closings = 0
    for seed in SEEDS:
        watcher = explore(seed)
        states |= watcher.states
        closings += watcher.closings
    assert closings > 1000
    assert states == set(range(16)), f"not met: {sorted(set(range(16)) - states)}"


@pytest.mark.parametrize("extra_ms", [3, 10, 33])
def test_extra_scans_show_nothing_over_long_lives(extra_ms: int) -> None:
    for seed in (500, 501):
        assert record(Life(seed), 200) == record(Life(seed, 0, extra_ms), 200)


def test_reloading_shows_nothing_over_long_lives() -> None:
    for seed in (600, 601, 602):
        assert record(Life(seed), 400) == record(Life(seed, 2**30 - 5000, 0, 987654321), 400)
