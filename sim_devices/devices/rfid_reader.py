"""RFID readers in virtual time over a field of tags: R200 and UHFReader18 families, and a Wiegand head.

Knows the readers' face of the protocols (protocols/rfid), how RSSI falls with distance, and how readers misbehave. Must
not know what is done with a read. Plain classes, so that tests on both interpreters use the same reader.

A reader is given bytes by `receive` and gives bytes by `advance`, both with the time in ms; nothing is due before that.
"""

import math

from protocols.rfid import r200, uhfreader18, wiegand

# A passive tag at 1 m, and the weakest answer a reader still takes: the usual order for a lane antenna.
RSSI_AT_1_M_DBM = -45
SENSITIVITY_DBM = -82
_LOSS_DB_PER_DECADE = 20
_ROUND_MS = 20
_BIT_MS = 2
_TAGS_PER_FRAME = 2
_READER_INFO = bytes([2, 54, 9, 3, 0x4E, 0, 30, 10])


class Tag:
    """A tag at `distance_m` of antenna `antenna`; move it, or give it no antenna (0)."""

    def __init__(self, epc: bytes, antenna: int = 1, distance_m: float = 3.0) -> None:
        self.epc = epc
        self.antenna = antenna
        self.distance_m = distance_m
        self.is_garbled = False  # its checksum does not fit what is read of it

    def rssi_dbm(self) -> int:
        """Free-space fall of the level with the distance."""
        loss = _LOSS_DB_PER_DECADE * math.log10(max(self.distance_m, 0.1))
        return max(-128, int(RSSI_AT_1_M_DBM - loss))


class TagField:
    """What is before the antennas."""

    def __init__(self) -> None:
        self.tags: list[Tag] = []

    def add(self, epc: bytes, antenna: int = 1, distance_m: float = 3.0) -> Tag:
        """Bring a tag."""
        tag = Tag(epc, antenna, distance_m)
        self.tags.append(tag)
        return tag

    def seen_at(self, antenna: int) -> list[Tag]:
        """The tags this antenna reaches."""
        return [tag for tag in self.tags if tag.antenna == antenna and tag.rssi_dbm() >= SENSITIVITY_DBM]


class RfidReader:
    """What the families share: answers wait until they are due, and every failure a reader may have.

    `antenna` is the one switched on, 1 or 2. Failures, each until it is taken back: `is_silent`; `talks_garbage` every
    answer is noise; `breaks_frames` wrong checksum; `cuts_frames` the second half is missing; `repeats` each answer so
    many times more; `delay_ms` slower answers; `ghosts` tags that nobody has.
    """

    def __init__(self, field: TagField) -> None:
        self.field = field
        self.antenna = 1
        self.is_silent = False
        self.talks_garbage = False
        self.breaks_frames = False
        self.cuts_frames = False
        self.repeats = 0
        self.delay_ms = 0
        self.ghosts: list[bytes] = []
        self.asked: list[int] = []
        self._due: list[tuple[int, bytes]] = []
        self._noise = 1

    def receive(self, data: bytes, now_ms: int) -> None:
        """Take what the device sent."""

    def advance(self, now_ms: int) -> bytes:
        """Bytes that have left the reader by now_ms and were not given yet."""
        due = [data for at_ms, data in self._due if at_ms <= now_ms]
        self._due = [(at_ms, data) for at_ms, data in self._due if at_ms > now_ms]
        return b"".join(due)

    def restart(self) -> None:
        """Power was away: nothing that was asked is answered any more."""
        self._due = []

    def _send(self, frame: bytes, at_ms: int) -> None:
        if self.is_silent:
            return
        if self.talks_garbage:
            frame = bytes([self._below(256) for _ in frame])
        if self.breaks_frames:
            frame = frame[:-2] + bytes([frame[-2] ^ 0x41]) + frame[-1:]
        if self.cuts_frames:
            frame = frame[: len(frame) // 2]
        for _ in range(1 + self.repeats):
            self._due.append((at_ms + self.delay_ms, frame))

    def _below(self, limit: int) -> int:
        self._noise = (self._noise * 1103515245 + 12345) & 0x7FFFFFFF
        return (self._noise >> 8) % limit

    def _seen(self) -> list[Tag]:
        return self.field.seen_at(self.antenna) + [Tag(epc) for epc in self.ghosts]


class R200Reader(RfidReader):
    """A module of the R200 family. `region` and `power_dbm_x100` are what it was told, 0 after power-on."""

    def __init__(self, field: TagField) -> None:
        super().__init__(field)
        self.region = 0
        self.power_dbm_x100 = 0
        self.refuses_settings = False
        self._window = r200.R200Window()
        self._rounds = 0
        self._round_ms = 0

    def receive(self, data: bytes, now_ms: int) -> None:
        """Take what the device sent."""
        for byte in data:
            self._window.push(byte)
            while self._window.take():
                if self._window.kind == r200.TYPE_COMMAND:
                    self._on_command(now_ms)

    def advance(self, now_ms: int) -> bytes:
        """Bytes due by now; a multi poll goes on."""
        while self._rounds and self._round_ms <= now_ms:
            self._rounds -= 1
            self._run_round(self._round_ms)
            self._round_ms += _ROUND_MS
        return super().advance(now_ms)

    def restart(self) -> None:
        """Power was away: settings and rounds are gone."""
        super().restart()
        self.region = self.power_dbm_x100 = self._rounds = 0

    def _on_command(self, now_ms: int) -> None:
        window = self._window
        command = window.command
        parameters = bytes(window.buffer[window.at : window.at + window.length])
        self.asked.append(command)
        if command == r200.CMD_SINGLE_POLL:
            self._run_round(now_ms + _ROUND_MS)
        elif command == r200.CMD_MULTI_POLL:
            self._rounds = parameters[1] << 8 | parameters[2]
            self._round_ms = now_ms + _ROUND_MS
        elif command == r200.CMD_STOP_POLL:
            self._rounds = 0
            self._answer(command, 0, now_ms)
        elif command == r200.CMD_MODULE_INFO:
            self._answer(command, 0, now_ms)
        elif self.refuses_settings:
            self._answer(r200.CMD_FAILURE, r200.ERROR_BAD_COMMAND, now_ms)
        else:
            self._set(command, parameters)
            self._answer(command, 0, now_ms)

    def _set(self, command: int, parameters: bytes) -> None:
        if command == r200.CMD_SET_REGION:
            self.region = parameters[0]
        elif command == r200.CMD_SET_POWER:
            self.power_dbm_x100 = parameters[0] << 8 | parameters[1]

    def _answer(self, command: int, value: int, now_ms: int) -> None:
        buffer = bytearray(r200.FRAME_MAX)
        self._send(bytes(buffer[: r200.put_response(buffer, command, value)]), now_ms + 2)

    def _run_round(self, at_ms: int) -> None:
        seen = self._seen()
        for tag in seen:
            buffer = bytearray(r200.FRAME_MAX)
            size = r200.put_tag(buffer, tag.rssi_dbm(), tag.epc, len(tag.epc))
            if tag.is_garbled:
                buffer[9] ^= 0x10
                buffer[size - 2] = r200.checksum(buffer, 0, size)
            self._send(bytes(buffer[:size]), at_ms)
        if not seen:
            self._answer(r200.CMD_FAILURE, r200.ERROR_NO_TAG, at_ms)


class Uhf18Reader(RfidReader):
    """A reader of the UHFReader18 family. `status` replaces the status of the last frame of every inventory, 0 = none.

    In `is_active` mode it sends every tag every round without being asked.
    """

    def __init__(self, field: TagField, address: int = 0) -> None:
        super().__init__(field)
        self.address = address
        self.status = 0
        self.is_active = False
        self._window = uhfreader18.Uhf18Window()
        self._active_ms = 0

    def receive(self, data: bytes, now_ms: int) -> None:
        """Take what the device sent."""
        for byte in data:
            self._window.push(byte)
            while self._window.take():
                if self._window.address in (self.address, uhfreader18.ADDRESS_BROADCAST):
                    self._on_command(now_ms)

    def advance(self, now_ms: int) -> bytes:
        """Bytes due by now; in active mode the tags of the rounds since."""
        while self.is_active and self._active_ms <= now_ms:
            for tag in self._seen():
                self._answer(uhfreader18.CMD_ACTIVE, uhfreader18.STATUS_OK, tag.epc, self._active_ms)
            self._active_ms += _ROUND_MS
        return super().advance(now_ms)

    def _on_command(self, now_ms: int) -> None:
        command = self._window.command
        self.asked.append(command)
        if command == uhfreader18.CMD_INVENTORY:
            self._run_round(now_ms + _ROUND_MS)
        elif command == uhfreader18.CMD_READER_INFO:
            self._answer(command, uhfreader18.STATUS_OK, _READER_INFO, now_ms + 2)
        else:
            self._answer(uhfreader18.CMD_UNKNOWN, 0xFE, b"", now_ms + 2)

    def _run_round(self, at_ms: int) -> None:
        seen = self._seen()
        last = self.status or (uhfreader18.STATUS_FINISHED if seen else uhfreader18.STATUS_NO_TAG)
        if not uhfreader18.has_tags(last):
            self._answer(uhfreader18.CMD_INVENTORY, last, b"", at_ms)
            return
        for start in range(0, max(len(seen), 1), _TAGS_PER_FRAME):
            part = seen[start : start + _TAGS_PER_FRAME]
            data = bytes([len(part)]) + b"".join([bytes([len(tag.epc)]) + tag.epc for tag in part])
            is_last = start + _TAGS_PER_FRAME >= len(seen)
            self._answer(uhfreader18.CMD_INVENTORY, last if is_last else uhfreader18.STATUS_MORE, data, at_ms)
            at_ms += _ROUND_MS

    def _answer(self, command: int, status: int, data: bytes, at_ms: int) -> None:
        buffer = bytearray(uhfreader18.FRAME_MAX)
        for index in range(len(data)):
            buffer[4 + index] = data[index]
        size = uhfreader18.put_response(buffer, self.address, command, status, len(data))
        self._send(bytes(buffer[:size]), at_ms)


class WiegandHead(RfidReader):
    """A head that sends a card's number once when it is shown; one byte per bit, as the board's pulse catcher does."""

    def show(self, card: bytes, now_ms: int) -> None:
        """Show a card of 3 (26 bits) or 4 bytes (34 bits)."""
        bits = bytearray(40)
        count = wiegand.put_bits(card, len(card), bits)
        if self.breaks_frames:
            bits[3] ^= 1
        if self.cuts_frames:
            count //= 2
        for index in range(0 if self.is_silent else count):
            bit = self._below(256) if self.talks_garbage else bits[index]
            self._due.append((now_ms + self.delay_ms + index * _BIT_MS, bytes([bit])))
