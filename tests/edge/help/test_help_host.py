"""`gate help` is whole, the same in both languages, and says nothing of registers or commands that there are not."""

import re
from pathlib import Path

import pytest

from edge import cli
from edge.help.book import look_up, near, topics
from edge.service.changes import commands_of
from edge.service.names import ROLES
from edge.words import LANGUAGES, choose
from hil.cli import COMMANDS

HELP = Path(cli.__file__).parent / "help"
_COMMAND = re.compile(r"`gate ([a-z]+)([^`]*)`")
# What a device says of itself in single words, by the points that say it.
SAYING = ("health", "reasons", "faults", "update_reason")


def words_of_the_maps() -> set[str]:
    tags = [tag for module in ROLES.values() for tag in module.TAGS if tag.name in SAYING]
    return {word for tag in tags for word, _ in tag.symbols} - {"NONE"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_word_that_a_device_says_is_explained_and_no_other(language: str) -> None:
    explained = {word for topic in topics(language) for word in topic.sections}
    assert explained == words_of_the_maps()


@pytest.mark.parametrize("role", ROLES)
def test_every_fault_of_a_role_stands_with_its_role(role: str) -> None:
    (faults,) = [tag for tag in ROLES[role].TAGS if tag.name == "faults"]
    (topic,) = [topic for topic in topics("en") if topic.name == f"{role.partition('_')[0]}-faults"]
    assert {word for word, _ in faults.symbols} == set(topic.sections)


def test_both_languages_have_the_same_topics_words_and_commands() -> None:
    english, vietnamese = topics("en"), topics("vi")
    assert [topic.name for topic in english] == [topic.name for topic in vietnamese]
    for one, other in zip(english, vietnamese, strict=True):
        assert list(one.sections) == list(other.sections), one.name
        assert sorted(_COMMAND.findall(one.text)) == sorted(_COMMAND.findall(other.text)), one.name
        assert not one.text or one.name == "exit-codes" or one.text != other.text, one.name


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_command_named_is_one_and_every_register_read_is_there(language: str) -> None:
    points = {tag.name for module in ROLES.values() for tag in module.TAGS}
    opcodes = {word for role in ROLES for word in commands_of(role)}
    known = {command.split()[0] for command, _ in COMMANDS}
    book = {topic.name for topic in topics(language)} | words_of_the_maps() | {"WORD"}
    for topic in topics(language):
        for word, rest in _COMMAND.findall(topic.text):
            assert word in known, f"{topic.name}: gate {word}"
            if word == "help":
                assert rest.strip() in book, f"{topic.name}: gate help{rest}"
            if word == "poke":
                action, _, names = re.sub(r"WHERE|--unit N|--key-file FILE|--moves", "", rest).strip().partition(" ")
                told = set(names.split()) if action == "read" else {names.split()[0]}
                assert told <= points | opcodes, f"{topic.name}: {told - points - opcodes}"


@pytest.mark.parametrize("path", sorted(HELP.glob("*/*.md")), ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_topic_has_a_title_and_fits_a_wide_terminal(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    assert re.match(r"# \S", lines[0])
    assert max(map(len, lines)) <= 140
    assert len(lines) <= 80


def test_a_topic_and_a_word_are_told_and_the_list_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["help"]) == 0
    assert "  silent              The device does not answer" in capsys.readouterr().out
    assert cli.main(["help", "Fault.TXT"]) == 0
    assert capsys.readouterr().out.startswith("There is a fault.txt on the board\n\nA program error happened")
    assert cli.main(["help", "limit", "stuck", "--lang", "vi"]) == 0
    assert capsys.readouterr().out.startswith("Các lỗi của barie: LIMIT_STUCK\n\nGiới hạn trên báo")
    assert cli.main(["help", "exit-codes", "--lang", "en"]) == 0
    assert "  130  interrupted by Ctrl-C" in capsys.readouterr().out


def test_a_word_of_several_roles_is_told_for_each() -> None:
    assert len(look_up("input_bad", "en")) == 5


@pytest.mark.parametrize(
    ("language", "asked", "first"),
    [
        ("en", "LOPP_FAULT", "LOOP_FAULT"),
        ("en", "wieghbridge", "weighbridge"),
        ("en", "does not answer", "silent"),
        ("vi", "khong tra loi", "silent"),
        ("vi", "can xe", "weighbridge"),
        ("vi", "Đầu đọc", "reader"),
    ],
)
def test_what_was_meant_is_found(language: str, asked: str, first: str) -> None:
    assert near(asked, language)[0] == first


def test_what_nobody_knows_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    choose("vi")
    assert cli.main(["help", "qqqq"]) == 2
    assert "không có trợ giúp về 'qqqq'; gate help liệt kê các chủ đề" in capsys.readouterr().err
    assert cli.main(["help", "!"]) == 2
