"""Target `vm`: the deployed file set on the real MicroPython VM, one process per device, in lockstep with the rig.

Knows: how a file set is made and how a VM is stepped. Must not know: scenarios, the field.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path

from firmware.boards.host import store_settings
from hil.targets.target import BlockedError, Device, Provision, StepResult, Target, TargetError
from sim_devices.devices.vm_link import VmLink, VmLinkError
from tools.deploy import ROOT, DeployError, deploy

BOARD = "unix"


def deployed_sets(roles: Sequence[str], out: Path) -> Path:
    """Compile the file sets of `roles` for the VM below `out`.

    Raises BlockedError when there is no VM, TargetError when the firmware cannot be compiled.
    """
    if importlib.util.find_spec("micropython_unix") is None:
        raise BlockedError("the MicroPython VM is not installed beside this Python; run make setup")
    try:
        for role in roles:
            deploy(ROOT, role, BOARD, out)
    except DeployError as error:
        raise TargetError(str(error)) from error
    return out


class VmDevice(Device):
    def __init__(self, link: VmLink) -> None:
        self._link = link

    def step(
        self,
        now_us: int,
        inputs: Sequence[int],
        qualities: Sequence[int],
        received: bytes,
        field_received: bytes = b"",
    ) -> StepResult:
        try:
            reply = self._link.step(now_us, inputs, qualities, received, field_received)
        except VmLinkError as error:
            raise TargetError(str(error)) from error
        return StepResult(reply.outputs, reply.sent, reply.header.wait_us, reply.field_sent)

    def kill(self) -> None:
        self._link.kill()

    def close(self) -> None:
        self._link.close()


class VmTarget(Target):
    name = "vm"

    def start(self, provision: Provision, directory: Path) -> Device:
        out = deployed_sets([provision.role], directory / "deploy")
        link = VmLink(out / f"{provision.role}-{BOARD}", directory / "flash", provision.settings())
        store_settings(provision.role, dict(provision.parameters), directory / "flash")
        return VmDevice(link)
