"""The lane's shell: nothing is commanded before it is on the disk, and a restarted lane goes on where it was."""

import asyncio
import json
import sqlite3
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from edge import lane_shell
from edge.config import LaneConfig
from edge.journal.store import JournalStore
from edge.journal.writer import JournalWriter
from edge.lane.facts import OperatorRequest
from edge.lane.machine import LaneStateError
from edge.lane.settings import LaneSettings
from edge.lane_facts import build_plate
from edge.lane_memory import Moment, load_lane, save_lane
from edge.lane_shell import LaneShell, OperatorDoubtError
from edge.model import DeviceImage, PlateRead, Quality, TagValue
from edge.southbound.role_map import ROLE_MAPS
from protocols.registers import barrier, weighbridge

_CONFIG = LaneConfig("lane-1", "barrier-1", "bridge-1", "cam-1", LaneSettings("lane-1", 48_000, arrive_debounce_ms=1))

READ = PlateRead("cam-1", "29C12345", "29C-123.45", 95, 0, "read-1")


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
            name: DeviceImage(
                name,
                online=True,
                hub_time_ms=now_ms,
                tags={
                    tag.name: TagValue(values.get(tag.name, 0), Quality.GOOD, "", 0, now_ms)
                    for tag in ROLE_MAPS[roles[name]].tags
                },
            )
            for name, values in self.values.items()
        }

    def saved(self) -> dict[str, Any]:
        """The lane as it is on the disk."""
        store = JournalStore(self.path)
        text = store.lane_states()["lane-1"]
        store.close()
        return dict(json.loads(text))

    def refuse_disk(self, monkeypatch: pytest.MonkeyPatch) -> asyncio.Queue[None]:
        """From now on the disk is full; each refused write puts into the queue."""
        refused: asyncio.Queue[None] = asyncio.Queue()
        loop = asyncio.get_running_loop()

        def refuse(*_: Any) -> int:
            loop.call_soon_threadsafe(refused.put_nowait, None)
            raise sqlite3.OperationalError("database or disk is full")

        monkeypatch.setattr(JournalStore, "append_drafts", refuse)
        return refused

    async def until(self, condition: Callable[[], Any]) -> None:
        """Until `condition` holds, looked at after every commit."""
        while not condition():
            await self._events.get()

    def arrive(self) -> None:
        """A truck stands still on the deck and its plate is read."""
        self.values["bridge-1"] |= {"state": weighbridge.STATE_STABLE, "gross_kg_x10": 300_000}
        self.reading = asyncio.create_task(self.shell.on_plate(READ))

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
    real = JournalStore.append_drafts
    refused = lane.refuse_disk(monkeypatch)
    lane.arrive()
    for _ in range(5):
        await refused.get()
    assert lane.journal.degraded
    assert lane.sent == [], "a disk that refuses keeps the boom where it is"
    monkeypatch.setattr(JournalStore, "append_drafts", real)
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


async def test_a_plate_read_is_on_the_disk_when_its_camera_is_answered(tmp_path: Path) -> None:
    lane = _Lane(tmp_path)
    assert await lane.shell.on_plate(READ)
    assert lane.saved()["plate"]["plate"] == "29C12345"
    await lane.end()
    again = _Lane(tmp_path)
    again.values["bridge-1"] |= {"state": weighbridge.STATE_STABLE, "gross_kg_x10": 300_000}
    await again.until(lambda: again.sent)
    assert again.shell.view()["plate"] == "29C12345", "the camera does not tell it twice"
    await again.end()


async def test_a_plate_read_that_cannot_be_stored_is_used_and_asked_for_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lane = _Lane(tmp_path)
    await lane.until(lambda: lane.shell.view()["state"] == "IDLE")
    real, refused = JournalStore.append_drafts, lane.refuse_disk(monkeypatch)
    lane.arrive()
    for _ in range(2):  # the second refusal follows the note of the first
        await refused.get()
    async with asyncio.timeout(lane_shell.PLATE_WAIT_S / 2):  # answered at once while the disk refuses
        assert not await lane.shell.on_plate(READ)
    monkeypatch.setattr(JournalStore, "append_drafts", real)
    await lane.until(lambda: not lane.journal.degraded)
    assert await lane.shell.on_plate(READ)
    await lane.until(lambda: lane.sent)
    assert (lane.shell.view()["plate"], lane.shell.plates) == ("29C12345", 1)
    await lane.end()


async def test_a_look_without_a_plate_does_not_hide_the_read_before_it(tmp_path: Path) -> None:
    lane = _Lane(tmp_path)
    assert await lane.shell.on_plate(READ)
    assert await lane.shell.on_plate(replace(READ, plate="", raw="unknown", uuid="read-2"))
    assert await lane.shell.on_plate(replace(READ, plate="29C12346", confidence=10, uuid="read-3"))
    assert lane.saved()["plate"]["read_id"] == "read-1"
    await lane.end()


def test_times_of_a_saved_lane_go_on_while_the_hub_is_away() -> None:
    machine, _ = load_lane(_CONFIG.settings, "", Moment(5_000_000, 0))
    machine.transaction.arrival_ms = machine.closed_ms = 4_999_000
    text = save_lane(machine, build_plate(READ, 4_998_000), Moment(5_000_000, 1_000_000))
    again, plate = load_lane(_CONFIG.settings, text, Moment(70_000, 1_060_000))
    assert plate is not None
    assert (again.transaction.arrival_ms, again.closed_ms, plate.seen_ms) == (9_000, 9_000, 8_000)
    _, plate = load_lane(_CONFIG.settings, text, Moment(70_000, 999_999))
    assert plate is None, "a clock that went back cannot tell how old the read is"


async def test_what_the_sensors_showed_is_saved_without_a_record(tmp_path: Path) -> None:
    lane = _Lane(tmp_path)
    await lane.until(lambda: lane.shell.view()["state"] == "IDLE")
    lane.arrive()
    await lane.until(lambda: lane.sent)
    lane.values["bridge-1"] |= {"registered_id": 17, "registered_count": 1, "registered_kg_x10": 300_000}
    lane.values["barrier-1"] |= {"state": barrier.STATE_OPEN, "lights": barrier.LIGHTS_GREEN}
    await lane.until(lambda: lane.shell.view()["state"] == "PASSING")
    lane.values["barrier-1"] |= {"presence": 1 << barrier.PRESENCE_SAFETY_LOOP}
    await lane.until(lambda: lane.saved()["machine"]["tracker"]["is_boom_seen"])
    await lane.end()
    again = _Lane(tmp_path)
    again.values = lane.values
    again.values["barrier-1"] |= {"presence": 0, "passes": 1}  # backed off while no hub looked, and was counted
    await again.until(lambda: again.shell.view()["state"] == "PASSING")
    records = JournalStore(lane.path).tail(100)
    assert "passed" not in [record.kind for record in records]
    assert json.loads(records[-1].data)["cause"] == "backed_off"
    await again.end()


async def test_a_presence_that_comes_while_the_journal_writes_keeps_close_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lane = _Lane(tmp_path)
    await lane.until(lambda: lane.shell.view()["state"] == "IDLE")
    lane.values["barrier-1"]["state"] = barrier.STATE_OPEN
    real, refused = JournalStore.append_drafts, lane.refuse_disk(monkeypatch)
    asked = asyncio.create_task(lane.shell.on_operator(OperatorRequest("close", "an")))
    await refused.get()
    lane.values["barrier-1"]["presence"] = 1 << barrier.PRESENCE_SAFETY_LOOP
    monkeypatch.setattr(JournalStore, "append_drafts", real)
    assert await asked == ""
    await lane.until(lambda: any(r.kind == "command" for r in JournalStore(lane.path).tail(9)))
    command = next(r for r in JournalStore(lane.path).tail(9) if r.kind == "command")
    assert json.loads(command.data)["reason"] == "path_occupied"
    assert lane.sent == []
    await lane.end()


async def test_a_request_nobody_waits_for_any_more_is_not_carried_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lane_shell, "OPERATOR_WAIT_S", 0.2)
    lane = _Lane(tmp_path)
    await lane.until(lambda: lane.shell.view()["state"] == "IDLE")
    real, refused = JournalStore.append_drafts, lane.refuse_disk(monkeypatch)
    first = asyncio.create_task(lane.shell.on_operator(OperatorRequest("reject", "an")))
    await refused.get()
    assert "waits for the journal (database or disk is full)" in await lane.shell.on_operator(OperatorRequest("open"))
    with pytest.raises(OperatorDoubtError, match="taken but is not journalled yet"):
        await first
    monkeypatch.setattr(JournalStore, "append_drafts", real)
    await lane.until(lambda: not lane.journal.degraded)
    assert await lane.shell.on_operator(OperatorRequest("close", "an")) == "the boom is not in a position for it"
    assert lane.sent == []
    overrides = [json.loads(r.data)["request"] for r in JournalStore(lane.path).tail(9) if r.kind == "override"]
    assert overrides == ["reject", "close"]
    await lane.end()


async def test_a_saved_state_of_another_version_is_refused_in_one_sentence(tmp_path: Path) -> None:
    journal = JournalWriter(tmp_path / "journal.db")
    with pytest.raises(LaneStateError, match="lane lane-1: its saved state cannot be continued"):
        LaneShell(_CONFIG, '{"version":99}', journal, images=dict, submit=lambda *_: None)
    journal.shut()


async def test_an_unknown_operator_request_is_refused_by_name(tmp_path: Path) -> None:
    journal = JournalWriter(tmp_path / "journal.db")
    shell = LaneShell(_CONFIG, "", journal, images=dict, submit=lambda *_: None)
    with pytest.raises(ValueError, match="'fly' is unknown"):
        await shell.on_operator(OperatorRequest("fly"))
    journal.shut()
