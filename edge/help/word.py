"""`gate help [TOPIC]`: one topic or word, or the list of all.

Knows: arguments, printing. Must not know: what the topics say.
"""

from __future__ import annotations

import argparse
import sys

from edge.cli_common import EXIT_BAD_INPUT, EXIT_DONE, fail
from edge.help.book import look_up, near, topics
from edge.words import chosen, tr
from edge.words.colour import Colour, coloured


def add_help_word(parser: argparse.ArgumentParser) -> None:
    """The arguments of `gate help`."""
    says = tr("a topic, or a word read off a screen, such as LOOP_FAULT; without one: the list")
    parser.add_argument("topic", nargs="*", metavar="TOPIC", help=says)
    parser.set_defaults(run=tell)


def tell(arguments: argparse.Namespace) -> int:
    """Print it; returns the exit code."""
    asked = " ".join(arguments.topic)
    if not asked:
        _list()
        return EXIT_DONE
    found = look_up(asked, chosen())
    if not found:
        return fail(EXIT_BAD_INPUT, _unknown(asked))
    for number, text in enumerate(found):
        head, _, rest = text.partition("\n")
        print(("\n" if number else "") + coloured(head, Colour.BOLD, sys.stdout) + "\n" + rest)
    return EXIT_DONE


def _list() -> None:
    book = topics(chosen())
    size = max(len(topic.name) for topic in book)
    print(tr("gate help TOPIC, or gate help WORD for a word of health, reasons or faults:") + "\n")
    for topic in book:
        print(f"  {topic.name:<{size}}  {topic.title}")
    print("\n" + tr("gate --help lists the commands; gate COMMAND --help tells of one."))


def _unknown(asked: str) -> str:
    said = tr("there is no help on '{topic}'", topic=asked)
    names = near(asked, chosen())
    more = tr("did you mean {names}?", names=", ".join(names)) if names else tr("gate help lists the topics")
    return f"{said}; {more}"
