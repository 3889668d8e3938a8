"""The words, options and arguments of `gate` as a table, read from the parsers themselves.

Knows: argparse. Must not know: any shell.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

# What an argument takes, by how it is called in the help. Shells complete these; of anything else they know nothing.
SITE, FILE, PORT, LANE, DEVICE, TOPIC = "site", "file", "port", "lane", "device", "topic"
_KINDS = {
    "SITE": SITE,
    "SITE|FILE": FILE,
    "PORT": PORT,
    "WHERE": PORT,
    "LANE": LANE,
    "DEVICE": DEVICE,
    "OLD": DEVICE,
    "NEW": DEVICE,
    "TOPIC": TOPIC,
}


@dataclass(frozen=True, slots=True)
class Value:
    """What may stand in a place: one of `words`, or something of a `kind`; neither is anything at all."""

    kind: str = ""
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Option:
    """An option by all its names; `value` is None for one that takes none."""

    names: tuple[str, ...]
    value: Value | None
    says: str


@dataclass(slots=True)
class Word:
    """A word of the command by its whole path, such as `gate journal tail`; `places` repeats its last one at will."""

    path: str
    says: str
    options: list[Option] = field(default_factory=list)
    places: list[Value] = field(default_factory=list)
    repeats: bool = False
    words: list[str] = field(default_factory=list)


def words_of(parser: argparse.ArgumentParser, path: str, says: str = "") -> Iterator[Word]:
    """`path` and everything below it, each word before those below it."""
    word = Word(path, says)
    below: list[tuple[str, argparse.ArgumentParser, str]] = []
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            helps = {choice.dest: choice.help or "" for choice in action._choices_actions}
            below += [(name, child, helps.get(name, "")) for name, child in action.choices.items()]
        elif action.option_strings:
            value = None if action.nargs == 0 else _value(action)
            word.options.append(Option(tuple(action.option_strings), value, _help(parser, action)))
        else:
            word.places.append(_value(action))
            word.repeats = word.repeats or (action.nargs in ("*", "+") and not word.places[-1].words)
    word.words = [name for name, _, _ in below]
    yield word
    for name, child, child_says in below:
        yield from words_of(child, f"{path} {name}", child_says)


def _value(action: argparse.Action) -> Value:
    if action.choices is not None:
        return Value(words=tuple(str(choice) for choice in action.choices))
    metavar = action.metavar if isinstance(action.metavar, str) else ""
    if " | " in metavar:  # the first word of each alternative, as in `read [NAME] | set NAME VALUE`
        return Value(words=tuple(part.split()[0] for part in metavar.split(" | ")))
    return Value(_KINDS.get(metavar.upper() or action.dest.upper(), FILE if action.type is Path else ""))


def _help(parser: argparse.ArgumentParser, action: argparse.Action) -> str:
    if not action.help or action.help == argparse.SUPPRESS:
        return ""
    return parser._get_formatter()._expand_help(action)
