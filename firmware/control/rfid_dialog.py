"""The dialogue with the reader: who is there, its settings, rounds one after the other, and what no answer means.

Knows one question at a time, its time-out and the order of the questions; must not know frames or tags. A reader that
left MISSED_MAX questions in a row without an answer is silent, or talks garbage; from then on it is asked who it is,
and when it answers it is set up again, since it may be another one or have lost its settings.
"""

from firmware.control.rfid_line import RfidLine
from firmware.control.rfid_links import (
    ANSWER_DONE,
    ANSWER_MORE,
    ANSWER_REFUSED,
    REQUEST_INFO,
    REQUEST_NONE,
    REQUEST_POWER,
    REQUEST_REGION,
    REQUEST_ROUND,
    REQUEST_ROUNDS,
    REQUEST_STOP,
)
from firmware.control.rfid_memory import (
    SETUP_DONE,
    SETUP_INFO,
    SETUP_POWER,
    SETUP_REGION,
    TIMER_ANSWER,
    TIMER_PAUSE,
    TIMER_POLL,
    RfidMemory,
)
from firmware.control.timer import TimerBank
from protocols.compat import const
from protocols.registers import rfid as reg

MISSED_MAX = const(3)
# While nothing is to be read the reader is asked who it is, so that its loss is known before the next vehicle.
KEEPALIVE_MS = const(1000)

_REFUSED = 1 << reg.FAULTS_READER_REFUSED


class RfidDialog:
    """One step per scan, before the sightings of the scan are taken."""

    def __init__(self, memory: RfidMemory, timers: TimerBank, line: RfidLine, settings: list[int]) -> None:
        self.memory = memory
        self.timers = timers
        self.line = line
        self.link = line.link
        self.settings = settings

    def listen(self) -> None:
        """End a frame that stopped half-way, and note whether what came was any good."""
        timers = self.timers
        link = self.link
        if not link.is_waiting():
            timers.stop(TIMER_PAUSE)
        elif self.line.heard:
            timers.start(TIMER_PAUSE, link.pause_ms)
        elif timers.is_done(TIMER_PAUSE):
            link.begin()
            link.expire()
        if link.frames:
            self.memory.junk = 0
        elif self.line.heard:
            self.memory.junk = 1
        self.line.heard = 0

    def step(self, reading: int) -> None:
        """Take the answers of this scan and ask what is to be asked now."""
        memory = self.memory
        if not self.link.asks:
            memory.setup = SETUP_DONE
            return
        if self.link.answers & ANSWER_REFUSED:
            memory.latched |= _REFUSED
        if memory.request != REQUEST_NONE:
            self._await_answer()
        if self.link.frames and memory.rounds_run and memory.request == REQUEST_NONE:
            self.timers.start(TIMER_POLL, self.settings[reg.SET_POLL_PERIOD_MS])  # its rounds still run
        self._note_settings()
        if reading != memory.was_reading:
            memory.was_reading = reading
            self.timers.stop(TIMER_POLL)
        if memory.request == REQUEST_NONE and not self.timers.is_running(TIMER_POLL):
            self._ask_next(reading)

    def restart(self) -> None:
        """Begin anew with whoever is there."""
        memory = self.memory
        memory.setup = SETUP_INFO
        memory.request = REQUEST_NONE
        memory.rounds_run = 0
        self.timers.stop(TIMER_POLL)

    def is_lost(self) -> bool:
        """Tell whether the reader has left too many questions without an answer."""
        return self.memory.missed >= MISSED_MAX

    def _await_answer(self) -> None:
        answers = self.link.answers
        if answers & (ANSWER_DONE | ANSWER_REFUSED):
            self._on_answer()
        elif answers & ANSWER_MORE:
            self.timers.start(TIMER_ANSWER, self.settings[reg.SET_ANSWER_TIMEOUT_MS])
        elif self.timers.is_done(TIMER_ANSWER):
            self._on_silence()

    def _on_answer(self) -> None:
        memory = self.memory
        request = memory.request
        memory.missed = 0
        self._end_request()
        if request == REQUEST_STOP:
            memory.rounds_run = 0
        elif memory.setup != SETUP_DONE:
            if request == memory.setup + 1:  # the answer to the setup's question, not to one of before
                memory.setup += 1
        elif request != REQUEST_INFO:
            self.timers.start(TIMER_POLL, self.settings[reg.SET_POLL_PERIOD_MS])
        elif not memory.was_reading:  # a reader that was asked who it is just before it is to read need not rest
            self.timers.start(TIMER_POLL, KEEPALIVE_MS)

    def _on_silence(self) -> None:
        memory = self.memory
        memory.missed = min(memory.missed + 1, MISSED_MAX)
        memory.garbage = memory.junk
        memory.junk = 0
        self._end_request()
        if memory.missed >= MISSED_MAX:
            self.restart()

    def _end_request(self) -> None:
        memory = self.memory
        if memory.request == REQUEST_ROUND:
            memory.antenna = 3 - memory.antenna  # of one antenna _note_settings makes 1 again
        memory.request = REQUEST_NONE
        self.timers.stop(TIMER_ANSWER)

    def _note_settings(self) -> None:
        """Settings of the reader that changed are sent again."""
        memory = self.memory
        settings = self.settings
        self.link.address = settings[reg.SET_READER_ADDRESS]
        if settings[reg.SET_ANTENNA_COUNT] == 1:
            memory.antenna = 1
        same = (
            memory.region == settings[reg.SET_READER_REGION]
            and memory.power_dbm_x100 == settings[reg.SET_READER_POWER_DBM_X100]
        )
        if memory.setup == SETUP_DONE and not same:
            memory.setup = SETUP_REGION

    def _ask_next(self, reading: int) -> None:
        memory = self.memory
        many = self._wants_rounds()
        if memory.rounds_run and not (many and reading and memory.setup == SETUP_DONE):
            self._ask(REQUEST_STOP)
            return
        self._skip_setup()
        if memory.setup == SETUP_INFO:
            self._ask(REQUEST_INFO)
        elif memory.setup == SETUP_REGION:
            self._ask(REQUEST_REGION, memory.region)
        elif memory.setup == SETUP_POWER:
            self._ask(REQUEST_POWER, memory.power_dbm_x100)
        elif not reading:
            self._ask(REQUEST_INFO)
        elif many:
            memory.rounds_run = 1
            self._ask(REQUEST_ROUNDS)
        else:
            self._ask(REQUEST_ROUND)

    def _wants_rounds(self) -> bool:
        settings = self.settings
        many = settings[reg.SET_POLL_MODE] == reg.POLL_MODE_MULTI and settings[reg.SET_ANTENNA_COUNT] == 1
        return many and self.link.has_settings

    def _skip_setup(self) -> None:
        """Go past settings that leave the reader as it is."""
        memory = self.memory
        if memory.setup == SETUP_REGION:
            memory.region = self.settings[reg.SET_READER_REGION]
            if not memory.region or not self.link.has_settings:
                memory.setup = SETUP_POWER
        if memory.setup == SETUP_POWER:
            memory.power_dbm_x100 = self.settings[reg.SET_READER_POWER_DBM_X100]
            if not memory.power_dbm_x100 or not self.link.has_settings:
                memory.setup = SETUP_DONE

    def _ask(self, request: int, argument: int = 0) -> None:
        self.memory.request = request
        self.link.antenna = self.memory.antenna
        self.line.ask(request, argument)
        self.timers.start(TIMER_ANSWER, self.settings[reg.SET_ANSWER_TIMEOUT_MS])
