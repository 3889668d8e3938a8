"""Who chooses the language, and what is said in it."""

import argparse

import pytest

from edge.cli import main
from edge.words import LanguageError, choose, chosen, take_language, tr
from edge.words.parser import Parser, UsageError

LEFT = "{minutes}:{seconds:02d} left"


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({"LANG": "vi_VN.UTF-8"}, "vi"),
        ({"LANG": "vi"}, "vi"),
        ({"LC_ALL": "C.UTF-8", "LANG": "vi_VN.UTF-8"}, "en"),
        ({"LC_ALL": "", "LC_MESSAGES": "vi_VN", "LANG": "en_US.UTF-8"}, "vi"),
        ({"LANG": "fr_FR.UTF-8"}, "en"),
        ({}, "en"),
    ],
)
def test_the_locale_chooses_when_nobody_else_does(
    environment: dict[str, str], language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge.words.language._Choice.language", "")
    take_language([], environment)
    assert chosen() == language


def test_the_option_is_taken_wherever_it_stands_and_outdoes_the_locale() -> None:
    assert take_language(["scan", "--lang", "vi", "x"], {"LC_ALL": "en_US"}) == ["scan", "x"]
    assert chosen() == "vi"
    assert take_language(["--lang=en", "scan", "--", "--lang", "vi"], {}) == ["scan", "--", "--lang", "vi"]
    assert chosen() == "en"


def test_what_was_chosen_once_holds() -> None:
    choose("vi")
    take_language(["scan"], {"LANG": "en_US"})
    assert chosen() == "vi"


def test_an_unknown_language_is_refused_in_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(LanguageError, match="--lang 'fr' is unknown; write one of en, vi"):
        choose("fr")
    assert main(["check", "--lang"]) == 2
    assert "--lang '' is unknown" in capsys.readouterr().err


def test_a_sentence_is_said_with_its_values_in_the_language_chosen() -> None:
    assert tr(LEFT, minutes=1, seconds=5) == "1:05 left"
    choose("vi")
    assert tr(LEFT, minutes=1, seconds=5) == "còn 1:05"
    assert tr("nobody has said this {x}", x=3) == "nobody has said this 3"


def test_arguments_are_explained_and_refused_in_the_language_chosen() -> None:
    choose("vi")
    parser = Parser(prog="gate x")
    parser.add_argument("port")
    parser.add_argument("--baud", type=int)
    assert "cách dùng: gate x" in parser.format_help()
    assert "--lang {en,vi}" in parser.format_help()
    with pytest.raises(UsageError, match="còn thiếu các đối số: port; xem gate x --help"):
        parser.parse_args([])
    with pytest.raises(UsageError, match="đối số --baud: 'fast' không phải là giá trị kiểu int"):
        parser.parse_args(["a", "--baud", "fast"])
    assert issubclass(Parser, argparse.ArgumentParser)


def test_a_whole_word_speaks_vietnamese(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scan", "--help", "--lang", "vi"]) == 0
    assert "các tốc độ baud cần thử" in capsys.readouterr().out
    assert main(["scan", "/dev/nothing", "--lang=vi"]) == 1
    assert "không có cổng /dev/nothing" in capsys.readouterr().err
    assert main(["scan"]) == 2
    assert "còn thiếu các đối số: WHERE" in capsys.readouterr().err
