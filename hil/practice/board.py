"""A practice board's two lives: waiting on USB to be flashed and provisioned, then running what was put on it.

Knows: the file layout of a board's flash, and the parts of the simulated gate. Must not know: how a board is flashed.
The program runs at the simulated barrier or scale of one lane, at a reader or in a charging bay (`field.py`), on an
RS-485 line with real pacing.
"""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

from edge.boards.provision_file import FILE_NAME, read_text
from hil.practice.field import PLANT_ROLES, PlantField
from sim_devices.buses.pty_line import PtyLine
from sim_devices.devices.field import LaneField
from sim_devices.devices.vm_node import NodeSpec, VmNode

FLASH, USB, BUS = "flash", "usb", "bus"
_TICK_S = 0.01
_LEAP_US_MAX = 100_000


def is_ready(flash: Path) -> bool:
    """Whether a board with this flash starts its program."""
    has_all = all((flash / name).is_file() for name in ("main.mpy", FILE_NAME))
    return has_all and not (flash / "maintenance").exists()


def spec_of(folder: Path) -> NodeSpec:
    """The node that the flash's provision file describes, and where its line is. Raises ValueError or KeyError."""
    data = (folder / FLASH / FILE_NAME).read_bytes()
    told = read_text(data)
    name = told["role"]
    tty = folder / f"{BUS}.{name}"
    own = f"mode=real\ntty={tty}\n"  # what a board without hardware has to know besides
    rest = "".join(f"{key}={value}\n" for key, value in told.items() if key not in ("mode", "tty"))
    numbers = int(told["serial"]), int(told["unit_id"]), int(told["baud"])
    return NodeSpec(name, name, *numbers, bytes.fromhex(told["key"]), tty, provision=rest + own)


async def live(folder: Path, spec: NodeSpec) -> None:
    """Run what the flash holds until cancelled; the hub's end of the line is `folder/bus`."""
    line = PtyLine(spec.baud, random.Random(0), folder, BUS)
    line.open([spec.name])
    field: LaneField | PlantField = LaneField(random.Random(0))
    instrument = None
    if spec.role in PLANT_ROLES:
        told = read_text(spec.provision.encode())
        field = instrument = PlantField(spec.role, told.get("line_protocol", ""))
    node = VmNode(spec, field, folder / FLASH, folder / FLASH, lambda: line.flush(spec.name), instrument)
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(node.run())
            group.create_task(_tick(field, node))
    finally:
        line.close()


async def _tick(field: LaneField | PlantField, node: VmNode) -> None:
    loop = asyncio.get_running_loop()
    now_us, last_s = 0, loop.time()
    while True:
        now_s = loop.time()
        now_us += min(round((now_s - last_s) * 1e6), _LEAP_US_MAX)
        last_s = now_s
        field.advance_to(now_us)
        node.pump()
        await asyncio.sleep(_TICK_S)
