"""The indicator on the field line as front end of the weighbridge: bytes in, samples out, polls and zero requests out.

Knows every decoder by its `line_protocol`, when to ask, and what makes a frame a gross weight in kg. Must not know
stability, zero or what a weight is used for.

The line is an input: nothing here is saved with the core. `receive` and `transmit` belong to the application between
two scans, `step` to the core's scan.
"""

from firmware.control.weighbridge_front import (
    BEYOND,
    FIT,
    KIND_KG_X10,
    UNFIT_ERROR,
    UNFIT_INTERVAL,
    UNFIT_NET,
    UNFIT_UNIT,
    ZERO_DONE,
    ZERO_LATE,
    ZERO_NONE,
    ZERO_REFUSED,
    ConverterFront,
    FrontEnd,
)
from protocols.compat import const, ticks_diff
from protocols.indicators.reading import (
    ERROR_NO_ANSWER,
    ERROR_NONE,
    NOT_EXACT,
    UNIT_LB,
    UNIT_OTHER,
    YES,
    Reading,
    to_kg_x10,
)
from protocols.indicators.stream import IndicatorDecoder
from protocols.registers import weighbridge as regs

# Line protocols, the converter (no line) first: it is what a device has that was provisioned without the key.
PROTOCOLS = (
    "converter",
    "yaohua_tf0",
    "equals_reversed",
    "equals_plain",
    "yaohua_a12",
    "yaohua_tf1",
    "toledo",
    "toledo_checksum",
    "mt_sics",
    "sma",
    "cas",
)

# Eight requests a second: more than the five samples that stability wants, and at 4800 baud a request with its answer
# of 20 bytes takes 50 ms.
_POLL_MS = const(125)

# At 1200 baud the longest answer takes 170 ms; an indicator that has not answered by then is asked again.
_ANSWER_MS = const(500)

# An indicator that waits for its own stability before it zeroes gets the time to find it.
_ZERO_MS = const(5000)

# Address A of the command mode, in the setting 1.
_ADDRESS_BASE = const(0x40)

# INDICATOR_STATE of each reason for UNFIT_*.
_UNFIT_STATES = (
    regs.INDICATOR_STATE_GOOD,
    regs.INDICATOR_STATE_WRONG_UNIT,
    regs.INDICATOR_STATE_NET_SHOWN,
    regs.INDICATOR_STATE_WRONG_INTERVAL,
    regs.INDICATOR_STATE_REPORTS_ERROR,
)

_WAITING_NO = const(0)
_WAITING_WEIGHT = const(1)
_WAITING_ZERO = const(2)


def make_front(protocol: str) -> FrontEnd:
    """The front end of one of PROTOCOLS."""
    return ConverterFront() if protocol == PROTOCOLS[0] else IndicatorLine(protocol)


def make_decoder(protocol: str) -> IndicatorDecoder:
    """The decoder of one of PROTOCOLS but the first. Imports only what this one needs."""
    if protocol == "yaohua_tf1":
        from protocols.indicators.yaohua_command import YaohuaTf1

        return YaohuaTf1()
    if protocol == "toledo" or protocol == "toledo_checksum":
        from protocols.indicators import toledo

        return toledo.make_toledo_checksum() if protocol == "toledo_checksum" else toledo.make_toledo()
    if protocol == "mt_sics":
        from protocols.indicators.mt_sics import MtSics

        return MtSics()
    if protocol == "sma":
        from protocols.indicators.sma import Sma

        return Sma()
    if protocol == "cas":
        from protocols.indicators.cas import CasDecoder

        return CasDecoder()
    return _make_yaohua(protocol)


def _make_yaohua(protocol: str) -> IndicatorDecoder:
    from protocols.indicators import yaohua

    if protocol == "equals_plain":
        return yaohua.make_equals_plain()
    if protocol == "equals_reversed":
        return yaohua.make_equals_reversed()
    if protocol == "yaohua_a12":
        return yaohua.YaohuaA12()
    assert protocol == "yaohua_tf0"
    return yaohua.YaohuaTf0()


class IndicatorLine(FrontEnd):
    """One indicator; the front end of `weighbridge_front.py` and the `core.line` of the application.

    `e_kg_x10` is the scale interval a weight must be a multiple of.
    """

    def __init__(self, protocol: str) -> None:
        FrontEnd.__init__(self, KIND_KG_X10)
        self.decoder = make_decoder(protocol)
        self.e_kg_x10 = 1
        self.is_verified = 0
        self._zero_outcome = ZERO_NONE
        self._now_ms = 0
        self._request = bytearray(16)
        self._request_size = 0
        self._is_polled = self.decoder.poll_into(self._request) > 0
        self.can_zero = self.decoder.zero_into(self._request) > 0
        self._waiting = _WAITING_NO
        self._asked_ms = 0
        self._has_asked = False
        self._is_zeroing = False
        self._must_zero = False
        self._zero_asked_ms = 0

    # Between two scans.

    def receive(self, data: bytearray, size: int, now_ms: int) -> None:
        """Take `size` bytes from the line. Allocates nothing and raises for no bytes."""
        decoder = self.decoder
        for index in range(size):
            if decoder.on_byte(data[index]):
                self._take(decoder.reading)

    def transmit(self, data: bytearray) -> int:
        """Fill in what is to be sent now; return how many bytes, 0 for none."""
        size = self._request_size
        for index in range(size):
            data[index] = self._request[index]
        self._request_size = 0
        return size

    # In the scan.

    def configure(self, settings: list[int]) -> None:
        """A weight in 0.1 kg is its own count, from zero to Max."""
        self.e_kg_x10 = max(settings[regs.SET_E_KG], 1) * 10
        self.span_counts = settings[regs.SET_MAX_KG] * 10
        self.is_verified = settings[regs.SET_INDICATOR_VERIFIED]
        self.decoder.address = _ADDRESS_BASE + settings[regs.SET_INDICATOR_ADDRESS]

    def faults(self, silent: int) -> int:
        """Bits of `faults` while `silent`, or with a last frame that was no gross weight in kg."""
        if silent:
            return 1 << regs.FAULTS_INDICATOR_SILENT
        return 1 << regs.FAULTS_INDICATOR_UNFIT if self.sample.unfit != FIT else 0

    def publish(self, status: list[int], silent: int) -> None:
        """Fill in the registers about the indicator."""
        state = regs.INDICATOR_STATE_SILENT
        if not silent and self.sample.sequence:
            state = _UNFIT_STATES[self.sample.unfit]
        status[regs.ST_INDICATOR_STATE] = state
        status[regs.ST_INDICATOR_FRAMES] = self.decoder.frames
        status[regs.ST_INDICATOR_GARBAGE] = self.decoder.garbage

    def step(self, now_ms: int, inputs: list[int], quality: list[int]) -> None:
        """Ask when it is time to. `sample` is what the last frame said."""
        self._now_ms = now_ms
        if self._is_zeroing and ticks_diff(now_ms, self._zero_asked_ms) >= _ZERO_MS:
            self._end_zeroing(ZERO_LATE)
        if self._is_polled and self._wait_ms(now_ms) <= 0:
            self._ask(now_ms)

    def next_wake_ms(self, now_ms: int) -> int:
        """Time until there is something to ask or to give up; -1 for never."""
        if not self._is_polled:
            return -1
        wake_ms = self._wait_ms(now_ms)
        if self._is_zeroing:
            wake_ms = min(wake_ms, _ZERO_MS - ticks_diff(now_ms, self._zero_asked_ms))
        return wake_ms

    def request_zero(self) -> bool:
        """Have the indicator zero itself; False when its protocol cannot, or has not ended the last request.

        ZERO_DONE means that a stable frame showed zero, not that the indicator said so.
        """
        if not self.can_zero or self._is_zeroing:
            return False
        self._is_zeroing = True
        self._must_zero = True
        self._zero_asked_ms = self._now_ms
        self._zero_outcome = ZERO_NONE
        return True

    def take_zero_outcome(self) -> int:
        """How the request for zero ended, once; ZERO_NONE before and after."""
        outcome = self._zero_outcome
        self._zero_outcome = ZERO_NONE
        return outcome

    def _wait_ms(self, now_ms: int) -> int:
        """Time until the next request may go; 0 or less: now."""
        if not self._has_asked:
            return 0
        pause_ms = _POLL_MS if self._waiting == _WAITING_NO else _ANSWER_MS
        return max(pause_ms - ticks_diff(now_ms, self._asked_ms), 0)

    def _ask(self, now_ms: int) -> None:
        decoder = self.decoder
        self._has_asked = True
        self._asked_ms = now_ms
        if self._must_zero:
            self._must_zero = False
            self._waiting = _WAITING_ZERO
            self._request_size = decoder.zero_into(self._request)
        else:
            self._waiting = _WAITING_WEIGHT
            self._request_size = decoder.poll_into(self._request)

    # Frames.

    def _take(self, reading: Reading) -> None:
        """Turn a whole frame into a sample, and let it answer what was asked."""
        if self._is_zeroing and not self._must_zero:
            self._judge_zero(reading)
        self._waiting = _WAITING_NO
        sample = self.sample
        if reading.error == ERROR_NO_ANSWER or self._is_empty(reading):
            return
        sample.motion = reading.motion
        sample.overload = reading.overload
        sample.underload = reading.underload
        sample.unfit = self._judge(reading)
        sample.sequence = (sample.sequence + 1) & 0xFFFF

    def _is_empty(self, reading: Reading) -> bool:
        """An answer to a command, a refusal: whole, and no word about a weight."""
        is_word = reading.has_weight or reading.overload or reading.underload or reading.error != ERROR_NONE
        return not is_word

    def _judge(self, reading: Reading) -> int:
        """Fill in the weight; return why it is none that may be used, FIT if it may."""
        if reading.error != ERROR_NONE:
            return UNFIT_ERROR
        if reading.overload or reading.underload:
            self.sample.value = BEYOND if reading.overload else -BEYOND
            return FIT
        if reading.net == YES and not reading.has_tare:
            return UNFIT_NET
        kg_x10 = to_kg_x10(reading.gross_digits(), reading.decimals, reading.unit)
        if kg_x10 == NOT_EXACT and (reading.unit == UNIT_LB or reading.unit == UNIT_OTHER):
            return UNFIT_UNIT
        if kg_x10 == NOT_EXACT or kg_x10 % self.e_kg_x10:
            return UNFIT_INTERVAL
        self.sample.value = max(min(kg_x10, BEYOND), -BEYOND)
        return FIT

    def _judge_zero(self, reading: Reading) -> None:
        """After zero was sent: a refusal ends it, and so does zero on the display of a scale at rest."""
        if self.decoder.refused and self._waiting == _WAITING_ZERO:
            self._end_zeroing(ZERO_REFUSED)
        elif reading.has_weight and reading.digits == 0 and reading.motion != YES and reading.net != YES:
            self._end_zeroing(ZERO_DONE)

    def _end_zeroing(self, outcome: int) -> None:
        self._is_zeroing = False
        self._must_zero = False
        self._zero_outcome = outcome
