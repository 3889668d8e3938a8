"""What provisioning and swapping share: the board asked who it is, the site's own books kept, refusals.

Knows: the order in which hub and board get a key. Must not know: arguments, what is printed.

The order, so that a cut anywhere is mended by running the same command again: the new key lies in the hub's key store
beside the one in force; the board holds it, read back and understood by its own firmware; the old key is revoked in the
book; the new one takes its place; the book says which board is where.
"""

from __future__ import annotations

import getpass
import os
import pwd
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge.boards.files import BoardError, BoardFiles
from edge.boards.provision_file import FILE_NAME
from edge.cli_common import EXIT_REFUSED
from edge.config import DeviceConfig, SiteConfig
from edge.provision import book
from edge.provision.board_file import baud_of, board_text
from edge.provision.board_state import BoardState
from edge.provision.device_key import DeviceKey
from edge.provision.key_store import KeyFile
from edge.words import tr

# Answered by the board's own firmware: what it makes of the file, or the sentence with which it would refuse to start.
_WHO = """
import os, sys
d = '' if sys.platform in ('rp2', 'esp32') else os.getcwd()
sys.path.insert(0, d + '/{root}')
from firmware.boards.{kind} import wiring
from firmware.boards.provision import choose_variant, read_provision
from firmware.app.auth import find_key_id
from firmware.app.identity import Identity
from firmware.app.roles import load_role
p = read_provision(d, wiring.PROVISION_KEYS)
choose_variant(p, wiring.VARIANTS)
i = Identity(p)
load_role(i.role).choose_protocol(i.line_protocol)
print(i.role, i.serial, i.unit_id, i.baud, find_key_id(i.key))
"""


class RefusedError(BoardError):
    """The board is not the one, or must not be used for this."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence, EXIT_REFUSED)


@dataclass(frozen=True, slots=True)
class Place:
    """One device of a site, with what the hub keeps of its boards."""

    site: SiteConfig
    device: DeviceConfig
    keys: KeyFile

    @property
    def lane(self) -> str:
        """The name of the lane it belongs to, "" for none."""
        lanes = [lane.name for lane in self.site.lanes if self.device.name in (lane.barrier, lane.weighbridge)]
        return lanes[0] if lanes else ""

    @property
    def data_dir(self) -> Path:
        """Where the book lies."""
        return self.site.data_dir

    def identity(self) -> dict[str, Any]:
        """What the board in this place must answer, but for its key."""
        line = next(line for line in self.site.lines if line.name == self.device.line)
        return {
            "role": self.device.map,
            "serial": self.device.serial,
            "unit_id": self.device.unit_id,
            "baud": baud_of(line),
        }


def refuse_file_set(place: Place, state: BoardState) -> None:
    """Raise RefusedError unless the board's program is one for this place."""
    device, where = place.device, state.where
    if not state.role:
        raise RefusedError(tr("{port}: the board holds no file set of ours: run gate flash first", port=where))
    if state.role != device.map:
        raise RefusedError(
            tr(
                "{port}: the board holds the file set of {found}, and {device} is {wanted}: flash it with that role, "
                "or name another device",
                port=where,
                found=state.role,
                device=device.name,
                wanted=device.map,
            )
        )
    if state.map_version and state.map_version != device.map_version:
        raise RefusedError(
            tr(
                "{port}: the board's file set has map version {found}, and {device} is {wanted} in the site file: "
                "flash the board, or correct map_version",
                port=where,
                found=state.map_version,
                device=device.name,
                wanted=device.map_version,
            )
        )


def write_identity(place: Place, board: BoardFiles, state: BoardState, key: DeviceKey) -> None:
    """Put the provision file on the board, read it back, and have the firmware there say who it is."""
    text = board_text(place.site, place.device, key, state.provision or {})
    board.replace(FILE_NAME, text)
    if board.read(FILE_NAME) != text:
        raise BoardError(
            tr("{port}: {path} reads back differently: the flash is worn or damaged", port=board.where, path=FILE_NAME)
        )
    wanted = [str(value) for value in (*place.identity().values(), key.key_id)]
    said = board.run(_WHO.format(root=state.root, kind=state.kind)).split()
    if said != wanted:
        raise BoardError(
            tr(
                "{port}: the board says it is {said}, expected {wanted}: flash it anew",
                port=board.where,
                said=" ".join(said)[:80],
                wanted=" ".join(wanted),
            )
        )


def put_in_force(place: Place, key: DeviceKey, reason: str) -> None:
    """Revoke the key before, make the new one the hub's."""
    old = place.keys.current()
    is_other = old is not None and not old.is_same(key)
    if old is not None and is_other and old.fingerprint not in book.read_book(place.data_dir).revoked:
        book.append(
            place.data_dir,
            book.REVOKED,
            place.device.name,
            {"fingerprint": old.fingerprint, "reason": reason, "key_id": old.key_id, "user": user_name()},
        )
    place.keys.commit()


def note_board(place: Place, kind: str, key: DeviceKey, chip: str, more: Mapping[str, Any]) -> None:
    """Write into the book which board is in the place now, unless it says so already."""
    known = book.read_book(place.data_dir).board_of(place.device.name)
    if known is not None and known.data["fingerprint"] == key.fingerprint and known.data["chip"] == chip:
        return
    data = {"fingerprint": key.fingerprint, "key_id": key.key_id, "chip": chip, "user": user_name(), **place.identity()}
    book.append(place.data_dir, kind, place.device.name, {**data, "lane": place.lane, **more})


def refuse_user(data_dir: Path, keys: KeyFile) -> None:
    """Files made by another user than the hub's could not be read by it. Raises RefusedError."""
    for path in (data_dir, keys.path.parent):
        if path.exists() and (owner := path.stat().st_uid) != os.geteuid():
            raise RefusedError(
                tr(
                    "{path} belongs to user {owner}: run this as that user, as the hub does",
                    path=path,
                    owner=_name_of(owner),
                )
            )


def user_name() -> str:
    """Who does this."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return _name_of(os.getuid())


def _name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
