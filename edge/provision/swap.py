"""Giving a replacement board the place of a broken one: `swap` is the whole procedure.

Knows: the backup, what a board stores, and the order that a cut anywhere cannot harm. Must not know: arguments, what is
printed. The settings go over the cable as the two records the firmware keeps, not as commands: so they come whole or
not at all, with the counters that no command can set, and before the board has an identity it could act under.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from edge.boards.files import BoardError, BoardFiles
from edge.boards.provision_file import FILE_NAME
from edge.provision import book
from edge.provision.backup import Backup, BackupError, path_of, read_backup
from edge.provision.board_file import own_text
from edge.provision.board_state import BoardState, look_at
from edge.provision.device_key import DeviceKey
from edge.provision.history import last_change
from edge.provision.provision import refuse_others_board
from edge.provision.steps import (
    Place,
    RefusedError,
    note_board,
    put_in_force,
    refuse_file_set,
    refuse_user,
    write_identity,
)
from edge.southbound.role_map import ROLE_MAPS
from edge.southbound.settings_copy import settings_of
from edge.words import tr
from protocols.settings_record import FLAG_RECALIBRATE, pack_record_into, record_size

COPY_NAMES = ("settings_a.bin", "settings_b.bin")
CALIBRATED_ROLE = "weighbridge"
_ALIBI = "alibi_"
_FIRST_EPOCH = 1  # of the command nonce; a new key has seen none


@dataclass(frozen=True, slots=True)
class Swapped:
    """What was done; `recalibrate`: nothing is registered until the scale is calibrated on this board."""

    chip: str
    chip_before: str
    key: DeviceKey
    backup: Backup
    recalibrate: bool


def swap(place: Place, board: BoardFiles, *, replace: bool, accept_older: bool) -> Swapped:
    """Raises BoardError, KeyStoreError, BookError or BackupError; run again after a cut."""
    refuse_user(place.data_dir, place.keys)
    with book.locked(place.data_dir):
        backup = read_backup(path_of(place.data_dir, place.device.name), place.device.name)
        _refuse_backup(place, backup, accept_older=accept_older)
        known = book.read_book(place.data_dir)
        state = look_at(board)
        refuse_file_set(place, state)
        _refuse_old_board(place, state, known)
        if not replace:
            refuse_others_board(place, state, known, is_swap=True)
            _refuse_weighings(state)
        key = _key_for(place, state)
        records = make_records(place, backup)
        # Without an identity the board acts for nobody, whatever is cut from here on.
        board.replace(FILE_NAME, own_text(state.provision or {}))
        for name in state.stored:
            if name not in COPY_NAMES:
                board.remove(name)
        _write_records(board, records)
        write_identity(place, board, state, key)
        before = known.board_of(place.device.name)
        chip_before = str(before.data["chip"]) if before else ""
        old = place.keys.current()
        put_in_force(place, key, "the board was swapped")
        recalibrate = place.device.map == CALIBRATED_ROLE
        more = {"chip_before": chip_before, "backup_sha256": backup.digest, "recalibrate": recalibrate}
        if old is not None and not old.is_same(key):
            more["fingerprint_before"] = old.fingerprint
        note_board(place, book.SWAPPED, key, state.chip, more)
    return Swapped(state.chip, chip_before, key, backup, recalibrate)


def make_records(place: Place, backup: Backup) -> dict[str, bytes]:
    """The two records of settings for the new board, by file name; the second is the newer one."""
    role = ROLE_MAPS[place.device.map]
    settings = settings_of(role)
    values = _fitting(backup.settings, {setting.name: (setting.low, setting.high) for setting in settings})
    content = backup.content
    flags = FLAG_RECALIBRATE if place.device.map == CALIBRATED_ROLE else 0
    records = {}
    for sequence, name in enumerate(COPY_NAMES, 1):
        head = [
            sequence,
            content["settings_generation"],
            content["boot_count"],
            _FIRST_EPOCH,
            content["calibration_count"],
            flags,
        ]
        record = bytearray(record_size(len(settings)))
        pack_record_into(record, role.map_id, role.map_version, head, [values[setting.name] for setting in settings])
        records[name] = bytes(record)
    return records


def _fitting(values: Mapping[str, int], limits: Mapping[str, tuple[int, int]]) -> Mapping[str, int]:
    """The values, if they are exactly the settings of the map and within their limits."""
    wrong = [name for name in {*values, *limits} if name not in values or name not in limits]
    wrong += [name for name in limits if name in values and not limits[name][0] <= values[name] <= limits[name][1]]
    if wrong:
        raise BackupError(
            tr(
                "the backup has settings that the map does not know or allow: {names}; provision the board and set it "
                "by hand",
                names=", ".join(sorted(wrong)),
            )
        )
    return values


def _refuse_backup(place: Place, backup: Backup, *, accept_older: bool) -> None:
    device, content = place.device, backup.content
    for name, wanted in (("map", device.map), ("map_version", device.map_version), ("serial", device.serial)):
        if content[name] != wanted:
            raise BackupError(
                tr(
                    "the backup of {device} is of {name} {found}, the site file says {wanted}: restore the site file, "
                    "or provision the board and set it by hand",
                    device=device.name,
                    name=name,
                    found=content[name],
                    wanted=wanted,
                )
            )
    changed = None if accept_older else last_change(place.site.journal_path, device.name)
    if changed is not None and changed.time_ms > backup.time_ms:
        raise BackupError(
            tr(
                "the backup of {device} is older than the device: record {record} tells of a later change ({event}); "
                "give --accept-older to take it all the same",
                device=device.name,
                record=changed.seq,
                event=changed.event,
            )
        )


def _refuse_old_board(place: Place, state: BoardState, known: book.Book) -> None:
    """Raise RefusedError when this is the board that is to be replaced."""
    old, board = place.keys.current(), known.board_of(place.device.name)
    own = [entry for entry in known.entries if entry.device == place.device.name]
    if own and own[-1].kind == book.REVOKED:
        return  # a swap was cut behind the revocation: the key in force is the new board's
    is_old_key = old is not None and state.key is not None and state.key.is_same(old)
    is_old_chip = board is not None and bool(state.chip) and board.data["chip"] == state.chip
    if is_old_key or is_old_chip:
        raise RefusedError(
            tr(
                "{port}: this board is in the place of {device} already; connect the new one",
                port=state.where,
                device=place.device.name,
            )
        )


def _refuse_weighings(state: BoardState) -> None:
    """Raise RefusedError when the board holds weighing records, which nobody else has."""
    if any(name.startswith(_ALIBI) for name in state.stored):
        raise RefusedError(
            tr(
                "{port}: the board holds weighing records of a scale it was on; --replace removes them",
                port=state.where,
            )
        )


def _key_for(place: Place, state: BoardState) -> DeviceKey:
    """The key that this board got before a cut, else a new one."""
    for key in (place.keys.pending(), place.keys.current()):
        if key is not None and state.key is not None and state.key.is_same(key):
            return key
    place.keys.drop_pending()
    return place.keys.make_pending()


def _write_records(board: BoardFiles, records: Mapping[str, bytes]) -> None:
    for name, record in records.items():
        board.replace(name, record)
    for name, record in records.items():
        if board.read(name) != record:
            raise BoardError(
                tr("{port}: {path} reads back differently: the flash is worn or damaged", port=board.where, path=name)
            )
