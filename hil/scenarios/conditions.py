"""Conditions of scenarios: `state = OPEN`, `faults has LOOP_FAULT`, `gross_kg_x10 = 24 t +/- 20 kg`, `event.PASSED`.

Knows: how a condition is written. Must not know: which words there are, who asks.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from math import ceil, floor

from edge.words import tr
from hil.scenarios.model import Condition, Word
from hil.scenarios.units import Mistake, close_to

_FORM = re.compile(r"(\S+)(?:\s+(=|!=|<=|>=|<|>|has|lacks)\s+(.+))?")
_TOLERANCE = " +/- "
FORMS = "NAME = VALUE, !=, <, <=, >, >=, NAME = VALUE +/- TOLERANCE, NAME has BIT, NAME lacks BIT"


def read_condition(text: str, words: Mapping[str, Word]) -> Condition:
    """The condition that `text` writes; raises Mistake."""
    text = text.strip()
    found = _FORM.fullmatch(text)
    if found is None:
        raise Mistake(tr("'{text}' is no condition; write {forms}", text=text, forms=FORMS))
    word = read_word(found[1], words)
    if found[2] is None:
        if word.is_level:
            raise Mistake(tr("'{text}' says no value; write '{text} = VALUE'", text=text))
        return Condition(word, text)
    try:
        return _compare(word, text, found[2], found[3].strip())
    except Mistake as mistake:
        raise Mistake(tr("in '{text}': {reason}", text=text, reason=mistake)) from None


def read_word(written: str, words: Mapping[str, Word]) -> Word:
    """The word called `written`; raises Mistake."""
    if written not in words:
        raise Mistake(tr("'{name}' is no name that can be watched here", name=written) + close_to(written, words))
    return words[written]


def _compare(word: Word, text: str, operator: str, value: str) -> Condition:
    meaning = word.meaning
    if operator in ("has", "lacks"):
        bit = meaning.bit(value)
        return Condition(word, text, bit, bit, bit, operator == "lacks")
    if _TOLERANCE in value and operator == "=":
        middle, tolerance = value.split(_TOLERANCE, 1)
        exact, off = meaning.read_exact(middle), meaning.read_tolerance(tolerance)
        if ceil(exact - off) > floor(exact + off):
            said = tr("no value of it lies so close to {middle}; its step is {step}", middle=middle, step=meaning.step)
            raise Mistake(said)
        return Condition(word, text, ceil(exact - off), floor(exact + off))
    if operator in ("=", "!="):
        raw = meaning.read(value)
        return Condition(word, text, raw, raw, is_negated=operator == "!=")
    exact = meaning.read_exact(value)
    if operator in ("<", "<="):
        return Condition(word, text, None, floor(exact) if operator == "<=" else ceil(exact) - 1)
    return Condition(word, text, ceil(exact) if operator == ">=" else floor(exact) + 1, None)
