"""What lies on a new board: a file set in slot a, the pointer that confirms it, and the start that chooses the slot.

Knows where a file of a set goes on a board and what its manifest says. Must not know how a set is compiled, or how
files get onto a board. The layout itself is told in `firmware/boards/slots.py`.
"""

import hashlib
import importlib
from collections.abc import Mapping

from edge.update.manifest import abi_of, encode_manifest
from firmware.app.identity import FIRMWARE_VERSION
from firmware.boards import slots
from protocols.bundle import Manifest

# The lowest version a device may have that is to take a set over the bus: the first that can.
MINIMUM_VERSION = 1
SLOTS, POINTER, MANIFEST = slots.SLOTS, slots.POINTER_FILE, slots.MANIFEST_FILE
_STARTS = ("main.py", "main.mpy")
# What a start needs before a slot is chosen lies beside it under its last name.
_BESIDE = ("firmware/boards/slots.mpy", "firmware/boards/rp2/clock.mpy")


def fresh_board(role: str, board: str, radio: bool, files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Path on the board -> content, from the files of a set as `tools.deploy` makes it (its manifest.json left out).

    The provision file and what a device stores are not part of it. BundleError when the set breaks a rule of manifests.
    """
    inside = slot_files(files)
    return lay_out(start_files(files), make_manifest(role, board, radio, inside), inside)


def lay_out(starts: Mapping[str, bytes], manifest: bytes, inside: Mapping[str, bytes]) -> dict[str, bytes]:
    """A fresh board as `fresh_board` has it, from its start, the manifest of its slot and the files in it."""
    slot = slots.SLOTS[0]
    pointer = slots.Pointer(slot, slots.CONFIRMED, hashlib.sha256(manifest).hexdigest(), "")
    return {
        **starts,
        slots.POINTER_FILE: slots.encode_pointer(pointer).encode(),
        f"{slot}/{slots.MANIFEST_FILE}": manifest,
        **{f"{slot}/{path}": data for path, data in inside.items()},
    }


def pointed_slot(pointer: bytes) -> str:
    """The slot that the content of a board's pointer names, "" when it is damaged."""
    found = slots.parse_pointer(pointer.decode("ascii", "replace"))
    return found.slot if found is not None else ""


def start_files(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """What lies outside of the slots, written at the bench only."""
    starts = {path: files[path] for path in _STARTS if path in files}
    return starts | {path.rpartition("/")[2]: files[path] for path in _BESIDE if path in files}


def slot_files(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """What lies in a slot, by its path there: what a bundle carries."""
    return {path: data for path, data in files.items() if path not in _STARTS}


def make_manifest(
    role: str,
    board: str,
    radio: bool,
    inside: Mapping[str, bytes],
    *,
    version: int = FIRMWARE_VERSION,
    minimum: int | None = None,
) -> bytes:
    """The manifest of the files of a slot, which call themselves `version`; raises BundleError and ValueError."""
    head = Manifest()
    head.role, head.board, head.radio = role, board, int(radio)
    head.version, head.minimum = version, MINIMUM_VERSION if minimum is None else minimum
    head.abi = abi_of(dict(inside))
    head.map = importlib.import_module(f"protocols.registers.{role}").MAP_VERSION
    return encode_manifest(head, [(path, len(data), hashlib.sha256(data).hexdigest()) for path, data in inside.items()])
