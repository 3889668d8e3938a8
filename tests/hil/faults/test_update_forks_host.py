"""An update of a reader on the emulated RP2040: received, tried, confirmed, and its power cut in writes on the way."""

from pathlib import Path

import pytest

from edge.update.board_layout import slot_files
from hil.faults.life import provision_of
from hil.faults.update_fork import UpdateForks
from hil.targets.target import BlockedError, Options
from tests.hil.faults.test_update_cuts_host import NEW, OLD, PUBLIC_KEY, bundle_of, files_of


@pytest.mark.long
def test_an_update_is_confirmed_and_every_cut_starts_one_of_the_versions(tmp_path: Path) -> None:
    inside = slot_files(files_of(NEW, "rfid", "rp2", tmp_path / "new"))
    try:
        forks = UpdateForks(provision_of("rfid", PUBLIC_KEY), tmp_path / "chip", Options(), every=60)
    except BlockedError as error:
        pytest.skip(f"BLOCKED: {error}")
    forks.run(bundle_of("rfid", "rp2", inside, NEW))
    assert len(forks.branches) >= 5
    assert [branch for branch in forks.branches if branch.version not in (OLD, NEW)] == []
