"""The bench's devices: what they answer, and that the truth they keep is what was answered."""

import asyncio
import json
import struct
import sys
from pathlib import Path
from typing import Any

import pytest

from protocols.events import read_slot
from protocols.registers import barrier
from sim_devices.devices.device_farm import EVENT, READ, WRITE, Farm, read_truth
from sim_devices.devices.farm_devices import CountingDevice, RoleStub

ROOT = Path(__file__).parents[3]
LIMIT_S = 10.0


def words(data: bytes | None) -> tuple[int, ...]:
    assert data is not None
    return struct.unpack(f">{len(data) // 2}H", data)


def test_every_changing_register_differs_at_every_read_of_register_0() -> None:
    device = CountingDevice(size=6, changing=4)
    assert words(device.read(0, 6)) == (1, 2, 3, 4, 4, 5)
    assert words(device.read(0, 3)) == (2, 3, 4)
    assert words(device.read(1, 5)) == (3, 4, 5, 4, 5)
    assert words(device.read(5, 1)) == (5,)
    assert device.read(0, 7) is None
    assert device.counter == 2


def test_a_quiet_device_stands_still_and_a_long_count_wraps_in_its_register() -> None:
    device = CountingDevice(size=2, changing=2)
    device.counter = 65536
    assert words(device.read(0, 2)) == (1, 2)
    device.is_quiet = True
    assert words(device.read(0, 2)) == (1, 2)


def test_only_registers_that_stand_still_can_be_written() -> None:
    device = CountingDevice(size=4, changing=2)
    assert device.write(2, [7, 8])
    assert words(device.read(0, 4)) == (1, 2, 7, 8)
    assert not device.write(1, [7])
    assert not device.write(3, [7, 8])


def test_a_stub_has_its_map_fills_its_ring_and_takes_a_command() -> None:
    stub = RoleStub("barrier", serial=70_000, values={64: 2})
    for number in range(1, barrier.RING_CAPACITY + 2):
        assert stub.add_event(1234) == number
    ring = stub.read(barrier.RING_ADDRESS, 8)
    assert ring is not None
    assert read_slot(ring, 0) == (33, 1, 234, barrier.EV_COMMAND_DONE, 33)
    assert words(stub.read(0, 4)) == (barrier.MAP_ID, barrier.MAP_VERSION, 1, 4464)
    assert words(stub.read(barrier.AT_EVENT_HEAD, 2)) == (0, 33)
    assert words(stub.read(64, 2)) == (2, 0)
    assert stub.write(barrier.COMMAND_ADDRESS, [5, *range(9)])
    assert words(stub.read(barrier.AT_NONCE_COUNTER, 3)) == (2, barrier.COMMAND_RESULT_ACCEPTED, 5)
    assert words(stub.read(barrier.AT_COMMAND_NONCE_DONE, 1)) == (1,)
    assert not stub.write(barrier.COMMAND_ADDRESS, [5])


async def exchange(port: int, *frames: bytes) -> list[bytes]:
    """Send each frame and read its answer, on one connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answers = []
    for frame in frames:
        writer.write(frame)
        head = await reader.readexactly(6)
        answers.append(await reader.readexactly(int.from_bytes(head[4:])))
    writer.close()
    return answers


def read_frame(address: int, count: int, *, unit_id: int = 1) -> bytes:
    return struct.pack(">HHHBBHH", 9, 0, 6, unit_id, 4, address, count)


def farm_spec(*devices: dict[str, Any]) -> dict[str, Any]:
    return {"devices": list(devices)}


def test_the_truth_has_every_read_write_and_event_that_was_answered(tmp_path: Path) -> None:
    counting = {"name": "c", "kind": "counting", "size": 4, "changing": 2}
    role = {"name": "r", "kind": "barrier", "serial": 7, "events_per_s": 1000}
    write = struct.pack(">HHHBBHHBH", 9, 0, 9, 1, 16, 3, 1, 2, 77)

    async def body() -> None:
        with (tmp_path / "truth").open("wb") as file:
            farm = Farm(farm_spec(counting, role), file)
            ports = await farm.open()
            answers = await exchange(ports[0], read_frame(0, 4), write, read_frame(0, 9), read_frame(3, 1))
            assert answers[0] == bytes((1, 4, 8)) + struct.pack(">4H", 1, 2, 2, 3)
            assert answers[1:3] == [bytes((1, 16)) + struct.pack(">HH", 3, 1), bytes((1, 0x84, 2))]
            assert answers[3] == bytes((1, 4, 2)) + struct.pack(">H", 77)
            events = asyncio.create_task(farm.make_events(farm.ports[1], 1000.0))
            farm.tell({"begin": True})
            while farm.ports[1].device.counter < 3:  # noqa: ASYNC110 - nothing tells of it, so it is asked
                await asyncio.sleep(0.001)
            farm.tell({"quiet": True})
            await events
            assert farm.tell({"sync": 5}) == {"sync": 5}

    asyncio.run(body())
    rows = list(read_truth(tmp_path / "truth"))
    assert [row[:2] + row[3:4] for row in rows[:2]] == [(READ, 0, 1), (WRITE, 0, 77)]
    assert [row[3] for row in rows if row[0] == EVENT][:3] == [1, 2, 3]
    assert [row[4] for row in rows] == sorted(row[4] for row in rows)


def test_a_silent_device_answers_nobody_and_the_others_go_on(tmp_path: Path) -> None:
    async def body() -> None:
        with (tmp_path / "truth").open("wb") as file:
            farm = Farm(farm_spec({"name": "a", "kind": "counting"}, {"name": "b", "kind": "counting"}), file)
            ports = await farm.open()
            farm.tell({"silent": ["a"]})
            reader, writer = await asyncio.open_connection("127.0.0.1", ports[0])
            writer.write(read_frame(0, 1))
            await exchange(ports[1], read_frame(0, 1))
            farm.tell({"silent": []})
            writer.write(read_frame(0, 1))
            answer = await reader.readexactly(11)
            assert struct.unpack(">H", answer[9:]) == (1,)  # the first was never read
            writer.close()

    asyncio.run(body())


def test_a_gateway_port_serves_every_device_by_its_unit_id(tmp_path: Path) -> None:
    devices = [{"name": name, "kind": "counting", "unit_id": number} for number, name in ((1, "a"), (2, "b"))]

    async def body() -> None:
        with (tmp_path / "truth").open("wb") as file:
            farm = Farm(farm_spec(*devices) | {"gateway": True}, file)
            ports = await farm.open()
            await exchange(ports[2], read_frame(0, 1), read_frame(0, 1, unit_id=2), read_frame(0, 1, unit_id=2))
            assert [port.device.counter for port in farm.ports] == [1, 2]

    asyncio.run(body())


@pytest.mark.parametrize("ends_by", ["eof", "signal"])
def test_the_process_prints_its_ports_takes_words_and_leaves_its_truth(tmp_path: Path, ends_by: str) -> None:
    spec = tmp_path / "spec.json"
    spec.write_text(json.dumps(farm_spec({"name": "a", "kind": "counting", "unit_id": 3})))
    command = [sys.executable, "-m", "sim_devices.devices.device_farm", "--spec", spec, "--truth", tmp_path / "truth"]

    async def body() -> None:
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, cwd=ROOT)
        assert process.stdin
        assert process.stdout
        port = json.loads(await process.stdout.readline())["ports"][0]
        await exchange(port, read_frame(0, 125, unit_id=3), read_frame(0, 2, unit_id=3))
        process.stdin.write(b'{"sync": 1}\n')
        assert json.loads(await process.stdout.readline()) == {"sync": 1}
        assert [row[3] for row in read_truth(tmp_path / "truth")] == [1, 2]
        process.terminate() if ends_by == "signal" else process.stdin.close()
        assert await process.wait() == 0

    asyncio.run(asyncio.wait_for(body(), LIMIT_S))
