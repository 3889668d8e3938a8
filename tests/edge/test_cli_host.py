"""The hub's command line: exit codes and one sentence for every failure."""

from __future__ import annotations

import json
import os
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from edge.cli import main
from edge.config_load import load_site
from edge.journal import retention
from edge.journal.signing import load_or_make_key
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
        ["journal", "tail", "--since", "yesterday", "x"],
        ["journal", "tail", "--class", "other", "x"],
        ["journal", "show", "x", "0"],
        ["journal", "show", "x", "\u0663"],
        ["journal", "verify", "--key", "abc", "x"],
        ["journal", "export", "--format", "xml", "x"],
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


def test_an_operator_needs_neither_the_gates_secrets_nor_a_disk_to_write_on(
    site: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (site.parent / "a.key").unlink()
    (site.parent / "data").mkdir()
    monkeypatch.setattr("edge.config_load.os.access", lambda _, right: not right & os.W_OK)
    assert main(["check", str(site)]) == 2
    assert "cannot be written" in capsys.readouterr().err
    assert main(["operator", str(site), "L1", "open"]) == 3
    assert "no hub is running" in capsys.readouterr().err


def test_help_exits_0(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    assert "journal" in capsys.readouterr().out


def test_journal_tail_prints_the_newest_records(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _journal(site, 5)
    assert main(["journal", "tail", "-n", "2", str(site)]) == 0
    assert [json.loads(line)["seq"] for line in capsys.readouterr().out.splitlines()] == [4, 5]


def _mixed(site: Path) -> None:
    """Transactions of two lanes and device events of one device, a minute apart, from 2026-01-31 08:00 UTC on."""
    config = load_site(site).config
    assert config is not None
    config.data_dir.mkdir()
    load_or_make_key(config.key_path)
    with closing(JournalStore(config.journal_path)) as store:
        kinds = [
            ("passed", "lane1", ""),
            ("device_event", "", "b1"),
            ("passed", "lane2", ""),
            ("attention", "lane1", ""),
        ]
        start = 1_769_846_400_000
        records = [Record(*kind, {"n": n}, start + n * 60_000) for n, kind in enumerate(kinds)]
        store.append(records, acked={"transaction": 1})


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ([], [1, 2, 3, 4]),
        (["--class", "event"], [2]),
        (["--kind", "passed"], [1, 3]),
        (["--kind", "passed", "--kind", "attention", "--lane", "lane1"], [1, 4]),
        (["--device", "b1"], [2]),
        (["--since", "2026-01-31T08:01"], [2, 3, 4]),
        (["--since", "2026-01-31T15:01:00+07:00", "--until", "2026-01-31T08:03:00"], [2, 3]),
        (["-n", "1", "--kind", "passed"], [3]),
        (["--lane", "none"], []),
    ],
)
def test_journal_tail_prints_what_matches(
    site: Path, filters: list[str], found: list[int], capsys: pytest.CaptureFixture[str]
) -> None:
    _mixed(site)
    assert main(["journal", "tail", str(site), *filters]) == 0
    assert [json.loads(line)["seq"] for line in capsys.readouterr().out.splitlines()] == found


def test_journal_tail_says_so_when_nothing_matches(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _mixed(site)
    assert main(["journal", "tail", str(site), "--lane", "lane9"]) == 0
    out, err = capsys.readouterr()
    assert (out, err.splitlines()[-1]) == ("", "gate: none of the 4 records is such a one")


def test_journal_show_prints_a_record_its_neighbours_and_its_acknowledgement(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _mixed(site)
    assert main(["journal", "show", str(site), "1"]) == 0
    first = capsys.readouterr().out
    assert "transaction 1\n" in first
    assert "2026-01-31T08:00:00.000Z" in first
    assert "acknowledged  yes" in first
    assert main(["journal", "show", str(site), "3"]) == 0
    third = capsys.readouterr().out
    assert "acknowledged  no" in third
    assert [line.split()[1] for line in third.splitlines() if line.startswith(("before", "after"))] == ["2", "4"]
    assert main(["journal", "show", str(site), "5"]) == 2
    assert "record 5 does not exist; the journal ends at record 4" in capsys.readouterr().err


def test_journal_show_names_the_checkpoint_of_a_removed_record(
    site: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    _mixed(site)
    config = load_site(site).config
    assert config is not None
    monkeypatch.setattr(retention, "KEPT_NEWEST", 1)
    with closing(JournalStore(config.journal_path)) as store:
        store.append([], acked={"transaction": 3, "event": 1})
        key = load_or_make_key(config.key_path)
        assert store.remove_page(retention.Limits(1, 0), key, 1_800_000_000_000, is_clock_good=True) == 3
    assert main(["journal", "show", str(site), "2"]) == 0
    assert "the checkpoint of records 1 to 3 stands for it" in capsys.readouterr().out
    assert main(["journal", "verify", str(site)]) == 0
    assert "2 records, unbroken; 4 acknowledged; 3 removed before them" in capsys.readouterr().out
    config.key_path.write_text("00" * 32)
    assert main(["journal", "verify", str(site)]) == 1
    assert "which is not the gate's key" in capsys.readouterr().err
    assert main(["journal", "verify", str(site), "--key", key.public]) == 0


@pytest.mark.parametrize("form", ["jsonl", "csv"])
def test_an_export_is_verified_without_the_site(
    site: Path, tmp_path: Path, form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    _mixed(site)
    file = tmp_path / "out"
    export = ["journal", "export", str(site), "--format", form, "--from", "2", "-o", str(file)]
    assert main(export) == 0
    assert main(["journal", "key", str(site)]) == 0
    key = capsys.readouterr().out.splitlines()[-1]
    assert main(["journal", "verify", str(file), "--key", key]) == 0
    assert "records 2 to 4 of north, unbroken; signed by the given key" in capsys.readouterr().out
    file.write_text(file.read_text().replace("lane2", "lane1"))
    assert main(["journal", "verify", str(file)]) == 1
    assert "record 3 was altered" in capsys.readouterr().err
    assert main(export) == 2
    assert "exists already" in capsys.readouterr().err
    assert main(["journal", "export", str(site), "--from", "9"]) == 2
    assert "nothing to export among records 9 to 4" in capsys.readouterr().err
    nowhere = tmp_path / "none" / "out"
    assert main(["journal", "export", str(site), "-o", str(nowhere)]) == 1
    assert capsys.readouterr().err.splitlines()[-1] == f"gate: {nowhere}: No such file or directory"


def test_a_missing_or_broken_key_file_is_one_sentence(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _mixed(site)
    config = load_site(site).config
    assert config is not None
    for text in ("no key", None):
        config.key_path.unlink() if text is None else config.key_path.write_text(text)
        for word in ("key", "export"):
            assert main(["journal", word, str(site)]) == 1
            said = capsys.readouterr().err
            assert (said.count("\n"), str(config.key_path) in said) == (1, True)


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
