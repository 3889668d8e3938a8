"""What a board holds when it comes onto the bench: its file set, its identity, and what it has stored.

Knows: where these lie on a board (slots of `firmware/boards/slots.py`, and sets from before there were slots). Must not
know: what is to become of the board.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from edge.boards.files import BoardFiles
from edge.provision.board_file import FILE_NAME, key_in, read_text
from edge.provision.device_key import DeviceKey
from edge.southbound.role_map import ROLE_MAPS

MANIFEST = "manifest.txt"
POINTER = "slot.txt"
_SLOTS = ("a", "b")
_STORED_SUFFIX = ".bin"  # what the firmware stores: settings, counters, weighing records
_MODULE_SUFFIXES = (".mpy", ".py")
_BOARDS = ("rp2", "esp32", "unix")


@dataclass(frozen=True, slots=True)
class BoardState:
    """`root` is where the file set that starts lies ("" without slots); `role` "" means there is none of ours.

    `map_version` is 0 where the set does not say; `provision` is None without a file; `stored` are the files the
    firmware has written.
    """

    where: str
    chip: str
    root: str
    role: str
    kind: str
    map_version: int
    provision: Mapping[str, str] | None = field(repr=False)
    key: DeviceKey | None
    stored: tuple[str, ...]


def look_at(board: BoardFiles) -> BoardState:
    """Ask the board; raises BoardError."""
    root = _root_of(board)
    role, kind, map_version = _set_at(board, root)
    data = board.read(FILE_NAME)
    provision = None if data is None else read_text(data)
    return BoardState(
        where=board.where,
        chip=board.unique_id(),
        root=root,
        role=role,
        kind=kind,
        map_version=map_version,
        provision=provision,
        key=key_in(provision or {}),
        stored=tuple(name for name in board.names("") if name.endswith(_STORED_SUFFIX)),
    )


def _root_of(board: BoardFiles) -> str:
    """The slot that the pointer names, else the first with a manifest, else the top."""
    lines = (board.read(POINTER) or b"").decode("ascii", "replace").splitlines()
    if len(lines) > 1 and lines[1] in _SLOTS:
        return lines[1]
    return next((slot for slot in _SLOTS if f"{MANIFEST}" in board.names(slot)), "")


def _set_at(board: BoardFiles, root: str) -> tuple[str, str, int]:
    """Role, board and map version of the file set at `root`."""
    if root:
        lines = (board.read(f"{root}/{MANIFEST}") or b"").decode("utf-8", "replace").splitlines()
        head = dict(line.split(" ", 1) for line in lines if line.count(" ") == 1)
        version = head.get("map", "")
        return head.get("role", ""), head.get("board", ""), int(version) if version.isdecimal() else 0
    roles = [name for name in _modules(board.names("protocols/registers")) if name in ROLE_MAPS]
    kinds = [name for name in _BOARDS if f"{name}/" in board.names("firmware/boards")]
    return (roles[0], kinds[0], 0) if len(roles) == len(kinds) == 1 else ("", "", 0)


def _modules(names: list[str]) -> list[str]:
    return [name.rpartition(".")[0] for name in names if name.endswith(_MODULE_SUFFIXES)]
