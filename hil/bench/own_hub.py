"""This project's hub on the bench: `gate hub` on a site of counting devices, acknowledged by the platform's stand-in.

Knows: the site file, Sparkplug's messages as a host reads them, the operator's door. Must not know: other contenders.

Third-party devices are read only, so a write is a command to a role device: asked for at the operator's door, decided
by the lane, durable in the journal, authenticated, and then on the wire. The two stubs it takes are polled besides.
"""

from __future__ import annotations

import json
import socket
import sys
from collections.abc import Iterable, Sequence

from hil.bench import sites
from hil.bench.children import Child, free_ports
from hil.bench.contender import Decoded, Ground
from hil.bench.mqtt_tools import Talker
from sim_devices.devices.sparkplug_reader import read_metrics

_SITE = "bench"
_ROOT = f"gate/{_SITE}"
_NODE = f"gate/{_SITE}"
_OWN_METRICS = 1  # the row's number; the clock's quality comes only when it changes
_STUB_PERIOD_MS = 1000


class OwnHub:
    """See contender.Contender."""

    name = "ours"
    topics = ("spBv1.0/#",)

    def __init__(self) -> None:
        self._hub: Child | None = None
        self._platform: Child | None = None
        self._door = ""
        self._asked: list[socket.socket] = []
        self._values: list[int] = []
        self._count_aliases: dict[str, int] = {}

    def prepare(self) -> str:
        """It is here."""
        return "this tree"

    async def start(self, ground: Ground) -> Child:
        """The platform, then the hub."""
        load, folder = ground.load, ground.folder
        self._door = str(folder / "data" / "operator.sock")
        unit_ids = range(1, load.devices + 1)
        http_port = free_ports(1)[0]
        site = folder / "site.toml"
        site.write_text(
            sites.head(_SITE, "data", http_port, ground.broker_port, _ROOT)
            + sites.lane_tables(folder, ground.stub_ports, period_ms=_STUB_PERIOD_MS)
            + sites.counting_tables(folder, ground.ports, unit_ids, load.registers, load.period_ms),
            encoding="utf-8",
        )
        words = ["-m", "sim_devices.devices.platform_mqtt", "--port", str(ground.broker_port), "--root", _ROOT]
        words += ["--node", _NODE, "--db", str(folder / "platform.sqlite")]
        self._platform = await Child.start("platform", [sys.executable, *words], folder)
        self._hub = await Child.start("hub", [sys.executable, "-m", "hil.cli", "hub", str(site)], folder)
        return self._hub

    async def stop(self) -> None:
        """The hub first."""
        for connection in self._asked:
            connection.close()
        for part in (self._hub, self._platform):
            if part is not None:
                await part.stop()

    def decode(self, topic: str, payload: bytes) -> Iterable[Decoded]:
        """Births tell the alias of the count, data its value."""
        kind, device = topic.split("/")[2], topic.rsplit("/", 1)[1]
        if not device.startswith("dev"):
            return
        if kind == "DBIRTH":
            for metric in read_metrics(payload):
                if metric.name == sites.COUNT_POINT and metric.alias is not None:
                    self._count_aliases[device] = metric.alias
        elif kind == "DDATA":
            values = {metric.alias: metric.value for metric in read_metrics(payload)}
            word = values.get(self._count_aliases[device])
            if isinstance(word, int):
                yield int(device.removeprefix("dev")), word, len(values) - _OWN_METRICS

    def write(self, talker: Talker, device: int, value: int) -> None:
        """Have the boom opened; nobody waits for the answer."""
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(self._door)
        text = json.dumps({"lane": sites.LANE, "request": "open", "reason": f"bench {value}"})
        connection.sendall(text.encode() + b"\n")
        self._asked.append(connection)
        self._values.append(value)

    def arrived(self, writes: Sequence[tuple[int, int]]) -> dict[int, int]:
        """A command block carries no value of the bench's, so the first asked is the first that comes."""
        return dict(zip(self._values, (at_ns for _, at_ns in writes), strict=False))
