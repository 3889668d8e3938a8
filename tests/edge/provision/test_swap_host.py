"""A swap: whose board and which backup are refused, what the new board holds, and cuts at every step."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edge.boards.files import BoardError
from edge.boards.provision_file import read_text
from edge.cli import main
from edge.cli_common import EXIT_REFUSED
from edge.config_load import load_site
from edge.journal.store import JournalStore
from edge.model import Record
from edge.provision.backup import BackupError, BackupKeeper, make_content, path_of, read_backup
from edge.provision.board_state import look_at
from edge.provision.book import REVOKED, SWAPPED, read_book
from edge.provision.provision import Wishes, provision
from edge.provision.steps import Place, RefusedError
from edge.provision.swap import COPY_NAMES, swap
from edge.southbound.role_map import ROLE_MAPS
from edge.southbound.settings_copy import SettingsCopy, settings_of
from firmware.app.settings import SOURCE_BOTH, Settings
from firmware.boards.store import FileStore
from firmware.ports import NullEntropy
from protocols.registers import weighbridge as regs
from tests.edge.provision.bench import Cut, FolderBoard, place_at
from tests.edge.provision.test_provision_host import HereBoard, cut_before

MakeFlash = Callable[[str, str], Path]


def settings_copy(key_id: int = 1, **values: int) -> SettingsCopy:
    settings = {setting.name: setting.default for setting in settings_of(ROLE_MAPS["weighbridge"])}
    return SettingsCopy(41, 5, key_id, 256, 7, settings | values)


@pytest.fixture
def place(site_path: Path) -> Place:
    return place_at(site_path, "scale")


@pytest.fixture
def old(place: Place, flash_with: MakeFlash) -> FolderBoard:
    board = HereBoard(flash_with("old", "weighbridge"), "chip-1")
    key = provision(place, board, Wishes()).key
    back_up(place, settings_copy(key.key_id, max_kg=60000))
    return board


def back_up(place: Place, copy: SettingsCopy) -> list[dict[str, Any]]:
    """As the hub does it; what it journals."""
    told: list[dict[str, Any]] = []
    keeper = BackupKeeper(place.data_dir, lambda kind, device, data: told.append({"kind": kind, **data}))
    assert asyncio.run(keeper._write(place.device.name, make_content(place.device, copy))) or told
    return told


def do(place: Place, board: FolderBoard, *, replace: bool = False, accept_older: bool = False) -> Any:
    return swap(place, board, replace=replace, accept_older=accept_older)


def test_the_firmware_takes_both_records_of_the_new_board(
    place: Place, old: FolderBoard, flash_with: MakeFlash
) -> None:
    new = HereBoard(flash_with("new", "weighbridge"), "chip-2")
    (new.folder / "settings_b.bin").write_bytes(b"of somebody")
    done = do(place, new)
    settings = Settings(regs.MAP_ID, regs.MAP_VERSION, regs.SETTINGS_TABLE)
    settings.load(FileStore(str(new.folder)), NullEntropy())
    assert (settings.source, settings.values[regs.SET_MAX_KG]) == (SOURCE_BOTH, 60000)
    assert (settings.calibration_count, settings.boot_count, settings.generation) == (7, 42, 5)
    assert settings.recalibration_due
    assert done.recalibrate
    assert read_text((new.folder / "provision.txt").read_bytes())["serial"] == "1002"
    book = read_book(place.data_dir)
    old_key = look_at(old).key
    assert old_key is not None
    assert set(book.revoked) == {old_key.fingerprint}
    board = book.board_of("scale")
    assert board is not None
    assert (board.kind, board.data["chip"], board.data["chip_before"]) == (SWAPPED, "chip-2", "chip-1")


def test_a_cut_at_any_step_is_mended_by_the_next_run(
    site_path: Path, flash_with: MakeFlash, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(1, 100):
        place = place_at(site_path, "scale")
        for path in (*place.keys.path.parent.glob("*"), *place.data_dir.glob("*")):
            if path.is_file():
                path.unlink()
        first = HereBoard(flash_with(f"old-{number}", "weighbridge"), "chip-1")
        old_key = provision(place, first, Wishes()).key
        back_up(place, settings_copy(old_key.key_id))
        flash, was_cut = flash_with(f"new-{number}", "weighbridge"), False
        with monkeypatch.context() as patch:
            steps = cut_before(patch, number)
            try:
                do(place, HereBoard(flash, "chip-2", steps))
            except Cut:
                was_cut = True
        board, current, on_board = HereBoard(flash, "chip-2"), place.keys.current(), look_at(HereBoard(flash)).key
        assert current is not None
        is_old = current.is_same(old_key)
        assert is_old or (on_board is not None and current.is_same(on_board)), "the hub has a key that no board has"
        if was_cut:
            with contextlib.suppress(RefusedError):  # all was done but the last step
                do(place, board)
        current, on_board = place.keys.current(), look_at(board).key
        assert current is not None
        assert on_board is not None
        assert current.is_same(on_board)
        assert not current.is_same(old_key)
        assert place.keys.pending() is None
        book = read_book(place.data_dir)
        known = book.board_of("scale")
        assert known is not None
        assert (known.kind, known.data["fingerprint"]) == (SWAPPED, current.fingerprint)
        assert set(book.revoked) == {old_key.fingerprint}
        if not was_cut:
            break
    assert number > 15


def test_the_old_board_and_boards_of_others_are_refused(place: Place, old: FolderBoard, flash_with: MakeFlash) -> None:
    with pytest.raises(
        RefusedError, match="this board is in the place of scale already; connect the new one"
    ) as raised:
        do(place, old)
    assert raised.value.code == EXIT_REFUSED
    bare = HereBoard(old.folder, "chip-1")
    (old.folder / "provision.txt").unlink()
    with pytest.raises(RefusedError, match="in the place of scale already"):
        do(place, bare)  # by its chip alone
    other = HereBoard(flash_with("other", "weighbridge"), "chip-3")
    (other.folder / "provision.txt").write_text("role=weighbridge\nserial=7\n")
    with pytest.raises(RefusedError, match="the board is a weighbridge with serial number 7 already"):
        do(place, other)
    (other.folder / "provision.txt").unlink()
    (other.folder / "alibi_a.bin").write_bytes(b"weights")
    with pytest.raises(RefusedError, match="holds weighing records of a scale it was on; --replace removes them"):
        do(place, other)
    do(place, other, replace=True)
    assert not (other.folder / "alibi_a.bin").exists()


def test_the_old_board_that_comes_back_to_the_bench_is_named(
    place: Place, old: FolderBoard, flash_with: MakeFlash
) -> None:
    do(place, HereBoard(flash_with("new", "weighbridge"), "chip-2"))
    with pytest.raises(RefusedError, match=r"this is the board that was scale until .*, its key is revoked"):
        provision(place, old, Wishes())


def test_a_backup_that_is_missing_damaged_or_of_something_else_is_refused(
    place: Place, old: FolderBoard, flash_with: MakeFlash
) -> None:
    new = HereBoard(flash_with("new", "weighbridge"), "chip-2")
    path = path_of(place.data_dir, "scale")
    good = path.read_text()
    for text, said in (
        (good.replace("60000", "60001"), "is damaged: its content is not what its hash says"),
        ("{}", "is damaged"),
        ("[" * 90_000, "is damaged"),
        ("", "is damaged"),
    ):
        path.write_text(text)
        with pytest.raises(BackupError, match=said):
            do(place, new)
    path.unlink()
    with pytest.raises(BackupError, match="there is no backup of scale: the hub makes one once it has read"):
        do(place, new)
    back_up(place, settings_copy(max_kg=2**30))
    with pytest.raises(BackupError, match="settings that the map does not know or allow: max_kg; provision"):
        do(place, new)
    back_up(place, settings_copy(unheard_of=1))
    with pytest.raises(BackupError, match="does not know or allow: unheard_of"):
        do(place, new)
    fields = json.loads(good)["content"]
    for name, found in (("map", "barrier"), ("map_version", 1), ("serial", 5)):
        _write(path, {**fields, name: found})
        with pytest.raises(
            BackupError, match=re.escape(f"the backup of scale is of {name} {found}, the site file says")
        ):
            do(place, new)
    assert not (new.folder / "provision.txt").exists()


def _write(path: Path, content: dict[str, Any]) -> None:
    from edge.provision import backup

    path.write_text(json.dumps({"time_ms": 2**42, "sha256": backup._digest(content), "content": content}))


def test_a_backup_older_than_the_devices_last_change_is_taken_on_demand_only(
    place: Place, old: FolderBoard, flash_with: MakeFlash
) -> None:
    store = JournalStore(place.site.journal_path)
    later_ms = read_backup(path_of(place.data_dir, "scale"), "scale").time_ms + 1
    store.append([Record("device_event", "L1", "scale", {"event": "SETTING_CHANGED"}, later_ms)])
    store.append([Record("device_event", "L1", "scale", {"event": "STATE_CHANGED"}, later_ms + 1)])
    store.close()
    new = HereBoard(flash_with("new", "weighbridge"), "chip-2")
    with pytest.raises(
        BackupError, match=r"older than the device: record 1 tells of a later change \(SETTING_CHANGED\)"
    ):
        do(place, new)
    do(place, new, accept_older=True)


def test_a_worn_flash_leaves_the_old_key_in_force(place: Place, old: FolderBoard, flash_with: MakeFlash) -> None:
    class Worn(HereBoard):
        def read(self, path: str) -> bytes | None:
            found = super().read(path)
            return b"x" + found[1:] if found and path == COPY_NAMES[1] else found

    with pytest.raises(BoardError, match=r"settings_b.bin reads back differently"):
        do(place, Worn(flash_with("new", "weighbridge"), "chip-2"))
    key, old_key = place.keys.current(), look_at(old).key
    assert key is not None
    assert old_key is not None
    assert key.is_same(old_key)
    assert read_book(place.data_dir).revoked == {}


def test_the_backup_of_the_board_before_is_kept_and_the_change_told(place: Place, old: FolderBoard) -> None:
    key = place.keys.current()
    assert key is not None
    assert back_up(place, settings_copy(key.key_id, max_kg=60000)) == []
    (told,) = back_up(place, settings_copy(99))
    assert (told["kind"], told["key_id_before"], told["same_settings"]) == ("board_seen", key.key_id, False)
    assert told["different"] == ["max_kg"]
    before = read_backup(path_of(place.data_dir, "scale").with_suffix(".before.json"), "scale")
    assert before.settings["max_kg"] == 60000


def test_backups_that_cannot_be_written_are_told_once(place: Place) -> None:
    place.data_dir.mkdir()
    (place.data_dir / "backups").write_text("")
    told = back_up(place, settings_copy())
    assert [item["kind"] for item in told] == ["attention"]
    assert "backup of scale cannot be written (File exists): check disk and rights" in told[0]["detail"]


def test_a_revoked_key_starts_no_hub_and_a_cut_is_told(
    site_path: Path, place: Place, old: FolderBoard, flash_with: MakeFlash
) -> None:
    restored = place.keys.path.read_bytes()
    do(place, HereBoard(flash_with("new", "weighbridge"), "chip-2"))
    place.keys.path.write_bytes(restored)
    messages = " ".join(load_site(site_path).messages)
    assert (
        'key_file "keys/scale.key" holds a key that was revoked; expected the key of the board that is there'
        in messages
    )
    place.keys.make_pending()
    messages = " ".join(load_site(site_path).messages)
    assert 'warning: a new key waits beside key_file "keys/scale.key": a provisioning was cut' in messages
    assert "that was revoked" not in messages
    assert read_book(place.data_dir).entries[1].kind == REVOKED


def test_the_words_say_what_is_wrong_in_one_sentence(site_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    for words, code, said in (
        (["swap", "boom"], 2, "there is no backup of boom"),
        (["swap", "bom"], 2, "has no device 'bom' (did you mean boom?)"),
        (["backup", "scale"], 2, "there is no backup of scale"),
        (["backup", "scal"], 2, "has no device 'scal'"),
        (["backup"], 1, "there is no backup of scale"),
    ):
        assert main([words[0], str(site_path), *words[1:], "--lang", "en"]) == code
        assert said in capfd.readouterr().err.splitlines()[-1]


def test_a_backup_is_shown_to_people(site_path: Path, old: FolderBoard, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["backup", str(site_path), "scale", "--lang", "en"]) == 0
    lines = capfd.readouterr().out.splitlines()
    assert "weighbridge map" in lines[0]
    assert "firmware 1.0" in lines[0]
    assert "calibration 7" in lines[0]
    assert any(re.fullmatch(r"  max_kg +60000", line) for line in lines)
