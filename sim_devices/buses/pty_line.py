"""The same RS-485 line in real time: one pseudo terminal for the hub, one for each device, symlinks to open them by.

Knows: asyncio, ptys, and that a burst of bytes is handed over when its last character would have ended on the wire;
handing over single characters would put gaps of the operating system's scheduling into frames that had none. Must
not know: frames, devices. Timing, collisions and faults are `rs485.Rs485Line`'s, run on the loop's clock.

The line keeps its own handle on every slave side, so a peer may close and reopen its end, or die, at any time.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import termios
import tty
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sim_devices.buses.rs485 import Rs485Line, Station

HUB = "hub"
_READ_SIZE = 4096
_BURST_US_MAX = 500_000  # a talker that never ends is handed over in pieces this long


@dataclass(slots=True)
class _End:
    """One pty: the line reads and writes `master`; the peer opens `link`."""

    station: Station
    master: int
    slave: int
    link: Path


class PtyLine:
    """Open it inside a running loop, close it when done. `links` says where each end is to be opened.

    `dropped` counts bytes a peer did not fetch in time.
    """

    def __init__(self, baud: int, rng: random.Random, directory: Path, name: str) -> None:
        """The hub's end becomes `directory/name`, a device's `directory/name.<device>`."""
        self.name = name
        self.dropped = 0
        self._line = Rs485Line(baud, rng)
        self._directory = directory
        self._ends: dict[str, _End] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._burst_from_us = -1

    @property
    def line(self) -> Rs485Line:
        """The line itself: counters, `cut`, `restore`, `noise_permille`."""
        return self._line

    @property
    def links(self) -> dict[str, Path]:
        return {name: end.link for name, end in self._ends.items()}

    def station(self, name: str) -> Station:
        """The station of a device, or of HUB, to cut it off."""
        return self._ends[name].station

    def open(self, devices: Sequence[str]) -> None:
        """Make the ptys and start carrying bytes. Raises OSError when the directory cannot be written."""
        self._loop = asyncio.get_running_loop()
        self._directory.mkdir(parents=True, exist_ok=True)
        for name in (HUB, *devices):
            end = self._make_end(name)
            self._ends[name] = end
            self._loop.add_reader(end.master, self._on_readable, end)

    def close(self) -> None:
        """Give up the ptys and their links; safe to call twice."""
        if self._timer:
            self._timer.cancel()
        for end in self._ends.values():
            if self._loop:
                self._loop.remove_reader(end.master)
            os.close(end.master)
            os.close(end.slave)
            end.link.unlink(missing_ok=True)
        self._ends.clear()

    def flush(self, name: str) -> None:
        """Throw away what a peer has not fetched, as a restarted device starts with an empty UART."""
        termios.tcflush(self._ends[name].slave, termios.TCIFLUSH)

    def inject_noise(self, count: int) -> None:
        """Put `count` characters of garbage on the line now."""
        self._line.inject_noise(count, self._now_us())
        self._schedule()

    def stick(self, name: str | None) -> None:
        """Let a device hold the line at 0; None lets go."""
        self._line.stick(self._ends[name].station if name else None, self._now_us())
        self._schedule()

    def _make_end(self, name: str) -> _End:
        master, slave = os.openpty()
        tty.setraw(slave)
        os.set_blocking(master, False)
        link = self._directory / (self.name if name == HUB else f"{self.name}.{name}")
        link.unlink(missing_ok=True)
        link.symlink_to(os.ttyname(slave))
        return _End(self._line.attach(name), master, slave, link)

    def _now_us(self) -> int:
        assert self._loop is not None, "the line is not open"
        return int(self._loop.time() * 1e6)

    def _on_readable(self, end: _End) -> None:
        with contextlib.suppress(BlockingIOError):
            data = os.read(end.master, _READ_SIZE)
            self._line.transmit(end.station, data, self._now_us())
            self._schedule()

    def _schedule(self) -> None:
        """Wake when all that is on the wire has ended, so that a burst arrives whole."""
        now_us = self._now_us()
        ends_us = self._line.idle_at_us()
        if self._line.is_stuck:
            ends_us = max(ends_us, now_us + self._line.duration_us(64))
        if ends_us < 0:
            self._burst_from_us = -1
            return
        if self._burst_from_us < 0:
            self._burst_from_us = now_us
        wake_us = min(ends_us, self._burst_from_us + _BURST_US_MAX)
        if self._timer:
            self._timer.cancel()
        assert self._loop is not None
        self._timer = self._loop.call_at(wake_us / 1e6, self._hand_over)

    def _hand_over(self) -> None:
        self._line.advance_to(self._now_us() + 1)  # the loop's clock may stand a hair before the time it was set for
        for end in self._ends.values():
            if end.station.has_heard:
                self._write(end, end.station.take())
        self._burst_from_us = -1
        self._schedule()

    def _write(self, end: _End, data: bytes) -> None:
        try:
            written = os.write(end.master, data)
        except BlockingIOError:
            written = 0
        self.dropped += len(data) - written
