"""Which language a person reads, and a sentence in it.

Knows: the locale's variables, the option `--lang`, the catalogue's form. Must not know: any sentence.
The English text is the key of the catalogue (`vi/*.toml`), so that code reads as what is said; a text that has no entry
is said in English. One process speaks one language; until one is chosen it is English.
"""

from __future__ import annotations

import os
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from io import TextIOWrapper
from pathlib import Path

ENGLISH = "en"
LANGUAGES = (ENGLISH, "vi")
_OPTION = "--lang"
_HERE = Path(__file__).parent
# The first that is set decides, even when it is none of ours (POSIX.1-2017, 8.2).
_LOCALE_VARIABLES = ("LC_ALL", "LC_MESSAGES", "LANG")


class LanguageError(Exception):
    """`--lang` names no language; the text says which there are."""


class _Choice:
    """The process's language; "" until somebody chose."""

    language = ""


def tr(text: str, /, **values: object) -> str:
    """`text`, a literal, in the language chosen, its {placeholders} filled; named by the same words in each."""
    said = _catalogue(_Choice.language).get(text, text)
    return said.format(**values) if values else said


def later(text: str) -> str:
    """`text` as it is: a literal of a table made before the language is chosen; `tr(table[x])` says it."""
    return text


def chosen() -> str:
    """The language sentences are in: `en` or `vi`."""
    return _Choice.language or ENGLISH


def choose(language: str) -> None:
    """Speak `language` from now on. Raises LanguageError. A terminal that lacks a letter shows `?`."""
    if language not in LANGUAGES:
        raise LanguageError(f"--lang '{language}' is unknown; write one of {', '.join(LANGUAGES)}")
    _Choice.language = language
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper) and (stream.encoding or "").lower() != "utf-8":
            stream.reconfigure(errors="replace")


@contextmanager
def in_english() -> Iterator[None]:
    """What is said inside is for machines too; `heard` says it to people."""
    before, _Choice.language = _Choice.language, ENGLISH
    try:
        yield
    finally:
        _Choice.language = before


def take_language(argv: Sequence[str], environment: Mapping[str, str] = os.environ) -> list[str]:
    """Choose by `--lang` in `argv`, else keep what was chosen, else by the locale; `argv` without the option.

    Raises LanguageError. What stands behind `--` is not looked at.
    """
    rest, asked = _without_option(argv)
    choose(asked if asked is not None else _Choice.language or _of_locale(environment))
    return rest


def _without_option(argv: Sequence[str]) -> tuple[list[str], str | None]:
    rest: list[str] = []
    asked: str | None = None
    words = iter(argv)
    for word in words:
        if word == "--":
            return [*rest, word, *words], asked
        if word == _OPTION:
            asked = next(words, "")
        elif word.startswith(f"{_OPTION}="):
            asked = word.removeprefix(f"{_OPTION}=")
        else:
            rest.append(word)
    return rest, asked


def _of_locale(environment: Mapping[str, str]) -> str:
    name = next((environment[variable] for variable in _LOCALE_VARIABLES if environment.get(variable)), "")
    language = name.partition("_")[0].partition(".")[0]
    return language if language in LANGUAGES else ENGLISH


@cache
def _catalogue(language: str) -> dict[str, str]:
    files = sorted((_HERE / language).glob("*.toml")) if language else []
    return {key: said for file in files for key, said in tomllib.loads(file.read_text(encoding="utf-8")).items()}
