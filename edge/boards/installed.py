"""Which file set of ours a board holds: the slot in force, and what its manifest says.

Knows: where the pointer and manifests lie. Must not know: how a set comes onto a board, what is to become of it.
"""

from __future__ import annotations

from edge.boards.files import BoardFiles
from edge.update.board_layout import MANIFEST, POINTER, SLOTS, pointed_slot
from edge.update.manifest import read_manifest
from protocols.bundle import BundleError, Manifest


def find_set(board: BoardFiles) -> tuple[str, Manifest | None]:
    """The slot that the pointer names, else the first with a sound manifest, "" without any; what the manifest says,
    None where it is missing or damaged. Whether the files are whole is the start's to judge. Raises BoardError.
    """
    named = pointed_slot(board.read(POINTER) or b"")
    for slot in (named,) if named else SLOTS:
        text = board.read(f"{slot}/{MANIFEST}")
        manifest = None if text is None else _read(text)
        if manifest is not None:
            return slot, manifest
    return named, None


def manifest_of(board: BoardFiles) -> Manifest | None:
    """What the manifest of the slot in force says, None where there is none or it is damaged."""
    return find_set(board)[1]


def _read(text: bytes) -> Manifest | None:
    try:
        return read_manifest(text)[0]
    except BundleError:
        return None
