"""Arguments of a `gate` word: help in the person's language, and one sentence for what is wrong.

Knows: argparse and how it looks up its own sentences. Must not know: any word.
"""

from __future__ import annotations

import argparse
from typing import Any, NoReturn

from edge.words.language import LANGUAGES, tr


class UsageError(Exception):
    """The arguments are wrong; the text says how."""


class Parser(argparse.ArgumentParser):
    """An argument parser that says what is wrong in one sentence instead of printing its usage."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        says = tr("language of what is said; else that of the locale")
        # For the help and for completion only: `take_language` has taken it before arguments are parsed.
        self.add_argument("--lang", choices=LANGUAGES, default=argparse.SUPPRESS, help=says)

    def error(self, message: str) -> NoReturn:
        """Raise UsageError."""
        raise UsageError(tr("{what}; see {word} --help", what=message, word=self.prog))


def _plural(one: str, many: str, count: int) -> str:
    return tr(one if count == 1 else many)


# argparse asks the names that it imported from gettext. gettext itself would want compiled catalogues on disk.
vars(argparse).update(_=tr, ngettext=_plural)
