"""Target `rp2040`: the deployed file set on a MicroPython image, on an emulated RP2040 for each device, in lockstep.

Knows: how a card gets its files and its power. Must not know: scenarios, plants, pins.

Scenario time 0 is the instant of the second scan after the first power-on: the start is over, and what the first scan
decided is driven. A later start takes its real time.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from edge.boards.images import digest_of
from edge.words import later
from firmware.boards.host import store_settings
from hil.chip.carrier import BOARD, Carrier, copied_files, extended_start
from hil.chip.emulator import EMULATOR, Chip, build_image, find_uf2
from hil.chip.lockstep import HANG_START, LockstepCard
from hil.chip.selftest import check_emulator
from hil.chip.starts import Start, Starts
from hil.targets.identity import deployed_identity, package_version
from hil.targets.target import ContinuousDevice, Device, Options, Provision, SteppedTarget, StepResult, TargetError
from tools.deploy import ROOT, DeployError, FileSet, deploy

LACKS = {
    "wiegand": later("nothing pulses the two data wires of the field line of the target rp2040"),
    "input_quality": later("the input card of the target rp2040 can only lose all its inputs at once"),
    "clock_jump": later("the counter of the target rp2040 starts at power-on and cannot be moved"),
    "torn_write": later(
        "the flash of the target rp2040 writes a page whole or not at all; `gate hil faults steps` tears it"
    ),
    "call_faults": later("no port of the target rp2040 can be made to fail at its N-th call"),
    "line_errors": later("the emulated UART of the target rp2040 knows no framing error, parity error or break"),
    "flash_timing": later("the emulated flash of the target rp2040 erases and writes in no time"),
    "electrical": later("the target rp2040 has no terminals"),
}

_Result = TypeVar("_Result")


class Rp2040Device(ContinuousDevice):
    """One card. Without power there is no chip, only what its flash holds."""

    def __init__(self, uf2: Path, provision: Provision, image: bytes, starts: Starts) -> None:
        self._uf2 = uf2
        self._starts = starts
        self._provision = provision
        self._image = image
        self._card: LockstepCard | None = None
        self._has_started = False
        self._now_us = 0

    def step(
        self,
        now_us: int,
        inputs: Sequence[int],
        qualities: Sequence[int],
        received: bytes,
        field_received: bytes = b"",
    ) -> StepResult:
        card = self._card or self._power_on(now_us, inputs, qualities)
        card.set_inputs(inputs, qualities)
        duration_us, self._now_us = now_us - self._now_us, now_us
        return card.run(duration_us, received, field_received)

    def hang(self, until_us: int) -> None:
        if self._card is not None:
            self._card.hang(until_us)

    def kill(self) -> None:
        if self._card is not None:
            self._image = self._card.carrier.chip.file_system()
            self._card = None

    @property
    def chip(self) -> Chip:
        """The chip, while there is power."""
        assert self._card is not None
        return self._card.carrier.chip

    @property
    def flash(self) -> bytes:
        """The file system as it is in flash now."""
        return self._image if self._card is None else self._card.carrier.chip.file_system()

    def cut(self, flash: bytes) -> None:
        """Power cut that leaves this in flash."""
        self.kill()
        self._image = flash

    def reset(self) -> None:
        if self._card is not None:
            self._card.reset()

    def expect_reset(self) -> None:
        """The next reset is the program's own will."""
        if self._card is not None:
            self._card.expect_reset()

    def close(self) -> None:
        self._card = None

    def _power_on(self, now_us: int, inputs: Sequence[int], qualities: Sequence[int]) -> LockstepCard:
        self._now_us = now_us
        if self._has_started:
            card = LockstepCard(Carrier(Chip(self._uf2, self._image), self._provision), now_us)
        else:
            self._has_started = True
            first = Start(self._uf2, self._provision, self._image, tuple(inputs), tuple(qualities), now_us)
            card = self._starts.take(first)
        self._card = card
        return card


class Rp2040Target(SteppedTarget):
    name = "rp2040"

    def __init__(self, options: Options) -> None:
        self._named = options.uf2
        self._uf2: Path | None = None
        self._deployed: dict[str, FileSet] = {}
        self._starts = Starts()

    def lacks(self) -> Mapping[str, str]:
        return LACKS

    def prepare(self, roles: Sequence[str], directory: Path) -> None:
        self._uf2 = find_uf2(self._named)
        check_emulator(self._uf2)
        try:
            self._deployed.update({role: deploy(ROOT, role, BOARD, directory) for role in roles})
        except DeployError as error:
            raise TargetError(str(error)) from error

    def identity(self) -> Mapping[str, str]:
        image = {"UF2 image": digest_of(self._uf2)} if self._uf2 else {}
        folders = {role: file_set.folder for role, file_set in self._deployed.items()}
        return {**deployed_identity(folders), **image, EMULATOR: package_version(EMULATOR)}

    def run_apart(self, work: Callable[[], _Result]) -> _Result:
        return self._starts.run_apart(work)

    def start(self, provision: Provision, directory: Path) -> Device:
        if provision.role not in self._deployed:
            self.prepare([provision.role], directory / "deploy")
        assert self._uf2 is not None
        files = _flash_files(self._deployed[provision.role], provision)
        return Rp2040Device(self._uf2, provision, build_image(files), self._starts)


def _flash_files(file_set: FileSet, provision: Provision) -> dict[str, bytes]:
    """What lies on the board: the file set, its provision file, the settings of its commissioning."""
    files = copied_files(file_set, provision)
    files["main.py"] = extended_start(files, HANG_START)
    with tempfile.TemporaryDirectory(prefix="smartgate-settings-") as settings:
        store_settings(provision.role, dict(provision.parameters), Path(settings))
        return files | {path.name: path.read_bytes() for path in Path(settings).iterdir()}
