"""The three families of readers as the core sees them: questions in, sightings and answers out.

Knows which frame of a family is an answer to which question and where a tag stands in it. Must not know time, settings
or what becomes of a sighting. A link's counters are what happened since the core took them last.
"""

from firmware.control.rfid_tags import Identifier, Sightings
from protocols.compat import const
from protocols.rfid import epc, r200, uhfreader18, wiegand
from protocols.rfid.read_slot import KIND_WIEGAND_26, KIND_WIEGAND_34, RSSI_NONE
from protocols.rfid.window import FrameWindow

REQUEST_NONE = const(0)
REQUEST_INFO = const(1)
REQUEST_REGION = const(2)
REQUEST_POWER = const(3)
REQUEST_ROUND = const(4)
REQUEST_ROUNDS = const(5)
REQUEST_STOP = const(6)

ANSWER_DONE = const(1)
ANSWER_MORE = const(2)
ANSWER_REFUSED = const(4)

NO_NEWS = const(-1)

# A frame of either serial family pauses for less; the longest takes 45 ms at 57600 baud.
_FRAME_PAUSE_MS = const(100)
# Bytes checksummed per poll: four of the longest frames, which is more than a poll of 128 bytes can complete.
_CHECKSUM_BUDGET = const(1024)
# Rounds of one multi poll: it ends by itself if nobody says stop.
_ROUNDS = const(100)


class Link:
    """What the families share. `answers` gathers ANSWER_* bits, `awaited` is the question that stands (REQUEST_*).

    `asks`: the reader answers questions; `has_settings`: it takes region and power, and runs many rounds by itself.
    `reader_error` and `antenna_fault` are NO_NEWS while nothing was said of them.
    """

    asks = True
    has_settings = False
    pause_ms = _FRAME_PAUSE_MS

    def __init__(self) -> None:
        self.sightings = Sightings()
        self.awaited = REQUEST_NONE
        self.antenna = 1
        self.address = uhfreader18.ADDRESS_BROADCAST
        self._tag = Identifier()
        self.clear()

    def begin(self) -> None:
        """Bytes of one poll follow."""

    def on_bytes(self, data: bytes | bytearray, size: int) -> None:
        """Take the first `size` bytes of `data`, which came over the line."""

    def is_waiting(self) -> bool:
        """Tell whether a part of a frame waits for its rest; never, in a family whose bytes are whole frames."""
        return False

    def expire(self) -> None:
        """The line was quiet for `pause_ms`."""

    def put_request(self, request: int, argument: int, buffer: bytearray) -> int:
        """Write the question `request`; return its size, 0 when this family has none of that kind."""
        return 0

    def clear(self) -> None:
        """The core has taken everything."""
        self.sightings.clear()
        self.answers = self.frames = self.errors = self.tag_crc_errors = self.partial_rounds = 0
        self.reader_error = self.antenna_fault = NO_NEWS

    def _refuse(self, code: int) -> None:
        self.reader_error = code
        self.answers |= ANSWER_REFUSED


class FrameLink(Link):
    """What the serial families share: frames are taken out of the stream by `_window`, one after the other."""

    _window: FrameWindow

    def on_bytes(self, data: bytes | bytearray, size: int) -> None:
        """Take bytes of the line, as many at once as there is room for."""
        window = self._window
        at = 0
        while at < size:
            at += window.fill(data, at, size - at)
            while window.take():
                self._on_frame()
        self._take_errors()

    def is_waiting(self) -> bool:
        """Tell whether a part of a frame waits for its rest."""
        return self._window.is_waiting()

    def expire(self) -> None:
        """The line was quiet for `pause_ms`."""
        while self._window.expire():
            self._on_frame()
        self._take_errors()

    def _take_errors(self) -> None:
        self.errors += self._window.errors
        self._window.errors = 0

    def _on_frame(self) -> None:
        """Deal with the frame taken."""


class R200Link(FrameLink):
    """R200, M100, JRD-4035."""

    has_settings = True

    def __init__(self) -> None:
        super().__init__()
        self._window: r200.R200Window = r200.R200Window()

    def put_request(self, request: int, argument: int, buffer: bytearray) -> int:
        """Write the question `request`; return its size."""
        if request == REQUEST_REGION:
            return r200.put_set_region(buffer, argument)
        if request == REQUEST_POWER:
            return r200.put_set_power(buffer, argument)
        if request == REQUEST_ROUND:
            return r200.put_single_poll(buffer)
        if request == REQUEST_ROUNDS:
            return r200.put_multi_poll(buffer, _ROUNDS)
        if request == REQUEST_STOP:
            return r200.put_stop_poll(buffer)
        return r200.put_module_info(buffer)

    def _on_frame(self) -> None:
        window = self._window
        if window.kind == r200.TYPE_COMMAND:
            return  # our own, on a line that hears itself
        self.frames += 1
        if window.kind == r200.TYPE_NOTIFICATION:
            self._on_notification()
        elif window.command == r200.CMD_FAILURE:
            self._on_failure(window.buffer[window.at] if window.length else 0)
        elif window.command == _r200_command(self.awaited):
            self.answers |= ANSWER_DONE

    def _on_notification(self) -> None:
        window = self._window
        if not r200.is_tag(window):
            return
        if self._is_round():
            self.answers |= ANSWER_DONE
        if not r200.is_tag_crc_right(window):
            self.tag_crc_errors += 1
            return
        at = r200.tag_epc_at(window)
        size = r200.tag_epc_size(window)
        self._tag.take(window.buffer, at, size, epc.kind_of(window.buffer, at, size))
        self.sightings.add(self._tag, self.antenna, r200.tag_rssi_dbm(window))

    def _on_failure(self, code: int) -> None:
        if code != r200.ERROR_NO_TAG:
            self._refuse(code)
        elif self._is_round():
            self.answers |= ANSWER_DONE

    def _is_round(self) -> bool:
        return self.awaited == REQUEST_ROUND or self.awaited == REQUEST_ROUNDS


class Uhf18Link(FrameLink):
    """UHFReader18 family. `address` is the reader's, 255 for whoever answers."""

    def __init__(self) -> None:
        super().__init__()
        self._window: uhfreader18.Uhf18Window = uhfreader18.Uhf18Window()

    def begin(self) -> None:
        """Bytes of one poll follow: their checksums cost a bounded time, whatever they are."""
        self._window.budget = _CHECKSUM_BUDGET

    def put_request(self, request: int, argument: int, buffer: bytearray) -> int:
        """Write the question `request`; power and region of this family are set with its own program."""
        if request == REQUEST_ROUND:
            return uhfreader18.put_command(buffer, self.address, uhfreader18.CMD_INVENTORY)
        if request == REQUEST_INFO:
            return uhfreader18.put_command(buffer, self.address, uhfreader18.CMD_READER_INFO)
        return 0

    def _on_frame(self) -> None:
        window = self._window
        if window.length < 0:
            return  # our own, on a line that hears itself
        if self.address != uhfreader18.ADDRESS_BROADCAST and window.address != self.address:
            return
        self.frames += 1
        if window.command == uhfreader18.CMD_ACTIVE:
            self.answers |= ANSWER_DONE
            self._sight(window.at, window.length)
        elif window.command == uhfreader18.CMD_INVENTORY:
            self._on_inventory(window.status)
        elif window.command == uhfreader18.CMD_READER_INFO and window.status == uhfreader18.STATUS_OK:
            if self.awaited == REQUEST_INFO:
                self.answers |= ANSWER_DONE
        else:
            self._refuse(window.status)

    def _on_inventory(self, status: int) -> None:
        self.antenna_fault = 1 if status == uhfreader18.STATUS_ANTENNA else 0
        if uhfreader18.has_tags(status):
            self._take_tags()
            if status == uhfreader18.STATUS_MORE:
                self.answers |= ANSWER_MORE
                return
            if status != uhfreader18.STATUS_FINISHED:
                self.partial_rounds += 1
        elif status == uhfreader18.STATUS_ANTENNA:
            self.reader_error = status
        elif status != uhfreader18.STATUS_NO_TAG and status != uhfreader18.STATUS_OK:
            self._refuse(status)
        if self.awaited == REQUEST_ROUND:
            self.answers |= ANSWER_DONE

    def _take_tags(self) -> None:
        """Num, then a length and an EPC each; what does not fit its frame is an error, and ends it."""
        window = self._window
        end = window.at + window.length
        at = window.at + 1
        for _ in range(window.buffer[window.at] if window.length else 0):
            if at + 1 + window.buffer[at] > end:
                self.errors += 1
                return
            self._sight(at + 1, window.buffer[at])
            at += 1 + window.buffer[at]

    def _sight(self, at: int, size: int) -> None:
        if size > 0:
            buffer = self._window.buffer
            self._tag.take(buffer, at, size, epc.kind_of(buffer, at, size))
            self.sightings.add(self._tag, self.antenna, RSSI_NONE)


class WiegandLink(Link):
    """A Wiegand head: one byte per bit. It is never asked, so its silence says nothing."""

    asks = False
    pause_ms = wiegand.GAP_MS

    def __init__(self) -> None:
        super().__init__()
        self._collector = wiegand.WiegandCollector()
        self._is_broken = 0

    def on_bytes(self, data: bytes | bytearray, size: int) -> None:
        """Take bits, one in each byte; anything else breaks the frame."""
        for index in range(size):
            if data[index] > 1:
                self._is_broken = 1
            self._collector.on_bit(data[index] & 1)

    def is_waiting(self) -> bool:
        """Tell whether bits came since the last gap."""
        return self._collector.count > 0

    def expire(self) -> None:
        """The gap after a frame is over."""
        count = self._collector.close()
        if not count or self._is_broken:
            self.errors += 1
        else:
            self.frames += 1
            kind = KIND_WIEGAND_26 if count == wiegand.BITS_26 else KIND_WIEGAND_34
            self._tag.take(self._collector.data, 0, self._collector.size, kind)
            self.sightings.add(self._tag, self.antenna, RSSI_NONE)
        self._is_broken = 0


def make_link(protocol: str) -> Link:
    """Return the link of a line_protocol: r200, uhfreader18 or wiegand."""
    if protocol == "uhfreader18":
        return Uhf18Link()
    return WiegandLink() if protocol == "wiegand" else R200Link()


def _r200_command(request: int) -> int:
    if request == REQUEST_REGION:
        return r200.CMD_SET_REGION
    if request == REQUEST_POWER:
        return r200.CMD_SET_POWER
    if request == REQUEST_STOP:
        return r200.CMD_STOP_POLL
    return r200.CMD_MODULE_INFO if request == REQUEST_INFO else r200.CMD_FAILURE
