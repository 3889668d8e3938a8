"""A Modbus client beside an emulated chip: asks again as soon as the line is free, and can send one command.

Knows frames and the command block. Must not know what an answer means.
"""

from __future__ import annotations

import hashlib
import hmac
import struct
from collections.abc import Callable, Sequence

from hil.chip.carrier import Carrier
from hil.targets.target import TargetError
from protocols.command import BLOCK_REGISTERS, MESSAGE_SIZE, encode_block_into, pack_message_into
from protocols.crc import crc16
from protocols.modbus import pdu, rtu

TIMEOUT_US = 200_000
_EXCEPTION_SIZE = 5
_WRITE_ANSWER_SIZE = 8


class ChipClient:
    """`ask` waits for one answer; `repeat` keeps the line busy by itself until `pause`."""

    def __init__(self, carrier: Carrier) -> None:
        self._carrier = carrier
        self._next: list[bytes] = []
        self._at = 0
        self._on_answer: Callable[[bytes, bytes], None] | None = None
        self._gap_us = rtu.t35_us(carrier.provision.baud)
        self._begin_alarm = carrier.chip.create_alarm(self._begin)
        self._timeout_alarm = carrier.chip.create_alarm(self._on_timeout)
        self._is_waiting = False
        self.answers = 0
        self.timeouts = 0

    def ask(self, request: bytes) -> bytes:
        """The answer's PDU; raises TargetError when none comes."""
        carrier = self._carrier
        carrier.answer.clear()
        carrier.bus.put(self._frame(request))
        waited_us = 0
        while not self._is_complete() and waited_us < TIMEOUT_US:
            carrier.advance(500)
            waited_us += 500
        carrier.advance(self._gap_us)
        return self._take()

    def read(self, address: int, count: int) -> tuple[int, ...]:
        """Input registers."""
        answer = self.ask(struct.pack(">BHH", pdu.READ_INPUT_REGISTERS, address, count))
        return struct.unpack(f">{count}H", answer[2:])

    def command(self, map_id: int, opcode: int, target: int, argument: int, nonce: tuple[int, int]) -> None:
        """Write one authenticated command block; its result stands in the header afterwards."""
        provision = self._carrier.provision
        message = bytearray(MESSAGE_SIZE)
        pack_message_into(message, map_id, provision.serial, opcode, target, argument, *nonce)
        tag = hmac.new(provision.key, message, hashlib.sha256).digest()
        block = bytearray(BLOCK_REGISTERS * 2)
        encode_block_into(block, 0, opcode, target, argument, nonce[0], nonce[1], tag)
        head = struct.pack(">BHHB", pdu.WRITE_MULTIPLE_REGISTERS, 0, BLOCK_REGISTERS, len(block))
        self.ask(head + block)

    def repeat(self, requests: Sequence[bytes], on_answer: Callable[[bytes, bytes], None]) -> None:
        """Ask `requests` in turn without a rest; `on_answer` is told request and answer PDU."""
        self._next = list(requests)
        self._on_answer = on_answer
        self._carrier.on_byte = self._look
        self._begin()

    def pause(self) -> None:
        """Ask no more; an answer on its way is dropped."""
        self._next = []
        self._carrier.on_byte = None
        self._is_waiting = False

    def _begin(self) -> None:
        if not self._next:
            return
        self._carrier.answer.clear()
        self._is_waiting = True
        self._carrier.bus.put(self._frame(self._next[self._at % len(self._next)]))
        self._timeout_alarm(TIMEOUT_US)

    def _look(self) -> None:
        if not self._is_waiting or not self._is_complete():
            return
        self._is_waiting = False
        request = self._next[self._at % len(self._next)]
        self._at += 1
        self.answers += 1
        if self._on_answer is not None:
            self._on_answer(request, self._take())
        self._begin_alarm(self._gap_us + self._carrier.bus.character_us)

    def _on_timeout(self) -> None:
        if self._is_waiting:
            self.timeouts += 1
            self._begin()

    def _frame(self, request: bytes) -> bytes:
        body = bytes([self._carrier.provision.unit_id]) + request
        return body + struct.pack("<H", crc16(body, 0, len(body)))

    def _is_complete(self) -> bool:
        answer = self._carrier.answer
        if len(answer) < _EXCEPTION_SIZE:
            return False
        if answer[1] & pdu.EXCEPTION_FLAG:
            return True
        is_read = answer[1] in (pdu.READ_INPUT_REGISTERS, pdu.READ_HOLDING_REGISTERS, pdu.READ_DISCRETE_INPUTS)
        return len(answer) >= (answer[2] + _EXCEPTION_SIZE if is_read else _WRITE_ANSWER_SIZE)

    def _take(self) -> bytes:
        answer = bytes(self._carrier.answer)
        if not self._is_complete():
            self._carrier.chip.check_alive()
            raise TargetError(
                f"the device did not answer within {TIMEOUT_US // 1000} ms; it sent {answer.hex() or 'nothing'}"
            )
        if crc16(answer, 0, len(answer)):
            raise TargetError(f"the device sent a frame with a wrong CRC: {answer.hex()}")
        if answer[1] & pdu.EXCEPTION_FLAG:
            raise TargetError(f"the device answered with exception {answer[2]}")
        return answer[1:-2]
