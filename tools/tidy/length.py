"""How long functions and modules may be, with a ratchet that only shrinks.

A function counts from `def` to its last line, less its docstring. Up to SOFT_LINES nobody asks; above HARD_LINES
nothing helps; in between a function must stand in the ratchet file with its length, and that length may only go down.
Knows the form of the ratchet file: `path:qualified.name length` per line, sorted, `#` for comments.
"""

import ast
from collections.abc import Iterable, Iterator

from tools.tidy.files import Source, parse_python

SOFT_LINES = 40
HARD_LINES = 60
MODULE_LINES = 400
RATCHET = "tests/tidy/function_length.txt"

Lengths = dict[str, int]


def measure(sources: Iterable[Source]) -> Iterator[tuple[Source, int, str, int]]:
    """Every function of hand-written files: (source, line, qualified name, length)."""
    for source, tree in parse_python(source for source in sources if not source.is_generated):
        for line, name, length in _functions(tree, ""):
            yield source, line, name, length


def _functions(node: ast.AST, prefix: str) -> Iterator[tuple[int, str, int]]:
    for child in ast.iter_child_nodes(node):
        name = prefix
        if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            name = f"{prefix}{child.name}."
        if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield child.lineno, name.removesuffix("."), _length(child)
        yield from _functions(child, name)


def _length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    lines = (function.end_lineno or function.lineno) - function.lineno + 1
    first = function.body[0]
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
        lines -= (first.end_lineno or first.lineno) - first.lineno + 1
    return lines


def read_ratchet(text: str) -> Lengths:
    """The tolerated functions and their lengths."""
    rows = [line.rpartition(" ") for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return {name.strip(): int(length) for name, _, length in rows}


def check_functions(sources: Iterable[Source], ratchet: Lengths) -> list[str]:
    """Functions that are too long, grew, or shrank without the ratchet."""
    findings = []
    left = dict(ratchet)
    for source, line, name, length in measure(sources):
        tolerated = left.pop(f"{source.path}:{name}", 0)
        problem = _judge(f"{source.path}:{name}", length, tolerated)
        if problem:
            findings.append(source.finding(line, f"{name} has {length} lines; {problem}"))
    findings += [f"{RATCHET}: {key} is gone; remove its line" for key in left]
    return findings


def _judge(key: str, length: int, tolerated: int) -> str:
    if length > HARD_LINES:
        return f"more than {HARD_LINES} is never taken: split it"
    if length > SOFT_LINES and not tolerated:
        return f"split it to {SOFT_LINES} or less, or say why not in the commit and add '{key} {length}' to {RATCHET}"
    if length > tolerated > 0:
        return f"it had {tolerated}: it may only shrink; split it"
    if 0 < length < tolerated:
        remedy = f"lower its line to {length}" if length > SOFT_LINES else "remove its line"
        return f"the ratchet {RATCHET} still allows {tolerated}: {remedy}"
    return ""


def check_modules(sources: Iterable[Source]) -> list[str]:
    """Hand-written Python modules that are too long."""
    findings = []
    for source in sources:
        lines = len(source.text.splitlines())
        if source.is_python and not source.is_generated and lines > MODULE_LINES:
            what = f"module has {lines} lines, more than {MODULE_LINES}; split it by what its parts know"
            findings.append(source.finding(1, what))
    return findings
