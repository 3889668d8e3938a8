"""What a board holds when it comes onto the bench: its file set, its identity, and what it has stored.

Knows: where these lie on a board, sets from before there were slots too. Must not
know: what is to become of the board.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from edge.boards.files import BoardFiles
from edge.boards.installed import find_set
from edge.boards.provision_file import FILE_NAME, read_text
from edge.provision.board_file import key_in
from edge.provision.device_key import DeviceKey
from edge.southbound.role_map import ROLE_MAPS

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
    root, manifest = find_set(board)
    role, kind, map_version = "", "", 0
    if manifest is not None:
        role, kind, map_version = manifest.role, manifest.board, manifest.map
    elif not root:
        role, kind = _set_without_slots(board)
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


def _set_without_slots(board: BoardFiles) -> tuple[str, str]:
    """Role and board of a file set at the top."""
    roles = [name for name in _modules(board.names("protocols/registers")) if name in ROLE_MAPS]
    kinds = [name for name in _BOARDS if f"{name}/" in board.names("firmware/boards")]
    return (roles[0], kinds[0]) if len(roles) == len(kinds) == 1 else ("", "")


def _modules(names: list[str]) -> list[str]:
    return [name.rpartition(".")[0] for name in names if name.endswith(_MODULE_SUFFIXES)]
