"""A board on USB without hardware: the unix VM with a folder as its flash, its REPL behind a pty.

The VM has a terminal of its own, on which Ctrl-C is a signal; its bytes are copied to and from the port's pty, where a
cable can be pulled. When the VM ends, as a board does that resets, it starts again, unless somebody else is to run what
is on it now.
"""

from __future__ import annotations

import fcntl
import os
import select
import signal
import subprocess
import termios
import threading
import tty
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from sim_devices.micropython import VM

_READ_SIZE = 4096


class VmBoard:
    """`port` is what a tool opens, `starts` how often the VM began. Runs main.py of `folder` when there is one.

    Once it ends and `hands_over` says so, `is_over` is set and the port says nothing any more.
    """

    def __init__(self, folder: Path, hands_over: Callable[[], bool] = lambda: False) -> None:
        self.folder = folder
        self.is_over = threading.Event()
        self._hands_over = hands_over
        self.starts = 0
        self._started = threading.Condition()
        self._outer, outer_end = os.openpty()
        tty.setraw(outer_end)
        self.port = os.ttyname(outer_end)
        self._held = outer_end  # a pty without an open end would tell the copying that it is gone
        self._cut_after = -1
        self._ends = False
        self._inner = -1
        self._wake_read, self._wake_write = os.pipe()
        self._start()
        self._thread = threading.Thread(target=self._copy)
        self._thread.start()

    def __enter__(self) -> VmBoard:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ends = True
        os.write(self._wake_write, b"x")
        self._thread.join()
        self._stop()
        for end in (self._outer, self._held, self._wake_read, self._wake_write):
            if end >= 0:
                os.close(end)

    def pull_after(self, count: int) -> None:
        """Have the cable come off once the tool has said `count` more bytes."""
        self._cut_after = count

    def await_start(self, number: int) -> None:
        """Return when it has begun for the `number`th time."""
        with self._started:
            assert self._started.wait_for(lambda: self.starts >= number, timeout=20)

    def files(self) -> dict[str, bytes]:
        """What the flash holds, path -> bytes."""
        found = (path for path in self.folder.rglob("*") if path.is_file())
        return {path.relative_to(self.folder).as_posix(): path.read_bytes() for path in found}

    def _start(self) -> None:
        self._inner, inner_end = os.openpty()
        tty.setraw(inner_end)
        modes = termios.tcgetattr(inner_end)
        modes[3] |= termios.ISIG
        termios.tcsetattr(inner_end, termios.TCSANOW, modes)
        command = [str(VM)]
        if (self.folder / "main.py").exists():
            command += ["-i", "main.py"]
        self._process = subprocess.Popen(
            command,
            stdin=inner_end,
            stdout=inner_end,
            stderr=inner_end,
            cwd=self.folder,
            start_new_session=True,
            preexec_fn=_take_terminal,
        )
        os.close(inner_end)
        with self._started:
            self.starts += 1
            self._started.notify_all()

    def _stop(self) -> None:
        if self._inner < 0:
            return
        self._process.kill()
        self._process.wait()
        os.close(self._inner)

    def _copy(self) -> None:
        while not self._ends:
            ends = [end for end in (self._outer, self._inner, self._wake_read) if end >= 0]
            ready, _, _ = select.select(ends, [], [])
            if self._inner in ready:
                self._from_board()
            if self._outer in ready:
                self._to_board()

    def _from_board(self) -> None:
        try:
            data = os.read(self._inner, _READ_SIZE)
        except OSError:  # the VM has ended: its terminal is gone
            self._stop()
            self._inner = -1
            if self._hands_over():
                self.is_over.set()
            else:
                self._start()
            return
        if self._outer >= 0 and select.select([], [self._outer], [], 0)[1]:
            os.write(self._outer, data)  # what nobody reads is lost, as on USB without a listener

    def _to_board(self) -> None:
        data = os.read(self._outer, _READ_SIZE)
        if self._inner < 0:
            return  # the program that runs now does not listen here
        if 0 <= self._cut_after < len(data):
            data = data[: self._cut_after]
            os.write(self._inner, data)
            self._pull()
            return
        if self._cut_after >= 0:
            self._cut_after -= len(data)
        os.write(self._inner, data)

    def _pull(self) -> None:
        """The cable is off: the tool's reads and writes fail from now on. It comes back under a new name."""
        old_ends = (self._held, self._outer)
        self._outer, self._held = os.openpty()
        tty.setraw(self._held)
        self.port = os.ttyname(self._held)  # known before the tool sees the old one go
        self._cut_after = -1
        for end in old_ends:
            os.close(end)


def _take_terminal() -> None:
    """In the child: a Ctrl-C that comes before the VM listens is lost, as on a board, and does not end it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
