"""Which functions of the mutated modules a test calls.

Knows code objects. Must not know tests. Every function gets code that notes its first call and then puts the plain code
back, so that a test runs nearly as fast as without; a profiler would be told of every call of everybody.
"""

import ast
from collections.abc import Iterable
from pathlib import Path
from types import CodeType, FunctionType, ModuleType

from tools.mutants.patch import find_code, find_function

Call = tuple[str, str]
_NAME = "__note__"  # what names itself so on both sides is not changed inside a class


class CallNotes:
    """`begin()`, run a test, and `end()` tells its calls as (file, qualified name)."""

    def __init__(self, modules: Iterable[ModuleType]) -> None:
        self._functions: dict[Call, tuple[FunctionType, CodeType, CodeType]] = {}
        self._calls: set[Call] = set()
        for module in modules:
            self._prepare(module)

    def begin(self) -> None:
        """Forget what was called."""
        self._calls = set()
        for function, noting, _ in self._functions.values():
            function.__code__ = noting

    def end(self) -> set[Call]:
        """Put the plain code back everywhere."""
        for function, _, plain in self._functions.values():
            function.__code__ = plain
        return self._calls

    def _prepare(self, module: ModuleType) -> None:
        file = str(module.__file__)
        tree = ast.parse(Path(file).read_text(encoding="utf-8"))
        scopes = list(_functions(tree))
        for scope, node in scopes:
            key = ast.Tuple([ast.Constant(file), ast.Constant(scope)], ast.Load())
            call = ast.Call(ast.Name(_NAME, ast.Load()), [key], [])
            node.body.insert(0, ast.Expr(call))
        code = compile(ast.fix_missing_locations(tree), file, "exec")
        for scope, _ in scopes:
            function = find_function(module, scope)
            self._functions[file, scope] = (function, find_code(code, scope), function.__code__)
        vars(module)[_NAME] = self._note

    def _note(self, call: Call) -> None:
        self._calls.add(call)
        function, _, plain = self._functions[call]
        function.__code__ = plain


def _functions(tree: ast.Module) -> Iterable[tuple[str, ast.FunctionDef]]:
    """Those that mutants are made of: of the module and of its classes."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            yield node.name, node
        elif isinstance(node, ast.ClassDef):
            for item in node.body:
                if isinstance(item, ast.FunctionDef):
                    yield f"{node.name}.{item.name}", item
