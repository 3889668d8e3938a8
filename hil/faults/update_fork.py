"""A power cut in writes of an update on an emulated RP2040, each in a forked copy of the run.

Knows: where branches leave the run, and what must answer in them. Must not know: how a chip is emulated, how a bundle
is signed. A page is torn as `forks.py` tears it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hil.chip.child import in_child
from hil.faults.forks import ForkingDevice, tear
from hil.faults.life import SECOND_US, stand_for
from hil.faults.stand import SilentError, Stand
from hil.faults.update_life import push, switch
from hil.targets.rp2040 import Rp2040Device, Rp2040Target
from hil.targets.target import Options, Provision, TargetError
from protocols.registers import barrier as registers

_START_US = 3 * SECOND_US
_SILENT = 0


@dataclass(frozen=True, slots=True)
class Branch:
    """What started after a cut at an instant of the update: its version, 0 when it stayed silent."""

    at_us: int
    write: int
    is_torn: bool
    version: int


class UpdateForks:
    """`run` lives the update and branches off at every `every`-th write; `branches` are all that happened."""

    def __init__(self, provision: Provision, directory: Path, options: Options, every: int) -> None:
        device = Rp2040Target(options).start(provision, directory)
        assert isinstance(device, Rp2040Device)
        self._device = device
        self._every = every
        self.stand: Stand = stand_for(ForkingDevice(device, self._after_step), provision.role)
        self.branches: list[Branch] = []
        self.writes = 0
        self.took_us = 0

    def run(self, bundle: bytes) -> None:
        """Receive, switch, try and confirm; raises TargetError when that does not come about."""
        stand = self.stand
        try:
            stand.run(SECOND_US)
            began_us = stand.now_us
            if push(stand, bundle)[0] != registers.UPDATE_STATE_READY:
                raise TargetError(f"the update ended with reason {stand.point('update_reason')}")
            self.took_us = stand.now_us - began_us
            self._device.expect_reset()
            switch(stand)
            if stand.point("update_state") != registers.UPDATE_STATE_IDLE or stand.point("running_slot") != 2:
                raise TargetError("the new slot was not confirmed")
        finally:
            self._device.close()

    def _after_step(self, before: bytes, after: bytes) -> None:
        if before == after:
            return
        self.writes += 1
        if self.writes % self._every:
            return
        for flash in (after, *tear(before, after)[:1]):
            version = in_child(lambda flash=flash: self._suffer(flash))  # type: ignore[misc]
            self.branches.append(Branch(self.stand.now_us, self.writes, flash is not after, version))

    def _suffer(self, flash: bytes) -> int:
        """In the copy: the power goes, and comes back."""
        stand = self.stand
        stand.device = self._device
        stand.restart(lambda: self._device.cut(flash))
        stand.run(_START_US)
        for _ in range(4):
            try:
                return stand.read(registers.AT_FIRMWARE_VERSION, 1)[0]
            except SilentError:
                continue
        return _SILENT
