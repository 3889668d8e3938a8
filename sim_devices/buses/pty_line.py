"""The same RS-485 line in real time: one pseudo terminal for the hub, one for each device, symlinks to open them by.

Knows: asyncio, ptys, and that a burst of bytes is handed over when its last character would have ended on the wire;
handing over single characters would put gaps of the operating system's scheduling into frames that had none, and
handing over a burst before the one before it was fetched would take away a silence that was there. Must not know:
frames, devices. Timing, collisions and faults are `rs485.Rs485Line`'s, run on the loop's clock.

The line keeps its own handle on every slave side, so a peer may close and reopen its end, or die, at any time.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import random
import sys
import termios
import tty
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path

from sim_devices.buses.rs485 import Rs485Line, Station

HUB = "hub"
_READ_SIZE = 4096
_PUMP_US = 250  # how often it is looked whether a burst was fetched; most loops' timers make a millisecond of it
_KERNEL_US = 2500  # bytes written to a pty can be read by the peer well within this time
_BURST_COUNT_MAX = 8
_BURST_US_MAX = 500_000  # a talker that never ends is handed over in pieces this long


class _End:
    """One pty: the line reads and writes `master`; the peer opens `link`.

    A pty keeps no times, so a peer that reads late would see two bursts as one. Hence the next burst waits until the
    one before is fetched and the silence between frames has passed; bursts nobody fetches are dropped, oldest first.
    """

    def __init__(self, station: Station, link: Path, silence_us: int) -> None:
        self.station = station
        self.link = link
        self.dropped = 0
        self.master, self.slave = os.openpty()
        tty.setraw(self.slave)
        os.set_blocking(self.master, False)
        link.unlink(missing_ok=True)
        link.symlink_to(os.ttyname(self.slave))
        self._silence_us = silence_us
        self._waiting: deque[bytes] = deque()
        self._is_unread = False
        self._was_seen = False
        self._written_us = 0
        self._free_us = 0

    def put(self, burst: bytes) -> None:
        """Queue a burst for the peer."""
        self._waiting.append(burst)
        if len(self._waiting) > _BURST_COUNT_MAX:
            self.dropped += len(self._waiting.popleft())

    def pump(self, now_us: int) -> int:
        """Hand over what may be handed over now; when it must be called again, 0 for not before the next burst."""
        if self._is_unread and self._is_fetched(now_us):
            self._is_unread = False
            self._free_us = now_us + self._silence_us
        if self._waiting and not self._is_unread and now_us >= self._free_us:
            self._write(self._waiting.popleft())
            self._is_unread, self._was_seen, self._written_us = True, False, now_us
        if self._is_unread:
            return now_us + _PUMP_US
        return self._free_us if self._waiting else 0

    def flush(self) -> None:
        """Forget what the peer has not fetched."""
        termios.tcflush(self.slave, termios.TCIFLUSH)
        self._waiting.clear()
        self._is_unread = False

    def close(self) -> None:
        os.close(self.master)
        os.close(self.slave)
        self.link.unlink(missing_ok=True)

    def _is_fetched(self, now_us: int) -> bool:
        """Nothing is left to read, and it is not merely still on its way through the kernel."""
        size = bytearray(4)
        fcntl.ioctl(self.slave, termios.FIONREAD, size)
        if int.from_bytes(size, sys.byteorder):
            self._was_seen = True
            return False
        return self._was_seen or now_us - self._written_us >= _KERNEL_US

    def _write(self, burst: bytes) -> None:
        try:
            written = os.write(self.master, burst)
        except BlockingIOError:
            written = 0
        self.dropped += len(burst) - written


class PtyLine:
    """Open it inside a running loop, close it when done. `links` says where each end is to be opened."""

    def __init__(self, baud: int, rng: random.Random, directory: Path, name: str) -> None:
        """The hub's end becomes `directory/name`, a device's `directory/name.<device>`."""
        self.name = name
        self._line = Rs485Line(baud, rng)
        self._directory = directory
        self._ends: dict[str, _End] = {}
        self._local: dict[str, tuple[Station, Callable[[bytes], None]]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._pumper: asyncio.TimerHandle | None = None
        self._burst_from_us = -1

    @property
    def dropped(self) -> int:
        """Bytes that peers did not fetch in time."""
        return sum(end.dropped for end in self._ends.values())

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
            self.add(name)

    def add(self, name: str) -> Path:
        """Connect one more device to the open line; where its end is to be opened."""
        assert self._loop is not None, "the line is not open"
        end = self._ends[name] = self._make_end(name)
        self._loop.add_reader(end.master, self._on_readable, end)
        return end.link

    def add_local(self, name: str, on_burst: Callable[[bytes], None]) -> None:
        """Connect a device of this process, without a pty: it hears each burst the moment its last character ends.

        A pty's reader cannot be seen to have read, so the line waits for it to be sure; a measurement must not.
        """
        self._local[name] = (self._line.attach(name), on_burst)

    def send(self, name: str, data: bytes) -> None:
        """A local device begins to talk now."""
        self._line.transmit(self._local[name][0], data, self._now_us())
        self._schedule()

    def close(self) -> None:
        """Give up the ptys and their links; safe to call twice."""
        for timer in (self._timer, self._pumper):
            if timer:
                timer.cancel()
        for end in self._ends.values():
            if self._loop:
                self._loop.remove_reader(end.master)
            end.close()
        self._ends.clear()

    def flush(self, name: str) -> None:
        """Throw away what a peer has not fetched, as a restarted device starts with an empty UART."""
        self._ends[name].flush()

    def inject_noise(self, count: int) -> None:
        """Put `count` characters of garbage on the line now."""
        self._line.inject_noise(count, self._now_us())
        self._schedule()

    def stick(self, name: str | None) -> None:
        """Let a device hold the line at 0; None lets go."""
        self._line.stick(self._ends[name].station if name else None, self._now_us())
        self._schedule()

    def _make_end(self, name: str) -> _End:
        link = self._directory / (self.name if name == HUB else f"{self.name}.{name}")
        return _End(self._line.attach(name), link, silence_us(self._line.baud))

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
                end.put(end.station.take())
        self._burst_from_us = -1
        self._pump()
        for station, on_burst in self._local.values():
            if station.has_heard:
                on_burst(station.take())
        self._schedule()

    def _pump(self) -> None:
        """Hand over to every peer that is ready, and come back while one is not."""
        now_us = self._now_us()
        again_us = [at_us for at_us in [end.pump(now_us) for end in self._ends.values()] if at_us]
        if self._pumper:
            self._pumper.cancel()
            self._pumper = None
        if again_us:
            assert self._loop is not None
            self._pumper = self._loop.call_at(min(again_us) / 1e6, self._pump)


def silence_us(baud: int) -> int:
    """What must lie between two frames: 3.5 characters, fixed above 19200 baud (Modbus over Serial Line, 2.5.1.1)."""
    return 1750 if baud > 19200 else 38_500_000 // baud
