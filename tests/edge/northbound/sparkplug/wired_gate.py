"""The hub's northbound side without its southbound one: reports go in by hand, packets come out over a real socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from edge.config import LinkConfig, UplinkConfig
from edge.journal.writer import JournalWriter
from edge.model import ClockQuality, Quality, Record, Report
from edge.northbound.pacer import Pacer
from edge.northbound.telemetry import Telemetry
from edge.northbound.uplink import Uplink
from protocols.registers.tag import Tag

TIME_MS = 1_796_039_649_000
GROUP, NODE = "north", "gate-7"
TAGS = [
    Tag("speed", "input_register", 0, "uint16", 1, units="mm/s"),
    Tag("gross_kg_x10", "input_register", 1, "int32", 2, units="kg", sf=-1),
    Tag("never", "input_register", 3, "int16", 1),
]


class Gate:
    """The hub's northbound side."""

    def __init__(self, folder: Path, port: int, *, other_port: int = 0, **keys: Any) -> None:
        ports = [port, other_port] if other_port else [port]
        links = tuple(LinkConfig(f"link-{number}", "127.0.0.1", number) for number in ports)
        config = UplinkConfig("gate", "gate/test", links, sparkplug_group=GROUP, sparkplug_node=NODE, **keys)
        pacer = Pacer()
        self.records: list[Record] = []
        self.journal = JournalWriter(folder / "journal.sqlite")
        devices = {"scale": TAGS, "pump": TAGS}
        self.telemetry = Telemetry(config, folder, devices, post=self.records.extend, pacer=pacer)
        self.uplink = Uplink(config, self.journal, pacer=pacer, parts=[self.telemetry], will=self.telemetry.will)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Gate]:
        task = asyncio.create_task(self.uplink.run())
        try:
            yield self
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            self.telemetry.close()
            self.journal.shut()

    def report(self, speed: int, device: str = "scale") -> None:
        report = Report(device, [0, 1], [speed, 1234], Quality.GOOD, "", TIME_MS + speed, ClockQuality.SYNCHRONISED)
        self.telemetry.report(report)

    def tell_own(self) -> None:
        self.telemetry._tell_own()
