"""What a new board gets: a confirmed slot a that is whole, and the start beside it."""

from pathlib import Path

import pytest

from edge.update import manifest
from edge.update.board_layout import fresh_board, make_manifest, slot_files
from firmware.app.identity import FIRMWARE_VERSION
from firmware.boards import slots
from protocols import bundle
from protocols.registers import barrier
from tools.deploy import ROOT, deploy


@pytest.fixture(scope="module", params=["rp2", "unix"])
def deployed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, dict[str, bytes]]:
    folder = tmp_path_factory.mktemp("deploy")
    file_set = deploy(ROOT, "barrier", request.param, folder)
    return request.param, {file.path: (file_set.folder / file.path).read_bytes() for file in file_set.files}


def test_slot_a_is_whole_and_starts(deployed: tuple[str, dict[str, bytes]], tmp_path: Path) -> None:
    board, files = deployed
    for path, data in fresh_board("barrier", board, False, files).items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(data)
    assert slots.choose(str(tmp_path)) == "a"
    start = {"rp2": {"main.py", "clock.mpy"}, "unix": {"main.mpy"}}[board]
    assert {path.name for path in tmp_path.iterdir()} == {"a", "slot.txt", "slots.mpy", *start}
    (tmp_path / "a/firmware/app/device.mpy").unlink()
    assert slots.choose(str(tmp_path)) == ""


def test_the_manifest_tells_what_the_set_is(deployed: tuple[str, dict[str, bytes]]) -> None:
    board, files = deployed
    text = make_manifest("barrier", board, False, slot_files(files))
    head, entries = manifest.read_manifest(text)
    assert (head.role, head.board, head.radio, head.version) == ("barrier", board, 0, FIRMWARE_VERSION)
    assert (head.map, head.abi) == (barrier.MAP_VERSION, "6.3.armv6m" if board == "rp2" else "6.0")
    assert [path for path, *_ in entries] == sorted(slot_files(files))
    assert text == make_manifest("barrier", board, False, dict(reversed(slot_files(files).items())))


def test_sets_of_different_compilers_are_refused(deployed: tuple[str, dict[str, bytes]]) -> None:
    _, files = deployed
    with pytest.raises(ValueError, match="different kinds"):
        manifest.abi_of({**files, "old.mpy": b"M\x05\x00\x1f"})
    with pytest.raises(ValueError, match="different kinds"):
        manifest.abi_of({"a.mpy": b"M\x06\x13\x1f", "b.mpy": b"M\x06\x2b\x1f"})


def test_what_a_device_would_refuse_is_not_written() -> None:
    head = bundle.Manifest()
    with pytest.raises(bundle.BundleError) as told:
        manifest.encode_manifest(head, [("a.mpy", 1, "0" * 64)])
    assert manifest.describe(told.value) == (
        "line 2 of the manifest: the role is no word of small letters, digits and underlines"
    )


def test_every_kind_has_its_words() -> None:
    others = ("HEAD_SIZE", "SIGNATURE_SIZE", "MANIFEST_MAX", "LINE_MAX", "FILES_MAX", "FILE_MAX", "PATH_MAX")
    kinds = {value for name, value in vars(bundle).items() if name.isupper() and isinstance(value, int)}
    kinds -= {getattr(bundle, name) for name in others}
    assert {value for value in manifest.WORDS} >= kinds - {value for value in kinds if value > 21}
