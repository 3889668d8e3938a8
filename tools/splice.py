"""Pieces of a Python text replaced by others, where a syntax tree says they are. Lines stay lines.

Knows lines, columns and functions. Must not know what is replaced, or why.
"""

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tools.classes import ClassName


@dataclass(frozen=True)
class Place:
    """A stretch of text, in lines and bytes, and what takes its place."""

    start: tuple[int, int]
    end: tuple[int, int]
    text: str

    @classmethod
    def of(cls, node: ast.expr, text: str, closing: str) -> "Place":
        """A whole expression, `text` having an open bracket: as many lines as it had follow, and then `closing`."""
        end = node.end_lineno or node.lineno, node.end_col_offset or 0
        return cls((node.lineno, node.col_offset), end, text + "\n" * (end[0] - node.lineno) + closing)


def splice(text: str, places: Iterable[Place]) -> str:
    """The text with every place replaced; none overlaps another."""
    lines = [line.encode() for line in text.split("\n")]
    for place in sorted(places, key=lambda place: place.start, reverse=True):
        (first, start), (last, end) = place.start, place.end
        whole = lines[first - 1][:start] + place.text.encode() + lines[last - 1][end:]
        lines[first - 1 : last] = whole.split(b"\n")
    return b"\n".join(lines).decode()


def walk_functions(module: str, tree: ast.Module) -> Iterator[tuple[ClassName | None, ast.FunctionDef]]:
    """Every function of a module and method of its classes, with the class."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            yield None, node
        elif isinstance(node, ast.ClassDef):
            yield from ((ClassName(module, node.name), each) for each in node.body if isinstance(each, ast.FunctionDef))
