"""The wire's bound by hand, and devices on the paced line that answer their own requests alone."""

import asyncio
import os
import random
import select
import struct
from pathlib import Path

import pytest

from hil.bench.line import missed, wire_ms
from protocols.crc import crc16
from sim_devices.buses.pty_line import PtyLine
from sim_devices.devices.device_farm import make_port
from sim_devices.devices.line_farm import LINE, LineFarm

LIMIT_S = 10.0


def test_bound_of_the_longest_read_at_115200_baud() -> None:
    # 8 + 255 characters of 11 bits are 25.11 ms; two silences of 1.75 ms and a turnaround of 1 ms are 4.5 ms.
    assert wire_ms(115_200, 1, 263) == pytest.approx(25.113 + 4.5, abs=0.001)


def test_below_19200_baud_silence_is_three_and_a_half_characters() -> None:
    # 21 characters of 11 bits are 24.06 ms; 38.5 bits are 4.01 ms, twice, and the turnaround.
    assert wire_ms(9600, 1, 21) == pytest.approx(24.0625 + 2 * 4.0104 + 1.0, abs=0.001)


def test_the_targets_of_a_line_are_a_share_of_the_wire_and_a_write_within_one_transaction_and_10_ms() -> None:
    met = {"ratio": 0.9, "longest_transaction_ms": 29.61, "write_to_wire_ms": {"p99": 39.61, "lost": 0}}
    assert missed(met) == []
    assert missed(met | {"ratio": 0.899})[0].startswith("ratio 0.899")
    for write in ({"p99": 39.62, "lost": 0}, {"p99": 1.0, "lost": 1}, {"lost": 2}):
        assert missed(met | {"write_to_wire_ms": write})[0].startswith("write to wire p99")


def framed(*parts: int) -> bytes:
    body = struct.pack(">BBHH", *parts)
    return body + crc16(body, 0, len(body)).to_bytes(2, "little")


async def _take(end: int, size: int) -> bytes:
    got = b""
    while len(got) < size:
        await asyncio.sleep(0)
        if select.select([end], [], [], 0)[0]:
            got += os.read(end, size - len(got))
    return got


def test_each_device_answers_what_is_asked_of_it_and_counts_the_characters(tmp_path: Path) -> None:
    specs = [{"name": f"dev{unit}", "kind": "counting", "size": 4, "unit_id": unit} for unit in (1, 2)]

    async def body() -> None:
        line = PtyLine(115_200, random.Random(1), tmp_path, LINE)
        farm = LineFarm(line, [make_port(index, spec) for index, spec in enumerate(specs)], turnaround_us=500)
        farm.open()
        hub = os.open(line.links["hub"], os.O_RDWR | os.O_NONBLOCK | os.O_NOCTTY)
        async with asyncio.timeout(LIMIT_S):
            os.write(hub, framed(2, 4, 0, 2))
            answer = await _take(hub, 9)
            assert answer[:7] == struct.pack(">BBBHH", 2, 4, 4, 1, 2)
            os.write(hub, framed(1, 4, 3, 2))  # beyond the map
            assert (await _take(hub, 5))[:3] == bytes((1, 0x84, 2))
        assert (farm.answered, farm.characters) == (2, 8 + 9 + 8 + 5)
        os.close(hub)
        line.close()

    asyncio.run(body())
