"""What the classes of a file set are: methods, who inherits from whom, and of which class an attribute is.

Knows Python's classes and the annotations mypy has checked. Must not know what anybody does with it. The set is the
whole world: nothing else runs on the device. Where its files leave a doubt the answer is None: an attribute that
anybody but its own constructor writes, a method that a subclass has too.
"""

import ast
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class ClassName:
    """A class, by its module and its name there."""

    module: str
    name: str


@dataclass
class ClassFacts:
    """One class as written."""

    bases: list[ClassName]
    methods: dict[str, ast.FunctionDef]
    # Attributes the constructor gives a value, once, and those that any other method gives one.
    constructed: dict[str, ast.expr] = field(default_factory=dict)
    changed: set[str] = field(default_factory=set)


class Classes:
    """Every class of a file set, given as module -> tree."""

    def __init__(self, trees: Mapping[str, ast.Module]) -> None:
        self.trees = trees
        self._handed: set[str] = set()  # names of attributes that somebody writes who is not the object itself
        self.facts: dict[ClassName, ClassFacts] = {}
        self._names = {
            ClassName(module, node.name)
            for module, tree in trees.items()
            for node in tree.body
            if isinstance(node, ast.ClassDef)
        }
        for module, tree in trees.items():
            self._read(module, tree)
        self._children: dict[ClassName, list[ClassName]] = {}
        for name, facts in self.facts.items():
            for base in facts.bases:
                self._children.setdefault(base, []).append(name)
        self._types: dict[tuple[ClassName, str], ClassName | None] = {}
        self._imported = {module: _imported(tree) & trees.keys() for module, tree in trees.items()}

    def reached_from(self, module: str) -> set[str]:
        """The modules of the set that importing one imports, itself with them."""
        reached: set[str] = set()
        waiting = [module] if module in self.trees else []
        while waiting:
            each = waiting.pop()
            if each not in reached:
                reached.add(each)
                waiting += self._imported[each]
        return reached

    def find(self, module: str, name: str) -> ClassName | None:
        """The class that a name stands for at the top of a module."""
        if ClassName(module, name) in self._names:
            return ClassName(module, name)
        for node in self.trees[module].body if module in self.trees else ():
            if isinstance(node, ast.ImportFrom) and node.module:
                for alias in node.names:
                    if (alias.asname or alias.name) == name:
                        return self.find(node.module, alias.name)
        return None

    def method(self, owner: ClassName, name: str) -> tuple[ClassName, ast.FunctionDef] | None:
        """The one method that `name` calls on any instance of the class, and the class that has it.

        Nobody writes over a method of another object: mypy sees to that.
        """
        if self._is_changed(owner, name) or any(name in self.facts[each].methods for each in self._descendants(owner)):
            return None
        for each in self._ancestors(owner):
            if name in self.facts[each].methods:
                node = self.facts[each].methods[name]
                return None if node.decorator_list else (each, node)
        return None

    def attribute(self, owner: ClassName, name: str) -> ClassName | None:
        """The class of what an attribute holds from construction on."""
        if (owner, name) not in self._types:
            self._types[owner, name] = None  # a ring of attributes ends here
            self._types[owner, name] = self._attribute(owner, name)
        return self._types[owner, name]

    def is_fixed(self, node: ast.expr, known: dict[str, ClassName]) -> bool:
        """Whether an expression is a name, or a chain of attributes that keep the objects of their constructors."""
        return isinstance(node, ast.Name) or self.type_of(node, known) is not None

    def names(self, owner: ClassName | None, module: str, node: ast.FunctionDef) -> dict[str, ClassName]:
        """The names of a function whose class is known: parameters, and what is given a value once."""
        known = self.parameters(owner, module, node)
        stores = Counter(
            each.id for each in ast.walk(node) if isinstance(each, ast.Name) and not isinstance(each.ctx, ast.Load)
        )
        taken = {each.arg for each in node.args.args}
        for name in stores:
            known.pop(name, None)
        for each in ast.walk(node):
            if isinstance(each, ast.Assign) and len(each.targets) == 1 and isinstance(each.targets[0], ast.Name):
                name = each.targets[0].id
                found = self.type_of(each.value, known)
                if found and stores[name] == 1 and name not in taken:
                    known[name] = found
        return known

    def parameters(self, owner: ClassName | None, module: str, node: ast.FunctionDef) -> dict[str, ClassName]:
        """The parameters of a function whose class is known, `self` with them."""
        found: dict[str, ClassName] = {}
        for index, each in enumerate(node.args.args):
            if owner and index == 0:
                found[each.arg] = owner
            elif isinstance(each.annotation, ast.Name):
                known = self.find(module, each.annotation.id)
                if known:
                    found[each.arg] = known
        return found

    def type_of(self, node: ast.expr, known: dict[str, ClassName]) -> ClassName | None:
        """The class of an expression made of names and attributes."""
        if isinstance(node, ast.Name):
            return known.get(node.id)
        if isinstance(node, ast.Attribute):
            owner = self.type_of(node.value, known)
            return self.attribute(owner, node.attr) if owner else None
        return None

    def _read(self, module: str, tree: ast.Module) -> None:
        for node in tree.body:
            if isinstance(node, ast.ClassDef):
                bases = [self.find(module, base.id) for base in node.bases if isinstance(base, ast.Name)]
                methods = {each.name: each for each in node.body if isinstance(each, ast.FunctionDef)}
                facts = ClassFacts([base for base in bases if base], methods)
                facts.constructed = dict(_constructed(methods))
                for each in methods.values():
                    stored = _stored(each)
                    facts.changed.update(
                        name for name in stored if name not in facts.constructed or each.name != "__init__"
                    )
                self.facts[ClassName(module, node.name)] = facts
        self._handed.update(
            node.attr
            for node in ast.walk(tree)
            if isinstance(node, ast.Attribute)
            and not isinstance(node.ctx, ast.Load)
            and not (isinstance(node.value, ast.Name) and node.value.id == "self")
        )

    def _is_changed(self, owner: ClassName, name: str) -> bool:
        """Whether the class, or one it inherits from or that inherits from it, changes an attribute."""
        family = [*self._ancestors(owner), *self._descendants(owner)]
        return any(name in self.facts[each].changed for each in family)

    def _attribute(self, owner: ClassName, name: str) -> ClassName | None:
        family = [*self._ancestors(owner), *self._descendants(owner)]
        givers = [each for each in family if name in self.facts[each].constructed]
        if len(givers) != 1 or name in self._handed or self._is_changed(owner, name):
            return None
        giver = givers[0]
        value = self.facts[giver].constructed[name]
        if isinstance(value, ast.Call) and isinstance(value.func, ast.Name):
            return self.find(giver.module, value.func.id)
        constructor = self.facts[giver].methods["__init__"]
        return self.type_of(value, self.parameters(giver, giver.module, constructor))

    def _ancestors(self, owner: ClassName) -> Iterator[ClassName]:
        """The class and those it inherits from, nearest first."""
        yield owner
        for base in self.facts[owner].bases:
            yield from self._ancestors(base)

    def _descendants(self, owner: ClassName) -> Iterator[ClassName]:
        for child in self._children.get(owner, ()):
            yield child
            yield from self._descendants(child)


def _imported(tree: ast.Module) -> set[str]:
    """What the imports of a module may name: modules, and names in them."""
    named: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            named |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return named


def _stored(method: ast.FunctionDef) -> Counter[str]:
    """How often a method gives each attribute of `self` a value."""
    return Counter(
        node.attr for node in ast.walk(method) if isinstance(node, ast.Attribute) and not isinstance(node.ctx, ast.Load)
    )


def _constructed(methods: dict[str, ast.FunctionDef]) -> Iterator[tuple[str, ast.expr]]:
    """What the constructor gives an attribute, where it does so once and whatever happens."""
    stored = _stored(methods["__init__"]) if "__init__" in methods else Counter()
    for statement in methods["__init__"].body if "__init__" in methods else ():
        target = statement.targets[0] if isinstance(statement, ast.Assign) and len(statement.targets) == 1 else None
        if isinstance(target, ast.Attribute) and isinstance(statement, ast.Assign) and stored[target.attr] == 1:
            yield target.attr, statement.value
