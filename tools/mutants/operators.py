"""The small wrong changes: which mutants a module has.

Knows Python's syntax tree. Must not know tests or processes. A mutant is named by its function, the text it replaces
and what it puts there, never by a line number, so that the list of equivalent mutants outlives edits elsewhere.

Operators: comparison moved by its limit or negated, arithmetic and bit operator swapped, `and`/`or` swapped, `not`, `-`
and `~` dropped, condition of an `if` or `while` negated, number one off, truth value flipped, `min`/`max` swapped,
statement deleted, constant of a module or a class one off, every cell of a table of bytes changed.
"""

import ast
import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass

_COMPARE: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
_BINARY: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.BitXor: ast.BitOr,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
}
_SWAPPED_CALLS = {"min": "max", "max": "min"}
_TEXT_MAX = 90

Edit = Callable[[ast.AST], None]


@dataclass(frozen=True)
class Mutant:
    """One changed module. `scope` is the qualified name of the changed function, "" for a constant.

    `constant` is the qualified name of the changed constant, "" for a function.
    """

    key: str
    scope: str
    constant: str
    line: int
    _tree: ast.Module
    _number: int
    _edit: Edit

    def make_tree(self) -> ast.Module:
        """Return the whole changed module; made when asked for, since thousands of them are big."""
        tree = copy.deepcopy(self._tree)
        self._edit(list(ast.walk(tree))[self._number])
        return ast.fix_missing_locations(tree)


@dataclass(frozen=True)
class _Change:
    """Something to do to the node with this number in walking order."""

    number: int
    scope: str
    constant: str
    line: int
    before: str
    after: str
    edit: Edit


def make_mutants(text: str) -> Iterator[Mutant]:
    """Every mutant of a module's source text, in the order of the source; keys are unique."""
    tree = ast.parse(text)
    seen: dict[str, int] = {}
    for change in _find_changes(tree):
        key = f"{change.scope or change.constant}: {change.before} -> {change.after}"
        seen[key] = seen.get(key, 0) + 1
        if seen[key] > 1:
            key = f"{key} #{seen[key]}"
        yield Mutant(key, change.scope, change.constant, change.line, tree, change.number, change.edit)


def _find_changes(tree: ast.Module) -> list[_Change]:
    numbers = {id(node): number for number, node in enumerate(ast.walk(tree))}
    changes: list[_Change] = []
    for scope, constant, node in _mutable_nodes(tree):
        for after, edit in _edits(node):
            line = getattr(node, "lineno", 0)
            changes.append(_Change(numbers[id(node)], scope, constant, line, _short(node), after, edit))
    return sorted(changes, key=lambda change: change.line)


def _mutable_nodes(tree: ast.Module) -> Iterator[tuple[str, str, ast.AST]]:
    """Nodes of function bodies with their function, nodes of constants' values with their name."""
    for node in tree.body:
        yield from _statement_nodes(node, "")
        if isinstance(node, ast.ClassDef):
            for item in node.body:
                yield from _statement_nodes(item, f"{node.name}.")


def _statement_nodes(node: ast.stmt, owner: str) -> Iterator[tuple[str, str, ast.AST]]:
    if isinstance(node, ast.FunctionDef):
        yield from _function_nodes(node, owner + node.name)
    elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
        for inner in ast.walk(node.value):
            yield "", owner + node.targets[0].id, inner


def _function_nodes(function: ast.FunctionDef, scope: str) -> Iterator[tuple[str, str, ast.AST]]:
    waiting: list[ast.AST] = list(function.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Assert) or _is_text(node):
            continue
        yield scope, "", node
        for name, value in ast.iter_fields(node):
            if name != "annotation":
                waiting += [
                    item for item in (value if isinstance(value, list) else [value]) if isinstance(item, ast.AST)
                ]


def _is_text(node: ast.AST) -> bool:
    """Docstrings."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _edits(node: ast.AST) -> Iterator[tuple[str, Edit]]:
    """What the node becomes, as text, and how."""
    if isinstance(node, ast.Compare):
        yield from _compare_edits(node)
    elif isinstance(node, ast.BinOp) and type(node.op) in _BINARY:
        yield _operator_edit(node, _BINARY[type(node.op)])
    elif isinstance(node, ast.AugAssign) and type(node.op) in _BINARY:
        yield _operator_edit(node, _BINARY[type(node.op)])
        yield "deleted", _delete
    elif isinstance(node, ast.BoolOp):
        yield _operator_edit(node, ast.Or if isinstance(node.op, ast.And) else ast.And)
    elif isinstance(node, ast.UnaryOp):
        yield "operator dropped", _drop_operator
    elif isinstance(node, ast.If | ast.While | ast.IfExp):
        yield "condition negated", _negate
    elif isinstance(node, ast.Constant):
        yield from _constant_edits(node)
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _SWAPPED_CALLS:
        yield f"{_SWAPPED_CALLS[node.func.id]}(...)", _swap_call
    elif isinstance(node, ast.Expr | ast.Assign | ast.Break | ast.Continue) or _is_bare_return(node):
        yield "deleted", _delete


def _is_bare_return(node: ast.AST) -> bool:
    return isinstance(node, ast.Return) and node.value is None


def _compare_edits(node: ast.Compare) -> Iterator[tuple[str, Edit]]:
    for index, operator in enumerate(node.ops):
        replacement = _COMPARE[type(operator)]

        def edit(target: ast.AST, index: int = index, replacement: type[ast.cmpop] = replacement) -> None:
            assert isinstance(target, ast.Compare)
            target.ops[index] = replacement()

        yield f"{_name(replacement)}{index or ''}", edit


def _operator_edit(node: ast.AST, replacement: type[ast.operator] | type[ast.boolop]) -> tuple[str, Edit]:
    def edit(target: ast.AST) -> None:
        assert isinstance(target, ast.BinOp | ast.AugAssign | ast.BoolOp)
        target.op = replacement()  # of the node's own kind, see the tables

    return _name(replacement), edit


def _constant_edits(node: ast.Constant) -> Iterator[tuple[str, Edit]]:
    value = node.value
    if isinstance(value, bool):
        yield _constant_edit(not value)
    elif isinstance(value, int):
        yield _constant_edit(1 - value if value in (0, 1) else value + 1)
    elif isinstance(value, bytes):
        cells = sorted(set(value))
        for index, cell in enumerate(value):
            other = cells[(cells.index(cell) + 1) % len(cells)] if len(cells) > 1 else (cell + 1) & 0xFF
            yield _constant_edit(value[:index] + bytes([other]) + value[index + 1 :])


def _constant_edit(value: bool | int | bytes) -> tuple[str, Edit]:
    def edit(target: ast.AST) -> None:
        assert isinstance(target, ast.Constant)
        target.value = value

    return repr(value)[:_TEXT_MAX], edit


def _drop_operator(target: ast.AST) -> None:
    """`not x`, `-x`, `~x` become something with the same value as x, without a node of its own."""
    assert isinstance(target, ast.UnaryOp)
    target.op = ast.UAdd() if not isinstance(target.op, ast.Not) else ast.Not()
    if isinstance(target.op, ast.Not):
        target.operand = ast.UnaryOp(ast.Not(), target.operand)


def _negate(target: ast.AST) -> None:
    assert isinstance(target, ast.If | ast.While | ast.IfExp)
    target.test = ast.UnaryOp(ast.Not(), target.test)


def _swap_call(target: ast.AST) -> None:
    assert isinstance(target, ast.Call)
    assert isinstance(target.func, ast.Name)
    target.func.id = _SWAPPED_CALLS[target.func.id]


def _delete(target: ast.AST) -> None:
    """Becomes `pass`: the node keeps its place in its parent, so its own class changes."""
    target.__class__ = ast.Pass
    target.__dict__ = {name: target.__dict__[name] for name in ("lineno", "col_offset") if name in target.__dict__}


def _short(node: ast.AST) -> str:
    text = " ".join(ast.unparse(node).split())
    if isinstance(node, ast.If | ast.While):
        text = f"if {' '.join(ast.unparse(node.test).split())}"
    return text if len(text) <= _TEXT_MAX else text[:_TEXT_MAX] + "..."


def _name(operator: type) -> str:
    return operator.__name__
