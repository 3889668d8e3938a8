"""Target `board`: a device board whose inputs and outputs are a rig board's; both real, or two emulated chips.

Knows: what a bench can and cannot do, who the device on it is. Must not know: how a run is made.

With ports named, both boards are real: the device has been provisioned for the bench, with the file that
`docs/bench/README.md` shows. Without, two emulated RP2040 chips prove the same path, wired to each other as on the
bench: the host speaks with both by serial only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from edge.boards.images import digest_of
from edge.words import later, tr
from firmware.boards.host import store_settings
from hil.board.files import firmware_hash, rig_files
from hil.board.link import RigLink
from hil.board.pair import PairTable, RigChip
from hil.board.port import Table
from hil.board.serial_table import SerialTable
from hil.chip.carrier import BOARD, copied_files
from hil.chip.emulator import EMULATOR, build_image, find_uf2
from hil.chip.selftest import check_emulator
from hil.targets.identity import deployed_identity, package_version
from hil.targets.target import Options, Provision, Target, TargetError, UsageError
from tools.deploy import ROOT, DeployError, FileSet, deploy

BAUD = 115_200
# The device of a bench. The key is public: a board with it must not go to a gate.
SERIAL, UNIT_ID, KEY = 1001, 1, bytes(range(32))
LACKS = {
    "analogue_inputs": later("the rig card of the target board drives on and off only"),
    "load_cell": later("the rig card of the target board has no output that speaks as a load-cell converter"),
    "input_quality": later("the rig card of the target board cannot take one channel from the device's input card"),
    "wiegand": later("the rig board of the target board does not pulse the instrument's line"),
    "field_line": later("the rig board of the target board does not speak on the instrument's line"),
    "several_devices": later("the bench of the target board has one device"),
    "bus_faults": later("the host's adapter of the target board can only be silent"),
    "hang": later("nothing outside the device of the target board can make its loop stand still"),
    "watchdog": later("nothing outside the device of the target board can make its watchdog bite"),
    "clock_jump": later("the counter of the device of the target board starts at power-on and cannot be moved"),
    "torn_write": later("the supply of the target board cannot be cut at a chosen instant of a write"),
    "call_faults": later("no port of the device of the target board can be made to fail at its N-th call"),
    "snapshot": later("the device of the target board cannot be forked"),
    "line_errors": later("the host's adapter of the target board sends whole characters only"),
    "heap": later("the device of the target board tells nothing of its heap on the line"),
    "driver_turnaround": later("the rig card of the target board does not see the line's driver"),
    "undriven_outputs": later("behind the optocouplers of the target board an output that floats is one that is off"),
    "flash_timing": later("nothing on the bench of the target board sees the flash at work"),
    "electrical": later("the rig card of the target board switches; it does not measure"),
}
OF_REAL_BOARDS = {
    "same_twice": later("two runs on real boards of the target board differ by microseconds"),
    "own_settings": later("a real device on the bench of the target board keeps the settings it has"),
}


class BoardTarget(Target):
    name = "board"

    def __init__(self, options: Options) -> None:
        self._options = options
        self._uf2: Path | None = None
        self._deployed: dict[str, FileSet] = {}
        self._rig_files: dict[str, bytes] = {}

    def lacks(self) -> Mapping[str, str]:
        return {**LACKS, **OF_REAL_BOARDS} if self._is_real else LACKS

    def prepare(self, roles: Sequence[str], directory: Path) -> None:
        if not self._is_real:
            self._uf2 = find_uf2(self._options.uf2)
            check_emulator(self._uf2)
        self._rig_files = rig_files(directory)
        try:
            self._deployed.update({role: deploy(ROOT, role, BOARD, directory) for role in roles})
        except DeployError as error:
            raise TargetError(str(error)) from error

    def identity(self) -> Mapping[str, str]:
        folders = {role: file_set.folder for role, file_set in self._deployed.items()}
        found = {**deployed_identity(folders), "firmware rig": firmware_hash(self._rig_files).hex()}
        if self._uf2 is None:
            return found
        return {**found, EMULATOR: package_version(EMULATOR), "uf2": digest_of(self._uf2)}

    def open(self, provision: Provision, directory: Path) -> Table:
        """The bench with this device, its rig board looked at; raises BlockedError, TargetError and UsageError."""
        if provision.role not in self._deployed:
            self.prepare([provision.role], directory / "deploy")
        table = self._table(provision, directory / "settings")
        try:
            RigLink(table).check(firmware_hash(self._rig_files))
        except (TargetError, UsageError):
            table.close()
            raise
        return table

    @property
    def is_one_bench(self) -> bool:
        return self._is_real

    @property
    def _is_real(self) -> bool:
        return bool(self._options.rig_port or self._options.dut_port)

    def device(self, role: str, settings: tuple[tuple[str, int], ...]) -> Provision:
        """Who a device on the bench is."""
        return Provision(role, SERIAL, UNIT_ID, BAUD, KEY, parameters=settings)

    def _table(self, provision: Provision, settings: Path) -> Table:
        if not self._is_real:
            assert self._uf2 is not None
            image = build_image(self._flash_files(provision, settings))
            return PairTable(self._uf2, RigChip(self._uf2, self._rig_files), provision, image)
        if not (self._options.rig_port and self._options.dut_port):
            raise UsageError(
                tr("target board takes two ports: name the rig board's with --rig, the device's with --dut")
            )
        return SerialTable(self._options.rig_port, self._options.dut_port, BAUD)

    def _flash_files(self, provision: Provision, settings: Path) -> dict[str, bytes]:
        """What lies on the emulated device: the file set, its provision file, the settings of its commissioning."""
        settings.mkdir(parents=True, exist_ok=True)
        store_settings(provision.role, dict(provision.parameters), settings)
        stored = {path.name: path.read_bytes() for path in settings.iterdir()}
        return copied_files(self._deployed[provision.role], provision) | stored
