"""The way to the REPL of a board, whatever its program does.

Knows: what stops a program (Ctrl-C), what asks our own firmware for maintenance, what a reset does to a port. Must not
know: what is done there.

A program that is not ours, prints without end or hangs ends with Ctrl-C. Our own runs with Ctrl-C switched off: it is
asked for maintenance, which it grants at rest only, by a reset after which its control does not start
(docs/adr/0009-into-maintenance-by-a-phrase.md). A board that resets again and again is caught by Ctrl-C in a start.
"""

from __future__ import annotations

from collections.abc import Callable

from edge.boards.files import BoardError
from edge.boards.repl import Repl
from edge.boards.usb import BusyError, NoPortError
from edge.boards.wire import GoneError, SilentError, Wire
from edge.cli_common import EXIT_REFUSED
from edge.words import tr
from protocols.console import PHRASE

PATIENCE_S = 8.0  # a granted phrase, the reset, and the port's coming back take two
_INTERRUPT = b"\r\x03\x03\r\x01"
_BANNER = b"raw REPL; CTRL-B to exit\r\n"
_ANSWER_S = 0.3
_QUIET_S = 0.1
_QUIET_LOOKS = 50
_REOPEN_S = 0.2
_BUSY_LOOKS = 10

Open = Callable[[], Wire]
"""Opens the port, anew each time."""


def enter(open_wire: Open, pause: Callable[[float], None], patience_s: float = PATIENCE_S, wait_s: float = 0.0) -> Repl:
    """The board behind the port, in its raw REPL. `pause` waits outside of a wire.

    `wait_s`: how long a port that is not there, or a board that does not answer, is waited for beyond `patience_s`,
    while somebody switches it off and on. Raises BoardError.
    """
    patience = _Patience(pause, patience_s + wait_s)
    wire = None if wait_s else _open(open_wire, pause)
    while True:
        try:
            wire = wire or _open(open_wire, pause)
            return _try(wire, patience)
        except (GoneError, NoPortError):
            if wire is not None:
                wire.close()
            wire = None
            if not patience.spend(_REOPEN_S):
                raise
        except BaseException:
            if wire is not None:
                wire.close()
            raise


def _open(open_wire: Open, pause: Callable[[float], None]) -> Wire:
    for _ in range(_BUSY_LOOKS):
        try:
            return open_wire()
        except BusyError:
            pause(_REOPEN_S)
    return open_wire()


class _Patience:
    """What is left of the time: spent in pauses while there is no wire, and by the wire's clock while there is one."""

    def __init__(self, pause: Callable[[float], None], left_s: float) -> None:
        self._pause = pause
        self.left_s = left_s

    def spend(self, seconds: float) -> bool:
        """Wait; False when nothing is left."""
        if self.left_s <= 0:
            return False
        self._pause(seconds)
        self.left_s -= seconds
        return True


def _try(wire: Wire, patience: _Patience) -> Repl:
    """The REPL; raises GoneError when the board took its port away meanwhile, BoardError when patience has ended."""
    while True:
        begun_s = wire.now_s
        if _interrupt(wire):
            return Repl(wire)
        wire.write(PHRASE)
        patience.left_s -= wire.now_s - begun_s
        if patience.left_s <= 0:
            raise BoardError(
                tr(
                    "{port}: the board does not answer: its program runs and does not let go, as is right while "
                    "anything moves or somebody is near. Bring the lane to rest and run it again; or bridge its "
                    "terminal MAINTENANCE, switch it off and on, and run it again",
                    port=wire.name,
                ),
                EXIT_REFUSED,
            )


def _interrupt(wire: Wire) -> bool:
    """Stop what runs; whether the raw REPL answered."""
    wire.write(_INTERRUPT)
    try:
        wire.take_until(_BANNER, _ANSWER_S)
    except SilentError:
        return False
    _settle(wire)
    return True


def _settle(wire: Wire) -> None:
    """Have one prompt and nothing else waiting: what was asked more than once is answered more than once."""
    for _ in range(_QUIET_LOOKS):
        if not wire.receive(_QUIET_S):
            break
    wire.drop()
    wire.write(b"\r\x01")
    wire.take_until(_BANNER, _ANSWER_S)
