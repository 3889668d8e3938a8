"""The hub's command line: exit codes and one sentence for every failure."""

from __future__ import annotations

import json
import sqlite3
import time
from pathlib import Path

import pytest

from edge.cli import main
from edge.config_load import load_site
from edge.journal.store import JournalStore
from edge.model import Record
from tests.edge.test_config_host import GOOD


@pytest.fixture
def site(tmp_path: Path) -> Path:
    (tmp_path / "a.key").write_text("0f" * 32)
    (tmp_path / "a.key").chmod(0o600)
    (tmp_path / "site.toml").write_text(GOOD)
    return tmp_path / "site.toml"


def _journal(site: Path, count: int) -> Path:
    config = load_site(site).config
    assert config is not None
    config.data_dir.mkdir()
    store = JournalStore(config.journal_path)
    store.append([Record("hub_started", "", "", {"n": number}, number) for number in range(count)])
    store.close()
    return config.journal_path


def test_check_of_a_sound_site_exits_0(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(site)]) == 0
    assert capsys.readouterr().out.endswith("site north is sound: 2 lines, 2 devices, 1 lanes\n")


def test_check_of_a_wrong_site_names_every_error_and_exits_2(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    site.write_text(GOOD.replace("19200", "1").replace("48000", "0"))
    assert main(["check", str(site)]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 2


def test_hub_starts_nothing_on_a_wrong_site(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    site.write_text(GOOD.replace("19200", "1"))
    assert main(["hub", str(site)]) == 2
    assert capsys.readouterr().err.splitlines()[-1] == f"gate: {site} has 1 error(s); nothing was started"


@pytest.mark.parametrize(
    "argv",
    [
        [],
        ["fly"],
        ["check"],
        ["journal"],
        ["journal", "tail", "-n", "0", "x"],
        ["check", "a", "b"],
        ["operator", "a", "b", "fly"],
        ["operator", "a", "b", "open", "--reason", "\n"],
    ],
)
def test_wrong_arguments_are_one_sentence_and_exit_2(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(argv) == 2
    message = capsys.readouterr().err
    assert message.startswith("gate: ")
    assert message.count("\n") == 1


def test_help_exits_0(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    assert "journal" in capsys.readouterr().out


def test_journal_tail_prints_the_newest_records(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _journal(site, 5)
    assert main(["journal", "tail", "-n", "2", str(site)]) == 0
    assert [json.loads(line)["seq"] for line in capsys.readouterr().out.splitlines()] == [4, 5]


def test_journal_verify_tells_a_sound_journal_from_a_broken_one(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = _journal(site, 5)
    assert main(["journal", "verify", str(site)]) == 0
    assert "5 records, unbroken" in capsys.readouterr().out
    path.write_bytes(b"this is no database, but long enough to be looked at" * 100)
    assert main(["journal", "verify", str(site)]) == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_journal_that_does_not_exist_exits_2(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["journal", "verify", str(site)]) == 2
    assert "does not exist; expected the journal; run gate hub" in capsys.readouterr().err


def test_a_journal_damaged_anywhere_is_one_sentence(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = _journal(site, 3000)
    sound = path.read_bytes()
    for place in range(0, len(sound), 8192):
        path.write_bytes(sound[:place] + b"\xfe" * 300 + sound[place + 300 :])
        assert main(["journal", "verify", str(site)]) == 1, place
        assert main(["journal", "tail", "-n", "3000", str(site)]) in (0, 1)
        said = capsys.readouterr().err
        assert said.count(str(path)) == said.count("\n"), said


def test_a_reader_beside_a_writing_hub_neither_waits_nor_disturbs(site: Path) -> None:
    path = _journal(site, 5)
    hub = sqlite3.connect(path, isolation_level=None)
    hub.execute("BEGIN IMMEDIATE")
    started_s = time.monotonic()
    assert main(["journal", "tail", str(site)]) == 0
    assert main(["journal", "verify", str(site)]) == 0
    assert time.monotonic() - started_s < 4, "a lock is waited for 5 s"
    hub.execute("ROLLBACK")
    hub.close()
