"""One authenticated command as a sequence of requests: the nonce, the block, reading back what became of it.

Knows: the command block, its tag, the header points that answer it. Must not know: ports, plans, lanes.

A command whose answer is lost is never simply sent again: first the device is asked. Only if its nonce shows that the
block did not arrive is the same block written once more; the nonce makes a double execution impossible either way.
The nonce is the one a poll has just seen, so that the block is the first request; a device that says it is a stale one
has done nothing, and is asked for the right one.
"""

from __future__ import annotations

import hashlib
import hmac
import struct
from dataclasses import dataclass

from edge.southbound.line_error import Fault, LineError
from edge.southbound.role_map import RoleMap
from protocols.command import BLOCK_SIZE, MESSAGE_SIZE, NO_EPOCH, encode_block_into, pack_message_into

ACCEPTED = "ACCEPTED"
NOT_SENT = "not_sent"
OUTCOME_UNKNOWN = "outcome_unknown"
_NONE = "NONE"
_STALE_NONCE = "STALE_NONCE"


@dataclass(frozen=True, slots=True)
class ReadRequest:
    """Read `count` input registers from `address`."""

    address: int
    count: int


@dataclass(frozen=True, slots=True)
class WriteRequest:
    """Write `values` to holding registers from `address`, in one request."""

    address: int
    values: tuple[int, ...]


class CommandExchange:
    """The life of one command; ask `next_request` and report until `outcome` is set: (ok, reason)."""

    def __init__(
        self, role: RoleMap, serial: int, key: bytes, opcode: str, argument: int, deadline_ms: int, *, target: int = 0
    ) -> None:
        self._role = role
        self._serial = serial
        self._key = key
        self.opcode = opcode
        self._opcode = role.opcodes[opcode]
        self._argument = argument
        self._target = target
        self.deadline_ms = deadline_ms
        self._nonce: tuple[int, int] | None = None
        self._writes = 0
        self._must_write = False
        self._is_write_confirmed = False
        self._is_nonce_seen_earlier = False
        self.outcome: tuple[bool, str] | None = None

    def begin_with(self, nonce: tuple[int, int] | None) -> None:
        """The newest nonce a poll saw and no command has used, if there is one; call it before the first request."""
        if self._nonce is None and nonce is not None:
            self._nonce = nonce
            self._must_write = self._is_nonce_seen_earlier = True

    def next_request(self) -> ReadRequest | WriteRequest:
        """What to send next."""
        if self._must_write and self._nonce is not None:
            return WriteRequest(self._role.command_address, self._block(*self._nonce))
        first, last = self._role.tag("nonce_epoch"), self._role.tag("command_nonce_done")
        return ReadRequest(first.address, last.address + last.count - first.address)

    def on_registers(self, request: ReadRequest, raw: bytes) -> None:
        """The answer to a ReadRequest."""
        values = self._role.decode(request.address, raw)
        nonce = (values["nonce_epoch"], values["nonce_counter"])
        if self._nonce is None:
            self._nonce = nonce
            self._must_write = True
            return
        result = self._role.word("command_result", values["command_result"])
        is_ours = (values["command_nonce_done"], values["command_opcode"]) == (self._nonce[1], self._opcode)
        if nonce[0] != self._nonce[0]:
            self._on_other_epoch(nonce)
        elif is_ours and result != _NONE:
            self._resolve(result)
        elif nonce == self._nonce and not self._is_write_confirmed:
            self._must_write = True  # the block never arrived

    def on_written(self) -> None:
        """The device answered the write: the block is there, its result follows."""
        self._writes += 1
        self._must_write = False
        self._is_write_confirmed = True

    def on_failure(self, error: LineError) -> None:
        """The last request failed."""
        if not self._must_write:
            return  # reading is repeated until the deadline
        if error.fault is Fault.EXCEPTION:
            self.outcome = (False, f"exception_{error.exception_code}")
            return
        self._writes += 1
        self._must_write = False

    @property
    def is_started(self) -> bool:
        """Whether the nonce was read, so that a block may be on its way."""
        return self._nonce is not None

    def on_time(self, now_ms: int) -> None:
        """Give up at the deadline, saying honestly whether the device may have acted."""
        if self.outcome is None and now_ms >= self.deadline_ms:
            self.outcome = (False, OUTCOME_UNKNOWN if self._writes else NOT_SENT)

    def _on_other_epoch(self, nonce: tuple[int, int]) -> None:
        """The device restarted in between, or could store an epoch at last: what carried none was never carried out."""
        if self._nonce is not None and self._nonce[0] == NO_EPOCH:
            self._nonce = nonce
            self._writes = 0
            self._must_write = True
            self._is_write_confirmed = self._is_nonce_seen_earlier = False
        else:
            self.outcome = (False, OUTCOME_UNKNOWN)

    def _resolve(self, result: str) -> None:
        if result == _STALE_NONCE and self._is_nonce_seen_earlier and self._writes == 1:
            self._nonce = None
            self._writes = 0
            self._is_write_confirmed = self._is_nonce_seen_earlier = False
        elif result == _STALE_NONCE and self._writes > 1:
            self.outcome = (
                False,
                OUTCOME_UNKNOWN,
            )  # the first write came late and was taken; its result is overwritten
        else:
            self.outcome = (result == ACCEPTED, "" if result == ACCEPTED else result)

    def _block(self, epoch: int, counter: int) -> tuple[int, ...]:
        message, block = bytearray(MESSAGE_SIZE), bytearray(BLOCK_SIZE)
        command = (self._opcode, self._target, self._argument, epoch, counter)
        pack_message_into(message, self._role.map_id, self._serial, *command)
        encode_block_into(block, 0, *command, hmac.new(self._key, message, hashlib.sha256).digest())
        return struct.unpack(f">{BLOCK_SIZE // 2}H", block)
