"""Puts a mutant in force in this process: the changed code under the functions that everybody already holds.

Knows code objects and module dictionaries. Must not know tests. A function keeps its identity and gets new code, so
modules that imported it by name see the change; a constant is replaced in every module that holds the same object
under that name, and in the classes that were made of it.
"""

import sys
from collections.abc import Mapping
from types import CodeType, FunctionType, ModuleType

from tools.mutants.operators import Mutant


def apply_mutant(module: ModuleType, mutant: Mutant) -> None:
    """Change the running process; meant for a child process that ends afterwards."""
    if mutant.scope:
        find_function(module, mutant.scope).__code__ = changed_code(module, mutant)
    else:
        _replace_constant(module, mutant.constant, _compile(module, mutant))


def changed_code(module: ModuleType, mutant: Mutant) -> CodeType:
    """The code of the changed function, of a mutant that is none of a constant."""
    return find_code(_compile(module, mutant), mutant.scope)


def find_function(module: ModuleType, scope: str) -> FunctionType:
    """The function of this qualified name."""
    owner: object = module
    for name in scope.split("."):
        owner = vars(owner)[name]
    if isinstance(owner, property):
        owner = owner.fget
    if isinstance(owner, staticmethod | classmethod):
        owner = owner.__func__
    assert isinstance(owner, FunctionType)
    return owner


def find_code(code: CodeType, scope: str) -> CodeType:
    """The code of the function of this qualified name in a compiled module."""
    for item in code.co_consts:
        if isinstance(item, CodeType):
            if item.co_qualname == scope:
                return item
            if scope.startswith(f"{item.co_qualname}."):
                return find_code(item, scope)
    raise LookupError(scope)


def _compile(module: ModuleType, mutant: Mutant) -> CodeType:
    return compile(mutant.make_tree(), str(module.__file__), "exec")


def _replace_constant(module: ModuleType, name: str, code: CodeType) -> None:
    """Run the changed module in a namespace of its own and carry over what differs."""
    namespace: dict[str, object] = {"__name__": module.__name__, "__file__": module.__file__}
    exec(code, namespace)
    if name in namespace:
        old = vars(module)[name]
        for other in list(sys.modules.values()):
            if isinstance(other, ModuleType) and name in vars(other) and vars(other)[name] == old:
                setattr(other, name, namespace[name])
    _replace_dependants(module, namespace)


def _replace_dependants(owner: ModuleType | type, namespace: Mapping[str, object]) -> None:
    """Constants of the same module or class that are made of the changed one change with it."""
    for name, value in namespace.items():
        old = vars(owner).get(name)
        if isinstance(value, int | bytes | tuple) and old != value:
            setattr(owner, name, value)
        elif isinstance(value, type) and isinstance(old, type) and old is not value:
            _replace_dependants(old, vars(value))
