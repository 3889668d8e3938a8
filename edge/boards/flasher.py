"""One board, brought to hold exactly a set of files and to start with it.

Knows: the order in which that is safe, and what makes a board unfit for a set. Must not know ports or printing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from edge.boards.board import Board
from edge.boards.files import BoardError
from edge.boards.plan import Plan, Wanted, differences, make_plan, space_of, tops
from edge.boards.provision_file import FILE_NAME, read_text
from edge.cli_common import EXIT_REFUSED
from edge.words import tr

# Bytes that littlefs wants for folders and its own books beside the files.
_SPARE = 64 * 1024
# How many bytes of writing the other steps are worth in a bar: each of them hashes the flash, some 300 kB/s.
_LOOK = 10_000
# Header of a .mpy file: "M", version, then sub-version (2 bits) and architecture (MicroPython, py/persistentcode.h).
_MPY = b"M"

Tell = Callable[[int, int, str], None]
"""Told (done, of, what is under way)."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a board; `starts` tells whether its program starts, `why_not` is a sentence otherwise."""

    written: int
    kept: int
    removed: int
    size: int
    starts: bool
    why_not: str = ""


def flash(board: Board, wanted: Wanted, tell: Tell) -> Outcome:
    """Write what differs, remove what does not belong, read every byte back, start it. Raises BoardError.

    A board that is left at any instant does not start the control until this has been run again: the hold is the first
    thing written and the last removed. The port is left in any case.
    """
    try:
        return _flash(board, wanted, tell)
    finally:
        board.close()


def refuse_unfit(board: Board, wanted: Wanted) -> None:
    """Raise BoardError when this MicroPython cannot load a file of the set."""
    own_version, own_flags = board.kind.mpy & 0xFF, board.kind.mpy >> 8
    for path, data in wanted.items():
        if not path.endswith(".mpy") or data[:1] != _MPY:
            continue
        version, flags = data[1], data[2]
        has_machine_code = flags >> 2 != 0
        if version != own_version or (has_machine_code and flags != own_flags):
            raise BoardError(
                tr(
                    "{port}: {what} loads .mpy files of kind {own}, and {path} is of kind {its}: give it the base "
                    "image of docs/boards.md (--base-image)",
                    port=board.where,
                    what=board.kind.described,
                    own=_kind_of(own_version, own_flags),
                    path=path,
                    its=_kind_of(version, flags),
                ),
                EXIT_REFUSED,
            )


def setting_of(board: Board, wanted: str) -> str:
    """A value of the board's provision file, "" without one."""
    return read_text(board.read(FILE_NAME) or b"").get(wanted, "")


def _flash(board: Board, wanted: Wanted, tell: Tell) -> Outcome:
    refuse_unfit(board, wanted)
    tell(0, 1, tr("looking"))
    held, _ = board.tree(tops(wanted))
    plan = make_plan(wanted, held)
    if not plan.is_empty:
        _refuse_full(board, wanted, plan, sum(held[path].size for path in plan.stale))
        board.hold()
        _bring(board, wanted, plan, tell)
        _verify(board, wanted)
    released = board.release()
    outcome = Outcome(
        len(plan.write),
        plan.kept,
        len(plan.stale),
        sum(map(len, wanted.values())),
        *_start_of(board, released),
    )
    board.reset()
    return outcome


def _kind_of(version: int, flags: int) -> str:
    return f"{version}.{flags & 3}, {flags >> 2}"


def _refuse_full(board: Board, wanted: Wanted, plan: Plan, stale: int) -> None:
    needed = space_of([len(wanted[path]) for path in plan.write]) + _SPARE
    if needed > board.kind.free + stale:
        raise BoardError(
            tr(
                "{port}: the file system has {free} kB free, {needed} are needed: remove files that are not ours "
                "(`mpremote ls`, `mpremote rm`)",
                port=board.where,
                free=board.kind.free // 1024,
                needed=needed // 1024,
            )
        )


def _bring(board: Board, wanted: Wanted, plan: Plan, tell: Tell) -> None:
    total = sum(len(wanted[path]) for path in plan.write) + _LOOK
    done = 0
    is_tight = space_of([len(wanted[path]) for path in plan.write]) + _SPARE > board.kind.free
    if is_tight:
        _remove(board, plan)
    for path in plan.write:
        data = wanted[path]
        board.write(path, data, lambda size, path=path, done=done: tell(done + size, total, path))  # type: ignore[misc]
        done += len(data)
    if not is_tight:
        _remove(board, plan)
    tell(done, total, tr("reading back"))


def _remove(board: Board, plan: Plan) -> None:
    for path in plan.stale:
        board.remove(path)


def _verify(board: Board, wanted: Wanted) -> None:
    """Have the flash read from the beginning, nothing of it from memory; raise BoardError where it differs."""
    board.restart()
    held, folders = board.tree(tops(wanted))
    board.remove_folders(folders)
    wrong = differences(wanted, held)
    if wrong:
        raise BoardError(
            tr(
                "{port}: {count} files read back differently, the first is {path}: run it again, and change the board "
                "if it happens again",
                port=board.where,
                count=len(wrong),
                path=wrong[0],
            )
        )


def _start_of(board: Board, released: bool) -> tuple[bool, str]:
    if not released:
        return False, tr("it stays in maintenance: the file `maintenance` on it is not this tool's; remove it there")
    if board.read(FILE_NAME) is None:
        return False, tr("it stays in maintenance until it is provisioned (`gate provision`)")
    return True, ""
