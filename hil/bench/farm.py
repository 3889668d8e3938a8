"""The device farm as a process of the bench: started with a spec, told things, asked for the truth.

Knows: the farm's words. Must not know: who reads its devices.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hil.bench.children import Child
from sim_devices.devices.device_farm import read_truth


class FarmProcess:
    """A running farm; `ports` in the order of the spec, a gateway's last."""

    def __init__(self, child: Child, ports: list[int], truth: Path) -> None:
        self.child = child
        self.ports = ports
        self._truth = truth

    @classmethod
    async def start(cls, spec: Mapping[str, Any], folder: Path) -> FarmProcess:
        """Start a farm with `spec`; its files go to `folder`."""
        path, truth = folder / "farm.json", folder / "farm.bin"
        path.write_text(json.dumps(spec), encoding="utf-8")
        words = ["-m", "sim_devices.devices.device_farm", "--spec", str(path), "--truth", str(truth)]
        child = await Child.start("farm", [sys.executable, *words], folder, speaks=True)
        return cls(child, json.loads(await child.word())["ports"], truth)

    async def tell(self, **words: Any) -> None:
        """Change what the devices do."""
        await self.child.tell(words)

    async def truth(self) -> list[tuple[int, int, int, int, int]]:
        """Everything that was answered until now, see device_farm.RECORD."""
        await self.child.tell({"sync": 0})
        await self.child.word()
        return list(read_truth(self._truth))

    async def stop(self) -> None:
        await self.child.stop()
