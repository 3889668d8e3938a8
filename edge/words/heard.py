"""A finished English sentence in the person's language: what machines read too is made in English and heard here.

Knows: forms, which are texts of the catalogue with {placeholders}. Must not know: any sentence.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from functools import cache

from edge.words.language import ENGLISH, chosen, tr


def heard(said: str, forms: Iterable[str], sentences: Collection[str]) -> str:
    """`said` by the first of `forms` that it has; a sentence of none stays as it is.

    `sentences` are the names of placeholders that stand for a sentence of these forms themselves.
    """
    if chosen() == ENGLISH:
        return said
    for form in forms:
        match = _pattern(form).fullmatch(said)
        if match:
            values = match.groupdict().items()
            return tr(
                form, **{name: heard(text, forms, sentences) if name in sentences else text for name, text in values}
            )
    return said


@cache
def _pattern(form: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>.+)", re.escape(form)), re.DOTALL)
