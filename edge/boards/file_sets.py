"""The files a role needs on a board, compiled from this repository's sources.

Knows: who compiles, and where files lie on a board. Must not know: boards that are plugged in.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from edge.boards.files import EXIT_BAD_INPUT, BoardError
from edge.boards.plan import Wanted
from edge.words import tr
from tools.deploy import ROOT, DeployError, deploy
from tools.file_set import find_boards, find_roles

_MANIFEST = "manifest.json"


def compiled_set(role: str, board: str, has_radio: bool) -> Wanted:
    """Path on the board -> bytes, of a role on a board without anything on it. Raises BoardError."""
    if role not in find_roles(ROOT):
        raise BoardError(
            tr("role '{role}' is unknown: expected one of {roles}", role=role, roles=", ".join(find_roles(ROOT))),
            EXIT_BAD_INPUT,
        )
    if board not in find_boards(ROOT):
        raise BoardError(
            tr(
                "there is no firmware for a board of kind '{board}': expected one of {boards}",
                board=board,
                boards=", ".join(find_boards(ROOT)),
            ),
            EXIT_BAD_INPUT,
        )
    try:
        with tempfile.TemporaryDirectory() as out:
            file_set = deploy(ROOT, role, board, Path(out), has_radio)
            return {file.path: (file_set.folder / file.path).read_bytes() for file in file_set.files}
    except DeployError as error:
        raise BoardError(str(error)) from error
