"""A node in real time, with a real MicroPython VM that runs a tiny program speaking the field link."""

import asyncio
import time
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

from protocols.registers import barrier
from sim_devices.devices.vm_node import WATCHDOG_US, NodeSpec, VmNode

_DEADLINE_S = 20.0

# Echoes the first input to the only output; 5 says why the VM was started,
# 6 refuses to run, 7 ends the process, 9 raises, 8 stops feeding the watchdog and answering.
_PROGRAM = """
import os, struct, sys
i, o = sys.stdin.buffer, sys.stdout.buffer
header = bytearray(16)
body = bytearray(255 * 5)
while i.readinto(header, 16) == 16:
    n = header[1]
    i.readinto(body, n * 5)
    value = struct.unpack_from("<iB", body, 0)[0]
    if value == 7:
        break
    if value == 5:
        value = int(os.getenv("GATE_RESET_CAUSE"))
    if value == 6:
        sys.stderr.write("the tty cannot be opened\\n")
        sys.exit(2)
    if value == 9:
        raise ValueError("nine")
    if value == 8:
        continue
    o.write(struct.pack("<BBHIIHH", 0x5A, 1, 0, 1000, 1, 1, 0) + bytes([value]))
"""


class _Field:
    """One input, one output, and an event for every change of the output."""

    def __init__(self) -> None:
        self.value = 0
        self.seen: list[str] = []
        self._changed = asyncio.Event()

    def inputs_of(self, role: str) -> tuple[list[int], list[int]]:
        return [self.value], [0]

    def apply_outputs(self, role: str, outputs: Sequence[int]) -> None:
        self.note(f"{role}={outputs[0]}")

    def drop_outputs(self, role: str) -> None:
        self.note(f"{role} dropped")

    def note(self, what: str) -> None:
        self.seen.append(what)
        self._changed.set()

    async def until(self, what: str) -> None:
        """Wait until `what` is the newest thing seen."""
        async with asyncio.timeout(_DEADLINE_S):
            while not self.seen or self.seen[-1] != what:
                self._changed.clear()
                await self._changed.wait()


def _with_node(tmp_path: Path, body: Callable[[VmNode, _Field], Coroutine[Any, Any, None]]) -> None:
    deploy = tmp_path / "deploy"
    deploy.mkdir()
    (deploy / "main.py").write_text(_PROGRAM)
    spec = NodeSpec("n1", "barrier", 1, 1, 19200, bytes(32), tmp_path / "tty")

    async def run() -> None:
        field = _Field()
        node = VmNode(spec, field, deploy, tmp_path / "state", lambda: field.note("starts"))

        async def pump() -> None:
            while True:
                node.pump()
                await asyncio.sleep(0.01)

        tasks = [asyncio.create_task(node.run()), asyncio.create_task(pump())]
        try:
            await body(node, field)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        assert node.pid == 0

    asyncio.run(run())


def test_inputs_reach_the_vm_and_its_outputs_the_field(tmp_path: Path) -> None:
    async def body(node: VmNode, field: _Field) -> None:
        await field.until("barrier=0")
        field.value = 1
        await field.until("barrier=1")
        assert node.counters.starts == 1

    _with_node(tmp_path, body)


def test_killed_vm_drops_the_outputs_and_is_started_again(tmp_path: Path) -> None:
    async def body(node: VmNode, field: _Field) -> None:
        await field.until("barrier=0")
        node.kill()
        await field.until("barrier dropped")
        await field.until("barrier=0")
        assert (node.counters.starts, node.counters.kills) == (2, 1)
        assert field.seen.count("starts") == 2

    _with_node(tmp_path, body)


def test_vm_that_ends_by_itself_is_started_again(tmp_path: Path) -> None:
    async def body(node: VmNode, field: _Field) -> None:
        await field.until("barrier=0")
        field.value = 7
        await field.until("barrier dropped")
        field.value = 1
        await field.until("barrier=1")
        assert node.counters.starts >= 2

    _with_node(tmp_path, body)


def test_silent_vm_loses_its_outputs_and_then_its_life(tmp_path: Path) -> None:
    async def body(node: VmNode, field: _Field) -> None:
        await field.until("barrier=0")
        field.value = 8
        await field.until("barrier dropped")
        assert (node.card.expired_count, node.counters.watchdog_resets) == (1, 0)
        await field.until("starts")
        assert node.counters.watchdog_resets == 1

    _with_node(tmp_path, body)


def test_a_rig_that_stands_still_does_not_take_it_for_a_silent_vm(tmp_path: Path) -> None:
    async def body(node: VmNode, field: _Field) -> None:
        await field.until("barrier=0")
        time.sleep((WATCHDOG_US + 200_000) / 1e6)  # noqa: ASYNC251 - the rig itself is to stand still
        frames = node.counters.frames
        async with asyncio.timeout(_DEADLINE_S):
            while node.counters.frames < frames + 5:  # noqa: ASYNC110 - nothing tells of a frame that changes nothing
                await asyncio.sleep(0.01)
        assert (node.counters.starts, node.counters.watchdog_resets) == (1, 0)

    _with_node(tmp_path, body)


def test_vm_is_told_whether_power_or_the_watchdog_started_it(tmp_path: Path) -> None:
    async def body(node: VmNode, field: _Field) -> None:
        field.value = 5
        await field.until(f"barrier={barrier.RESET_CAUSE_POWER_ON}")
        field.value = 8
        await field.until("starts")
        field.value = 5
        await field.until(f"barrier={barrier.RESET_CAUSE_WATCHDOG}")
        node.kill()
        await field.until(f"barrier={barrier.RESET_CAUSE_POWER_ON}")

    _with_node(tmp_path, body)


def test_program_error_of_the_vm_is_kept_and_the_vm_started_again(tmp_path: Path) -> None:
    async def body(node: VmNode, field: _Field) -> None:
        await field.until("barrier=0")
        field.value = 9
        await field.until("barrier dropped")
        field.value = 1
        await field.until("barrier=1")
        assert node.last_message == "ValueError: nine"
        assert node.counters.link_errors >= 1

    _with_node(tmp_path, body)


def test_reason_of_a_vm_that_refuses_to_run_is_kept(tmp_path: Path) -> None:
    async def body(node: VmNode, field: _Field) -> None:
        await field.until("barrier=0")
        field.value = 6
        await field.until("starts")
        assert node.last_message == "the tty cannot be opened"

    _with_node(tmp_path, body)


def test_provision_file_says_who_the_node_is(tmp_path: Path) -> None:
    spec = NodeSpec("n1", "barrier", 1001, 3, 19200, bytes(range(32)), Path("/run/tty"), tcp_port=1502)
    assert spec.provision_text().splitlines() == [
        "role=barrier",
        "serial=1001",
        "unit_id=3",
        "baud=19200",
        f"key={bytes(range(32)).hex()}",
        "mode=real",
        "tty=/run/tty",
        "tcp_port=1502",
    ]
