"""A board is made the one of a place: what it holds afterwards, whose board is refused, and cuts at every step."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edge import durable
from edge.boards.files import BoardError
from edge.boards.provision_file import read_text
from edge.cli_common import EXIT_REFUSED
from edge.provision.board_file import board_text
from edge.provision.board_state import look_at
from edge.provision.book import PROVISIONED, REVOKED, append, read_book
from edge.provision.device_key import DeviceKey, new_key
from edge.provision.provision import FINISHED, KEPT, MENDED, NEW, Wishes, provision
from edge.provision.steps import Place, RefusedError
from edge.update.manifest import encode_manifest
from firmware.boards.slots import CONFIRMED, Pointer, encode_pointer
from protocols.bundle import Manifest
from tests.edge.provision.bench import UPDATE_KEY, Cut, FolderBoard, place_at, site_at

MakeFlash = Callable[[str, str], Path]


@pytest.fixture
def place(site_path: Path) -> Place:
    return place_at(site_path, "boom")


class HereBoard(FolderBoard):
    """Its Python is this one, which is quicker; the real VM has said its part in the other tests."""

    def run(self, code: str) -> str:
        path = list(sys.path)
        with contextlib.chdir(self.folder), contextlib.redirect_stdout(io.StringIO()) as said:
            exec(code, {})
        sys.path[:] = path
        return said.getvalue()


def key_on(board: FolderBoard) -> DeviceKey | None:
    return look_at(board).key


def test_a_board_holds_what_the_site_says(place: Place, flash_with: MakeFlash) -> None:
    board = FolderBoard(flash_with("board", "barrier"), "e660")
    (board.folder / "provision.txt").write_text("role=barrier\nserial=1001\nunit_id=9\nheap_lock=1\nkey=zz\n")
    done = provision(place, board, Wishes())
    hub_key = place.keys.current()
    assert hub_key is not None
    assert read_text((board.folder / "provision.txt").read_bytes()) == {
        "role": "barrier",
        "serial": "1001",
        "unit_id": "1",
        "baud": "19200",
        "wiring": "vm",
        "key": hub_key.secret.hex(),
        "site_key": UPDATE_KEY,
        "heap_lock": "1",
    }
    assert (done.key_state, done.chip) == (NEW, "e660")
    (entry,) = read_book(place.data_dir).entries
    assert (entry.kind, entry.device) == (PROVISIONED, "boom")
    assert (
        entry.data.items() >= {"chip": "e660", "fingerprint": hub_key.fingerprint, "lane": "L1", "serial": 1001}.items()
    )
    assert hub_key.secret.hex() not in (place.data_dir / "boards.jsonl").read_text()


def test_again_changes_no_key_and_tells_a_board_with_another_one(place: Place, flash_with: MakeFlash) -> None:
    board = FolderBoard(flash_with("board", "barrier"), "e660")
    provision(place, board, Wishes())
    key = place.keys.current()
    assert key is not None
    assert provision(place, board, Wishes()).key_state == KEPT
    assert len(read_book(place.data_dir).entries) == 1
    board.replace("provision.txt", board_text(place.site, place.device, new_key(), {}))
    assert provision(place, board, Wishes()).key_state == MENDED
    on_board = key_on(board)
    assert on_board is not None
    assert on_board.is_same(key)


def test_a_new_key_on_demand_revokes_the_old_one(place: Place, flash_with: MakeFlash) -> None:
    board = FolderBoard(flash_with("board", "barrier"), "e660")
    old = provision(place, board, Wishes()).key
    new = provision(place, board, Wishes(new_key=True)).key
    assert not new.is_same(old)
    assert set(read_book(place.data_dir).revoked) == {old.fingerprint}
    assert [entry.kind for entry in read_book(place.data_dir).entries] == [PROVISIONED, REVOKED, PROVISIONED]


def test_a_cut_at_any_step_is_mended_by_the_next_run(
    site_path: Path, flash_with: MakeFlash, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With no key before, and with one that is to be replaced."""
    for wishes in (Wishes(), Wishes(new_key=True)):
        for number in range(1, 100):
            if not _is_cut_and_mended(site_path, flash_with, monkeypatch, wishes, number):
                break
        assert number > 12


def _is_cut_and_mended(
    site_path: Path, flash_with: MakeFlash, monkeypatch: pytest.MonkeyPatch, wishes: Wishes, number: int
) -> bool:
    """Whether there was a step `number` to be cut before."""
    place = place_at(site_path, "boom")
    for path in (*place.keys.path.parent.glob("*"), *place.data_dir.glob("*")):
        path.unlink()
    flash = flash_with(f"board-{wishes.new_key}-{number}", "barrier")
    board = HereBoard(flash, "e660")
    old = provision(place, board, Wishes()).key if wishes.new_key else None
    was_cut = False
    with monkeypatch.context() as patch:
        steps = cut_before(patch, number)
        try:
            provision(place, HereBoard(flash, "e660", steps), wishes)
        except Cut:
            was_cut = True
    hub, on_board, waits = place.keys.current(), key_on(board), place.keys.pending()
    is_agreed = hub is not None and on_board is not None and hub.is_same(on_board)
    assert is_agreed or waits is not None or on_board is None or hub is None
    provision(place, board, Wishes())
    hub, on_board, waits = place.keys.current(), key_on(board), place.keys.pending()
    assert hub is not None
    assert on_board is not None
    assert hub.is_same(on_board)
    assert waits is None
    book = read_book(place.data_dir)
    known = book.board_of("boom")
    assert known is not None
    assert known.data["fingerprint"] == hub.fingerprint
    assert hub.fingerprint not in book.revoked
    assert old is None or hub.is_same(old) or old.fingerprint in book.revoked
    return was_cut


def cut_before(monkeypatch: pytest.MonkeyPatch, number: int) -> Callable[[str], None]:
    """Count every change of either disk; the `number`-th does not happen."""
    count = [0]

    def step(name: str = "") -> None:
        count[0] += 1
        if count[0] == number:
            raise Cut

    def counted(real: Any) -> Any:
        def call(*arguments: Any, **options: Any) -> Any:
            step()
            return real(*arguments, **options)

        return call

    monkeypatch.setattr(durable, "rename", counted(durable.rename))
    monkeypatch.setattr("edge.provision.key_store.rename", counted(durable.rename))
    monkeypatch.setattr("edge.provision.book.append_line", counted(durable.append_line))
    monkeypatch.setattr(durable.os, "fsync", counted(os.fsync))
    return step


@pytest.mark.parametrize(
    ("device", "role", "prepare", "said"),
    [
        ("boom", "", None, "the board holds no file set of ours: run gate flash first"),
        ("boom", "weighbridge", None, "the board holds the file set of weighbridge, and boom is barrier: flash it"),
        (
            "boom",
            "barrier",
            "role=barrier\nserial=1003\n",
            "the board is boom2 already; to make it boom, give --replace",
        ),
        (
            "boom",
            "barrier",
            "role=rfid\nserial=7\n",
            "the board is a rfid with serial number 7 already; to make it boom",
        ),
    ],
)
def test_a_board_that_is_not_for_this_place_is_refused(
    site_path: Path, tmp_path: Path, flash_with: MakeFlash, device: str, role: str, prepare: str | None, said: str
) -> None:
    flash = flash_with("board", role) if role else tmp_path / "bare"
    flash.mkdir(exist_ok=True)
    if prepare is not None:
        (flash / "provision.txt").write_text(prepare)
    place = place_at(site_path, device)
    before = {path: path.read_bytes() for path in flash.rglob("*.txt")}
    with pytest.raises(RefusedError) as raised:
        provision(place, FolderBoard(flash), Wishes())
    assert said in str(raised.value)
    assert raised.value.code == EXIT_REFUSED
    assert {path: path.read_bytes() for path in flash.rglob("*.txt")} == before
    assert place.keys.current() is None
    if prepare is not None:
        assert provision(place, FolderBoard(flash), Wishes(replace=True)).key_state == NEW


def test_another_board_in_the_same_place_is_sent_to_swap(place: Place, flash_with: MakeFlash) -> None:
    first, second = FolderBoard(flash_with("a", "barrier"), "e660"), FolderBoard(flash_with("b", "barrier"), "e661")
    old = provision(place, first, Wishes()).key
    with pytest.raises(RefusedError, match=r"boom has another board \(chip e660, since .*gate swap puts this one"):
        provision(place, second, Wishes())
    assert not provision(place, second, Wishes(replace=True)).key.is_same(old)
    with pytest.raises(RefusedError, match=r"this is the board that was boom until .* its key is revoked"):
        provision(place, first, Wishes())


def test_a_revoked_key_in_the_store_is_not_used_again(place: Place, flash_with: MakeFlash) -> None:
    board = FolderBoard(flash_with("a", "barrier"), "e660")
    old = provision(place, board, Wishes()).key
    append(place.data_dir, REVOKED, "boom", {"fingerprint": old.fingerprint})
    assert not provision(place, board, Wishes(replace=True)).key.is_same(old)


def test_a_key_that_waits_for_another_board_is_forgotten(place: Place, flash_with: MakeFlash) -> None:
    waits = place.keys.make_pending()
    done = provision(place, FolderBoard(flash_with("a", "barrier")), Wishes())
    assert done.key_state == NEW
    assert not done.key.is_same(waits)
    waits = place.keys.make_pending()
    other = FolderBoard(flash_with("b", "barrier"))
    other.replace("provision.txt", board_text(place.site, place.device, waits, {}))
    assert provision(place, other, Wishes()).key_state == FINISHED


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ('wiring = "pico-hx711"', "wiring is 'pico-hx711': this board is made for vm"),
        ('line_protocol = "r200"', "line_protocol is 'r200': expected no such key for this role"),
    ],
)
def test_what_the_firmware_there_does_not_understand_is_its_own_sentence(
    site_path: Path, flash_with: MakeFlash, wrong: str, said: str
) -> None:
    site_path.write_text(site_path.read_text().replace('wiring = "vm"', wrong))
    place = place_at(site_path, "boom")
    with pytest.raises(BoardError, match=f"ProvisionError: {said}"):
        provision(place, FolderBoard(flash_with("a", "barrier")), Wishes())
    assert place.keys.current() is None  # and so the hub has no key that no board has


def test_a_flash_that_keeps_something_else_is_told(place: Place, flash_with: MakeFlash) -> None:
    class Worn(FolderBoard):
        def replace(self, path: str, data: bytes) -> None:
            super().replace(path, data[:-3])

    with pytest.raises(BoardError, match=r"provision.txt reads back differently: the flash is worn or damaged"):
        provision(place, Worn(flash_with("a", "barrier")), Wishes())


def test_slots_are_looked_at_where_the_pointer_says(site_path: Path, tmp_path: Path) -> None:
    board = FolderBoard(tmp_path / "flash", "e660")
    for slot, role in (("a", "barrier"), ("b", "weighbridge")):
        head = Manifest()
        head.role, head.board, head.abi, head.map = role, "rp2", "6.3", 7
        head.radio, head.version, head.minimum = 0, 1, 1
        board.replace(f"{slot}/manifest.txt", encode_manifest(head, [("x.mpy", 1, "0a" * 32)]))
    state = look_at(board)
    assert (state.root, state.role, state.kind, state.map_version) == ("a", "barrier", "rp2", 7)
    board.replace("slot.txt", encode_pointer(Pointer("b", CONFIRMED, "0a" * 32, "")).encode())
    assert (look_at(board).root, look_at(board).role) == ("b", "weighbridge")
    board.replace("slot.txt", b"\xff\n\xff")
    assert look_at(board).root == "a"
    with pytest.raises(RefusedError, match="the board's file set has map version 7, and boom is"):
        provision(place_at(site_path, "boom"), board, Wishes())
    board.replace("a/manifest.txt", b"smartgate-bundle 1\nrole barrier\n")
    assert look_at(board).root == "b"
    board.remove("b/manifest.txt")
    with pytest.raises(RefusedError, match="the board holds no file set of ours"):
        provision(place_at(site_path, "boom"), board, Wishes())


def test_another_users_files_are_not_touched(place: Place, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    place.data_dir.mkdir()
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    with pytest.raises(RefusedError, match=r"belongs to user .*: run this as that user, as the hub does"):
        provision(place, FolderBoard(tmp_path), Wishes())


def test_the_site_is_only_read(site_path: Path) -> None:
    assert site_at(site_path).update_key.hex() == UPDATE_KEY
