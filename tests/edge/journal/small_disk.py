"""A journal on a disk that gets full and is freed again; run inside a mount of its own by test_disk.py.

    python -m tests.edge.journal.small_disk full|start FOLDER

Prints what happened as one JSON object. No test by itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from pathlib import Path
from typing import Any

from edge.journal.database import JournalError
from edge.journal.disk_mode import DiskMode
from edge.journal.store import JournalStore
from edge.journal.writer import JournalWriter
from edge.model import Record

_CHUNK = 4096


def main() -> None:
    words = {"full": lambda folder: asyncio.run(_get_full(folder)), "start": _start}
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
    while writer.mode is DiskMode.NORMAL:
        events += writer.post([_event(events)])
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
