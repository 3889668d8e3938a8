"""A TCP link that fails on command: between a client and a server it passes, cuts, swallows, stalls or slows.

Knows: asyncio streams and which way bytes go: `up` from the client to the server, `down` back. Must not know: what the
bytes mean, who talks. What it swallows is gone for good: a link that hands it over later, as a paused one would, hides
the losses it should show; `STALL` is that other failure, where a transport repeats and everything comes late.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Coroutine
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

_CHUNK = 65_536
_BACKLOG = 64
_MOMENT_S = 0.02
_PIECE_MIN = 64
_LINGER_NOT = struct.pack("ii", 1, 0)  # closing then sends a reset


class Mode(StrEnum):
    """What becomes of the link's bytes and connections from now on."""

    PASS = "pass"
    CUT = "cut"  # connections are reset and new ones refused
    HOLE = "hole"  # connections stand and are taken, both ways are swallowed
    UP_HOLE = "up_hole"  # what the client sends is swallowed
    DOWN_HOLE = "down_hole"  # what the server sends is swallowed
    STALL = "stall"  # both ways wait, and go on when the mode ends
    SLOW = "slow"  # both ways at `bytes_per_s`, after `delay_s`


@dataclass(slots=True)
class LinkCounters:
    """Bytes and connections since the start; `refused` were tried while the link was cut."""

    up: int = 0
    down: int = 0
    swallowed: int = 0
    connections: int = 0
    refused: int = 0


class _Pipe:
    """One connection: two ways."""

    def __init__(self, client: asyncio.StreamWriter, server: asyncio.StreamWriter) -> None:
        self.ends = (client, server)

    def reset(self) -> None:
        """End it as a network does that has lost it: a reset, not a farewell."""
        for end in self.ends:
            _reset(end)


class FaultyLink:
    """Listens on a loopback port and passes to `host`:`port`. Use as an async context manager."""

    def __init__(self, host: str, port: int, *, listen_port: int = 0) -> None:
        self._target = host, port
        self._server: asyncio.Server | None = None
        self._pipes: set[_Pipe] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Event()
        self._resets = 0
        self._delay_s = 0.0
        self._bytes_per_s = 0.0
        self.mode = Mode.PASS
        self.port = listen_port
        self.counters = LinkCounters()

    async def __aenter__(self) -> FaultyLink:
        await self._listen()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._stop_listening()
        self._reset_all()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def set(self, mode: Mode, *, reset: bool = False, bytes_per_s: float = 0.0, delay_s: float = 0.0) -> None:
        """Change what the link does; `reset` ends the connections that stand. SLOW needs `bytes_per_s`."""
        self.mode, self._bytes_per_s, self._delay_s = mode, bytes_per_s, delay_s
        self._changed.set()
        self._changed = asyncio.Event()
        if mode is Mode.CUT:
            self._stop_listening()
        if reset or mode is Mode.CUT:
            self._reset_all()
        if mode is not Mode.CUT and self._server is None:
            await self._listen()

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port, backlog=_BACKLOG)
        self.port = self._server.sockets[0].getsockname()[1]

    def _stop_listening(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None

    def _reset_all(self) -> None:
        self._resets += 1
        for pipe in list(self._pipes):
            pipe.reset()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, until either end or the link ends it."""
        if self.mode is Mode.CUT:
            self.counters.refused += 1
            _reset(writer)
            return
        self.counters.connections += 1
        resets = self._resets
        try:
            server_reader, server_writer = await asyncio.open_connection(*self._target)
        except OSError:
            _reset(writer)
            return
        pipe = _Pipe(writer, server_writer)
        self._pipes.add(pipe)
        if resets != self._resets:  # the link was lost while it was made
            pipe.reset()
        ways = [
            self._spawn(self._carry(pipe, reader, server_writer, is_up=True)),
            self._spawn(self._carry(pipe, server_reader, writer, is_up=False)),
        ]
        await asyncio.wait(ways)
        for end in pipe.ends:
            end.close()
        self._pipes.discard(pipe)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _carry(
        self, pipe: _Pipe, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, is_up: bool
    ) -> None:
        """One way of one connection, until it ends. An end is told on, unless it is swallowed like all else."""
        due_s = 0.0
        try:
            while data := await reader.read(self._piece()):
                due_s = await self._hold(len(data), due_s)
                if self._swallows(is_up):
                    self.counters.swallowed += len(data)
                    continue
                self._count(len(data), is_up)
                await self._deliver(writer, data, due_s)
            while self._swallows(is_up):
                await self._changed.wait()
            await asyncio.sleep(due_s - asyncio.get_running_loop().time())
            writer.write_eof()
        except OSError:
            pipe.reset()

    def _piece(self) -> int:
        """How much is taken at a time: of a slow link no more than it carries in a moment."""
        return max(_PIECE_MIN, int(self._bytes_per_s * _MOMENT_S)) if self.mode is Mode.SLOW else _CHUNK

    async def _hold(self, size: int, due_s: float) -> float:
        """Keep these bytes for as long as the mode does; when they are due at the other end, never before `due_s`."""
        while self.mode is Mode.STALL:
            await self._changed.wait()
        now_s = asyncio.get_running_loop().time()
        if self.mode is not Mode.SLOW:
            return max(due_s, now_s)
        await asyncio.sleep(size / self._bytes_per_s)
        return max(due_s, now_s + size / self._bytes_per_s + self._delay_s)

    async def _deliver(self, writer: asyncio.StreamWriter, data: bytes, due_s: float) -> None:
        """Write now, or later by the delay, which holds up nothing that follows."""
        loop = asyncio.get_running_loop()
        if due_s <= loop.time():
            writer.write(data)
        else:
            loop.call_at(due_s, _write, writer, data)
        await writer.drain()

    def _swallows(self, is_up: bool) -> bool:
        return self.mode is Mode.HOLE or self.mode is (Mode.UP_HOLE if is_up else Mode.DOWN_HOLE)

    def _count(self, size: int, is_up: bool) -> None:
        if is_up:
            self.counters.up += size
        else:
            self.counters.down += size


def _write(writer: asyncio.StreamWriter, data: bytes) -> None:
    """What is under way arrives, unless the connection is gone by then."""
    if not writer.is_closing():
        writer.write(data)


def _reset(end: asyncio.StreamWriter) -> None:
    if not end.transport.is_closing():
        end.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
    end.transport.abort()
