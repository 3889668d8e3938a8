"""Devices on one RS-485 line in real time, in a process of their own, and how many requests they answered.

    python -m sim_devices.devices.line_farm --spec line.json --folder DIR --baud 115200 --turnaround-us 1000

Knows: the paced line, RTU frames, Modbus requests. Must not know: who asks. The spec is the one of device_farm.py. The
hub's end is DIR/line; "ready" is printed once it is there. Each line of standard input is answered with one line of
JSON: {"answered", "characters" of those requests and their answers, "writes": [monotonic ns], "now_ns"}.

The loop's timers wait in select, which knows microseconds: epoll's milliseconds would be counted against the hub.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import selectors
import signal
import sys
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from protocols.crc import crc16
from sim_devices.buses.pty_line import PtyLine, silence_us
from sim_devices.devices.device_farm import Port, make_port
from sim_devices.devices.farm_devices import FarmDevice

LINE = "line"
_READ_CODES, _WRITE_MANY = (3, 4), 16
_ILLEGAL_ADDRESS = 2
_SHORTEST = 8  # unit id, function code, two words, CRC


class LineFarm:
    """The devices behind one line."""

    def __init__(self, line: PtyLine, ports: Sequence[Port], turnaround_us: int) -> None:
        self._line = line
        self._ports = list(ports)
        self._pause_s = (silence_us(line.line.baud) + turnaround_us) / 1e6
        self.answered = 0
        self.characters = 0
        self.writes: list[int] = []

    def open(self) -> None:
        """Put every device on the line."""
        self._line.open([])
        for port in self._ports:
            self._line.add_local(port.name, partial(self._on_burst, port))

    def report(self) -> dict[str, object]:
        """What happened until now."""
        return {
            "answered": self.answered,
            "characters": self.characters,
            "writes": self.writes,
            "now_ns": time.monotonic_ns(),
        }

    def _on_burst(self, port: Port, frame: bytes) -> None:
        """One frame, mostly somebody else's; a device knows its end by the silence behind it, then takes its time."""
        if len(frame) < _SHORTEST or frame[0] != port.unit_id or crc16(frame, 0, len(frame)):
            return
        answer = self._answer(frame, port.device)
        if answer:
            body = frame[:1] + answer
            whole = body + crc16(body, 0, len(body)).to_bytes(2, "little")
            self.answered += 1
            self.characters += len(frame) + len(whole)
            asyncio.get_running_loop().call_later(self._pause_s, self._line.send, port.name, whole)

    def _answer(self, frame: bytes, device: FarmDevice) -> bytes:
        code, address, count = frame[1], int.from_bytes(frame[2:4]), int.from_bytes(frame[4:6])
        if code in _READ_CODES and len(frame) == _SHORTEST:
            registers = device.read(address, count)
            return bytes((code, len(registers))) + registers if registers else bytes((code | 0x80, _ILLEGAL_ADDRESS))
        if code == _WRITE_MANY and len(frame) == 9 + 2 * count:
            self.writes.append(time.monotonic_ns())
            values = [int.from_bytes(frame[at : at + 2]) for at in range(7, 7 + 2 * count, 2)]
            return frame[1:6] if device.write(address, values) else bytes((code | 0x80, _ILLEGAL_ADDRESS))
        return b""


async def _serve(options: argparse.Namespace) -> None:
    loop = asyncio.get_running_loop()
    lines = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, lines.feed_eof)
    line = PtyLine(options.baud, random.Random(1), options.folder, LINE)
    spec = json.loads(options.spec.read_text(encoding="utf-8"))
    ports = [make_port(index, item) for index, item in enumerate(spec["devices"])]
    farm = LineFarm(line, ports, options.turnaround_us)
    farm.open()
    print("ready", flush=True)
    while await lines.readline():
        print(json.dumps(farm.report()), flush=True)
    line.close()


def main(argv: Sequence[str] | None = None) -> int:
    """Serve the line until the standard input ends or a signal comes."""
    parser = argparse.ArgumentParser(prog="line_farm", description="devices on one RS-485 line, for the benches")
    parser.add_argument("--spec", type=Path, required=True, help="JSON file of the devices")
    parser.add_argument("--folder", type=Path, required=True, help="where the ends of the line are made")
    parser.add_argument("--baud", type=int, default=115_200, help="bits per second")
    parser.add_argument("--turnaround-us", type=int, default=1000, help="what a device takes to answer")
    options = parser.parse_args(argv)
    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(selectors.SelectSelector())) as runner:
        runner.run(_serve(options))
    return 0


if __name__ == "__main__":
    sys.exit(main())
