"""A device on a stand: its plant, its clock and a client on its line, in the plainest form, for sweeps of many runs.

Knows: frames, the command block, how a device is stepped. Must not know: what is made to fail, what a run is to show.
The rigs of `hil/rig` run scenarios; a sweep wants the same few deeds a thousand times, asked and answered one by one.
"""

from __future__ import annotations

import hashlib
import hmac
import struct
from collections.abc import Callable, Mapping
from types import ModuleType

from hil.rig.node import RESTART_US
from hil.rig.plants import STEP_US, Plant
from hil.rig.progress import Progress
from hil.scenarios.vocabulary import input_names, map_of, names_of, setting_tags, tag_of
from hil.targets.target import UNDRIVEN, Device, Provision, StepResult
from protocols.command import BLOCK_REGISTERS, MESSAGE_SIZE, encode_block_into, pack_message_into
from protocols.crc import crc16
from protocols.modbus import pdu
from protocols.quality import GOOD

TIMEOUT_US = 400_000
_LINE_PER_POLL = 128
_RETRY_US = 1000
_SILENCE_US = 1_750  # t3.5 above 19200 baud
_HEADER_SIZE = 29
_ANSWER = slice(21, 25)  # result and opcode of the last command, how many were taken and rejected
# Half of what a 30-bit counter of microseconds can tell apart, less a margin.
_HOP_US = 400_000_000


class SilentError(Exception):
    """The device did not answer, or answered with a broken frame or an exception; the message says which."""


class RefusedError(SilentError):
    """The device answered with exception `code`."""

    def __init__(self, code: int) -> None:
        super().__init__(f"exception {code}")
        self.code = code


class Stand:
    """`outputs` is what is driven now, `watch` is told of it after every scan; `nonces` may all have been used."""

    def __init__(self, device: Device, provision: Provision, plant: Plant | None, inputs: Mapping[str, int]) -> None:
        self.device = device
        self.plant = plant
        self.now_us = 0
        self.clock_us = 0
        self.map: ModuleType = map_of(provision.role)
        self.output_names = names_of(provision.role, "digital_outputs")
        self.outputs: tuple[int, ...] = (0,) * len(self.output_names)
        self.watch: Callable[[tuple[int, ...]], None] = lambda outputs: None
        self.nonces: list[tuple[int, int]] = []
        self.feeds = 0
        self._progress = Progress()
        self._provision = provision
        self._names = input_names(provision.role)
        self._values = [inputs.get(name, 0) for name in self._names]
        self._qualities = [GOOD] * len(self._names)
        self._due_us = 0
        self._heard_us = 0
        self._plant_us = 0
        self._field_line = bytearray()
        self._answer = bytearray()

    def set_input(self, name: str, value: int) -> None:
        self._values[self._names.index(name)] = value

    def run(self, duration_us: int) -> None:
        """Let time pass."""
        end_us = self.now_us + duration_us
        while self._next_us() <= end_us:
            self.now_us = self._next_us()
            self._move_plant()
            if self.now_us >= self._due_us:
                self._step(b"")
        self.now_us = end_us

    def skip(self, seconds: int) -> None:
        """Let time pass in which nothing is looked at: a step before and after each hop that the ticks can tell."""
        left_us = seconds * 1_000_000
        while left_us > 0:
            hop_us = min(left_us, _HOP_US)
            self.now_us += hop_us
            self._plant_us = self.now_us
            left_us -= hop_us
            self._step(b"")

    def restart(self, how: Callable[[], None]) -> None:
        """Cut supply (`device.kill`) or let the watchdog bite (`device.reset`); outputs fall off, then it starts."""
        how()
        self.outputs = (0,) * len(self.outputs)
        self._field_line.clear()
        self._answer.clear()
        self.run_plant_alone(RESTART_US)
        self._due_us = self.now_us

    def run_plant_alone(self, duration_us: int) -> None:
        """The plant moves on while no device runs."""
        self.now_us += duration_us
        self._move_plant()
        self._field_line.clear()

    def read(self, address: int, count: int, function: int = pdu.READ_INPUT_REGISTERS) -> tuple[int, ...]:
        answer = self._ask(struct.pack(">BHH", function, address, count))
        return struct.unpack(f">{count}H", answer[2:])

    def point(self, name: str) -> int:
        """The value of a point of the role's map."""
        tag = tag_of(self._provision.role, name)
        assert tag is not None
        is_setting = tag.table == "holding_register"
        function = pdu.READ_HOLDING_REGISTERS if is_setting else pdu.READ_INPUT_REGISTERS
        words = self.read(tag.address, tag.count, function)
        value = int.from_bytes(struct.pack(f">{tag.count}H", *words), "big", signed=tag.type.startswith("i"))
        return value

    def change(self, setting: str, value: int) -> int:
        """Set a setting; the command's result."""
        return self.command("SET", setting_tags(self._provision.role)[setting].address, value)

    def command(self, opcode: str, target: int = 0, argument: int = 0) -> int:
        """Send an authenticated command; its result, once the device has published it."""
        header = self.read(0, _HEADER_SIZE)
        nonce = header[19], header[20]
        self.nonces.append(nonce)
        self._ask(self._block(self.map.OPCODES[opcode], target, argument, nonce))
        self.run(30_000)
        after = self.read(0, _HEADER_SIZE)
        if after[_ANSWER] == header[_ANSWER] and after[19:21] == nonce:  # it never arrived: the nonce is still on offer
            self.nonces.pop()
        return after[21]

    def offer(self, offset: int, data: bytes) -> int:
        """Write data of an update to its window; 0, or the exception it was answered with."""
        size = len(data) + 4
        head = (pdu.WRITE_MULTIPLE_REGISTERS, self.map.UPDATE_WINDOW_ADDRESS, size // 2, size, offset)
        try:
            self._ask(struct.pack(">BHHBI", *head) + data)
        except RefusedError as error:
            return error.code
        return 0

    def _block(self, opcode: int, target: int, argument: int, nonce: tuple[int, int]) -> bytes:
        message = bytearray(MESSAGE_SIZE)
        pack_message_into(message, self.map.MAP_ID, self._provision.serial, opcode, target, argument, *nonce)
        tag = hmac.new(self._provision.key, message, hashlib.sha256).digest()
        block = bytearray(BLOCK_REGISTERS * 2)
        encode_block_into(block, 0, opcode, target, argument, nonce[0], nonce[1], tag)
        head = (pdu.WRITE_MULTIPLE_REGISTERS, self.map.COMMAND_ADDRESS, BLOCK_REGISTERS, len(block))
        return struct.pack(">BHHB", *head) + block

    def _ask(self, request: bytes) -> bytes:
        """The answer's PDU."""
        body = bytes([self._provision.unit_id]) + request
        self._answer.clear()
        self._step(body + struct.pack("<H", crc16(body, 0, len(body))))
        deadline_us = self.now_us + TIMEOUT_US
        while self.now_us < deadline_us and not self._has_answered():
            self.run(max(1, self._next_us() - self.now_us))
        return self._judge(bytes(self._answer))

    def _has_answered(self) -> bool:
        """Bytes came, and none for long enough to end a frame."""
        return bool(self._answer) and self.now_us >= self._heard_us + _SILENCE_US

    def _judge(self, answer: bytes) -> bytes:
        if not answer:
            raise SilentError(f"no answer within {TIMEOUT_US // 1000} ms")
        if crc16(answer, 0, len(answer)):
            raise SilentError(f"an answer with a wrong CRC: {answer.hex()}")
        if answer[1] & pdu.EXCEPTION_FLAG:
            raise RefusedError(answer[2])
        return answer[1:-2]

    def _next_us(self) -> int:
        return min(self._due_us, self._plant_us + STEP_US) if self.plant else self._due_us

    def _move_plant(self) -> None:
        plant = self.plant
        if plant is None:
            return
        while self._plant_us + STEP_US <= self.now_us:
            self._plant_us += STEP_US
            plant.advance(self.outputs)
        self._field_line += plant.take()
        for name, value in plant.inputs().items():
            self.set_input(name, value)

    def _step(self, received: bytes) -> StepResult:
        self._progress.note(self.now_us, "the device")
        line = bytes(self._field_line[:_LINE_PER_POLL])
        del self._field_line[:_LINE_PER_POLL]
        result = self.device.step(self.now_us + self.clock_us, self._values, self._qualities, received, line)
        self._due_us = self.now_us + max(1, result.wait_us)
        if self._field_line:
            self._due_us = min(self._due_us, self.now_us + _RETRY_US)
        self.outputs = (0,) * len(self.outputs) if result.outputs == UNDRIVEN else result.outputs
        self.feeds += result.fed
        if result.sent:
            self._answer += result.sent
            self._heard_us = self.now_us
        if result.field_sent and self.plant:
            self.plant.receive(result.field_sent)
        self.watch(self.outputs)
        return result
