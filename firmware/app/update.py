"""An update on the device: its state, the data window, the commands, a trial and its end; docs/update.md tells it all.

Knows registers, commands and the slots port; the work itself is update_work.py's. Must not know frames, where files
lie, or a role: whether the device is at rest is the role's answer. What runs in a locked scan is `take` alone; all else
runs outside of it, and never while something moves.
"""

import struct

from firmware.app.identity import Identity
from firmware.control.events import EventRing
from firmware.ports import NullSlots, NullStore
from protocols.bigendian import get_u16
from protocols.compat import const, ticks_diff
from protocols.copying import copy_bytes
from protocols.crc import crc16
from protocols.modbus.image import INPUTS, RegisterImage
from protocols.modbus.pdu import ILLEGAL_DATA_ADDRESS, ILLEGAL_DATA_VALUE, SERVER_DEVICE_BUSY

CHUNK_SIZE = const(236)
_OFFSET_SIZE = const(4)
_NOTHING = const(-1)  # 4294967295 in the register
_PERMILLE = const(1000)

# From the acknowledged command to the reset: time enough for the hub to read that it was taken.
SWITCH_DELAY_MS = const(500)
# A trial is good when it was healthy for so long and the hub spoke; if it never is, it ends.
TRIAL_HEALTHY_MS = const(10000)
TRIAL_LIMIT_MS = const(120000)
# One look says no more than this: while something moves nobody looks.
_SAMPLE_MAX_MS = const(1000)

_PERMISSION_FILE = "update.bin"
_PERMISSION = ">HHH"  # magic, version, CRC-16
_PERMISSION_SIZE = const(6)
_PERMISSION_MAGIC = const(0x5055)
_VERSION_MAX = const(65535)
_SIZE_MAX = const(2097152)


class Update:
    """`is_working` while the next slice need not wait for anything, `wants_time` while `tend` has anything to do.

    `heard` is set when the hub speaks.
    """

    def __init__(  # type: ignore[no-untyped-def]  # regmap is a generated module
        self, regmap, image: RegisterImage, ring: EventRing, slots: NullSlots, store: NullStore, identity: Identity
    ) -> None:
        self.slots = slots
        self.regmap = regmap
        self.identity = identity
        self.chunk = bytearray(CHUNK_SIZE)
        self.chunk_size = 0
        self.size = 0
        self.is_working = False
        self.wants_time = False
        self.heard = False
        self.state = 0
        self.reason = 0
        self._image = image
        self._ring = ring
        self._store = store
        self._want = _NOTHING
        self._left = 0
        self._work = None
        self._switch_ms = _NOTHING
        self._tended_ms = _NOTHING
        self._trial_ms = 0
        self._healthy_ms = 0
        self._put(regmap.AT_UPDATE_PERMILLE, 0)
        self._image.put_i32(INPUTS, regmap.AT_UPDATE_WANT, _NOTHING)
        self._put(regmap.AT_RUNNING_SLOT, 0 if not slots.running else 1 if slots.running == "a" else 2)
        self._put(regmap.AT_OTHER_VERSION, slots.other_version())
        self._show_start(slots.state())

    def _show_start(self, state: str) -> None:
        if state == "trying":
            self.wants_time = True
            self.state = self.regmap.UPDATE_STATE_TRIAL
        elif state == "returned":
            self.state = self.regmap.UPDATE_STATE_FAILED
            self.reason = self.regmap.UPDATE_REASON_TRIAL_FAILED
        self._put(self.regmap.AT_UPDATE_STATE, self.state)
        self._put(self.regmap.AT_UPDATE_REASON, self.reason)

    def take(self, data: bytearray, start: int, size: int) -> int:
        """Take the `size` bytes written to the window, from `start` of `data`; return 0 or a Modbus exception code.

        Called in a locked scan: allocates nothing. What reaches beyond the part that is wanted is left out.
        """
        state = self.state
        if state != self.regmap.UPDATE_STATE_RECEIVING_MANIFEST and state != self.regmap.UPDATE_STATE_RECEIVING:
            return ILLEGAL_DATA_ADDRESS
        if size <= _OFFSET_SIZE or size > CHUNK_SIZE + _OFFSET_SIZE:
            return ILLEGAL_DATA_VALUE
        if self.chunk_size or self._want < 0:
            return SERVER_DEVICE_BUSY
        high = get_u16(data, start)
        if high >= _SIZE_MAX >> 16 or (high << 16 | get_u16(data, start + 2)) != self._want:
            return ILLEGAL_DATA_VALUE
        count = min(size - _OFFSET_SIZE, self._left)
        copy_bytes(self.chunk, 0, data, start + _OFFSET_SIZE, count)
        self.chunk_size = count
        self._left -= count
        self._want = self._want + count if self._left else _NOTHING
        self._image.put_i32(INPUTS, self.regmap.AT_UPDATE_WANT, self._want)
        self.is_working = True
        self.wants_time = True
        return 0

    def is_ours(self, opcode: int) -> bool:
        """Tell whether a command is answered here."""
        return bool(self.regmap.OP_UPDATE_BEGIN <= opcode <= self.regmap.OP_UPDATE_ALLOW_OLDER)

    def command(self, opcode: int, argument: int, is_moving: bool, is_at_rest: bool) -> int:
        """Do what an accepted command says; return the command's result."""
        regmap = self.regmap
        if not self.slots.running:
            return self._refuse(regmap.UPDATE_REASON_NO_SLOTS)
        if is_moving or self.state == regmap.UPDATE_STATE_TRIAL:
            return int(regmap.COMMAND_RESULT_REFUSED_STATE)
        if opcode == regmap.OP_UPDATE_BEGIN:
            return self._begin(argument)
        if opcode == regmap.OP_UPDATE_SWITCH:
            return self._order_switch(is_at_rest)
        if opcode == regmap.OP_UPDATE_ABORT:
            self.end(regmap.UPDATE_STATE_IDLE, regmap.UPDATE_REASON_ABORTED)
            return self._allow(0) if self.permission() else int(regmap.COMMAND_RESULT_ACCEPTED)
        return self._allow(argument)

    def _refuse(self, reason: int) -> int:
        self.reason = reason
        self._put(self.regmap.AT_UPDATE_REASON, reason)
        return int(self.regmap.COMMAND_RESULT_REFUSED_STATE)

    def _begin(self, size: int) -> int:
        regmap = self.regmap
        if not self.identity.site_key:
            return self._refuse(regmap.UPDATE_REASON_NO_SITE_KEY)
        if size <= CHUNK_SIZE or size >= _SIZE_MAX or size & 1:
            return int(regmap.COMMAND_RESULT_OUT_OF_LIMITS)
        self.end(regmap.UPDATE_STATE_RECEIVING_MANIFEST, regmap.UPDATE_REASON_NONE)
        self.size = size
        self.is_working = True
        self.wants_time = True
        return int(regmap.COMMAND_RESULT_ACCEPTED)

    def _order_switch(self, is_at_rest: bool) -> int:
        regmap = self.regmap
        if self.state != regmap.UPDATE_STATE_READY:
            return int(regmap.COMMAND_RESULT_REFUSED_STATE)
        if not is_at_rest:
            return self._refuse(regmap.UPDATE_REASON_NOT_AT_REST)
        self._switch_ms = 0
        self._tended_ms = _NOTHING
        self.wants_time = True
        return int(regmap.COMMAND_RESULT_ACCEPTED)

    def _allow(self, version: int) -> int:
        regmap = self.regmap
        if not 0 <= version <= _VERSION_MAX:
            return int(regmap.COMMAND_RESULT_OUT_OF_LIMITS)
        kept = self.store_permission(version)
        return int(regmap.COMMAND_RESULT_ACCEPTED if kept else regmap.COMMAND_RESULT_STORE_FAILED)

    def store_permission(self, version: int) -> bool:
        """Keep the older version that may be installed, 0 for none; False when the store failed."""
        record = bytearray(_PERMISSION_SIZE)
        struct.pack_into(_PERMISSION, record, 0, _PERMISSION_MAGIC, version, 0)
        struct.pack_into(">H", record, 4, crc16(record, 0, 4))
        return self._store.write(_PERMISSION_FILE, record, _PERMISSION_SIZE) and self.permission() == version

    def permission(self) -> int:
        """Return the older version that may be installed, 0 for none."""
        record = bytearray(_PERMISSION_SIZE + 1)
        if self._store.read(_PERMISSION_FILE, record) != _PERMISSION_SIZE:
            return 0
        magic, version, check = struct.unpack_from(_PERMISSION, record, 0)
        return int(version) if magic == _PERMISSION_MAGIC and check == crc16(record, 0, 4) else 0

    def tend(self, now_ms: int, is_at_rest: bool, is_healthy: bool) -> None:
        """Do one slice. Outside of the heap guard, while nothing moves and no frame is on its way."""
        elapsed_ms = 0 if self._tended_ms < 0 else max(0, ticks_diff(now_ms, self._tended_ms))
        self._tended_ms = now_ms
        if self.is_working:
            self._do_slice()
        elif self.state == self.regmap.UPDATE_STATE_TRIAL:
            self._judge_trial(elapsed_ms, is_healthy)
        elif self._switch_ms >= 0:
            self._switch_ms += elapsed_ms
            if self._switch_ms >= SWITCH_DELAY_MS:
                self._switch(is_at_rest)
        else:
            self.wants_time = False

    def _do_slice(self) -> None:
        try:
            if self._work is None:
                from firmware.app.update_work import receive  # its 15 KB are on the heap only once they are needed

                self._work = receive(self)
            self.is_working = next(self._work)  # type: ignore[call-overload]  # a generator; none has a name here
        except StopIteration:
            self._work = None
            self.is_working = False
        except MemoryError:  # of the import; what is received has its own answer
            self.end(self.regmap.UPDATE_STATE_FAILED, self.regmap.UPDATE_REASON_STORE_FULL)

    def _switch(self, is_at_rest: bool) -> None:
        """The permission goes first: a cut in between costs the permission, never lets it be used twice."""
        regmap = self.regmap
        self._switch_ms = _NOTHING
        if not is_at_rest:
            self.show(regmap.UPDATE_STATE_READY, regmap.UPDATE_REASON_NOT_AT_REST)
        elif (self.permission() and not self.store_permission(0)) or not self.slots.begin_trial():
            self.show(regmap.UPDATE_STATE_READY, regmap.UPDATE_REASON_STORE_FAILED)
        else:
            self.slots.reset()

    def _judge_trial(self, elapsed_ms: int, is_healthy: bool) -> None:
        regmap = self.regmap
        self._trial_ms += elapsed_ms
        self._healthy_ms = self._healthy_ms + min(elapsed_ms, _SAMPLE_MAX_MS) if is_healthy else 0
        if self.heard and self._healthy_ms >= TRIAL_HEALTHY_MS and self.slots.confirm():
            self.show(regmap.UPDATE_STATE_IDLE, regmap.UPDATE_REASON_NONE)
        elif self._trial_ms >= TRIAL_LIMIT_MS:
            self.slots.reset()  # the start goes back

    def end(self, state: int, reason: int) -> None:
        """Give up what is under way and show why."""
        if self._work is not None:
            self._work.close()
            self._work = None
        self.is_working = False
        self.chunk_size = 0
        self._switch_ms = _NOTHING
        self.want(_NOTHING, 0)
        self.show(state, reason)

    def want(self, offset: int, size: int) -> None:
        """Ask for `size` bytes from `offset` of the bundle; -1 for nothing."""
        self._left = size
        self._want = offset
        self._image.put_i32(INPUTS, self.regmap.AT_UPDATE_WANT, offset)

    def show(self, state: int, reason: int) -> None:
        """Publish state and reason; a change of either is an event."""
        if state == self.state and reason == self.reason:
            return
        self.state = state
        self.reason = reason
        self._put(self.regmap.AT_UPDATE_STATE, state)
        self._put(self.regmap.AT_UPDATE_REASON, reason)
        self._ring.push(self.regmap.EV_UPDATE_CHANGED, state * 65536 + reason)

    def show_progress(self, offset: int) -> None:
        """Publish how much of the bundle is on the device."""
        self._put(self.regmap.AT_UPDATE_PERMILLE, offset // (self.size // _PERMILLE + 1))

    def show_other(self, version: int) -> None:
        """Publish the version of the other slot, 0 for none."""
        self._put(self.regmap.AT_OTHER_VERSION, version)

    def _put(self, address: int, value: int) -> None:
        self._image.put_u16(INPUTS, address, value)
