"""Processes of a bench: started, ready by their own word, measured from outside, ended in order.

Knows: processes, /proc. Must not know: what they do. None outlives the bench (`hil/run/tether.py`).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import signal
import socket
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hil.run.tether import tethered

_STOP_S = 10.0
_PORTS = 20_000, 32_000
_READY_S = 30.0
_TICK_HZ = os.sysconf("SC_CLK_TCK")
_PAGE_SIZE = os.sysconf("SC_PAGE_SIZE")


class BenchError(Exception):
    """The bench cannot go on; the message says which part failed and what it said."""


class Child:
    """One process. Its standard output is its word to the bench, its standard error its log."""

    def __init__(self, name: str, process: asyncio.subprocess.Process, log: Path) -> None:
        self.name = name
        self._process = process
        self._log = log

    @classmethod
    async def start(
        cls,
        name: str,
        command: Sequence[str],
        folder: Path,
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        speaks: bool = False,
    ) -> Child:
        """Start `command`; its log is `folder/name.log`. One that `speaks` is listened to, else all goes to the log."""
        log = folder / f"{name}.log"
        with log.open("ab") as file:
            process = await asyncio.create_subprocess_exec(
                *tethered(command),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE if speaks else file,
                stderr=file,
                cwd=cwd,
                env={**os.environ, **(env or {})},
                start_new_session=True,
            )
        return cls(name, process, log)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process.returncode is None

    async def word(self) -> str:
        """The next line of its standard output; raises BenchError when none comes."""
        assert self._process.stdout is not None
        try:
            async with asyncio.timeout(_READY_S):
                line = await self._process.stdout.readline()
        except TimeoutError:
            line = b""
        if not line:
            raise BenchError(f"{self.name} did not come up: {self.last_words() or 'it said nothing'}")
        return line.decode().strip()

    async def tell(self, message: Mapping[str, Any]) -> None:
        """Write one JSON line to its standard input."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(message).encode() + b"\n")
        await self._process.stdin.drain()

    async def stop(self) -> None:
        """SIGTERM, and SIGKILL when that is not enough; a process that has ended already is no error."""
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGTERM)
        drain = asyncio.ensure_future(self._listen_out())
        try:
            async with asyncio.timeout(_STOP_S):
                await self._process.wait()
        except TimeoutError:
            await self.kill()
        await drain

    async def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()

    async def _listen_out(self) -> None:
        """Take what it still says, so that a full pipe cannot keep it."""
        while self._process.stdout is not None and await self._process.stdout.read(65536):
            pass

    def last_words(self) -> str:
        """The last line of its log."""
        lines = self._log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return lines[-1] if lines else ""

    def cpu_s(self) -> float:
        """CPU time it and its children have used."""
        return sum(_cpu_s(pid) for pid in _family(self.pid))

    def rss_mb(self) -> float:
        """Memory it and its children occupy now."""
        return sum(_rss_bytes(pid) for pid in _family(self.pid)) / 1e6


def _family(pid: int) -> list[int]:
    """A process and all below it."""
    found, at = [pid], 0
    while at < len(found):
        with contextlib.suppress(OSError):
            for task in Path(f"/proc/{found[at]}/task").iterdir():
                found += [int(child) for child in (task / "children").read_text().split()]
        at += 1
    return found


def _cpu_s(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / _TICK_HZ


def _rss_bytes(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE_SIZE
    except OSError:
        return 0


def free_ports(count: int) -> list[int]:
    """Ports of the loopback, in a row, that nobody uses, from below those the system hands out by itself meanwhile."""
    chance = random.SystemRandom()
    while True:
        first = chance.randrange(*_PORTS)
        row = list(range(first, first + count))
        if all(_is_free(port) for port in row):
            return row


def _is_free(port: int) -> bool:
    with socket.socket() as probe, contextlib.suppress(OSError):
        probe.bind(("127.0.0.1", port))
        return True
    return False


async def accepts(port: int, child: Child) -> None:
    """Until `child` takes connections on `port`; raises BenchError when it does not."""
    for _ in range(int(_READY_S / 0.05)):
        if not child.is_running:
            break
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.05)
        else:
            writer.close()
            return
    raise BenchError(f"{child.name} does not take connections on port {port}: {child.last_words() or 'it is silent'}")
