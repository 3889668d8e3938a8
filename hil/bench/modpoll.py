"""modpoll on the bench: one process that polls every device behind one address, as it can have but one.

Knows: its CSV file and options (1.6). Must not know: other contenders.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from hil.bench.children import Child
from hil.bench.contender import Decoded, Ground
from hil.bench.peer_setup import install_python

_PACKAGES = ("modpoll==1.6.0",)
_POLL_MAX = 123


class Modpoll:
    """See contender.Contender."""

    name = "modpoll"
    topics = ("modpoll/+/data",)
    write = None  # the first write ends it: it calls the pymodbus it installs with a keyword that one does not know

    def __init__(self) -> None:
        self._child: Child | None = None

    def prepare(self) -> str:
        self._bin = install_python(self.name, _PACKAGES)
        return _PACKAGES[0]

    async def start(self, ground: Ground) -> Child:
        table = ground.folder / "devices.csv"
        table.write_text("".join(_device(ground, number) for number in range(ground.load.devices)), encoding="utf-8")
        command = [
            *(str(self._bin / "modpoll"), "-d", "-f", str(table), "--loglevel", "ERROR"),
            *("--tcp", "127.0.0.1", "--tcp-port", str(ground.gateway_port)),
            *("-r", str(ground.load.period_ms / 1000), "--interval", "0"),
            # Its default MQTT version does not work with the paho it installs.
            *("--mqtt-version", "5.0", "--mqtt-qos", "1", "--mqtt-clientid", "bench-modpoll"),
            *("--mqtt-host", "127.0.0.1", "--mqtt-port", str(ground.broker_port)),
        ]
        self._child = await Child.start(self.name, command, ground.folder, cwd=ground.folder)
        return self._child

    async def stop(self) -> None:
        if self._child is not None:
            await self._child.stop()

    def decode(self, topic: str, payload: bytes) -> Iterable[Decoded]:
        """{"r0": 1, ...} on modpoll/<device>/data."""
        values = json.loads(payload)
        if values.get("r0") is not None:
            yield int(topic.split("/")[1].removeprefix("dev")), int(values["r0"]), len(values)

    def arrived(self, writes: Sequence[tuple[int, int]]) -> dict[int, int]:
        return dict(writes)


def _device(ground: Ground, number: int) -> str:
    """Its polls take at most _POLL_MAX registers, so a device is read in as many as that takes."""
    lines = [f"device,dev{number},{number + 1}"]
    for first in range(0, ground.load.registers, _POLL_MAX):
        end = min(first + _POLL_MAX, ground.load.registers)
        lines.append(f"poll,input_register,{first},{end - first},BE_BE")
        lines += [f"ref,r{address},{address},uint16,r" for address in range(first, end)]
    return "\n".join(lines) + "\n"
