"""Making a board the one of a place: `provision` is the whole procedure.

Knows: whose board it may be already, and which key it gets. Must not know: arguments, what is printed, labels.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from edge.boards.files import BoardFiles
from edge.provision import book
from edge.provision.board_state import BoardState, look_at
from edge.provision.device_key import DeviceKey
from edge.provision.steps import (
    Place,
    RefusedError,
    note_board,
    put_in_force,
    refuse_file_set,
    refuse_user,
    write_identity,
)
from edge.words import later, tr

NEW, KEPT, FINISHED, MENDED = "new", "kept", "finished", "mended"
KEY_WORDS = {
    NEW: later("the hub and the board have a new key"),
    KEPT: later("the board has the key the hub has"),
    FINISHED: later("a provisioning that had been cut is finished"),
    MENDED: later("the board had another key than the hub; it has the hub's now"),
}


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the technician asks for beyond the usual: take a board that was another one, make a new key."""

    replace: bool = False
    new_key: bool = False


@dataclass(frozen=True, slots=True)
class Provisioned:
    """What was done. `key_state` is one of KEY_WORDS."""

    chip: str
    key: DeviceKey
    key_state: str


def provision(place: Place, board: BoardFiles, wishes: Wishes) -> Provisioned:
    """Make the board the one of `place`. Raises BoardError, KeyStoreError or BookError; run again after a cut."""
    refuse_user(place.data_dir, place.keys)
    with book.locked(place.data_dir):
        state = look_at(board)
        known = book.read_book(place.data_dir)
        refuse_file_set(place, state)
        if not wishes.replace:
            refuse_others_board(place, state, known)
        key, key_state = _choose_key(place, state, known, wishes)
        write_identity(place, board, state, key)
        put_in_force(place, key, "provisioned with a new key")
        note_board(place, book.PROVISIONED, key, state.chip, {})
    return Provisioned(state.chip, key, key_state)


def _choose_key(place: Place, state: BoardState, known: book.Book, wishes: Wishes) -> tuple[DeviceKey, str]:
    """The key that the board got before a cut, else the hub's, else a new one. A key that waits for a board that is not
    this one is forgotten: two boards must never have the same."""
    pending, current = place.keys.pending(), place.keys.current()
    if pending is not None and state.key is not None and state.key.is_same(pending):
        return pending, FINISHED
    place.keys.drop_pending()
    is_usable = current is not None and current.fingerprint not in known.revoked
    if current is None or not is_usable or wishes.new_key or _has_other_board(place, state, known):
        return place.keys.make_pending(), NEW
    is_mended = state.key is not None and _is_of_place(place, state) and not state.key.is_same(current)
    return current, MENDED if is_mended else KEPT


def refuse_others_board(place: Place, state: BoardState, known: book.Book, *, is_swap: bool = False) -> None:
    """Raise RefusedError for a board that is, or was, somebody; all of these may be overruled by --replace.

    A swap is for a place that has another board.
    """
    revoked = known.revoked.get(state.key.fingerprint) if state.key else None
    if revoked is not None:
        raise RefusedError(
            tr(
                "{port}: this is the board that was {device} until {day}, its key is revoked; to use it again, give "
                "--replace",
                port=state.where,
                device=revoked.device,
                day=_day(revoked.time_ms),
            )
        )
    is_somebody = any(name in (state.provision or {}) for name in ("role", "serial"))
    if is_somebody and not _is_of_place(place, state):
        raise RefusedError(
            tr(
                "{port}: the board is {found} already; to make it {device}, give --replace",
                port=state.where,
                found=_described(place, state),
                device=place.device.name,
            )
        )
    if not is_swap and _has_other_board(place, state, known):
        board = known.board_of(place.device.name)
        raise RefusedError(
            tr(
                "{device} has another board (chip {chip}, since {day}): gate swap puts this one in its place with its "
                "settings; --replace gives the old one up",
                device=place.device.name,
                chip=board.data["chip"] if board else "",
                day=_day(board.time_ms if board else 0),
            )
        )


def _has_other_board(place: Place, state: BoardState, known: book.Book) -> bool:
    """Whether the book knows a board in this place that is not this one, as far as chips have numbers."""
    board = known.board_of(place.device.name)
    return board is not None and bool(board.data["chip"]) and board.data["chip"] != state.chip


def _is_of_place(place: Place, state: BoardState) -> bool:
    says = state.provision or {}
    return (says.get("role"), says.get("serial")) == (place.device.map, str(place.device.serial))


def _described(place: Place, state: BoardState) -> str:
    """Who the board says it is, by the name the site file has for that."""
    says = state.provision or {}
    role, serial = says.get("role", "?")[:20], says.get("serial", "?")[:12]
    names = [device.name for device in place.site.devices if (device.map, str(device.serial)) == (role, serial)]
    return names[0] if names else tr("a {role} with serial number {serial}", role=role, serial=serial)


def _day(time_ms: int) -> str:
    return time.strftime("%Y-%m-%d", time.localtime(time_ms / 1000))
