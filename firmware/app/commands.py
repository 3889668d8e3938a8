"""The command block: who may command the device, what the shell does itself, and what goes to the control core.

Knows tags, nonces, the SET opcode and the result codes. Knows no opcode of a role: those are handed to the core, which
answers in its next step. Runs outside the heap guard, because hashing and storing allocate.

*Nonce*: (epoch, counter). A block must carry the current one; it moves with every right tag, so a recorded block is
never right again. The counter's last value is never used: there the next epoch is stored first.
"""

from firmware.app.auth import Authenticator
from firmware.app.identity import Identity
from firmware.app.settings import Settings
from firmware.control.events import EventRing
from protocols.command import MESSAGE_SIZE, CommandBlock, decode_block, is_tag_equal, pack_message_into
from protocols.compat import const

COUNTER_EXHAUSTED = const(65535)

# Refusals are counted every time but written to the ring at most once a second, so that noise on the bus cannot wash
# the events of the gate out of the ring.
_NO_EVENT_YET = const(-1)


class Commands:
    """Takes written command blocks.

    `request_opcode` and `request_argument` hold what the control core must do in its next step, 0 for nothing.
    `result`, `opcode` and `nonce_done` tell what became of the last block. `accepted` and `rejected` count tags,
    wrapping at 2**16. `sealed` holds the indexes of metrological settings, whose changes are counted with them;
    `update` takes the commands of an update.
    """

    def __init__(  # type: ignore[no-untyped-def]  # regmap is a generated module
        self, regmap, settings: Settings, ring: EventRing, identity: Identity, sealed: tuple[int, ...] = (), update=None
    ) -> None:
        self._map = regmap
        self._sealed = sealed
        self._update = update
        self._settings = settings
        self._ring = ring
        self._serial = identity.serial
        self._authenticator = Authenticator(identity.key)
        self._block = CommandBlock()
        self._message = bytearray(MESSAGE_SIZE)
        self._event_at_s = _NO_EVENT_YET
        self._is_moving = False
        self._is_at_rest = False
        self.counter = 0
        self.request_opcode = 0
        self.request_argument = 0
        self.result = regmap.COMMAND_RESULT_NONE
        self.opcode = 0
        self.nonce_done = 0
        self.accepted = 0
        self.rejected = 0

    def take(self, data: bytearray, offset: int, is_moving: bool = False, is_at_rest: bool = False) -> None:
        """Judge the block at byte `offset` of `data`, and do it or hand it on.

        Allocates; may block for the store's time, and so refuses to store a setting while `is_moving`.
        """
        self._is_moving = is_moving
        self._is_at_rest = is_at_rest
        block = self._block
        decode_block(data, offset, block)
        self.opcode = block.opcode
        self.nonce_done = block.nonce_counter
        self.result = self._judge()
        if self.result == self._map.COMMAND_RESULT_ACCEPTED:
            self.result = self._do()
        if self.result != self._map.COMMAND_RESULT_ACCEPTED:
            self._note_refusal()

    def on_core_result(self, result: int) -> None:
        """Take the core's answer to the request that was handed on."""
        self.result = result

    def _judge(self) -> int:
        """Tag first, then nonce: a right tag with an old nonce tells the hub to read the nonce again."""
        if not self._renew_epoch():
            return int(self._map.COMMAND_RESULT_STORE_FAILED)
        if self._settings.values[self._map.SET_COMMAND_AUTH] != self._map.COMMAND_AUTH_ON:
            self._count_accepted()
            return int(self._map.COMMAND_RESULT_ACCEPTED)
        if not self._is_tag_right():
            self.rejected = (self.rejected + 1) & 0xFFFF
            return int(self._map.COMMAND_RESULT_BAD_TAG)
        if self._block.nonce_epoch != self._settings.nonce_epoch or self._block.nonce_counter != self.counter:
            self.rejected = (self.rejected + 1) & 0xFFFF
            return int(self._map.COMMAND_RESULT_STALE_NONCE)
        self._count_accepted()
        return int(self._map.COMMAND_RESULT_ACCEPTED)

    def _renew_epoch(self) -> bool:
        """Make sure the nonce on offer was never offered before; False when that cannot be stored."""
        if self._settings.epoch_usable and self.counter != COUNTER_EXHAUSTED:
            return True
        if not self._settings.next_epoch():
            return False
        self.counter = 0
        return True

    def _is_tag_right(self) -> bool:
        block = self._block
        pack_message_into(
            self._message,
            self._map.MAP_ID,
            self._serial,
            block.opcode,
            block.target,
            block.argument,
            block.nonce_epoch,
            block.nonce_counter,
        )
        return is_tag_equal(block.tag, self._authenticator.digest(self._message))

    def _count_accepted(self) -> None:
        self.accepted = (self.accepted + 1) & 0xFFFF
        self.counter += 1
        if self.counter == COUNTER_EXHAUSTED and self._settings.next_epoch():
            self.counter = 0

    def _do(self) -> int:
        if self._block.opcode == self._map.OP_SET:
            return self._set()
        if self._update is not None and self._update.is_ours(self._block.opcode):
            block = self._block
            return int(self._update.command(block.opcode, block.argument, self._is_moving, self._is_at_rest))
        if self._block.opcode == 0:
            return int(self._map.COMMAND_RESULT_UNKNOWN_OPCODE)
        self.request_opcode = self._block.opcode
        self.request_argument = self._block.argument
        return int(self._map.COMMAND_RESULT_ACCEPTED)

    def _set(self) -> int:
        """Store first, then acknowledge."""
        index = self._settings.index_of(self._block.target)
        value = self._block.argument
        if index < 0 or not self._settings.is_allowed(index, value):
            return int(self._map.COMMAND_RESULT_OUT_OF_LIMITS)
        if self._is_moving:
            return int(self._map.COMMAND_RESULT_REFUSED_STATE)
        if not self._settings.change(index, value, index in self._sealed):
            return int(self._map.COMMAND_RESULT_STORE_FAILED)
        self._ring.push(self._map.EV_SETTING_CHANGED, self._block.target)
        return int(self._map.COMMAND_RESULT_ACCEPTED)

    def _note_refusal(self) -> None:
        if self._ring.uptime_s == self._event_at_s:
            return
        self._event_at_s = self._ring.uptime_s
        self._ring.push(self._map.EV_COMMAND_REJECTED, self.result)
