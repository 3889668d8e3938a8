"""Constants of other modules, put in place before a device file is compiled: the compiler folds those of one file only.

Knows Python's names and what a constant is: an integer given once, at the top of a module. Must not know the compiler,
nor which files belong together. On a microcontroller a name of another module costs two look-ups each time it is read;
a number costs none. Nothing else of the text changes, so lines stay lines.
"""

import ast
import operator
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tools.imports import find_module

_OPERATORS: dict[type[ast.operator], Callable[[int, int], int]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv,
    ast.LShift: operator.lshift,
    ast.RShift: operator.rshift,
    ast.BitOr: operator.or_,
    ast.BitAnd: operator.and_,
}


@dataclass(frozen=True)
class _Place:
    """A stretch of one line, in bytes, and the number that takes its place."""

    line: int
    start: int
    end: int
    value: int


class Folder:
    """Folds the files of one project as they are: each module's constants are found out once, each text folded once."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._known: dict[str, dict[str, int]] = {}
        self._folded: dict[str, str] = {}

    def fold(self, text: str) -> str:
        """The text with every constant of another project module, and of this one, as a number."""
        if text not in self._folded:
            self._folded[text] = self._fold(text)
        return self._folded[text]

    def _fold(self, text: str) -> str:
        tree = ast.parse(text)
        scope = _Scope(tree, self)
        lines = [line.encode() for line in text.split("\n")]
        for place in sorted(scope.places(), key=lambda place: (place.line, -place.start)):
            line = lines[place.line - 1]
            shown = str(place.value) if place.value >= 0 else f"({place.value})"
            lines[place.line - 1] = line[: place.start] + shown.encode() + line[place.end :]
        return b"\n".join(lines).decode()

    def constants(self, module: str) -> dict[str, int]:
        """Name -> value of a project module's constants; empty for a module that is none of the project's."""
        if module not in self._known:
            self._known[module] = {}  # a ring of imports ends here
            path = find_module(module, self.root)
            if path is not None:
                self._known[module] = _Scope(ast.parse(path.read_text(encoding="utf-8")), self).numbers
        return self._known[module]

    def is_module(self, name: str) -> bool:
        """Whether the project has a module of that name."""
        return find_module(name, self.root) is not None


class _Scope:
    """What the names of one file stand for. A name that is given a value twice, anywhere, stands for nothing."""

    def __init__(self, tree: ast.Module, folder: Folder) -> None:
        self._tree = tree
        self._folder = folder
        self._given = Counter(_bound_names(tree))
        self.modules: dict[str, str] = {}
        self.numbers: dict[str, int] = {}
        for node in tree.body:
            if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                self._import(node.module, node.names)
            elif isinstance(node, ast.Assign) and len(node.targets) == 1:
                self._assign(node.targets[0], node.value)

    def places(self) -> Iterator[_Place]:
        """Every place where a constant is read."""
        for node in ast.walk(self._tree):
            value = self._read(node)
            if value is not None and isinstance(node, ast.expr) and node.lineno == node.end_lineno:
                yield _Place(node.lineno, node.col_offset, node.end_col_offset or 0, value)

    def _import(self, module: str, names: list[ast.alias]) -> None:
        for alias in names:
            name = alias.asname or alias.name
            if self._given[name] != 1:
                continue
            if self._folder.is_module(f"{module}.{alias.name}"):
                self.modules[name] = f"{module}.{alias.name}"
            elif alias.name in self._folder.constants(module):
                self.numbers[name] = self._folder.constants(module)[alias.name]

    def _assign(self, target: ast.expr, value: ast.expr) -> None:
        if isinstance(target, ast.Name) and self._given[target.id] == 1:
            number = self._evaluate(value)
            if number is not None:
                self.numbers[target.id] = number

    def _read(self, node: ast.AST) -> int | None:
        """The constant this node reads, None when it does nothing of the kind."""
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            return self.numbers.get(node.id)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and isinstance(node.ctx, ast.Load):
            module = self.modules.get(node.value.id)
            return self._folder.constants(module).get(node.attr) if module else None
        return None

    def _evaluate(self, node: ast.expr) -> int | None:
        if isinstance(node, ast.Constant):
            return node.value if type(node.value) is int else None
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "const":
            return self._evaluate(node.args[0])
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            value = self._evaluate(node.operand)
            return None if value is None else -value
        if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
            one, other = self._evaluate(node.left), self._evaluate(node.right)
            return None if one is None or other is None else _OPERATORS[type(node.op)](one, other)
        return self._read(node)


def _bound_names(tree: ast.AST) -> Iterator[str]:
    """Each name as often as something in the file gives it a value, in whatever scope."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            yield node.id
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.alias):
            yield (node.asname or node.name).partition(".")[0]
        elif isinstance(node, ast.FunctionDef | ast.ClassDef | ast.ExceptHandler):
            yield node.name or ""
