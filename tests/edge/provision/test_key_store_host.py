"""The key store and the book of boards: whole after every cut, private, and never a key in a sentence."""

from __future__ import annotations

import hmac
import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from edge import durable
from edge.provision import book as book_module
from edge.provision.book import PROVISIONED, REVOKED, SWAPPED, BookError, append, locked, read_book
from edge.provision.device_key import DeviceKey, new_key
from edge.provision.key_store import KeyFile, KeyStoreError

SECRET = bytes(range(32))


class Cut(BaseException):
    """The power goes."""


def _cut_at(monkeypatch: pytest.MonkeyPatch, number: int) -> list[str]:
    """Let the `number`-th change of the disk, from 1, be the one that does not happen any more; the names done."""
    done: list[str] = []

    def counted(name: str, real: Any) -> Any:
        def call(*arguments: Any, **options: Any) -> Any:
            if len(done) + 1 == number:
                raise Cut
            done.append(name)
            return real(*arguments, **options)

        return call

    monkeypatch.setattr(durable.os, "fsync", counted("fsync", os.fsync))
    monkeypatch.setattr(durable.os, "replace", counted("replace", os.replace))
    return done


def test_a_key_shows_its_fingerprint_and_nothing_of_itself() -> None:
    key = DeviceKey(SECRET)
    assert repr(key) == str(key) == f"DeviceKey({key.fingerprint})"
    assert SECRET.hex()[:8] not in repr(key)
    assert key.fingerprint == hmac.digest(SECRET, b"smartgate key id", "sha256").hex()[:32]
    assert key.key_id == int(key.fingerprint[:8], 16) % 2**30
    with pytest.raises(ValueError, match="32 bytes") as raised:
        DeviceKey(SECRET[:31])
    assert SECRET.hex()[:8] not in str(raised.value)


def test_every_key_is_another() -> None:
    keys = {new_key().secret for _ in range(50)}
    assert len(keys) == 50
    assert {len(key) for key in keys} == {32}


def test_a_key_is_private_from_the_first_moment(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        store = KeyFile(tmp_path / "keys" / "a.key")
        key = store.make_pending()
    finally:
        os.umask(old)
    assert (tmp_path / "keys").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "keys" / "a.key.new").stat().st_mode & 0o777 == 0o600
    assert store.current() is None
    store.commit()
    current = store.current()
    assert current is not None
    assert current.is_same(key)
    assert store.pending() is None
    store.commit()
    assert (tmp_path / "keys" / "a.key").read_text() == key.secret.hex() + "\n"


def test_a_cut_at_any_step_leaves_the_old_key_or_the_new_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(1, 100):
        folder = tmp_path / str(number)
        folder.mkdir(mode=0o700)
        store = KeyFile(folder / "a.key")
        store.make_pending()
        store.commit()
        old = store.current()
        with monkeypatch.context() as patch:
            done = _cut_at(patch, number)
            try:
                store.make_pending()
                store.commit()
            except Cut:
                pass
        current, pending = store.current(), store.pending()
        assert current is not None
        assert old is not None
        if len(done) < number - 1:
            break
        if current.is_same(old) and pending is not None:
            store.commit()  # the next run goes on with the key that waits
            finished = store.current()
            assert finished is not None
            assert finished.is_same(pending)
    assert done == ["fsync", "replace", "fsync", "replace", "fsync"]


@pytest.mark.parametrize(
    ("content", "mode", "said"),
    [
        (b"", 0o600, "does not hold a key (64 hexadecimal digits): restore it, or move it away"),
        (b"0f" * 31, 0o600, "does not hold a key"),
        (b"0f" * 32 + b"x", 0o600, "does not hold a key"),
        (b"\xff" * 64, 0o600, "does not hold a key"),
        (b"0f" * 32, 0o640, "is open to other users (mode 640): run chmod 600"),
    ],
)
def test_a_wrong_key_file_is_one_sentence(tmp_path: Path, content: bytes, mode: int, said: str) -> None:
    path = tmp_path / "a.key"
    path.write_bytes(content)
    path.chmod(mode)
    with pytest.raises(KeyStoreError, match=re.escape(said)) as raised:
        KeyFile(path).current()
    assert "0f0f" not in str(raised.value)


def test_a_store_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file" / "a.key", Path("/proc/keys/a.key")):
        with pytest.raises(KeyStoreError, match=r"cannot be written .*run this as the user the hub runs as"):
            KeyFile(path).make_pending()
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    with pytest.raises(KeyStoreError, match=r"may be written by other users \(mode 777\)"):
        KeyFile(tmp_path / "open" / "a.key").make_pending()
    (tmp_path / "folder.key").mkdir()
    with pytest.raises(KeyStoreError, match="does not hold a key"):
        KeyFile(tmp_path / "folder.key").current()


def test_the_book_says_who_is_where_and_what_is_revoked(tmp_path: Path) -> None:
    assert read_book(tmp_path / "none").entries == ()
    data_dir = tmp_path / "data"
    with locked(data_dir):
        append(data_dir, PROVISIONED, "boom", {"fingerprint": "aa", "chip": "1"})
        append(data_dir, PROVISIONED, "scale", {"fingerprint": "bb", "chip": "2"})
        append(data_dir, REVOKED, "boom", {"fingerprint": "aa", "reason": "swap"})
        append(data_dir, SWAPPED, "boom", {"fingerprint": "cc", "chip": "3"})
    book = read_book(data_dir)
    assert [entry.number for entry in book.entries] == [1, 2, 3, 4]
    board = book.board_of("boom")
    assert board is not None
    assert (board.kind, board.data["chip"]) == (SWAPPED, "3")
    assert set(book.revoked) == {"aa"}
    assert book.board_of("other") is None
    assert (data_dir / "boards.jsonl").stat().st_mode & 0o777 == 0o600


def test_a_line_cut_anywhere_is_as_if_it_had_not_been_written(tmp_path: Path) -> None:
    append(tmp_path, PROVISIONED, "boom", {"fingerprint": "aa", "chip": "1"})
    path = tmp_path / "boards.jsonl"
    first = path.read_bytes()
    append(tmp_path, REVOKED, "boom", {"fingerprint": "aa"})
    both = path.read_bytes()
    for size in range(len(first), len(both)):
        path.write_bytes(both[:size])
        assert len(read_book(tmp_path).entries) == 1
        assert append(tmp_path, REVOKED, "boom", {"fingerprint": "bb"}).number == 2
        assert [entry.number for entry in read_book(tmp_path).entries] == [1, 2]


@pytest.mark.parametrize(
    "line",
    [
        b"[" * 100_000,
        b"\xff",
        b"{}",
        b"null",
        json.dumps({"number": 2, "kind": REVOKED, "device": "a", "time_ms": 1, "data": {"fingerprint": "a"}}).encode(),
        json.dumps({"number": 1, "kind": "else", "device": "a", "time_ms": 1, "data": {"fingerprint": "a"}}).encode(),
        json.dumps({"number": 1, "kind": REVOKED, "device": "a", "time_ms": 1, "data": {}}).encode(),
    ],
)
def test_a_damaged_book_is_one_sentence(tmp_path: Path, line: bytes) -> None:
    (tmp_path / "boards.jsonl").write_bytes(line + b"\n")
    with pytest.raises(BookError, match=r"boards.jsonl:1 is damaged: restore the file from a copy"):
        read_book(tmp_path)


def test_two_at_once_and_a_disk_that_refuses_are_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (
        locked(tmp_path),
        pytest.raises(BookError, match="another gate provision or gate swap is at work"),
        locked(tmp_path),
    ):
        pass
    with locked(tmp_path):
        pass
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(BookError, match=r"boards.lock cannot be written \(File exists\)"),
        locked(tmp_path / "file"),
    ):
        pass

    def refuse(*_: object) -> None:
        raise OSError(28, "full")

    monkeypatch.setattr(book_module, "append_line", refuse)
    with pytest.raises(BookError, match=r"boards.jsonl cannot be written \(No space left on device\)"):
        append(tmp_path, REVOKED, "a", {"fingerprint": "a"})
