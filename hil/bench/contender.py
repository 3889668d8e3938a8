"""What the hub's bench asks of everything it compares: a place to stand, and how to drive it.

Knows: the load, the ports of devices and broker. Must not know: any of those who are compared.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from hil.bench.children import Child
from hil.bench.mqtt_tools import Talker
from hil.bench.sites import stub_specs


class BlockedError(Exception):
    """This one cannot be run here; the message says why and what would help."""


@dataclass(frozen=True)
class Load:
    """`devices` of `registers` each, read every `period_ms`; the register after the last can be written."""

    devices: int = 50
    registers: int = 125
    period_ms: int = 200
    seconds: float = 30.0

    @property
    def values_per_s(self) -> float:
        return self.devices * self.registers * 1000 / self.period_ms

    @property
    def write_address(self) -> int:
        return self.registers

    def farm_spec(self) -> dict[str, Any]:
        """The devices for the farm, then the stubs; unit ids differ, so that one gateway can serve all devices."""
        size, changing = self.registers + 1, self.registers
        return {
            "gateway": True,
            "devices": [
                {"name": f"dev{n}", "kind": "counting", "size": size, "changing": changing, "unit_id": n + 1}
                for n in range(self.devices)
            ]
            + stub_specs(events_per_s=0.0),
        }


@dataclass(frozen=True, slots=True)
class Ground:
    """What a contender finds: an empty folder, the ports of devices, stubs, of all at once, of the broker."""

    folder: Path
    load: Load
    ports: tuple[int, ...]
    stub_ports: tuple[int, ...]
    gateway_port: int
    broker_port: int


Write = Callable[[Talker, int, int], None]
# device, low word of register 0, how many values the message carries for this read
Decoded = tuple[int, int, int]


class Contender(Protocol):
    """One way from Modbus devices to an MQTT broker."""

    @property
    def name(self) -> str:
        """What it is called in reports."""
        ...

    @property
    def topics(self) -> tuple[str, ...]:
        """Where its data comes, for the recorder."""
        ...

    @property
    def write(self) -> Write | None:
        """Has a value written to the writable register of a device, as its users would; None where that cannot be."""
        ...

    def arrived(self, writes: Sequence[tuple[int, int]]) -> dict[int, int]:
        """When which value arrived, of (last register written, monotonic ns) as the devices saw them."""
        ...

    def prepare(self) -> str:
        """Install what is missing; the version. Raises BlockedError."""
        ...

    async def start(self, ground: Ground) -> Child:
        """Configure and start it; raises BlockedError or BenchError."""
        ...

    async def stop(self) -> None:
        """End what `start` started."""
        ...

    def decode(self, topic: str, payload: bytes) -> Iterable[Decoded]:
        """The reads a message tells of."""
        ...


def find_program(name: str, package: str) -> str:
    """The path of a program; raises BlockedError that names the Debian package."""
    path = shutil.which(name) or shutil.which(name, path="/usr/sbin")
    if path is None:
        raise BlockedError(f"{name} is not installed; install the Debian package {package}")
    return path
