"""The files a role needs on a board, compiled from this repository's sources.

Knows: who compiles, and where files lie on a board. Must not know: boards that are plugged in.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from edge.boards.files import BoardError
from edge.boards.plan import Wanted
from edge.cli_common import EXIT_BAD_INPUT, EXIT_REFUSED
from edge.update.board_layout import fresh_board, lay_out, start_files
from edge.update.build import BuildError, compile_set
from edge.update.bundle import BundleFileError, read_bundle
from edge.update.keys import is_signed
from edge.words import tr
from tools.deploy import ROOT
from tools.file_set import RADIO_OPTIONAL, find_boards, find_roles


@dataclass(frozen=True, slots=True)
class BundledSet:
    """A bundle's files as a board is to hold them, and what the bundle is for."""

    role: str
    board: str
    files: Wanted


def check_role(role: str) -> None:
    """Raises BoardError when there is no such role."""
    if role not in find_roles(ROOT):
        roles = ", ".join(find_roles(ROOT))
        raise BoardError(
            tr("role '{role}' is unknown: expected one of {roles}", role=role, roles=roles), EXIT_BAD_INPUT
        )


def compiled_set(role: str, board: str, has_radio: bool) -> Wanted:
    """Path on the board -> bytes, of a role on a board without anything on it. Raises BoardError."""
    is_with_radio = has_radio and board in RADIO_OPTIONAL  # others have one set, with the radio's driver or without
    return fresh_board(role, board, is_with_radio, _compiled(role, board, is_with_radio))


def bundled_set(path: Path, update_key: bytes) -> BundledSet:
    """A bundle in the place of what is compiled here; the start, which no bundle carries, is this repository's.

    `update_key` is the site's, b"" for a bundle that is taken as it is. Raises BoardError.
    """
    try:
        bundle = read_bundle(path)
    except BundleFileError as error:
        raise BoardError(str(error), EXIT_BAD_INPUT) from error
    if update_key and not is_signed(bundle.message, bundle.signature, update_key):
        raise BoardError(tr("{file}: is not signed with the site's update key", file=path), EXIT_REFUSED)
    inside = {part.path: bundle.data[part.offset : part.offset + part.size] for part in bundle.parts}
    starts = start_files(_compiled(bundle.role, bundle.board, bundle.radio))
    return BundledSet(bundle.role, bundle.board, lay_out(starts, bundle.manifest, inside))


def _compiled(role: str, board: str, radio: bool) -> dict[str, bytes]:
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
        return compile_set(role, board, radio=radio)
    except BuildError as error:
        raise BoardError(str(error)) from error
