"""Frames out of a stream of bytes that may hold garbage: what the reader families share.

Knows a buffer, where a frame could begin in it, and how to go on one byte later when it was none. Must not know a
format: a family says by `_measure` how long a frame that begins here would be, and by `_is_whole` whether it is right.

Every byte is looked at as a possible beginning, so no frame that arrived whole is lost behind garbage, whatever length
the garbage claims. Nothing allocates after construction.
"""

from protocols.compat import const
from protocols.copying import copy_bytes

MORE = const(-1)
NO_FRAME = const(0)


class FrameWindow:
    """`buffer[start:start + size]` is the frame once `take` was True, until it, `push`, `fill` or `expire` is called.

    `errors` counts, wrapping at 2**16, the stretches of garbage: broken, cut and foreign bytes between two good frames.
    """

    def __init__(self, frame_max: int) -> None:
        self.buffer = bytearray(2 * frame_max)
        self.start = 0
        self.size = 0
        self.errors = 0
        self._end = 0
        self._in_garbage = 0

    def push(self, byte: int) -> None:
        """Append one byte; `take` must be called until it is False before the next."""
        self._skip(self.size)
        if self._end == len(self.buffer):
            self._compact()
        self.buffer[self._end] = byte
        self._end += 1

    def fill(self, data: bytes | bytearray, at: int, size: int) -> int:
        """Append as many of the `size` bytes at `at` as there is room for, one or more; return how many.

        As with `push`, `take` must have been False before.
        """
        self._skip(self.size)
        if self._end == len(self.buffer):
            self._compact()
        room = len(self.buffer) - self._end
        count = size if size < room else room
        copy_bytes(self.buffer, self._end, data, at, count)
        self._end += count
        return count

    def take(self) -> bool:
        """Move to the next whole frame; False when none is there yet."""
        self._skip(self.size)
        while self.start < self._end:
            size = self._measure(self._end - self.start)
            if size == MORE or size > self._end - self.start:
                return False
            if size != NO_FRAME and self._is_whole(size):
                self.size = size
                self._in_garbage = 0
                return True
            self._drop_byte()
        return False

    def expire(self) -> bool:
        """The line was quiet for longer than a frame may pause: what waits will not be completed.

        Returns whether a frame stood behind it; call again until False.
        """
        if self.take():
            return True
        while self.start < self._end:
            self._drop_byte()
            if self.take():
                return True
        return False

    def is_waiting(self) -> bool:
        """Tell whether a part of a frame waits for its rest."""
        return self.start + self.size < self._end

    def _measure(self, count: int) -> int:
        """Size of the frame that begins at `start`, of which `count` bytes (1 or more) are here; MORE or NO_FRAME."""
        return NO_FRAME

    def _is_whole(self, size: int) -> bool:
        """Whether checksum and end of the frame of `size` bytes at `start` are right."""
        return False

    def _skip(self, count: int) -> None:
        self.start += count
        self.size = 0
        if self.start == self._end:
            self.start = self._end = 0

    def _drop_byte(self) -> None:
        if not self._in_garbage:
            self._in_garbage = 1
            self.errors = (self.errors + 1) & 0xFFFF
        self._skip(1)

    def _compact(self) -> None:
        """Move what waits to the front; a frame is at most half the buffer, so there is room afterwards."""
        count = self._end - self.start
        copy_bytes(self.buffer, 0, self.buffer, self.start, count)
        self.start = 0
        self._end = count
