"""The field link on stdin and stdout: what wires are on a real board, and in lock-step also the line and the clock.

Knows the frame layout. Must not know which input means what. Little-endian:

Field to device: `<BBHIIHH` 0xA5, n_inputs, rx_size, now_ms, now_us, flags (bit 0 lock-step, bit 1 quit), field_size;
then per input `<iB` value, quality; then rx_size bytes of the line (lock-step only), field_size of the field line.
Device to field: `<BBHIIHH` 0x5A, n_outputs, tx_size, wait_us, scan_count, flags (bit 0 watchdog fed since the last
frame, bit 1 overrun since), field_size; then one byte per output; then tx_size bytes of the line (lock-step only) and
field_size of the field line.
"""

from firmware.boards.latch import OutputLatch
from firmware.ports import NullClock, NullInputs, NullUart, NullWatchdog
from protocols.compat import const, ticks_diff
from protocols.quality import BAD

HEADER_SIZE = const(16)
LINE_SIZE_MAX = const(1024)
# Three missed refreshes of the field: what stands in the image is then no longer known.
INPUT_AGE_MAX_MS = const(300)
REFRESH_MS = const(100)

_FIELD_MAGIC = const(0xA5)
_DEVICE_MAGIC = const(0x5A)
_QUIT = const(2)
_FED = const(1)
_OVERRUN = const(2)
_INPUT_SIZE = const(5)


class LinkError(Exception):
    """The field sent something that is no frame for this device."""


class FrameClock(NullClock):
    """The clock of the last frame."""

    def __init__(self) -> None:
        self.ms = 0
        self.us = 0

    def now_ms(self) -> int:
        """Return the frame's milliseconds."""
        return self.ms

    def now_us(self) -> int:
        """Return the frame's microseconds; a scan in lock-step takes no time."""
        return self.us


class FrameLine(NullUart):
    """A line inside the frames. `timed` says whether its bytes carry the time of their frame.

    What an untimed line cannot hold is lost, as in a real receiver.
    """

    def __init__(self, timed: int) -> None:
        self.timed = timed
        self.silence_us = 0
        self.rx = bytearray(LINE_SIZE_MAX)
        self.rx_size = 0
        self._rx_at = 0
        self.tx = bytearray(LINE_SIZE_MAX)
        self.tx_size = 0

    def take(self, data: bytearray, size: int) -> None:
        """Append the bytes of a frame; raise LinkError when the device cannot have read so much."""
        left = self.rx_size - self._rx_at
        if left + size > LINE_SIZE_MAX and not self.timed:
            size = LINE_SIZE_MAX - left
        if left + size > LINE_SIZE_MAX:
            raise LinkError("more than {} serial bytes wait: send less per frame".format(LINE_SIZE_MAX))
        for index in range(left):
            self.rx[index] = self.rx[self._rx_at + index]
        for index in range(size):
            self.rx[left + index] = data[index]
        self._rx_at = 0
        self.rx_size = left + size

    def read_into(self, buffer: bytearray) -> int:
        """Move received bytes."""
        count = min(self.rx_size - self._rx_at, len(buffer))
        for index in range(count):
            buffer[index] = self.rx[self._rx_at + index]
        self._rx_at += count
        return count

    def write(self, buffer: bytearray, size: int) -> int:
        """Keep the bytes for the answer frame."""
        if self.tx_size + size > LINE_SIZE_MAX:
            return 0
        for index in range(size):
            self.tx[self.tx_size + index] = buffer[index]
        self.tx_size += size
        return size

    def move_into(self, frame: bytearray, at: int) -> int:
        """Put what was written since the last call behind `at`; return the offset behind it."""
        for index in range(self.tx_size):
            frame[at + index] = self.tx[index]
        end = at + self.tx_size
        self.tx_size = 0
        return end


class LinkWatchdog(NullWatchdog):
    """Remembers a feed until the next frame tells it to the field."""

    def __init__(self) -> None:
        self.fed = 0

    def feed(self) -> None:
        """Remember."""
        self.fed = 1


class FieldLink(NullInputs):
    """Reads field frames into the input image and writes output frames. Allocates nothing after construction."""

    def __init__(self, reader, writer) -> None:
        """`reader` and `writer` are blocking binary streams."""
        self._reader = reader
        self._writer = writer
        self.clock = FrameClock()
        self.line = FrameLine(timed=1)
        self.field_line = FrameLine(timed=0)
        self.latch = OutputLatch()
        self.watchdog = LinkWatchdog()
        self._values: list[int] = []
        self._quality: list[int] = []
        self._header = bytearray(HEADER_SIZE)
        self._fields = bytearray(255 * _INPUT_SIZE)
        self._serial = bytearray(LINE_SIZE_MAX)
        self._instrument = bytearray(LINE_SIZE_MAX)
        self._out = bytearray(HEADER_SIZE + 255 + 2 * LINE_SIZE_MAX)
        self._has_new_inputs = False
        self._received_ms = 0
        self._sent_ms = 0
        self._sent_changes = -1
        self._overruns = 0

    def resize(self, count: int) -> None:
        """Take `count` inputs, all bad until the first frame."""
        self._values = [0] * count
        self._quality = [BAD] * count

    def receive(self) -> bool:
        """Read one frame, waiting for it; False when the field is gone or says quit."""
        header = self._header
        if self._reader.readinto(header, HEADER_SIZE) != HEADER_SIZE:
            return False
        count = header[1]
        serial_size = header[2] | header[3] << 8
        field_size = header[14] | header[15] << 8
        is_ours = header[0] == _FIELD_MAGIC and (count == 0 or count == len(self._values))
        if not is_ours or serial_size > LINE_SIZE_MAX or field_size > LINE_SIZE_MAX:
            raise LinkError(
                "no field frame for {} inputs: magic {:#x}, {} inputs, {} serial bytes, {} of the field line".format(
                    len(self._values), header[0], count, serial_size, field_size
                )
            )
        size = count * _INPUT_SIZE
        if size and self._reader.readinto(self._fields, size) != size:
            return False
        if serial_size and self._reader.readinto(self._serial, serial_size) != serial_size:
            return False
        if field_size and self._reader.readinto(self._instrument, field_size) != field_size:
            return False
        if header[12] & _QUIT:
            return False
        if count:
            self._has_new_inputs = True
            self._take_inputs(count)
        self.line.take(self._serial, serial_size)
        self.field_line.take(self._instrument, field_size)
        self.clock.ms = _get_u30(header, 4)
        self.clock.us = _get_u30(header, 8)
        return True

    def note_received(self, now_ms: int) -> None:
        """Date the inputs received since the last call, if there were any, by the device's own clock."""
        if self._has_new_inputs:
            self._has_new_inputs = False
            self._received_ms = now_ms

    def check_age(self, now_ms: int) -> None:
        """Mark all inputs bad when the field has been silent too long."""
        if ticks_diff(now_ms, self._received_ms) > INPUT_AGE_MAX_MS:
            for index in range(len(self._quality)):
                self._quality[index] = BAD

    def read_into(self, values: list[int], quality: list[int]) -> None:
        """Fill both lists from the last frame."""
        for index in range(len(self._values)):
            values[index] = self._values[index]
            quality[index] = self._quality[index]

    def must_send(self, now_ms: int) -> bool:
        """Tell whether outputs changed or the field needs its refresh."""
        if self.latch.changes != self._sent_changes or self.field_line.tx_size:
            return True
        return ticks_diff(now_ms, self._sent_ms) >= REFRESH_MS

    def send(self, now_ms: int, wait_us: int, schedule) -> None:
        """Write one frame with everything since the last one."""
        out = self._out
        values = self.latch.values
        count = len(values)
        size = self.line.tx_size
        field_size = self.field_line.tx_size
        out[0] = _DEVICE_MAGIC
        out[1] = count
        out[2] = size & 0xFF
        out[3] = size >> 8
        _put_u32(out, 4, wait_us)
        _put_u32(out, 8, schedule.count)
        out[12] = (_FED if self.watchdog.fed else 0) | (_OVERRUN if schedule.overruns != self._overruns else 0)
        for index in range(count):
            out[HEADER_SIZE + index] = 1 if values[index] else 0
        out[14] = field_size & 0xFF
        out[15] = field_size >> 8
        end = self.line.move_into(out, HEADER_SIZE + count)
        end = self.field_line.move_into(out, end)
        self._writer.write(out, end)
        self.watchdog.fed = 0
        self._overruns = schedule.overruns
        self._sent_ms = now_ms
        self._sent_changes = self.latch.changes

    def _take_inputs(self, count: int) -> None:
        fields = self._fields
        for index in range(count):
            at = index * _INPUT_SIZE
            high = fields[at + 3]
            if high > 127:
                high -= 256
            self._values[index] = high * 0x1000000 + (fields[at] | fields[at + 1] << 8 | fields[at + 2] << 16)
            self._quality[index] = fields[at + 4]


def _get_u30(buffer: bytearray, at: int) -> int:
    return (buffer[at] | buffer[at + 1] << 8 | buffer[at + 2] << 16 | buffer[at + 3] << 24) & 0x3FFFFFFF


def _put_u32(buffer: bytearray, at: int, value: int) -> None:
    buffer[at] = value & 0xFF
    buffer[at + 1] = (value >> 8) & 0xFF
    buffer[at + 2] = (value >> 16) & 0xFF
    buffer[at + 3] = (value >> 24) & 0xFF
