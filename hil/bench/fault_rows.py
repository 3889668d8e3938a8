"""The rows of the fault table: what is done to a running gate, and how long.

Knows: the rig's verbs. Must not know: how they are done, what is counted afterwards. Every row takes the rig while
traffic runs and returns when the fault began and ended; times of a row scale with `share`, for short runs in tests.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import shutil
import subprocess
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hil.bench.contender import BlockedError
from hil.bench.fault_rig import FaultRig
from sim_devices.buses.faulty_link import Mode

_DISK_MB = 24


@dataclass(frozen=True, slots=True)
class Span:
    """When a fault began and ended, on the monotonic clock."""

    began_s: float
    ended_s: float


Deed = Callable[[FaultRig, float], Awaitable[Span]]


def _is_offline(status: dict[str, Any]) -> bool:
    return not status["uplink"]["connected"]


def _is_degraded(status: dict[str, Any]) -> bool:
    return bool(status["journal"]["degraded"])


async def _nothing(_rig: FaultRig) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Row:
    """One row. `prepare` runs before the hub starts; `sample` is the share of its time a short run takes.

    `is_noticed` tells from the hub's status that it knows; None where there is nothing to notice. `drain_s`: how long
    everything may take to arrive afterwards. `is_thin`: data flows while it lasts, so how long a transaction is under
    way is worth telling.
    """

    name: str
    sentence: str
    deed: Deed
    sample: float = 1.0
    is_noticed: Callable[[dict[str, Any]], bool] | None = _is_offline
    drain_s: float = 120.0
    is_thin: bool = False
    prepare: Callable[[FaultRig], Awaitable[None]] = _nothing


def _link(mode: Mode, seconds: float, *, reset: bool = True, bytes_per_s: float = 0.0, delay_s: float = 0.0) -> Deed:
    """The link in `mode` for `seconds`; at the end its connections are reset, or left as they are."""

    async def deed(rig: FaultRig, share: float) -> Span:
        began_s = time.monotonic()
        await rig.link.set(mode, bytes_per_s=bytes_per_s, delay_s=delay_s)
        await asyncio.sleep(seconds * share)
        await rig.link.set(Mode.PASS, reset=reset)
        return Span(began_s, time.monotonic())

    return deed


async def _cut_before_start(rig: FaultRig) -> None:
    await rig.link.set(Mode.CUT)


def _broker(*, kill: bool) -> Deed:
    async def deed(rig: FaultRig, share: float) -> Span:
        began_s = time.monotonic()
        await rig.stop_broker(kill=kill)
        await asyncio.sleep(5.0 * share)
        await rig.start_broker()
        return Span(began_s, time.monotonic())

    return deed


def _kill_hub(times: int) -> Deed:
    """Again and again, each time after another bit of work."""

    async def deed(rig: FaultRig, share: float) -> Span:
        chance = random.Random(1)
        began_s = time.monotonic()
        for _ in range(max(1, round(times * share))):
            await asyncio.sleep(chance.uniform(0.05, 0.8))
            await rig.kill_hub()
            await rig.start_hub()
        return Span(began_s, time.monotonic())

    return deed


async def _small_disk(rig: FaultRig) -> None:
    """The hub's data on a file system of its own, so that it can be filled."""
    rig.data_dir.mkdir()
    _mount(rig.data_dir)
    rig.at_end(lambda: subprocess.run(["umount", "-l", str(rig.data_dir)], check=False))


def _mount(folder: Path) -> None:
    mount = shutil.which("mount")
    if mount is None or os.geteuid() != 0:
        raise BlockedError("a small file system can be mounted by root only; run this row as root")
    command = [mount, "-t", "tmpfs", "-o", f"size={_DISK_MB}m", "tmpfs", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BlockedError(f"a tmpfs cannot be mounted here ({done.stderr.strip()}); run this row where it can")


async def _fill_disk(rig: FaultRig, share: float) -> Span:
    """Not one byte is left, then all that was taken is given back."""
    began_s = time.monotonic()
    filler = rig.data_dir / "filler"
    ends_s = began_s + 15.0 * share
    with filler.open("wb", buffering=0) as file:
        while time.monotonic() < ends_s:
            with contextlib.suppress(OSError):
                while file.write(bytes(4096)):
                    pass
            await asyncio.sleep(0.05)
    filler.unlink()
    return Span(began_s, time.monotonic())


async def _own_clock(rig: FaultRig) -> None:
    """The hub's UTC can be set; its monotonic clock is the machine's."""
    _set_clock(rig, 0)
    rig.hub_words = ["-m", "hil.bench.stepped_clock", str(rig.folder / "clock")]


def _set_clock(rig: FaultRig, offset_s: int) -> None:
    path = rig.folder / "clock.new"
    path.write_text(f"{offset_s}\n", encoding="ascii")
    path.rename(rig.folder / "clock")


async def _step_clock(rig: FaultRig, share: float) -> Span:
    """An hour back, then an hour ahead of the truth, then right again."""
    began_s = time.monotonic()
    for offset_s in (-3600, 3600, 0):
        _set_clock(rig, offset_s)
        await asyncio.sleep(8.0 * share)
    return Span(began_s, time.monotonic())


ROWS: tuple[Row, ...] = (
    Row("cut_20s", "the link is cut for 20 s", _link(Mode.CUT, 20.0), sample=0.2),
    Row("hole_30s", "the link swallows everything for 30 s, then resets", _link(Mode.HOLE, 30.0), sample=0.4),
    Row("hole_140s", "the link swallows everything for 140 s, then resets", _link(Mode.HOLE, 140.0), sample=0.1),
    Row(
        "hole_left_30s",
        "the link swallows everything for 30 s and leaves its connections as they are",
        _link(Mode.HOLE, 30.0, reset=False),
        sample=0.4,
    ),
    Row(
        "half_open_up_30s",
        "what the hub sends is swallowed for 30 s",
        _link(Mode.UP_HOLE, 30.0),
        sample=0.4,
    ),
    Row(
        "half_open_down_30s",
        "what the broker sends is swallowed for 30 s",
        _link(Mode.DOWN_HOLE, 30.0),
        sample=0.4,
    ),
    Row(
        "cold_start",
        "the hub starts with the link down and gets it after 25 s",
        _link(Mode.CUT, 25.0),
        sample=0.2,
        prepare=_cut_before_start,
    ),
    Row(
        "slow_link",
        "the link carries 8 kB/s with 200 ms delay for 60 s",
        _link(Mode.SLOW, 60.0, reset=False, bytes_per_s=8000.0, delay_s=0.2),
        sample=0.2,
        is_thin=True,
        is_noticed=None,
    ),
    Row("broker_restart", "the broker is stopped and started", _broker(kill=False), sample=0.4),
    Row("broker_kill", "the broker is killed by SIGKILL and started", _broker(kill=True), sample=0.4),
    Row(
        "hub_kill",
        "the hub is killed by SIGKILL 200 times with traffic",
        _kill_hub(200),
        sample=0.02,
        is_noticed=None,
    ),
    Row(
        "disk_full",
        "the hub's disk is full to the last byte for 15 s, then freed",
        _fill_disk,
        sample=0.4,
        is_noticed=_is_degraded,
        prepare=_small_disk,
    ),
    Row(
        "clock_step",
        "the hub's clock is set back an hour, then two hours forward, then right",
        _step_clock,
        sample=0.25,
        is_noticed=None,
        prepare=_own_clock,
    ),
)
