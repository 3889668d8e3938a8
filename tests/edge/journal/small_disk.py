"""A journal on a disk that gets full and is freed again; run inside a mount of its own by test_disk.py.

    python -m tests.edge.journal.small_disk full|start|reserve|restart FOLDER

Prints what happened as one JSON object. No test by itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from edge.journal.database import JournalError
from edge.journal.disk_mode import DiskMode
from edge.journal.reserve import ROW_SIZE
from edge.journal.store import JournalStore
from edge.journal.writer import JournalWriter
from edge.model import Record

_CHUNK = 4096


def main() -> None:
    words = {
        "full": lambda folder: asyncio.run(_get_full(folder)),
        "start": _start,
        "reserve": lambda folder: asyncio.run(_use_reserve(folder)),
        "restart": lambda folder: asyncio.run(_restart(folder)),
    }
    print(json.dumps(words[sys.argv[1]](Path(sys.argv[2]))))


def _fill(folder: Path) -> Path:
    """A file that takes all the room there is."""
    ballast = folder / "ballast"
    with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(_CHUNK))
    return ballast


def _event(number: int) -> Record:
    return Record("device_event", "", "barrier-1", {"number": number, "text": "x" * 500}, number)


async def _get_full(folder: Path) -> dict[str, Any]:
    writer = JournalWriter(folder / "journal.sqlite", retry_s=0.005)
    runner = asyncio.create_task(writer.run())
    await writer.append([Record("hub_started", "", "", {}, 0)])
    ballast, events = _fill(folder), 0
    while (
        writer.mode is DiskMode.NORMAL
    ):  # one at a time: what waits in the end must find room when the ballast is gone
        before = writer.last_seq
        events += writer.post([_event(events)])
        while writer.mode is DiskMode.NORMAL and writer.last_seq == before:  # noqa: ASYNC110 - as below
            await asyncio.sleep(0)
    mode, reason, durable = writer.mode, writer.degraded, writer.last_seq
    command = asyncio.create_task(writer.append([Record("command", "", "", {}, 0)]))
    tries = writer.write_errors
    while writer.write_errors < tries + 3:
        events += writer.post([_event(events)])
        await asyncio.sleep(0.005)
    command_waits, differences = not command.done(), _differences(writer)
    readable = len(await writer.class_records_after("transaction", 0, 10))
    ballast.unlink()
    await command
    flushed, differences = await writer.close(runner), differences + _differences(writer)
    store = JournalStore(folder / "journal.sqlite")
    records = store.records_after(0, 100_000)
    told = [json.loads(record.data) for record in records if record.kind == "attention"]
    numbers = [json.loads(record.data)["number"] for record in records if record.kind == "device_event"]
    return {
        "mode": mode,
        "reason": reason,
        "durable": durable,
        "command_waits": command_waits,
        "readable": readable,
        "differences": differences,
        "flushed": flushed,
        "verify": store.verify(),
        "told": [[data["reason"], data["mode"]] for data in told],
        "all_events_in_order": numbers == list(range(events)),
    }


async def _use_reserve(folder: Path) -> dict[str, Any]:
    path = folder / "journal.sqlite"
    writer, runner = await _with_reserve(path)
    ballast, before, modes, waiting = _fill(folder), writer.last_seq, [writer.mode], set[Any]()
    while not waiting:  # commands, each durable before the next: the gate works on
        _, waiting = await asyncio.wait([asyncio.create_task(writer.append([_event(0)]))], timeout=2.0)
        if writer.mode is not modes[-1]:
            modes.append(writer.mode)
    durable_when_full = writer.last_seq - before
    await writer.close(runner)
    restarted = _start_again(path)
    ballast.unlink()
    writer, runner = await _with_reserve(path)
    await writer.close(runner)
    store = JournalStore(path)
    told = [json.loads(r.data) for r in store.records_after(0, 100_000) if r.kind == "attention"]
    return {
        "modes": modes,
        "durable_when_full": durable_when_full,
        "restarted": restarted,
        "told": [[data["reason"], data.get("low", data.get("mode"))] for data in told],
        "verify": store.verify(),
    }


async def _with_reserve(path: Path) -> tuple[JournalWriter, asyncio.Task[None]]:
    writer = JournalWriter(path, reserve_size=16 * ROW_SIZE, care_every_s=60.0, retry_s=0.005)
    runner = asyncio.create_task(writer.run())
    loop = asyncio.get_running_loop()
    await _until(lambda: writer._care_at_s > loop.time() + 10)  # nothing left to be done for the reserve
    assert writer.mode is DiskMode.NORMAL
    return writer, runner


async def _restart(folder: Path) -> dict[str, Any]:
    """A hub that ended well is started again on a disk that has become full meanwhile."""
    path = folder / "journal.sqlite"
    writer, runner = await _with_reserve(path)
    await writer.close(runner)
    _fill(folder)
    writer = JournalWriter(path, reserve_size=16 * ROW_SIZE, retry_s=0.005)
    runner = asyncio.create_task(writer.run())
    await writer.append([_event(1)])
    await writer.close(runner)
    return {"mode": writer.mode, "last_seq": writer.last_seq}


def _start_again(path: Path) -> bool:
    """Whether a hub that ends on a full disk can be started on it again."""
    try:
        JournalWriter(path).shut()
    except JournalError:
        return False
    return True


async def _until(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110 - nothing tells of it, so it is asked
        await asyncio.sleep(0.01)


def _start(folder: Path) -> dict[str, Any]:
    """A journal that is to be opened on a disk without any room."""
    _fill(folder)
    try:
        JournalWriter(folder / "journal.sqlite").shut()
    except JournalError as error:
        return {"refused": str(error)}
    return {"refused": ""}


def _differences(writer: JournalWriter) -> list[int]:
    return [ledger.difference for ledger in writer.ledger().values()]


if __name__ == "__main__":
    main()
