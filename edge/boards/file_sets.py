"""The files a role needs on a board, compiled from this repository's sources.

Knows: who compiles, and where files lie on a board. Must not know: boards that are plugged in.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from edge.boards.files import BoardError
from edge.boards.plan import Wanted
from edge.cli_common import EXIT_BAD_INPUT
from edge.update.board_layout import fresh_board
from edge.words import tr
from tools.deploy import ROOT, DeployError, deploy
from tools.file_set import find_boards, find_roles


def check_role(role: str) -> None:
    """Raises BoardError when there is no such role."""
    if role not in find_roles(ROOT):
        roles = ", ".join(find_roles(ROOT))
        raise BoardError(
            tr("role '{role}' is unknown: expected one of {roles}", role=role, roles=roles), EXIT_BAD_INPUT
        )


def compiled_set(role: str, board: str, has_radio: bool) -> Wanted:
    """Path on the board -> bytes, of a role on a board without anything on it. Raises BoardError."""
    check_role(role)
    if board not in find_boards(ROOT):
        boards = ", ".join(find_boards(ROOT))
        raise BoardError(
            tr(
                "there is no firmware for a board of kind '{board}': expected one of {boards}",
                board=board,
                boards=boards,
            ),
            EXIT_BAD_INPUT,
        )
    try:
        with tempfile.TemporaryDirectory() as out:
            file_set = deploy(ROOT, role, board, Path(out), has_radio)
            files = {file.path: (file_set.folder / file.path).read_bytes() for file in file_set.files}
    except DeployError as error:
        raise BoardError(str(error)) from error
    return fresh_board(role, board, has_radio, files)
