"""A weighing indicator with its serial port: the load on a deck in, the bytes of one protocol out, in virtual time.

Knows: what an indicator does with a load (mean over its update, its own zero, tare, motion, overload), the frames of
`protocols/indicators/`, the pace of a serial line, its own failures. Must not know: trucks, who listens, any clock. One
seed gives one history.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from protocols.indicators import cas, mt_sics, sma, toledo, yaohua, yaohua_command
from protocols.indicators.reading import ERROR_ZERO, NO, UNIT_KG, UNIT_LB, YES, Reading

Encoder = Callable[[bytearray, Reading], int]

# Protocols that talk by themselves, and those that answer.
CONTINUOUS: dict[str, Encoder] = {
    "yaohua_tf0": yaohua.encode_tf0,
    "equals_reversed": yaohua.encode_equals_reversed,
    "equals_plain": yaohua.encode_equals_plain,
    "yaohua_a12": yaohua.encode_a12,
    "toledo": toledo.encode_toledo,
    "toledo_checksum": toledo.encode_toledo_checksum,
    "cas": cas.encode_cas,
}
POLLED = ("yaohua_tf1", "mt_sics", "sma")
PROTOCOLS = (*CONTINUOUS, *POLLED)

FAILURES = ("", "silent", "garbage", "stuck", "wrong_checksum", "noise", "overload", "unit", "net")

# Where the checksum begins, counted from the end; where there is none the terminator, 1, and without that the start.
_CHECK_AT = {"yaohua_tf0": 3, "yaohua_a12": 4, "yaohua_tf1": 3, "equals_plain": 9, "equals_reversed": 9}

_UPDATE_S = 0.1
_REST_S = 0.5  # the display must have stood within 1 e for this long
_NOISE = 0.02  # part of the bytes that arrive wrong
_LB_PER_KG = 2.2046226
_TARE_KG = 3460
_ZERO_RANGE = 0.02  # of Max to either side
_DUE_S = 1e-6


class Indicator:
    """Call `advance` with the load, `receive` with what the host sent, and send `take` to the host.

    Failures: "silent", nothing any more; "garbage", random bytes; "stuck", the same frame for ever; "wrong_checksum",
    the checksum (without one: terminator or start) is wrong; "noise", 2 % of the bytes are wrong; "overload"; "unit",
    somebody switched it to pounds; "net", somebody pressed tare; "" = repaired.
    """

    def __init__(self, protocol: str, seed: int, max_kg: int = 80_000, e_kg: int = 20, baud: int = 9600) -> None:
        """Raises ValueError for an unknown protocol."""
        if protocol not in PROTOCOLS:
            raise ValueError(f"indicator protocol {protocol!r} is unknown: use one of {', '.join(PROTOCOLS)}")
        self.protocol = protocol
        self.shown_kg = 0
        self.zeroed = 0
        self._max_kg, self._e_kg = max_kg, e_kg
        self._bytes_per_s = baud / 10
        self._random = random.Random(seed)
        self._failure = ""
        self._zero_kg = 0.0
        self._rest_s = 0.0
        self._rest_kg = 0
        self._elapsed_s = 0.0
        self._summed_kg_s = 0.0
        self._mean_kg = 0.0
        self._credit = 0.0
        self._waiting = bytearray()
        self._sent = bytearray()
        self._stuck = b""
        self._frame = bytearray(40)
        self._lines = mt_sics.LineRequest()
        self._letters = sma.SmaRequest()
        self._commands = yaohua_command.RequestDecoder()

    def fail(self, kind: str) -> None:
        """Break or repair it. Raises ValueError for an unknown kind."""
        if kind not in FAILURES:
            raise ValueError(f"indicator failure {kind!r} is unknown: use one of {', '.join(map(repr, FAILURES))}")
        self._failure = kind
        self._stuck = b""

    def advance(self, dt_s: float, load_kg: float) -> None:
        """Take the load of the last `dt_s`; update the display ten times a second and let the line move on."""
        left_s = dt_s
        while left_s > _DUE_S:
            part_s = min(left_s, _UPDATE_S - self._elapsed_s)
            self._elapsed_s += part_s
            self._summed_kg_s += part_s * load_kg
            left_s -= part_s
            if self._elapsed_s >= _UPDATE_S - _DUE_S:
                self._update(self._summed_kg_s / self._elapsed_s)
                self._elapsed_s = self._summed_kg_s = 0.0
        self._move_line(dt_s)

    def receive(self, data: bytes) -> None:
        """Take what the host sent."""
        for byte in data:
            if self.protocol == "yaohua_tf1" and self._commands.on_byte(byte):
                self._send(yaohua_command.encode_reply(self._frame, 0x41, self._commands.command, self._reading()))
            elif self.protocol == "mt_sics" and self._lines.on_byte(byte):
                self._answer_line()
            elif self.protocol == "sma" and self._letters.on_byte(byte):
                self._answer_letter()

    def take(self) -> bytes:
        """What has left the port since the last call."""
        data = bytes(self._sent)
        self._sent.clear()
        return data

    def _update(self, mean_kg: float) -> None:
        self._mean_kg = mean_kg
        self.shown_kg = round((mean_kg - self._zero_kg) / self._e_kg) * self._e_kg
        if abs(self.shown_kg - self._rest_kg) > self._e_kg:
            self._rest_kg, self._rest_s = self.shown_kg, 0.0
        else:
            self._rest_s += _UPDATE_S
        encoder = CONTINUOUS.get(self.protocol)
        if encoder is not None and len(self._waiting) < len(self._frame):
            self._send(encoder(self._frame, self._reading()))

    def _reading(self) -> Reading:
        reading = Reading()
        reading.has_weight, reading.unit, reading.net = 1, UNIT_KG, NO
        reading.digits = self.shown_kg
        reading.motion = YES if self._rest_s < _REST_S else NO
        reading.centre_of_zero = YES if abs(self._mean_kg - self._zero_kg) <= self._e_kg / 4 else NO
        reading.overload = int(self.shown_kg > self._max_kg + 9 * self._e_kg or self._failure == "overload")
        reading.underload = int(self.shown_kg < -20 * self._e_kg)
        if self._failure == "unit":
            reading.unit, reading.digits = UNIT_LB, round(self.shown_kg * _LB_PER_KG / 50) * 50
        elif self._failure == "net":
            reading.net, reading.tare_digits = YES, _TARE_KG
            reading.digits -= _TARE_KG
        return reading

    def _answer_line(self) -> None:
        if self._lines.is_command(b"SI"):
            self._send(mt_sics.encode_mt_sics(self._frame, self._reading()))
        elif self._lines.is_command(b"Z"):
            self._queue(b"Z A\r\n" if self._set_zero() else b"Z I\r\n")
        else:
            self._queue(b"ES\r\n")

    def _answer_letter(self) -> None:
        letter = self._letters.command
        if letter not in (sma.COMMAND_WEIGHT, sma.COMMAND_ZERO):
            self._queue(b"\n?\r")
            return
        is_refused = letter == sma.COMMAND_ZERO and not self._set_zero()
        reading = self._reading()
        if is_refused:
            reading.error = ERROR_ZERO
        self._send(sma.encode_sma(self._frame, reading))

    def _set_zero(self) -> bool:
        """Its own zero, its own rules: at rest, and not far from the zero it came with."""
        if self._rest_s < _REST_S or abs(self._mean_kg) > self._max_kg * _ZERO_RANGE:
            return False
        self._zero_kg = self._mean_kg
        self.shown_kg = self._rest_kg = 0
        self.zeroed += 1
        return True

    def _send(self, size: int) -> None:
        frame = bytearray(self._frame[:size])
        if self._failure == "stuck":
            self._stuck = self._stuck or bytes(frame)
            frame = bytearray(self._stuck)
        elif self._failure == "wrong_checksum" and frame:
            frame[-_CHECK_AT.get(self.protocol, 1)] ^= 1
        self._queue(bytes(frame))

    def _queue(self, frame: bytes) -> None:
        rng = self._random
        if self._failure == "garbage":
            frame = rng.randbytes(len(frame))
        elif self._failure == "noise":
            frame = bytes(rng.randrange(256) if rng.random() < _NOISE else byte for byte in frame)
        if self._failure != "silent":
            self._waiting += frame

    def _move_line(self, dt_s: float) -> None:
        if not self._waiting:
            self._credit = 0.0
            return
        self._credit += dt_s * self._bytes_per_s
        count = min(int(self._credit), len(self._waiting))
        self._credit -= count
        self._sent += self._waiting[:count]
        del self._waiting[:count]
