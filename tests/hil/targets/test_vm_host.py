"""Target `vm`: a VM that breaks down is told as the target's failure."""

from pathlib import Path

import pytest

from hil.targets.target import TargetError
from hil.targets.vm import VmDevice
from sim_devices.devices.vm_link import VmLink


def test_a_vm_that_cannot_start_its_firmware_is_a_target_error(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    device = VmDevice(VmLink(tmp_path / "empty", tmp_path / "flash", {"role": "barrier"}))
    with pytest.raises(TargetError, match="no frame"):
        device.step(0, (), (), b"")
