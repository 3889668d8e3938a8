"""Real bytes over real ptys: every read waits for readability with a deadline, nothing sleeps to synchronise."""

import asyncio
import os
import random
import tty
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from sim_devices.buses.pty_line import HUB, PtyLine

_DEADLINE_S = 5.0


def _open(line: PtyLine, name: str) -> int:
    handle = os.open(line.links[name], os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    tty.setraw(handle)
    return handle


async def _read(handle: int, size: int) -> bytes:
    """Exactly `size` bytes, or an error at the deadline."""
    loop = asyncio.get_running_loop()
    data = b""
    async with asyncio.timeout(_DEADLINE_S):
        while len(data) < size:
            readable = asyncio.Event()
            loop.add_reader(handle, readable.set)
            await readable.wait()
            loop.remove_reader(handle)
            data += os.read(handle, size - len(data))
    return data


def _with_line(tmp_path: Path, baud: int, body: Callable[[PtyLine], Coroutine[Any, Any, None]]) -> None:
    async def run() -> None:
        line = PtyLine(baud, random.Random(1), tmp_path, "line1")
        line.open(["a", "b"])
        try:
            await body(line)
        finally:
            line.close()

    asyncio.run(run())


def test_every_byte_value_reaches_all_devices_unchanged(tmp_path: Path) -> None:
    async def body(line: PtyLine) -> None:
        hub, a, b = (_open(line, name) for name in (HUB, "a", "b"))
        os.write(hub, bytes(range(256)))
        assert await _read(a, 256) == bytes(range(256))
        assert await _read(b, 256) == bytes(range(256))

    _with_line(tmp_path, 115200, body)


def test_a_device_added_to_an_open_line_hears_and_is_heard(tmp_path: Path) -> None:
    async def body(line: PtyLine) -> None:
        assert line.add("late") == tmp_path / "line1.late"
        hub, late = _open(line, HUB), _open(line, "late")
        os.write(hub, b"ask")
        assert await _read(late, 3) == b"ask"
        os.write(late, b"tell")
        assert await _read(hub, 4) == b"tell"

    _with_line(tmp_path, 115200, body)


def test_a_frame_takes_its_wire_time(tmp_path: Path) -> None:
    async def body(line: PtyLine) -> None:
        hub, a = _open(line, HUB), _open(line, "a")
        loop = asyncio.get_running_loop()
        began = loop.time()
        os.write(hub, bytes(100))
        await _read(a, 100)
        assert loop.time() - began >= 100 * 11 / 19200 - 1e-3

    _with_line(tmp_path, 19200, body)


def test_answer_comes_back_to_the_hub(tmp_path: Path) -> None:
    async def body(line: PtyLine) -> None:
        hub, a = _open(line, HUB), _open(line, "a")
        os.write(hub, b"ask")
        assert await _read(a, 3) == b"ask"
        os.write(a, b"tell")
        assert await _read(hub, 4) == b"tell"

    _with_line(tmp_path, 115200, body)


def test_a_device_of_the_same_process_hears_whole_bursts_and_is_heard(tmp_path: Path) -> None:
    async def body(line: PtyLine) -> None:
        heard: list[bytes] = []

        def answer(burst: bytes) -> None:
            heard.append(burst)
            line.send("here", b"tell")

        line.add_local("here", answer)
        hub, a = _open(line, HUB), _open(line, "a")
        os.write(hub, b"ask")
        assert await _read(a, 3) == b"ask"
        assert await _read(hub, 4) == b"tell"
        assert await _read(a, 4) == b"tell"
        assert heard == [b"ask"], "nobody hears himself"

    _with_line(tmp_path, 115200, body)


def test_line_survives_a_peer_that_closes_and_comes_back(tmp_path: Path) -> None:
    async def body(line: PtyLine) -> None:
        hub, a = _open(line, HUB), _open(line, "a")
        os.close(a)
        os.write(hub, b"lost")
        os.close(hub)
        hub, b = _open(line, HUB), _open(line, "b")
        assert await _read(b, 4) == b"lost"
        line.flush("a")
        a = _open(line, "a")
        os.write(hub, b"new")
        assert await _read(a, 3) == b"new"

    _with_line(tmp_path, 115200, body)


def test_two_devices_answering_at_once_collide(tmp_path: Path) -> None:
    async def body(line: PtyLine) -> None:
        hub, a, b = (_open(line, name) for name in (HUB, "a", "b"))
        os.write(a, b"\x0f" * 40)
        os.write(b, b"\xf0" * 40)
        heard = await _read(hub, 40)
        assert 0 in heard
        assert line.line.counters.collisions > 0

    _with_line(tmp_path, 1200, body)


def test_device_cut_off_hears_nothing_until_restored(tmp_path: Path) -> None:
    async def body(line: PtyLine) -> None:
        hub, a, b = (_open(line, name) for name in (HUB, "a", "b"))
        line.line.cut(line.station("a"))
        os.write(hub, b"lost")
        assert await _read(b, 4) == b"lost"
        line.line.restore(line.station("a"))
        os.write(hub, b"kept")
        assert await _read(a, 4) == b"kept"

    _with_line(tmp_path, 115200, body)


def test_noise_and_a_stuck_device_are_heard_by_the_hub(tmp_path: Path) -> None:
    async def body(line: PtyLine) -> None:
        hub = _open(line, HUB)
        line.inject_noise(10)
        assert len(await _read(hub, 10)) == 10
        line.stick("a")
        assert await _read(hub, 100) == bytes(100)
        line.stick(None)

    _with_line(tmp_path, 115200, body)


def test_closing_removes_the_links(tmp_path: Path) -> None:
    async def body(line: PtyLine) -> None:
        assert sorted(os.listdir(tmp_path)) == ["line1", "line1.a", "line1.b"]

    _with_line(tmp_path, 115200, body)
    assert list(tmp_path.iterdir()) == []


def test_late_reader_still_gets_burst_after_burst(tmp_path: Path) -> None:
    async def body(line: PtyLine) -> None:
        hub, a, b = (_open(line, name) for name in (HUB, "a", "b"))
        os.write(hub, b"first")
        assert await _read(b, 5) == b"first"
        os.write(hub, b"second")
        assert await _read(b, 6) == b"second"
        assert os.read(a, 100) == b"first"
        assert await _read(a, 6) == b"second"

    _with_line(tmp_path, 115200, body)


def test_bursts_nobody_fetches_are_dropped_and_counted(tmp_path: Path) -> None:
    async def body(line: PtyLine) -> None:
        hub, b = _open(line, HUB), _open(line, "b")
        for number in range(12):
            os.write(hub, bytes([number]) * 10)
            assert await _read(b, 10) == bytes([number]) * 10
        assert line.dropped in (10, 20, 30)  # one to three bursts fit into the pty itself

    _with_line(tmp_path, 115200, body)
