"""Every sentence that is given to `tr` or `later` can be said in every language, and no entry is left over.

Knows: how sentences are found in code, and the form of the catalogue (`edge/words/<language>/*.toml`). argparse's own
sentences may have entries, because its parsers print them.
"""

import argparse
import ast
import inspect
import re
import string
import tomllib
import unicodedata
from collections.abc import Iterable, Iterator
from functools import cache

from tools.tidy.files import Source, parse_python

CATALOGUE = "edge/words/"
_CALLS = ("tr", "later")
_FOLDERS = ("edge/", "hil/")
# What says a person's own mistake: nobody but that person reads its sentence.
_REFUSALS = ("UsageError", "ScenarioError", "Mistake", "FaultError", "BundleError")
_WORD = re.compile("[a-z]{2}")
PERCENT = re.compile(r"%(?:\(\w+\))?[sdr]")  # argparse fills its help and its own sentences this way


def check_words(sources: Iterable[Source]) -> list[str]:
    """Every sentence without an entry, entry without a sentence, and entry that does not fit, as findings."""
    sources = list(sources)
    given: dict[str, str] = {}
    findings = [
        source.finding(node.lineno, "is said in English only; give it tr(...)")
        for source, node in _calls(sources, _REFUSALS)
        if node.args and _is_sentence(node.args[0])
    ]
    for source, node in _calls(sources, _CALLS):
        text = node.args[0] if node.args else None
        if isinstance(text, ast.Constant) and isinstance(text.value, str):
            given.setdefault(text.value, f"{source.path}:{node.lineno}")
        elif isinstance(text, ast.JoinedStr) or _name(node) == "later":
            findings.append(source.finding(node.lineno, "is given no literal; write {placeholders} and their values"))
    languages = sorted({source.path.split("/")[2] for source in sources if _is_catalogue(source)})
    for language in languages:
        files = [source for source in sources if _is_catalogue(source) and source.path.split("/")[2] == language]
        findings += _check_language(language, files, given)
    return findings


def _check_language(language: str, files: list[Source], given: dict[str, str]) -> list[str]:
    said: set[str] = set()
    findings = []
    for file in files:
        for text, entry in tomllib.loads(file.text).items():
            problem = _judge(text, entry, given)
            if text in said:
                problem = "stands in another file too; keep one"
            if problem:
                findings.append(file.finding(1, f"{text[:60]!r} {problem}"))
            said.add(text)
    folder = f"{CATALOGUE}{language}/"
    missing = [(text, where) for text, where in given.items() if text not in said]
    return findings + [f"{where}: {text!r} has no entry; add it to a file in {folder}" for text, where in missing]


def _judge(text: str, entry: object, given: dict[str, str]) -> str:
    if not isinstance(entry, str) or not entry.strip():
        return "has an entry that is no text"
    if text not in given and text not in _of_argparse():
        return "is said nowhere; delete the entry"
    if unicodedata.normalize("NFC", entry) != entry:
        return "is not in composed letters (NFC); columns would not stand below each other"
    if sorted(PERCENT.findall(text)) != sorted(PERCENT.findall(entry)):
        return "has other %(placeholders)s than its entry"
    return "" if _placeholders(text) == _placeholders(entry) else "has other {placeholders} than its entry"


def _placeholders(text: str) -> set[str]:
    try:
        return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}
    except ValueError:
        return {text}  # braces that are no placeholders; such a text is given without values


def _is_sentence(node: ast.expr) -> bool:
    """Whether it is a literal with words of its own, not values alone."""
    parts = node.values if isinstance(node, ast.JoinedStr) else [node]
    texts = [part.value for part in parts if isinstance(part, ast.Constant) and isinstance(part.value, str)]
    return any(_WORD.search(text) for text in texts)


def _calls(sources: list[Source], names: tuple[str, ...]) -> Iterator[tuple[Source, ast.Call]]:
    code = [source for source in sources if source.path.startswith(_FOLDERS)]
    for source, tree in parse_python(code):
        yield from ((source, node) for node in ast.walk(tree) if isinstance(node, ast.Call) and _name(node) in names)


def _name(node: ast.Call) -> str:
    return node.func.id if isinstance(node.func, ast.Name) else ""


@cache
def _of_argparse() -> frozenset[str]:
    calls = [node for node in ast.walk(ast.parse(inspect.getsource(argparse))) if isinstance(node, ast.Call)]
    texts = [argument for node in calls if _name(node) in ("_", "ngettext") for argument in node.args]
    return frozenset(text.value for text in texts if isinstance(text, ast.Constant) and isinstance(text.value, str))


def _is_catalogue(source: Source) -> bool:
    return source.path.startswith(CATALOGUE) and source.path.endswith(".toml")
