"""One command writes every derived file and names the stale ones."""

from pathlib import Path

import pytest

from tools import generate


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The one derived page of a small repository without register maps."""
    monkeypatch.setattr(generate, "generate_regmap", lambda _: 0)
    monkeypatch.setattr(generate, "ROOT", tmp_path)
    monkeypatch.setattr(generate, "PAGES", {"page.md": lambda: "text\n"})
    return tmp_path / "page.md"


def test_check_names_a_missing_and_a_stale_page(page: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert generate.main(["--check"]) == 1
    assert capsys.readouterr().err == "page.md: is not what its source says; run `make gen`\n"
    assert not page.exists()
    page.write_text("old\n", encoding="utf-8")
    assert generate.main(["--check"]) == 1
    assert page.read_text(encoding="utf-8") == "old\n"


def test_generate_writes_what_is_stale_and_nothing_else(page: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert generate.main([]) == 0
    assert page.read_text(encoding="utf-8") == "text\n"
    assert "wrote page.md" in capsys.readouterr().out
    assert generate.main([]) == 0
    assert capsys.readouterr().out == ""
    assert generate.main(["--check"]) == 0
