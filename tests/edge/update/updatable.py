"""A device of the hub's tests (tests/edge/conftest.py) that takes an update, and a hub with such devices around it.

Knows: the model of an update (model_device.py), registers. Must not know: what a test wants.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

from edge.clock import SiteClock
from edge.config_load import load_site
from edge.hub import Hub
from edge.journal.records import StoredRecord
from edge.journal.store import JournalStore
from edge.journal.writer import JournalWriter
from edge.update.bundle import Bundle, parse_bundle
from protocols.modbus.image import INPUTS
from protocols.registers import barrier, barrier_tags, weighbridge, weighbridge_tags
from tests.edge.conftest import KEY, FakeDevice, Field
from tests.edge.update.model_device import ModelDevice
from tests.edge.update.small_bundle import make_small

_TAGS = {"barrier": barrier_tags, "weighbridge": weighbridge_tags}
_BUSY, _BAD_VALUE = 6, 3


class UpdatableDevice(FakeDevice):
    """`model` is None for a device that knows of no update; `is_away` while it answers nothing."""

    def __init__(self, role: str, serial: int, bundle: Bundle | None = None, **model: Any) -> None:
        super().__init__(role, serial)
        self._tags = {tag.name: tag for tag in _TAGS[role].TAGS if tag.table == "input_register"}
        self.model = ModelDevice(bundle.data, bundle.ends, bundle.version, **model) if bundle else None
        self.is_away = False
        self.frames = 0

    def set(self, name: str, value: int) -> None:
        """Set a point of the role or the header by name."""
        tag = self._tags[name]
        if tag.count == 2:
            self.image.put_u16(INPUTS, tag.address, value >> 16)
        self.image.put_u16(INPUTS, tag.address + tag.count - 1, value & 0xFFFF)

    def serve(self, pdu: bytes) -> bytes:
        if self.is_away:
            return b""
        if self.model is None:
            return super().serve(pdu)
        if pdu[0] == 16 and int.from_bytes(pdu[1:3]) == self.map.UPDATE_WINDOW_ADDRESS:
            return self._take(pdu, self.model)
        if pdu[0] == 4 and int.from_bytes(pdu[1:3]) <= self.map.AT_FIRMWARE_VERSION:
            self._show(self.model)
        return super().serve(pdu)

    def _take(self, pdu: bytes, model: ModelDevice) -> bytes:
        self.frames += 1
        answer = model.take(int.from_bytes(pdu[6:10]), pdu[10:])
        code = {"busy": _BUSY, "refused": _BAD_VALUE}.get(answer, 0)
        return bytes((0x90, code)) if code else pdu[:5]

    def _show(self, model: ModelDevice) -> None:
        status = model.status()
        slot = {"NONE": 0, "A": 1, "B": 2}[status.slot]
        values = {"update_want": status.want, "update_permille": status.permille, "running_slot": slot}
        values |= {"other_version": status.other_version, "firmware_version": status.version}
        values["update_state"] = getattr(self.map, f"UPDATE_STATE_{status.state}")
        values["update_reason"] = getattr(self.map, f"UPDATE_REASON_{status.reason}")
        for name, value in values.items():
            self.set(name, value)

    def _judge_command(self) -> None:
        """As every command, and an update's has its result from the model."""
        opcodes = {self.map.OP_UPDATE_BEGIN: "UPDATE_BEGIN", self.map.OP_UPDATE_SWITCH: "UPDATE_SWITCH"}
        opcodes[self.map.OP_UPDATE_ALLOW_OLDER] = "UPDATE_ALLOW_OLDER"
        count = len(self.commands)
        super()._judge_command()
        if self.model is None or len(self.commands) == count or self.commands[-1][0] not in opcodes:
            return
        ok, word = self.model.command(opcodes[self.commands[-1][0]], self.commands[-1][1])
        self.put("COMMAND_RESULT", getattr(self.map, f"COMMAND_RESULT_{'ACCEPTED' if ok else word}"))


SITE = """
[site]
name = "test"
data_dir = "data"
{key_line}

[[line]]
name = "line-1"
kind = "tcp"
host = "127.0.0.1"
port = {port}
"""
_DEVICE = """
[[device]]
name = "{name}"
line = "line-1"
unit_id = {unit_id}
map = "{role}"
map_version = {map_version}
serial = {serial}
key_file = "key.hex"
period_ms = 20
"""
_LANE = """
[[lane]]
name = "lane-{number}"
barrier = "barrier-{number}"
weighbridge = "weighbridge-{number}"
camera = "cam-{number}"
max_gross_kg = 48000
"""


class UpdateSite:
    """Lanes with a barrier that can be updated and a weighbridge, on one line; `hub` is the running one."""

    def __init__(self, folder: Path, bundle: Bundle, lanes: int, key_line: str = "") -> None:
        self.folder = folder
        self.bundle = bundle
        self.bundle_path = folder / "x.gate"
        self.bundle_path.write_bytes(bundle.data)
        self.key_line = key_line
        self.field = Field()
        self.lanes = lanes
        for number in range(1, lanes + 1):
            self.field.devices[number] = _barrier(UpdatableDevice("barrier", 70 + number, bundle))
            self.field.devices[100 + number] = _weighbridge(UpdatableDevice("weighbridge", 50 + number))
        (folder / "key.hex").write_text(KEY.hex())
        (folder / "key.hex").chmod(0o600)

    def barrier(self, number: int) -> UpdatableDevice:
        device = self.field.devices[number]
        assert isinstance(device, UpdatableDevice)
        return device

    def model(self, number: int) -> ModelDevice:
        model = self.barrier(number).model
        assert model is not None
        return model

    def records(self, *kinds: str) -> list[StoredRecord]:
        """Records of updates, or of `kinds`, once no hub runs; the chain is checked."""
        store = JournalStore(self.folder / "data" / "journal.sqlite")
        assert store.verify() == ""
        records = store.records_after(0, 10_000)
        store.close()
        return [it for it in records if it.kind in kinds or (not kinds and it.kind.startswith("update_"))]

    def write_site(self, port: int) -> None:
        text = SITE.format(port=port, key_line=self.key_line)
        for number in range(1, self.lanes + 1):
            version = {"barrier": barrier.MAP_VERSION, "weighbridge": weighbridge.MAP_VERSION}
            for role, unit_id, serial in (("barrier", number, 70 + number), ("weighbridge", 100 + number, 50 + number)):
                fields = {"name": f"{role}-{number}", "unit_id": unit_id, "role": role, "serial": serial}
                text += _DEVICE.format(map_version=version[role], **fields)
            text += _LANE.format(number=number)
        (self.folder / "site.toml").write_text(text)

    @contextlib.asynccontextmanager
    async def running(self, port: int) -> AsyncIterator[Hub]:
        """A hub in this process, until the block is left; cancelled at once with `raise asyncio.CancelledError`."""
        self.write_site(port)
        config = load_site(self.folder / "site.toml").config
        assert config is not None
        config.data_dir.mkdir(exist_ok=True)
        journal = JournalWriter(config.journal_path)
        hub, stop = Hub(config, journal, SiteClock()), asyncio.Event()
        task = asyncio.create_task(hub.run(stop))
        try:
            yield hub
        finally:
            stop.set()
            await task
            journal.shut()


def small_barrier_bundle(**head: Any) -> Bundle:
    """For the map this hub knows."""
    return parse_bundle(make_small(**({"map": barrier.MAP_VERSION} | head)))


async def until(condition: Callable[[], object]) -> None:
    """Until `condition` holds; the test's own limit ends it otherwise."""
    while not condition():  # noqa: ASYNC110  # what it looks at tells nobody
        await asyncio.sleep(0.01)


def _barrier(device: UpdatableDevice) -> UpdatableDevice:
    device.set("state", barrier.STATE_CLOSED)
    device.set("mode", barrier.MODE_REMOTE)
    return device


def _weighbridge(device: UpdatableDevice) -> UpdatableDevice:
    device.set("state", weighbridge.STATE_EMPTY)
    return device
