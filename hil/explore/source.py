"""Reading the core's own source: statements of a method as pieces that run one by one.

Knows Python's syntax tree. Must not know fields, roles or the search. Every piece is compiled from the statement as it
stands; only local names for parts of the core are written out.
"""

from __future__ import annotations

import ast
import inspect
import sys
import textwrap
from collections.abc import Callable
from typing import Any

from hil.explore.values import Unknown


class EndTurns(ast.NodeTransformer):
    """`break` of a loop as `return True` of its one turn."""

    def visit_Break(self, node: ast.Break) -> ast.Return:
        return ast.Return(ast.Constant(True))


def assigned_by(node: ast.AST) -> list[ast.expr]:
    if isinstance(node, ast.Assign):
        return node.targets
    return [node.target] if isinstance(node, (ast.AugAssign, ast.AnnAssign)) else []


def shares_locals(before: list[ast.stmt], loop: ast.For) -> bool:
    stored = {
        n.id for each in before for n in ast.walk(each) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
    }
    return any(isinstance(n, ast.Name) and n.id in stored for n in ast.walk(loop))


def as_function(body: list[ast.stmt], names: dict[str, Any]) -> Callable[[Any], Any]:
    function = ast.parse("def piece(self): pass").body[0]
    assert isinstance(function, ast.FunctionDef)
    function.body = body
    found: dict[str, Any] = {}
    exec(compile(ast.fix_missing_locations(ast.Module([function], [])), "<piece>", "exec"), names, found)
    piece: Callable[[Any], Any] = found["piece"]
    return piece


def blur(module: str, name: str) -> None:
    """Let a pure function of a module give an unknown number for an unknown one at once, by one way instead of two."""
    names = sys.modules[module].__dict__
    real = names[name]
    if not hasattr(real, "blurred"):

        def blurred(first: Any, second: Any) -> Any:
            unknown = next((each for each in (first, second) if isinstance(each, Unknown)), None)
            return real(first, second) if unknown is None else Unknown(unknown.recorder)

        blurred.blurred = True  # type: ignore[attr-defined]
        names[name] = blurred


def without_aliases(statements: list[ast.stmt], core: Any, ignored: set[str]) -> list[ast.stmt]:
    """Statements with local names for parts of the core written out, and without those that set an ignored name."""
    parts: dict[str, ast.expr] = {}

    class Write(ast.NodeTransformer):
        def visit_Name(self, node: ast.Name) -> ast.expr:
            return parts.get(node.id, node) if isinstance(node.ctx, ast.Load) else node

    found: list[ast.stmt] = []
    for statement in statements:
        statement = Write().visit(statement)
        target = statement.targets[0] if isinstance(statement, ast.Assign) else None
        name = target.id if isinstance(target, ast.Name) else target.attr if isinstance(target, ast.Attribute) else ""
        if name in ignored:
            continue
        if (
            isinstance(target, ast.Name)
            and isinstance(statement, ast.Assign)
            and isinstance(statement.value, ast.Attribute)
        ):
            owner, _, attribute = ast.unparse(statement.value).rpartition(".")
            if owner == "self" and hasattr(getattr(core, attribute), "__dict__"):
                parts[target.id] = statement.value
                continue
        found.append(statement)
    return found


def independent_groups(statements: list[ast.stmt]) -> list[list[ast.stmt]]:
    """Statements, joined where a local variable goes from one to a later one."""
    groups: list[list[ast.stmt]] = []
    start = 0
    while start < len(statements):
        end = start
        place = start
        while place <= end:
            stored = {
                n.id for n in ast.walk(statements[place]) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
            }
            for later in range(place + 1, len(statements)):
                loads = {n.id for n in ast.walk(statements[later]) if isinstance(n, ast.Name)}
                if stored & loads:
                    end = max(end, later)
            place += 1
        groups.append(statements[start : end + 1])
        start = end + 1
    return groups


def foreign_assignment(cls: type, method: str, targets: tuple[str, ...]) -> str:
    """What `method`, or one it calls on the same object, assigns besides local names and `targets`; "" for nothing."""
    todo = [method]
    seen: set[str] = set()
    while todo:
        name = todo.pop()
        seen.add(name)
        for node in ast.walk(ast.parse(textwrap.dedent(inspect.getsource(getattr(cls, name))))):
            for each in assigned_by(node):
                owner = each.value if isinstance(each, ast.Subscript) else each
                if not isinstance(each, ast.Name) and ast.unparse(owner).rpartition(".")[2] not in targets:
                    return ast.unparse(each)
            called = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
            if called.startswith("self.") and called.count(".") == 1 and called[5:] not in seen:
                todo.append(called[5:])
    return ""
