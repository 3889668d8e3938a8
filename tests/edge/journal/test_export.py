"""An exported run of records says itself whether it is whole: every line, every column, both forms."""

import csv
import io
import json
from pathlib import Path

import pytest

from edge.journal.export import CSV, JSON_LINES, ExportError, check_export, write_export
from edge.journal.query import position_before, run_of
from edge.journal.signing import GateKey
from edge.journal.store import JournalStore
from edge.model import Record
from tests.edge.journal.test_migration import write_format_1

_KEY = GateKey(bytes(range(32)))


def _export(path: Path, form: str, first: int = 1, last: int = 12) -> str:
    """Records of both forms and classes, with text that CSV has to quote."""
    write_format_1(path, acked_seq=0)
    store = JournalStore(path, may_migrate=True)
    kinds = ("passed", "device_event", "passed", "passed", "device_event")
    store.append([Record(kind, "L1", 'a,"b\n#', {"bảng": [1, -0.5, "\n"]}, n) for n, kind in enumerate(kinds)])
    out = io.StringIO(newline="")
    with store.snapshot() as db:
        before = position_before(db, first)
        count = write_export(out, form, "north", run_of(db, first, last), before, _KEY, 5000)
    assert count == last - first + 1
    return out.getvalue()


def _check(text: str, keys: tuple[str, ...] = (_KEY.public,)) -> tuple[str, int, int]:
    facts = check_export(io.StringIO(text, newline=""), keys)
    return facts.site, facts.first, facts.last


@pytest.mark.parametrize("form", [JSON_LINES, CSV])
@pytest.mark.parametrize(("first", "last"), [(1, 12), (4, 9), (7, 7), (8, 12)])
def test_a_whole_export_is_found_whole(tmp_path: Path, form: str, first: int, last: int) -> None:
    assert _check(_export(tmp_path / "j", form, first, last)) == ("north", first, last)


@pytest.mark.parametrize("form", [JSON_LINES, CSV])
def test_every_line_left_out_doubled_moved_or_changed_is_found(tmp_path: Path, form: str) -> None:
    lines = _export(tmp_path / "j", form).splitlines(keepends=True)
    for place, line in enumerate(lines):
        changed = line.replace("1", "2", 1) if "1" in line else line.replace("a", "b", 1)
        spaced = line.replace(":", ": ", 1) if form == JSON_LINES and 0 < place < len(lines) - 1 else changed
        tampered = [
            lines[:place] + lines[place + 1 :],
            [*lines[:place], line, *lines[place:]],
            [*lines[:place], changed, *lines[place + 1 :]],
            [*lines[:place], spaced, *lines[place + 1 :]],
            lines[:place],
            lines[:place] + lines[place + 1 : place + 2] + [line] + lines[place + 2 :],
        ]
        for text in map("".join, tampered):
            if text != "".join(lines):
                with pytest.raises(ExportError):
                    _check(text)


def test_every_other_value_in_every_column_is_found(tmp_path: Path) -> None:
    text = _export(tmp_path / "j", CSV)
    head, names, rest = text.split("\n", 2)
    body_text, end = rest.rsplit("\n# ", 1)
    rows = list(csv.reader(io.StringIO(body_text, newline="")))
    assert len(rows) == 12
    for row in rows:
        for column, value in enumerate(row):
            for other in (value + "1", " " + value, "0" + value):
                out = io.StringIO(newline="")
                changed = [r if r is not row else [*row[:column], other, *row[column + 1 :]] for r in rows]
                csv.writer(out, lineterminator="\n").writerows(changed)
                with pytest.raises(ExportError):
                    _check(f"{head}\n{names}\n{out.getvalue()}# {end}")


def test_an_export_of_another_key_is_named(tmp_path: Path) -> None:
    text = _export(tmp_path / "j", JSON_LINES)
    with pytest.raises(ExportError, match="which is not the key that was given"):
        _check(text, ("0" * 64,))
    assert _check(text, ())[0] == "north"


def test_a_forged_export_needs_the_key(tmp_path: Path) -> None:
    head, *body, end = _export(tmp_path / "j", JSON_LINES).splitlines(keepends=True)
    forged = json.loads(end) | {"time": 1}
    with pytest.raises(ExportError, match="the signature does not match"):
        _check("".join([head, *body, json.dumps(forged) + "\n"]))


@pytest.mark.parametrize("text", ["", "{}", "[]\n", "# {}\n", "# 1\n", '{"smartgate_journal_export":1}\n', "{" * 5000])
def test_what_is_no_export_is_one_sentence(text: str) -> None:
    with pytest.raises(ExportError) as refused:
        _check(text)
    assert "\n" not in str(refused.value)
