"""Power cuts in every write of an update: the board starts a whole, verified version, whatever was under way."""

import hashlib
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from edge.update.board_layout import fresh_board, make_manifest, slot_files
from hil.faults.life import provision_of
from hil.faults.update_cut import UpdateSweep
from protocols import bundle
from tools.deploy import ROOT, deploy

OLD, NEW = 1, 2
SITE_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC_KEY = SITE_KEY.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def files_of(version: int, role: str, board: str, out: Path) -> dict[str, bytes]:
    """The file set of the present sources as if they were of this version."""
    root = out / "sources"
    for folder in ("firmware", "protocols"):
        shutil.copytree(ROOT / folder, root / folder)
    identity = root / "firmware/app/identity.py"
    text = identity.read_text(encoding="utf-8")
    assert text.count(f"FIRMWARE_VERSION = const({OLD})") == 1
    identity.write_text(
        text.replace(f"FIRMWARE_VERSION = const({OLD})", f"FIRMWARE_VERSION = const({version})"), encoding="utf-8"
    )
    file_set = deploy(root, role, board, out)
    return {file.path: (file_set.folder / file.path).read_bytes() for file in file_set.files}


def bundle_of(role: str, board: str, inside: Mapping[str, bytes], version: int) -> bytes:
    manifest = make_manifest(role, board, False, inside, version=version)
    signature = SITE_KEY.sign(bundle.signed_message(hashlib.sha256(manifest).digest()))
    parts = [bundle.encode_head(len(manifest)), manifest, signature, *(data for _, data in sorted(inside.items()))]
    return b"".join(part + b"\0" * (len(part) & 1) for part in parts)


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> UpdateSweep:
    folder = tmp_path_factory.mktemp("update")
    old = files_of(OLD, "rfid", "unix", folder / "old")
    new = files_of(NEW, "rfid", "unix", folder / "new")
    provision = provision_of("rfid", PUBLIC_KEY)
    board = fresh_board("rfid", "unix", False, old)
    return UpdateSweep(board, provision, bundle_of("rfid", "unix", slot_files(new), NEW), folder / "flash")


def test_a_sample_of_the_cuts_leaves_a_whole_version(sweep: UpdateSweep) -> None:
    step = sweep.writes // 12
    starts = list(sweep.starts(first=1 + step // 2, step=step))
    assert len(starts) >= 40
    assert [start for start in starts if not start.is_whole] == []


def test_the_last_writes_are_the_switch_and_none_of_them_leaves_less_than_a_whole_version(sweep: UpdateSweep) -> None:
    starts = list(sweep.starts(first=sweep.writes - 11))
    assert {start.slot for start in starts} == {"a", "b"}
    assert any(start.is_second for start in starts)
    assert [start for start in starts if not start.is_whole] == []


def test_the_device_answers_after_cuts(sweep: UpdateSweep) -> None:
    for number in (2, sweep.writes // 2, sweep.writes - 6):
        operation = sweep.operation(number)
        assert sweep.version_after(number, len(operation.data) // 2) in (OLD, NEW), number


@pytest.mark.long
def test_every_cut_leaves_a_whole_version(sweep: UpdateSweep) -> None:
    starts = list(sweep.starts())
    assert len(starts) >= 4 * sweep.writes
    assert [start for start in starts if not start.is_whole] == []
