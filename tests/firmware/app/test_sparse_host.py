"""Scans that do not ask the core: only while nothing it sees has changed, and never for long."""

import pytest

from firmware.app.sparse import REFRESH_SCANS
from firmware.boards.host import build_device
from protocols import quality
from protocols.registers import barrier as reg

SCAN_MS = 10
PROVISION = {"serial": "1", "unit_id": "1", "baud": "19200", "key": "00" * 32}


class Counted:
    """A device whose core's steps are counted."""

    def __init__(self, role, directory, **provision):
        self.board, self.device = build_device(role, {**PROVISION, **provision}, directory)
        self.now_ms = 0
        self.steps = 0
        self._step = self.device.core.step
        self.device.core.step = self._count
        for index in range(len(self.board.quality)):
            self.board.quality[index] = quality.GOOD
        for index in (2, 7, 8, 9, 10, 11, 13, 0):
            if role == "barrier":
                self.board.inputs[index] = 1

    def _count(self, now_ms):
        self.steps += 1
        self._step(now_ms)

    def scan(self, times=1):
        """Steps asked for in so many scans."""
        before = self.steps
        for _ in range(times):
            self.device.poll(self.now_ms, self.now_ms * 1000)
            self.now_ms += SCAN_MS
        return self.steps - before

    def settle(self):
        self.scan(2000)
        while self.scan() == 0:
            pass


@pytest.fixture
def barrier(tmp_path):
    bench = Counted("barrier", tmp_path)
    bench.settle()
    return bench


def test_a_device_at_rest_asks_its_core_once_in_a_while(barrier):
    assert barrier.scan(10 * (REFRESH_SCANS + 1)) == pytest.approx(10, abs=1)


@pytest.mark.parametrize("index", range(reg.IN_COUNT))
def test_every_change_of_an_input_is_decided_in_the_scan_that_sees_it(barrier, index):
    barrier.settle()
    barrier.board.inputs[index] ^= 1
    assert barrier.scan() == 1
    assert barrier.device.core.inputs[index] == barrier.board.inputs[index]


@pytest.mark.parametrize("index", range(reg.IN_COUNT))
def test_every_change_of_a_quality_is_decided_in_the_scan_that_sees_it(barrier, index):
    barrier.settle()
    barrier.board.quality[index] = quality.UNCERTAIN
    assert barrier.scan() == 1


def test_a_deadline_of_the_core_is_kept_to_the_scan(barrier):
    """The boom rests; a lost limit is a fault 200 ms later although nothing changes meanwhile."""
    barrier.board.inputs[reg.IN_LIMIT_OPEN] = 0
    barrier.scan(30)
    assert barrier.device.core.status[reg.ST_FAULTS] & (1 << reg.FAULTS_LIMIT_LOST)


def test_a_hub_that_comes_and_goes_is_decided_at_once(tmp_path):
    bench = Counted("barrier", tmp_path)
    bench.settle()
    assert not bench.device.core.hub_alive
    bench.device.hub.on_contact()
    assert bench.scan() == 1
    assert bench.device.core.hub_alive
    while bench.device.hub.alive:
        steps = bench.scan()
    assert steps == 1
    assert not bench.device.core.hub_alive


def test_bytes_on_the_field_line_are_asked_about(tmp_path):
    bench = Counted("rfid", tmp_path, line_protocol="wiegand")
    bench.settle()
    assert bench.scan(1) == 0
    bench.board.instrument.rx += b"\x01"
    assert bench.scan(1) == 1


def test_outputs_of_scans_without_a_step_do_not_grow_old(barrier):
    barrier.settle()
    for _ in range(REFRESH_SCANS - 2):
        assert barrier.scan() == 0
        assert not barrier.board.latch.expire(barrier.now_ms)
