"""MicroPython's raw REPL. The only file that knows mpremote: its transport, over a wire of ours.

Knows: the library's transport, and that it looks at every byte with pauses of 10 ms, which is replaced here. Must not
know: how one gets to the REPL, or what is asked there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mpremote.transport import TransportError, TransportExecError  # type: ignore[import-untyped]
from mpremote.transport_serial import SerialTransport  # type: ignore[import-untyped]

from edge.boards.files import BoardError
from edge.boards.wire import GoneError, SilentError, Wire
from edge.words import tr

_RAW_BANNER = b"raw REPL; CTRL-B to exit\r\n"
_SOFT_RESET_S = 10.0


class ProgramError(BoardError):
    """What was run on the board ended in an exception; `trace` is MicroPython's own."""

    def __init__(self, sentence: str, trace: str) -> None:
        super().__init__(sentence)
        self.trace = trace


class _Transport(SerialTransport):  # type: ignore[misc]
    """mpremote's transport without its opening of ports."""

    def __init__(self, wire: Wire) -> None:
        self.serial: Any = wire
        self.device_name = wire.name
        self.in_raw_repl = True
        self.use_raw_paste = True
        self.mounted = False
        self.is_pty = False

    def read_until(
        self,
        min_num_bytes: int,
        ending: bytes,
        timeout: float | None = 10,
        data_consumer: Callable[[bytes], None] | None = None,
        timeout_overall: float | None = None,
    ) -> bytes:
        """As mpremote means it: what came, whether the ending is there or not."""
        data: bytes = self.serial.take_until(ending, timeout_overall or timeout or _SOFT_RESET_S)
        if data_consumer is not None:
            data_consumer(data)
        return data


class Repl:
    """A board in its raw REPL, its prompt still unread."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self._transport = _Transport(wire)

    def run(self, code: str, timeout_s: float = 10.0) -> str:
        """What `code` prints. Raises ProgramError, or BoardError when the board falls silent or goes away."""
        try:
            self._transport.exec_raw_no_follow(code)
            said = self.wire.take_until(b"\x04", timeout_s)[:-1]
            error = self.wire.take_until(b"\x04", timeout_s)[:-1]
        except (SilentError, GoneError):
            raise
        except (TransportError, TransportExecError) as failure:
            sentence = tr(
                "{port}: the board speaks, but not as MicroPython does ({what}); run it again",
                port=self.wire.name,
                what=failure,
            )
            raise BoardError(sentence) from failure
        if error:
            trace = error.decode(errors="replace").strip()
            last = trace.splitlines()[-1]
            raise ProgramError(tr("{port}: on the board: {what}", port=self.wire.name, what=last), trace)
        return said.decode(errors="replace")

    def run_and_leave(self, code: str) -> None:
        """Start `code`, which ends the REPL; nothing is waited for."""
        try:
            self._transport.exec_raw_no_follow(code)
        except (BoardError, TransportError):
            return  # it has gone while it acknowledged: that is what was wanted

    def soft_reset(self) -> None:
        """Have MicroPython start anew without its main.py: files mounted anew, heap empty."""
        self.wire.take_until(b">", _SOFT_RESET_S)
        self.wire.write(b"\x04")
        self.wire.take_until(_RAW_BANNER, _SOFT_RESET_S)
