"""What a Python file imports, without running it. Used for the deployed file sets and for the layer test.

Knows Python's import statements and where the project's modules lie. Must not know which import is allowed.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PROJECT_FOLDERS = ("protocols", "firmware", "sim_devices", "edge", "hil", "tools", "tests", "bench")


@dataclass(frozen=True)
class Import:
    """One imported module, dotted, and the line that imports it; a relative import keeps its leading dots."""

    module: str
    line: int

    @property
    def top(self) -> str:
        """The first part of the name, '' for a relative import."""
        return self.module.partition(".")[0]


def read_imports(tree: ast.AST, root: Path) -> Iterator[Import]:
    """Every import of the file, in functions and `try` as well. `from a import b` gives a.b where that is a module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(alias.name, node.lineno)
        elif isinstance(node, ast.ImportFrom):
            base = "." * node.level + (node.module or "")
            inner = [f"{base}.{alias.name}" for alias in node.names]
            modules = {name if find_module(name, root) else base for name in inner}
            yield from (Import(name, node.lineno) for name in sorted(modules))


def find_module(name: str, root: Path) -> Path | None:
    """The file of a project module, None when the project has no module of that name."""
    if name.partition(".")[0] not in PROJECT_FOLDERS:
        return None
    path = root / name.replace(".", "/")
    for candidate in (path.with_suffix(".py"), path / "__init__.py"):
        if candidate.is_file():
            return candidate
    return None


def find_packages(name: str, root: Path) -> Iterator[tuple[str, Path]]:
    """The `__init__` files that importing the module runs, outermost first: (package name, file)."""
    parts = name.split(".")
    for size in range(1, len(parts)):
        path = root.joinpath(*parts[:size], "__init__.py")
        if path.is_file():
            yield ".".join(parts[:size]), path
