"""A bench for one device on its line: requests in, answers out, on the host board or on the deployed VM."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from firmware.boards.host import build_device
from protocols import command
from protocols.modbus import pdu, rtu
from protocols.registers import barrier as regs
from protocols.registers import weighbridge
from sim_devices.devices.vm_link import VmLink
from tools.deploy import deploy

ROOT = Path(__file__).parents[2]
KEY = bytes(range(32))
SERIAL = 4711
UNIT_ID = 3
PROVISION = {"role": "barrier", "serial": str(SERIAL), "unit_id": str(UNIT_ID), "baud": "19200", "key": KEY.hex()}
AT_REST = (
    regs.IN_STOP_CHAIN_OK,
    regs.IN_LIMIT_CLOSED,
    regs.IN_CURTAIN_CLEAR,
    regs.IN_LOOPS_OK,
    regs.IN_EDGE_OK,
    regs.IN_ARM_INTACT,
    regs.IN_DRIVE_OK,
    regs.IN_MAINS_OK,
)
ANSWER_LIMIT_US = 100_000


@dataclass
class Bench:
    """Steps a device in virtual time; `step` is (now_us, inputs, received) -> (outputs, sent, wait_us)."""

    step: Callable[[int, list[int], bytes], tuple[tuple[int, ...], bytes, int]]
    restart: Callable[[], None]
    map_id: int = regs.MAP_ID
    now_us: int = 0
    inputs: list[int] = field(default_factory=lambda: [int(index in AT_REST) for index in range(regs.IN_COUNT)])
    outputs: tuple[int, ...] = ()
    trace: list[bytes] = field(default_factory=list)

    def run(self, duration_us: int, received: bytes = b"") -> bytes:
        """Let time pass; return what the device sent."""
        end_us = self.now_us + duration_us
        sent = b""
        while True:
            self.outputs, part, wait_us = self.step(self.now_us, self.inputs, received)
            received = b""
            sent += part
            if self.now_us + max(wait_us, 1) > end_us:
                self.now_us = end_us
                return sent
            self.now_us += max(wait_us, 1)

    def exchange(self, frame: bytes) -> bytes:
        """Send a frame and wait for the answer."""
        answer = self.run(ANSWER_LIMIT_US, frame)
        self.trace.append(answer)
        return answer

    def request(self, request: bytes, unit_id: int = UNIT_ID) -> bytes:
        """Send a PDU, return the answer's PDU, empty for none."""
        answer = self.exchange(adu(request, unit_id))
        if not answer:
            return b""
        assert answer == adu(answer[1:-2], UNIT_ID)
        return answer[1:-2]

    def read(self, address: int, count: int = 1, function_code: int = pdu.READ_INPUT_REGISTERS) -> list[int]:
        """Read registers."""
        answer = self.request(bytes([function_code]) + words(address, count))
        assert answer[0] == function_code, answer
        return [int.from_bytes(answer[2 + 2 * index : 4 + 2 * index], "big") for index in range(count)]

    def nonce(self) -> tuple[int, int]:
        """Read the nonce the next command must carry."""
        epoch, counter = self.read(regs.AT_NONCE_EPOCH, 2)
        return epoch, counter

    def write_block(self, block: bytes, count: int = 10) -> bytes:
        """Write `count` registers of a command block, return the answer's PDU."""
        data = block[: 2 * count]
        return self.request(bytes([16]) + words(regs.COMMAND_ADDRESS, count) + bytes([len(data)]) + data)

    def command(self, opcode: int, target: int = 0, argument: int = 0) -> int:
        """Send a command with the right tag; return its result."""
        assert self.write_block(command_block(opcode, target, argument, self.nonce(), KEY, self.map_id))[0] == 16
        return self.read(regs.AT_COMMAND_RESULT)[0]

    def events(self) -> list[tuple[int, int]]:
        """Return (code, argument) of all events in the ring, oldest first; ring not yet wrapped."""
        head = self.read(regs.AT_EVENT_HEAD, 2)[1]
        found = []
        for index in range(head):
            slot = self.read(regs.RING_ADDRESS + 8 * index, 8)
            found.append((slot[5], slot[6] << 16 | slot[7]))
        return found


def words(*values: int) -> bytes:
    return b"".join(value.to_bytes(2, "big") for value in values)


def adu(request: bytes, unit_id: int = UNIT_ID) -> bytes:
    buffer = bytearray(256)
    buffer[1 : 1 + len(request)] = request
    return bytes(buffer[: rtu.encode_adu_into(unit_id, buffer, len(request))])


def command_block(
    opcode: int, target: int, argument: int, nonce: tuple[int, int], key: bytes = KEY, map_id: int = regs.MAP_ID
) -> bytes:
    message = bytearray(command.MESSAGE_SIZE)
    command.pack_message_into(message, map_id, SERIAL, opcode, target, argument, *nonce)
    tag = hmac.new(key, message, hashlib.sha256).digest()
    block = bytearray(command.BLOCK_SIZE)
    command.encode_block_into(block, 0, opcode, target, argument, *nonce, tag)
    return bytes(block)


class HostTarget:
    """The device in this process."""

    def __init__(self, directory: Path, role: str = "barrier") -> None:
        self._directory = directory
        self._role = role
        self.start()

    def start(self) -> None:
        self.board, self.device = build_device(self._role, PROVISION, self._directory)

    def step(self, now_us: int, inputs: list[int], received: bytes) -> tuple[tuple[int, ...], bytes, int]:
        self.board.inputs[:] = inputs
        self.board.quality[:] = [0] * len(inputs)
        self.board.rx.extend(received)
        wait_us = self.device.poll(now_us // 1000 & 0x3FFFFFFF, now_us & 0x3FFFFFFF)
        sent = bytes(self.board.tx)
        self.board.tx.clear()
        return tuple(self.board.outputs), sent, wait_us


def vm_step(link: VmLink) -> Callable[[int, list[int], bytes], tuple[tuple[int, ...], bytes, int]]:
    """The bench's step on a VM."""

    def step(now_us: int, inputs: list[int], received: bytes) -> tuple[tuple[int, ...], bytes, int]:
        reply = link.step(now_us, inputs, [0] * len(inputs), received)
        return reply.outputs, reply.sent, reply.header.wait_us

    return step


@pytest.fixture(scope="session")
def deploy_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return deploy(ROOT, "barrier", "unix", tmp_path_factory.mktemp("deploy")).folder


@pytest.fixture(scope="session")
def weighbridge_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return deploy(ROOT, "weighbridge", "unix", tmp_path_factory.mktemp("deploy")).folder


@pytest.fixture
def host(tmp_path: Path) -> Any:
    """(bench, target) of a device in this process."""
    target = HostTarget(tmp_path)
    return Bench(lambda *step: target.step(*step), target.start), target


@pytest.fixture
def vm(tmp_path: Path, deploy_dir: Path) -> Iterator[Any]:
    """(bench, link) of a device in a VM process."""
    link = VmLink(deploy_dir, tmp_path / "vm", PROVISION)
    yield Bench(vm_step(link), link.kill), link
    link.close()


@pytest.fixture
def scales(tmp_path: Path, weighbridge_dir: Path) -> Iterator[list[Bench]]:
    """Benches of a weighbridge on the host board and on the VM."""
    target = HostTarget(tmp_path, "weighbridge")
    link = VmLink(weighbridge_dir, tmp_path / "vm", {**PROVISION, "role": "weighbridge"})
    steps = ((lambda *step: target.step(*step), target.start), (vm_step(link), link.kill))
    yield [Bench(step, restart, map_id=weighbridge.MAP_ID) for step, restart in steps]
    link.close()


@pytest.fixture(params=["host", "vm"])
def bench(request: pytest.FixtureRequest) -> Bench:
    """The same bench on both targets."""
    found: Bench = request.getfixturevalue(request.param)[0]
    return found


@pytest.fixture
def blocks() -> Callable[..., bytes]:
    """Makes command blocks, to forge them."""
    return command_block


@pytest.fixture
def frames() -> Callable[..., bytes]:
    """Puts address and CRC around a PDU."""
    return adu
