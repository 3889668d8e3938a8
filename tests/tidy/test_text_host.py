"""No text holds what belongs to one machine or to nobody; links lead somewhere; derived files are fresh."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tools.generate import main as generate
from tools.imports import PROJECT_FOLDERS
from tools.tidy.files import Source, read_sources
from tools.tidy.text import check_links, check_texts

# Texts are put together here, so that this file does not find itself.
BAD = (
    ("/wo" + "rk/main/x", "a path of one machine"),
    ("see /ho" + "me/someone/x", "a path of one machine"),
    ("'/ro" + "ot/.cache/'", "a path of one machine"),
    ("--extra-index" + "-url https://x", "a package registry's host"),
    ("index" + "_url = x", "a package registry's host"),
    ("https://files.python" + "hosted.org/x", "a package registry's host"),
    ("http://nex" + "us.local/pypi", "a host of one network"),
    ("# TO" + "DO later", "a note to oneself"),
    ("# FIX" + "ME", "a note to oneself"),
)
GOOD = ("docs/work/x", "https://example.org/home/x", "a network of roots", "TODOS", "index = 1", "../shared/x")


def test_no_text_holds_a_machine_path_a_registry_host_or_a_note_to_oneself(
    sources: list[Source], expect_none: Callable[[list[str]], None]
) -> None:
    expect_none(check_texts(sources))


def test_links_lead_somewhere(sources: list[Source], root: Path, expect_none: Callable[[list[str]], None]) -> None:
    expect_none(check_links(sources, root))


def test_generated_files_are_fresh(capsys: pytest.CaptureFixture[str]) -> None:
    assert generate(["--check"]) == 0, capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "message"), BAD, ids=[message + str(number) for number, (_, message) in enumerate(BAD)]
)
def test_a_banned_text_is_told_with_its_remedy(text: str, message: str) -> None:
    (finding,) = check_texts([Source("docs/x.md", f"first\n{text}\n")])
    assert finding.startswith("docs/x.md:2: '")
    assert f"is {message}; " in finding


@pytest.mark.parametrize("text", GOOD)
def test_a_harmless_text_is_not_told(text: str) -> None:
    assert check_texts([Source("docs/x.md", text)]) == []


def test_a_dead_link_is_told_and_others_are_not(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/a.md").write_text("")
    text = (
        "[a](a.md) [b](../docs/a.md#part) [c](#here) [d](https://example.org/x) [e](/docs/a.md)\n"
        "[dead](b.md)\n```\n[code](c.md)\n```\n"
    )
    assert check_links([Source("docs/x.md", text)], tmp_path) == [
        "docs/x.md:2: link 'b.md' leads nowhere; correct it, or write the file"
    ]


def test_the_rules_see_the_repository(root: Path) -> None:
    paths = {source.path for source in read_sources(root)}
    assert {"Makefile", "pyproject.toml", "protocols/compat.py", "tests/tidy/test_text_host.py"} <= paths
    assert not any(path.startswith((".venv/", "build/")) for path in paths)


def test_no_source_file_is_hidden_by_the_ignore_rules(root: Path) -> None:
    seen = {source.path for source in read_sources(root)}
    on_disk = {path.relative_to(root).as_posix() for top in PROJECT_FOLDERS for path in (root / top).rglob("*.py")}
    assert sorted(on_disk - seen) == []
