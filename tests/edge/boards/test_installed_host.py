"""Which set of ours a board holds, whatever its pointer and manifests have suffered."""

from pathlib import Path

import pytest

from edge.boards.installed import find_set
from edge.update.board_layout import lay_out, make_manifest
from tests.edge.provision.bench import FolderBoard

_MANIFEST = make_manifest("barrier", "rp2", radio=False, inside={"a.mpy": b"M\x06\x1f\x1f"})


def _board(folder: Path, lost: dict[str, bytes]) -> FolderBoard:
    """One with a manifest in both slots and a pointer to the first, but for what was `lost`."""
    for path, data in (lay_out({}, _MANIFEST, {}) | {"b/manifest.txt": _MANIFEST} | lost).items():
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_bytes(data)
    return FolderBoard(folder, "chip-1")


@pytest.mark.parametrize(
    ("lost", "slot"),
    [
        ({}, "a"),
        ({"slot.txt": b"?"}, "a"),
        ({"slot.txt": b"?", "a/manifest.txt": b"torn"}, "b"),
        ({"slot.txt": b"?", "a/manifest.txt": b"torn", "b/manifest.txt": b""}, ""),
    ],
)
def test_without_a_pointer_it_is_the_first_sound_manifest(tmp_path: Path, lost: dict[str, bytes], slot: str) -> None:
    found, manifest = find_set(_board(tmp_path, lost))
    assert (found, manifest is not None) == (slot, bool(slot))


def test_a_damaged_manifest_that_the_pointer_names_is_not_passed_over(tmp_path: Path) -> None:
    assert find_set(_board(tmp_path, {"a/manifest.txt": b"torn"})) == ("a", None)
