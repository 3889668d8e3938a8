"""Puts a mutant in force in this process: the changed code under the functions that everybody already holds.

Knows code objects and module dictionaries. Must not know tests. A function keeps its identity and gets new code, so
modules that imported it by name see the change; a constant is replaced in every module that holds the same object
under that name.
"""

import sys
from types import CodeType, FunctionType, ModuleType

from tools.mutants.operators import Mutant


def apply_mutant(module: ModuleType, mutant: Mutant) -> None:
    """Change the running process; meant for a child process that ends afterwards."""
    code = compile(mutant.tree, str(module.__file__), "exec")
    if mutant.scope:
        _function(module, mutant.scope).__code__ = _find_code(code, mutant.scope)
    else:
        _replace_constant(module, mutant.constant, code)


def _function(module: ModuleType, scope: str) -> FunctionType:
    owner: object = module
    for name in scope.split("."):
        owner = vars(owner)[name]
    if isinstance(owner, property):
        owner = owner.fget
    if isinstance(owner, staticmethod | classmethod):
        owner = owner.__func__
    assert isinstance(owner, FunctionType)
    return owner


def _find_code(code: CodeType, scope: str) -> CodeType:
    for item in code.co_consts:
        if isinstance(item, CodeType):
            if item.co_qualname == scope:
                return item
            if scope.startswith(f"{item.co_qualname}."):
                return _find_code(item, scope)
    raise LookupError(scope)


def _replace_constant(module: ModuleType, name: str, code: CodeType) -> None:
    """Run the changed module in a namespace of its own and carry over the one value."""
    namespace: dict[str, object] = {"__name__": module.__name__, "__file__": module.__file__}
    exec(code, namespace)
    old = vars(module)[name]
    for other in list(sys.modules.values()):
        if isinstance(other, ModuleType) and name in vars(other) and vars(other)[name] == old:
            setattr(other, name, namespace[name])
    _replace_dependants(module, namespace)


def _replace_dependants(module: ModuleType, namespace: dict[str, object]) -> None:
    """Constants of the same module that are made of the changed one change with it."""
    for name, value in namespace.items():
        if isinstance(value, int | bytes | tuple) and vars(module).get(name) != value:
            setattr(module, name, value)
