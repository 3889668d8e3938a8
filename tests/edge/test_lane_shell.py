"""The lane's shell: nothing is commanded before it is on the disk, and a restarted lane goes on where it was."""

import asyncio
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edge.config import LaneConfig
from edge.journal.store import JournalStore
from edge.journal.writer import JournalWriter
from edge.lane.machine import LaneStateError
from edge.lane.settings import LaneSettings
from edge.lane_shell import LaneShell
from edge.model import DeviceImage, PlateRead, Quality, TagValue
from edge.southbound.role_map import ROLE_MAPS
from protocols.registers import barrier, weighbridge

_CONFIG = LaneConfig("lane-1", "barrier-1", "bridge-1", "cam-1", LaneSettings("lane-1", 48_000, arrive_debounce_ms=1))


class _Lane:
    """A lane on a hand-made image of its two devices; `sent` holds the commands that left."""

    def __init__(self, directory: Path) -> None:
        self.values = {
            "barrier-1": {"state": barrier.STATE_CLOSED},
            "bridge-1": {"state": weighbridge.STATE_EMPTY},
        }
        self.sent: list[str] = []
        self.durable_when_sent: list[int] = []
        self.path = directory / "journal.db"
        self.journal = JournalWriter(self.path, retry_s=0.005)
        self.runner = asyncio.create_task(self.journal.run())
        saved = self.journal.lane_states().get("lane-1", "")
        self.shell = LaneShell(_CONFIG, saved, self.journal, images=self.images, submit=self._submit)
        self.task = asyncio.create_task(self.shell.run())
        self._events: asyncio.Queue[None] = asyncio.Queue()
        self.journal.listeners.append(lambda: self._events.put_nowait(None))

    def images(self) -> dict[str, DeviceImage]:
        now_ms = time.monotonic_ns() // 1_000_000
        roles = {"barrier-1": "barrier", "bridge-1": "weighbridge"}
        return {
            name: DeviceImage(name).with_tags(
                {
                    tag.name: TagValue(values.get(tag.name, 0), Quality.GOOD, "", 0, now_ms)
                    for tag in ROLE_MAPS[roles[name]].tags
                },
                now_ms,
            )
            for name, values in self.values.items()
        }

    async def until(self, condition: Callable[[], Any]) -> None:
        """Until `condition` holds, looked at after every commit."""
        while not condition():
            await self._events.get()

    def arrive(self) -> None:
        """A truck stands still on the deck and its plate is read."""
        self.values["bridge-1"] |= {"state": weighbridge.STATE_STABLE, "gross_kg_x10": 300_000}
        now_ms = time.time_ns() // 1_000_000
        self.shell.on_plate(PlateRead("cam-1", "29C12345", "29C-123.45", 95, now_ms, "read-1"))

    async def end(self) -> None:
        self.task.cancel()
        await asyncio.wait([self.task])
        await self.journal.close(self.runner)

    def _submit(
        self, device: str, opcode: str, argument: int, deadline_ms: int, on_outcome: Callable[[bool, str], None]
    ) -> None:
        self.sent.append(opcode)
        self.durable_when_sent.append(self.journal.last_seq)
        on_outcome(True, "")
        self._events.put_nowait(None)


async def test_a_command_leaves_only_when_its_records_are_durable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lane = _Lane(tmp_path)
    await lane.until(lambda: lane.shell.view()["state"] == "IDLE")
    real = JournalStore.append
    refused: asyncio.Queue[None] = asyncio.Queue()
    loop = asyncio.get_running_loop()

    def refuse(*_: Any) -> int:
        loop.call_soon_threadsafe(refused.put_nowait, None)
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(JournalStore, "append", refuse)
    lane.arrive()
    for _ in range(5):
        await refused.get()
    assert lane.journal.degraded
    assert lane.sent == [], "a disk that refuses keeps the boom where it is"
    monkeypatch.setattr(JournalStore, "append", real)
    await lane.until(lambda: lane.sent)
    assert lane.sent[0] == "REGISTER"
    await lane.end()


async def test_a_restarted_lane_keeps_its_transaction_number(tmp_path: Path) -> None:
    lane = _Lane(tmp_path)
    await lane.until(lambda: lane.shell.view()["state"] == "IDLE")
    lane.arrive()
    await lane.until(lambda: lane.sent)
    await lane.end()
    again = _Lane(tmp_path)
    again.values = lane.values
    await again.until(lambda: again.shell.view()["state"] not in ("RECOVERING", "IDLE"))
    assert again.shell.view()["transaction"] == "lane-1-000001"
    await again.end()
    kinds = [record.kind for record in JournalStore(lane.path).tail(100)]
    assert kinds.count("transaction_opened") == 1


async def test_a_saved_state_of_another_version_is_refused_in_one_sentence(tmp_path: Path) -> None:
    journal = JournalWriter(tmp_path / "journal.db")
    with pytest.raises(LaneStateError, match="lane lane-1: its saved state cannot be continued"):
        LaneShell(_CONFIG, '{"version":99}', journal, images=dict, submit=lambda *_: None)
    journal.shut()


async def test_an_unknown_operator_request_is_refused_by_name(tmp_path: Path) -> None:
    journal = JournalWriter(tmp_path / "journal.db")
    shell = LaneShell(_CONFIG, "", journal, images=dict, submit=lambda *_: None)
    with pytest.raises(ValueError, match="'fly' is unknown"):
        shell.on_operator("fly")
    journal.shut()
