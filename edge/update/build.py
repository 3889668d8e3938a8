"""A bundle from the sources: the file set of a role on a board, compiled, as what goes into a slot.

Knows: who compiles and who says what lies in a slot (`tools/`). Must not know: signatures, files of bundles.
Reproducible: the same sources, compiler and order give the same manifest and contents, wherever they lie.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping
from pathlib import Path

from edge.update.board_layout import make_manifest, slot_files
from tools.deploy import ROOT, DeployError, deploy
from tools.file_set import find_boards, find_roles

_VERSION = re.compile(r"^FIRMWARE_VERSION = const\((\d+)\)", re.MULTILINE)


class BuildError(Exception):
    """The bundle cannot be built; the text says why."""


def roles_and_boards() -> tuple[list[str], list[str]]:
    """What bundles can be built for."""
    return find_roles(ROOT), find_boards(ROOT)


def build(
    role: str, board: str, *, radio: bool, minimum: int | None = None, root: Path = ROOT
) -> tuple[bytes, Mapping[str, bytes]]:
    """The manifest and the files of a slot by path, from the sources below `root`. Raises BuildError."""
    inside = slot_files(compile_set(role, board, radio=radio, root=root))
    try:
        return make_manifest(role, board, radio, inside, version=_version(root), minimum=minimum), inside
    except ValueError as error:
        raise BuildError(str(error)) from None


def compile_set(role: str, board: str, *, radio: bool, root: Path = ROOT) -> dict[str, bytes]:
    """The whole file set by path, its start included. Raises BuildError."""
    try:
        with tempfile.TemporaryDirectory(prefix="gate-") as folder:
            file_set = deploy(root, role, board, Path(folder), radio)
            return {file.path: (file_set.folder / file.path).read_bytes() for file in file_set.files}
    except DeployError as error:
        raise BuildError(str(error)) from None


def _version(root: Path) -> int:
    """What the compiled firmware will call itself, from the sources it is compiled from."""
    found = _VERSION.search((root / "firmware/app/identity.py").read_text(encoding="utf-8"))
    if found is None:
        raise BuildError("firmware/app/identity.py does not say FIRMWARE_VERSION = const(...); restore it")
    return int(found[1])
