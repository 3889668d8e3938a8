"""The line on the simulated RS-485 bus, where two talkers at once destroy each other's frames."""

import asyncio
import os
import random
import tty
from collections.abc import Callable
from pathlib import Path
from typing import Any

from edge.config import LineConfig
from protocols.modbus.rtu import encode_adu_into
from sim_devices.buses.pty_line import PtyLine

_BAUD = 115200


def _serve(port: Path, unit_id: int, serve: Callable[[bytes], bytes]) -> int:
    """Answer requests to `unit_id` at `port`; the bus hands over whole frames. Returns the open file."""
    file = os.open(port, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    tty.setraw(file)

    def on_readable() -> None:
        frame = os.read(file, 300)
        if frame[0] == unit_id and frame[1] in (4, 16) and len(frame) in (8, 29):
            pdu = serve(frame[1:-2])
            buffer = bytearray(1) + pdu + bytearray(2)
            os.write(file, bytes(buffer[: encode_adu_into(unit_id, buffer, len(pdu))]))

    asyncio.get_running_loop().add_reader(file, on_readable)
    return file


async def test_two_devices_with_one_address_are_named_as_such(make_field: Any, run_line: Any, tmp_path: Path) -> None:
    first, second = make_field(u1=("barrier", 77)).devices[1], make_field(u1=("barrier", 78)).devices[1]
    neighbour = make_field(u2=("weighbridge", 5)).devices[2]
    bus = PtyLine(_BAUD, random.Random(1), tmp_path, "line")
    bus.open(["first", "second", "neighbour"])
    stations = (("first", 1, first), ("second", 1, second), ("neighbour", 2, neighbour))
    files = [_serve(bus.links[name], unit_id, device.serve) for name, unit_id, device in stations]
    config = LineConfig("line-1", "rtu", str(tmp_path / "line"), _BAUD, "N", "", 0, 200)
    async with run_line(config, [(1, "barrier", 77), (2, "weighbridge", 5)]) as running:
        await running.until(lambda: "two devices may share this address" in running.image(1).reason)
        await running.until(lambda: running.image(2).online)
        assert running.kinds() == ["device_lost"]
    for file in files:
        asyncio.get_running_loop().remove_reader(file)
        os.close(file)
    bus.close()
