"""Calls that need no look-up: a method whose class is known is put in place, or called by a name of the file.

Knows which expression may stand for another. Must not know the compiler, nor which files belong together. On an RP2040
the look-up of a method takes longer than the call itself: `self.method()` 15 us at 125 MHz, `function(self)` 8 us, the
method's expression in its place none. So a call of a method that is one expression becomes that expression, and any
other a call of the function, which the file names at its end. Lines stay lines.
"""

import ast
import copy
from collections.abc import Mapping

from tools.classes import Classes, ClassName
from tools.splice import Place, splice, walk_functions

# Whose calls are made direct. A board's are few, and a start for a measurement puts its own in the place of some.
FOLDERS = ("firmware.control.", "firmware.app.", "protocols.")
# Sizes are counted in nodes. A method may stand in the place of its calls up to _LARGEST; an argument may be repeated
# _OFTEN times up to _SMALL, the operand of a choice once up to _OPERAND.
_LARGEST = 40
_SMALL = 5
_OFTEN = 3
_OPERAND = 9
_BUILTINS = frozenset({"abs", "len", "max", "min"})
# Reading these has no effect, in whatever order and however often.
_PURE = (
    ast.Name,
    ast.Constant,
    ast.Attribute,
    ast.Subscript,
    ast.BinOp,
    ast.UnaryOp,
    ast.Compare,
    ast.BoolOp,
    ast.IfExp,
    ast.operator,
    ast.unaryop,
    ast.cmpop,
    ast.boolop,
    ast.Load,
)


def make_direct(texts: Mapping[str, str]) -> dict[str, str]:
    """The texts of a file set's modules, constants folded, with the calls of FOLDERS made direct."""
    trees = {module: ast.parse(text) for module, text in texts.items()}
    classes = Classes(trees)
    return {
        module: _File(classes, module).rewrite(text) if module.startswith(FOLDERS) else text
        for module, text in texts.items()
    }


class _File:
    """One file on its way, and the functions it will have to name."""

    def __init__(self, classes: Classes, module: str) -> None:
        self.classes = classes
        self._module = module
        self._taken = _bound_names(classes.trees[module])
        self._named: dict[tuple[ClassName, str], str] = {}

    def rewrite(self, text: str) -> str:
        """The text with its calls made direct."""
        places = [
            place
            for owner, node in walk_functions(self._module, self.classes.trees[self._module])
            if not node.decorator_list
            for place in self._places(owner, node)
        ]
        return splice(text, places) + self._tail()

    def name(self, owner: ClassName, method: str) -> str | None:
        """The name of a function in this file, None when it cannot have one."""
        if owner.module != self._module and self._leads_back(owner.module):
            return None
        if (owner, method) not in self._named:
            alias = f"_{owner.name}_{method}"
            if alias in self._taken or f"_{owner.name}" in self._taken:
                return None
            self._taken.add(alias)
            self._named[owner, method] = alias
        return self._named[owner, method]

    def _places(self, owner: ClassName | None, node: ast.FunctionDef) -> list[Place]:
        rewriter = _Rewriter(self, self.classes.names(owner, self._module, node))
        places = []
        waiting: list[ast.AST] = list(node.body)
        while waiting:
            each = waiting.pop()
            fresh = rewriter.visit(copy.deepcopy(each)) if isinstance(each, ast.Call) else each
            if isinstance(each, ast.Call) and ast.dump(fresh) != ast.dump(each):
                places.append(Place.of(each, f"({ast.unparse(fresh)}", ")"))
            elif not isinstance(each, ast.Lambda | ast.comprehension):  # names of their own
                waiting += ast.iter_child_nodes(each)
        return places

    def _tail(self) -> str:
        lines = []
        last = None
        for (owner, method), alias in sorted(self._named.items(), key=lambda item: (item[0][0].module, item[1])):
            if owner != last and owner.module != self._module:
                lines.append(f"from {owner.module} import {owner.name} as _{owner.name}")
            lines.append(f"{alias} = {'_' if owner.module != self._module else ''}{owner.name}.{method}")
            last = owner
        return "".join(f"{line}\n" for line in lines)

    def _leads_back(self, module: str) -> bool:
        """Whether importing a module imports this one."""
        return self._module in self.classes.reached_from(module)


class _Rewriter(ast.NodeTransformer):
    """Rewrites one expression, in a function where the classes of some names are known."""

    def __init__(self, file: _File, known: dict[str, ClassName]) -> None:
        self._file = file
        self._known = known

    def visit_Call(self, node: ast.Call) -> ast.expr:
        self.generic_visit(node)
        if isinstance(node.func, ast.Name):
            return _without_builtin(node, node.func.id)
        if not isinstance(node.func, ast.Attribute):
            return node
        found = self._find(node, node.func)
        if found is None:
            return node
        arguments = [node.func.value, *node.args]
        inner = self._in_place(found[1], arguments)
        if inner is not None:
            return inner
        alias = self._file.name(found[0], node.func.attr)
        return node if alias is None else ast.Call(ast.Name(alias, ast.Load()), arguments, [])

    def _find(self, node: ast.Call, func: ast.Attribute) -> tuple[ClassName, ast.FunctionDef] | None:
        """The one method a call can mean, and the class that has it."""
        if node.keywords or any(isinstance(each, ast.Starred) for each in node.args):
            return None
        owner = self._file.classes.type_of(func.value, self._known)
        found = self._file.classes.method(owner, func.attr) if owner else None
        return found if found and _takes(found[1], len(node.args) + 1) else None

    def _in_place(self, method: ast.FunctionDef, arguments: list[ast.expr]) -> ast.expr | None:
        """The expression a method is, with the arguments in it; None when it is none or may not move."""
        body = method.body[1:] if ast.get_docstring(method) is not None else method.body
        value = body[0].value if len(body) == 1 and isinstance(body[0], ast.Return) else None
        names = [each.arg for each in method.args.args]
        if value is None or _size(value) > _LARGEST or not _is_bound(value, names):
            return None
        uses = [sum(isinstance(n, ast.Name) and n.id == name for n in ast.walk(value)) for name in names]
        if not all(self._may_move(*each, value) for each in zip(arguments, uses, strict=True)):
            return None
        filled = _Filler(dict(zip(names, arguments, strict=True))).visit(copy.deepcopy(value))
        return self.visit(filled)  # type: ignore[no-any-return]  # of an expression it is one

    def _may_move(self, argument: ast.expr, uses: int, value: ast.expr) -> bool:
        """Whether an argument means the same, and costs no more, wherever a method's value uses its parameter."""
        if isinstance(argument, ast.Name) or _is_number(argument):
            return True
        if uses != 1 and (uses > _OFTEN or _size(argument) > _SMALL):
            return False
        return _is_pure(argument) and (_is_pure(value) or self._file.classes.is_fixed(argument, self._known))


class _Filler(ast.NodeTransformer):
    def __init__(self, values: dict[str, ast.expr]) -> None:
        self._values = values

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return copy.deepcopy(self._values.get(node.id, node))


def _without_builtin(node: ast.Call, name: str) -> ast.expr:
    """The extreme of two values, and a magnitude, as a choice: to call one takes 20 us at 125 MHz, a comparison two."""
    if not all(_is_pure(each) and _size(each) <= _OPERAND for each in node.args):
        return node
    if name in ("min", "max") and len(node.args) == 2:
        one, other = node.args
        return _choose(other, ast.Lt() if name == "min" else ast.Gt(), one, other, one)
    if name == "abs" and len(node.args) == 1:
        value = node.args[0]
        return _choose(value, ast.Lt(), ast.Constant(0), ast.UnaryOp(ast.USub(), value), value)
    return node


def _choose(left: ast.expr, order: ast.cmpop, right: ast.expr, yes: ast.expr, no: ast.expr) -> ast.expr:
    return copy.deepcopy(ast.IfExp(ast.Compare(left, [order], [right]), yes, no))


def _takes(method: ast.FunctionDef, count: int) -> bool:
    """Whether a method takes exactly so many positional arguments."""
    arguments = method.args
    return len(arguments.args) == count and not (arguments.vararg or arguments.kwonlyargs or arguments.kwarg)


def _is_bound(value: ast.expr, names: list[str]) -> bool:
    """Whether every name of an expression is a parameter or Python's own."""
    for each in ast.walk(value):
        if isinstance(each, ast.Lambda | ast.comprehension | ast.NamedExpr):
            return False
        if isinstance(each, ast.Name) and each.id not in names and each.id not in _BUILTINS:
            return False
    return True


def _is_pure(node: ast.expr) -> bool:
    return all(isinstance(each, _PURE) for each in ast.walk(node))


def _is_number(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) or (isinstance(node, ast.UnaryOp) and isinstance(node.operand, ast.Constant))


def _size(node: ast.expr) -> int:
    return sum(isinstance(each, ast.expr) for each in ast.walk(node))


def _bound_names(tree: ast.Module) -> set[str]:
    """Names that mean something at the top of a file, or anywhere in it."""
    names = {each.id for each in ast.walk(tree) if isinstance(each, ast.Name)}
    names |= {each.name for each in ast.walk(tree) if isinstance(each, ast.FunctionDef | ast.ClassDef)}
    return names | {each.asname or each.name for each in ast.walk(tree) if isinstance(each, ast.alias)}
