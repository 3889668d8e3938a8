"""The `gate` command's own words: help is printed, a wrong word is one sentence."""

import pytest

from hil import cli


def _gate(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr("sys.argv", ["gate", *words])
    return cli.main()


def test_help_for_the_benches_names_each_of_them(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _gate(monkeypatch, "bench", "--help") == 0
    words = [line.split()[1] for line in capsys.readouterr().out.splitlines() if line.startswith("  ")]
    assert words == ["chip", "hub", "line", "flash", "faults"]


@pytest.mark.parametrize("words", [("fly",), ("bench",), ("bench", "fly")])
def test_a_word_nobody_knows_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    assert _gate(monkeypatch, *words) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert "expected one of" in err
