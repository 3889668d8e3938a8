"""The topics of `gate help` and the words they explain, in each language, and what a misspelt one may have meant.

Knows: the files beside it (`en/NAME.md`, `vi/NAME.md`): a title, a text, and sections `## WORD`, one for each word of
the register maps that somebody may read off a screen. Must not know: terminals.
The topic `exit-codes` is made of the constants themselves.
"""

from __future__ import annotations

import difflib
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from edge.cli_common import EXIT_CODES
from edge.words import tr

EXIT_CODES_TOPIC = "exit-codes"
_HERE = Path(__file__).parent
_NEAR_COUNT = 5
_SECTION = "\n## "


@dataclass(frozen=True, slots=True)
class Topic:
    """`text` is the whole, without the title; `sections` what it says of each word."""

    name: str
    title: str
    text: str
    sections: dict[str, str]


def topics(language: str) -> list[Topic]:
    """Every topic by name."""
    read = [_read(path.name.removesuffix(".md"), path) for path in (_HERE / language).glob("*.md")]
    return sorted([*read, _exit_codes()], key=lambda topic: topic.name)


def look_up(asked: str, language: str) -> list[str]:
    """The texts that `asked`, a topic or a word, stands for: none, one, or one of each topic that explains the word."""
    book = topics(language)
    for topic in book:
        if topic.name == _plain(asked).replace(" ", "-"):
            return [f"{topic.title}\n\n{topic.text}"]
    word = asked.strip().upper().replace(" ", "_")
    return [f"{topic.title}: {word}\n\n{topic.sections[word]}" for topic in book if word in topic.sections]


def near(asked: str, language: str) -> list[str]:
    """Topics and words that may have been meant, the likeliest first."""
    book, plain = topics(language), _plain(asked)
    titled = [topic.name for topic in book if plain and plain in _plain(f"{topic.title} {topic.name}")]
    names = {_plain(name): name for topic in book for name in (topic.name, *topic.sections)}
    alike = [names[name] for name in difflib.get_close_matches(plain, names, n=_NEAR_COUNT, cutoff=0.6)]
    told = [topic.name for topic in book if plain and plain in _plain(topic.text)]
    return list(dict.fromkeys(titled + alike + told))[:_NEAR_COUNT]


def _plain(text: str) -> str:
    """Small letters without marks: people type Vietnamese without them."""
    split = unicodedata.normalize("NFD", text.strip().lower().replace("đ", "d"))
    return "".join(letter for letter in split if not unicodedata.combining(letter))


def _read(name: str, path: Path) -> Topic:
    title, _, text = path.read_text(encoding="utf-8").partition("\n")
    _, *parts = f"\n{text}".split(_SECTION)
    sections = {head.strip(): body.strip() for head, _, body in (part.partition("\n") for part in parts)}
    return Topic(name, title.removeprefix("# ").strip(), text.strip(), sections)


def _exit_codes() -> Topic:
    lines = [f"{code:>5}  {tr(meaning)}" for code, meaning in EXIT_CODES.items()]
    title = tr("Exit codes of every gate command, for scripts")
    return Topic(EXIT_CODES_TOPIC, title, "\n".join(lines), {})
