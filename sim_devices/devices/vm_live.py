"""One node in real time for a rig that waits by itself: a MicroPython VM process on a pty, with its field on pipes.

Knows: how the VM is started and stopped, that what it says is to be dated when it arrives. Must not know: what an input
or output means, Modbus, scenarios, asyncio: a node that lives on an event loop is `vm_node.py`, one in virtual time
`vm_link.py`. What the frames look like is in `field_link.py`.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import termios
import time
import tty
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sim_devices.devices import field_link
from sim_devices.devices.vm_node import vm_command

_PROVISION_NAME = "provision.txt"
_LOG_NAME = "vm.log"
_READ_SIZE = 65_536
_END_S = 5.0
_WORDS_US = 500_000


class LiveVmError(Exception):
    """The program has ended, or says what is no frame; the text is its last line."""


@dataclass(frozen=True, slots=True)
class Said:
    """One frame of the VM, dated by `now_us` when it arrived."""

    at_us: int
    outputs: tuple[int, ...]
    field_sent: bytes
    watchdog_fed: bool


class LiveVm:
    """A VM that runs the deployed file set of `deploy_dir` with its provision and settings in `device_dir`.

    It runs from `start` to `kill`; between them `listen` gives what it said, and must be called often. The pty stays
    over a restart.
    """

    def __init__(self, deploy_dir: Path, device_dir: Path, provision: Mapping[str, str]) -> None:
        """Raises OSError when no pty can be had."""
        self.sent = bytearray()  # what has left the bus port since somebody took it
        self._deploy_dir = deploy_dir
        self._device_dir = device_dir.resolve()
        self._process: subprocess.Popen[bytes] | None = None
        self._unread = b""
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        lines = {**provision, "mode": "real", "tty": os.ttyname(self._slave)}
        text = "".join(f"{key}={value}\n" for key, value in lines.items())
        self._device_dir.mkdir(parents=True, exist_ok=True)
        (self._device_dir / _PROVISION_NAME).write_text(text, encoding="ascii")

    @property
    def is_running(self) -> bool:
        """Between `start` and `kill`, paused or not."""
        return self._process is not None

    def start(self, reset_cause: int) -> None:
        """Supply on, with an empty UART."""
        termios.tcflush(self._slave, termios.TCIOFLUSH)
        with (self._device_dir / _LOG_NAME).open("wb") as log:
            self._process = subprocess.Popen(
                vm_command(self._device_dir),
                cwd=self._deploy_dir,
                env={**os.environ, "GATE_RESET_CAUSE": str(reset_cause)},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                bufsize=0,
                start_new_session=True,
            )
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            os.set_blocking(pipe.fileno(), False)
        self._unread = b""

    def tell(self, inputs: Sequence[int], qualities: Sequence[int], field_line: bytes = b"") -> None:
        """Its inputs, and what comes on its field line. A frame that a full pipe does not take is lost as a whole.

        While it stands still it takes none; what it was told meanwhile would be the past.
        """
        if self._process is not None:
            assert self._process.stdin is not None
            frame = field_link.encode_field_frame(now_us(), inputs, qualities, b"", 0, field_line)
            with contextlib.suppress(BlockingIOError, BrokenPipeError):  # why it ended, `listen` tells
                os.write(self._process.stdin.fileno(), frame)

    def put(self, data: bytes) -> None:
        """Bytes that arrive at its bus port; what a full one does not take is lost."""
        with contextlib.suppress(BlockingIOError):
            os.write(self._master, data)

    def listen(self, until_us: int) -> list[Said]:
        """What it says until then, at least what it has said. Raises LiveVmError when its program has ended."""
        said: list[Said] = []
        while True:
            left_s = max(0, until_us - now_us()) / 1e6
            streams = [self._master]
            if self._process is not None:
                assert self._process.stdout is not None
                streams.append(self._process.stdout.fileno())
            ready, _, _ = select.select(streams, [], [], left_s)
            if self._master in ready:
                self.sent += os.read(self._master, _READ_SIZE)
            if streams[-1] in ready and streams[-1] != self._master:
                said += self._frames(os.read(streams[-1], _READ_SIZE))
            if not ready:
                return said

    def pause(self) -> None:
        """Its loop stands still."""
        self._signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """After `pause`; harmless without."""
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        """SIGKILL: everything but what is on the disk is gone; harmless when it does not run."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait(_END_S)
            for pipe in (process.stdin, process.stdout):
                assert pipe is not None
                pipe.close()
        self.sent.clear()

    def close(self) -> None:
        """Release process and pty."""
        self.kill()
        os.close(self._master)
        os.close(self._slave)

    def _signal(self, number: int) -> None:
        if self._process is not None:
            self._process.send_signal(number)

    def _frames(self, data: bytes) -> list[Said]:
        """Every whole frame among what has arrived."""
        if not data:
            raise LiveVmError(self._last_words())
        self._unread += data
        said = []
        while len(self._unread) >= field_link.HEADER_SIZE:
            header = field_link.decode_header(self._unread[: field_link.HEADER_SIZE])
            if header is None:  # MicroPython tells of a program error on stdout, in between the frames
                raise LiveVmError(_last_line(self._unread + self._rest()) or "what it says is no frame")
            end = field_link.HEADER_SIZE + header.body_size
            if len(self._unread) < end:
                break
            outputs = tuple(self._unread[field_link.HEADER_SIZE :][: header.output_count])
            said.append(Said(now_us(), outputs, self._unread[end - header.field_size : end], header.watchdog_fed))
            self._unread = self._unread[end:]
        return said

    def _rest(self) -> bytes:
        """What it still says before it ends."""
        assert self._process is not None
        assert self._process.stdout is not None
        pipe, rest, until_us = self._process.stdout.fileno(), b"", now_us() + _WORDS_US
        while select.select([pipe], [], [], max(0, until_us - now_us()) / 1e6)[0] and (
            more := os.read(pipe, _READ_SIZE)
        ):
            rest += more
        return rest

    def _last_words(self) -> str:
        assert self._process is not None
        status = self._process.wait(_END_S)
        words = _last_line((self._device_dir / _LOG_NAME).read_bytes())
        return f"its program ended with exit status {status}{words and ': ' + words}"


def now_us() -> int:
    """This machine's monotonic clock."""
    return time.monotonic_ns() // 1000


def _last_line(words: bytes) -> str:
    lines = words.decode("utf-8", "replace").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "")
