"""Target `host`: a program that does not come back is told as a program that ended."""

import time
from pathlib import Path

import pytest

from firmware.control.barrier import Barrier
from hil.rig.rig import BAUD
from hil.targets import host
from hil.targets.host import HostTarget
from hil.targets.target import Provision, TargetError
from protocols.quality import GOOD
from protocols.registers import barrier


def endless(core: Barrier, now_ms: int) -> None:
    end_s = time.process_time() + 5.0  # so that the test fails where nothing ends it
    while time.process_time() < end_s:
        core.hub_alive = 1


def test_a_scan_that_does_not_come_back_ends_the_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "_SCAN_MAX_S", 0.05)
    monkeypatch.setattr(Barrier, "step", endless)
    device = HostTarget().start(Provision("barrier", 1001, 1, BAUD, bytes(32), "", ()), tmp_path)
    told = r"EndlessScanError at test_host_host.py:\d+: a scan did not come back within 0.05 s of processor time"
    with pytest.raises(TargetError, match=told):
        device.step(0, [0] * barrier.IN_COUNT, [GOOD] * barrier.IN_COUNT, b"")
    monkeypatch.undo()
    device.reset()
    assert device.step(0, [0] * barrier.IN_COUNT, [GOOD] * barrier.IN_COUNT, b"").wait_us > 0
