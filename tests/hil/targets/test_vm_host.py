"""Target `vm`: a VM that breaks down is told as the target's failure."""

from pathlib import Path

import pytest

from hil.scenarios.vocabulary import names_of
from hil.targets.target import Device, Provision, TargetError
from hil.targets.vm import VmDevice, VmTarget
from protocols.crc import crc16
from protocols.registers.rfid import AT_RESET_CAUSE, RESET_CAUSE_POWER_ON, RESET_CAUSE_WATCHDOG
from sim_devices.devices.vm_link import VmLink


def test_a_vm_that_cannot_start_its_firmware_is_a_target_error(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    device = VmDevice(VmLink(tmp_path / "empty", tmp_path / "flash", {"role": "barrier"}))
    with pytest.raises(TargetError, match="no frame"):
        device.step(0, (), (), b"")


def test_a_vm_is_told_that_the_watchdog_reset_it_and_after_a_power_cut_no_more(tmp_path: Path) -> None:
    device = VmTarget().start(Provision("rfid", 1001, 1, 115_200, bytes(32)), tmp_path)
    causes = []
    for restart in (None, device.reset, device.kill):
        if restart:
            restart()
        causes.append(_reset_cause(device))
    device.close()
    assert causes == [RESET_CAUSE_POWER_ON, RESET_CAUSE_WATCHDOG, RESET_CAUSE_POWER_ON]


def _reset_cause(device: Device) -> int:
    """What it answers when it is asked for the register."""
    count = len(names_of("rfid", "digital_inputs"))
    request = bytes([1, 4, 0, AT_RESET_CAUSE, 0, 1])
    frame = request + crc16(request, 0, len(request)).to_bytes(2, "little")
    sent = b"".join(
        device.step(1000 * ms, [0] * count, [0] * count, frame if ms == 10 else b"").sent for ms in range(30)
    )
    return int.from_bytes(sent[3:5], "big")
