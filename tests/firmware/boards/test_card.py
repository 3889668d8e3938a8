"""The input card, the pulse catcher and the direction of the line, on pins and ports that are plain objects."""

import unittest

from firmware.boards.card import GUARD, InputCard
from firmware.boards.pulses import PulseCatcher
from firmware.boards.rs485 import Rs485Port
from protocols.quality import BAD, GOOD


class Chain:
    """A chain of shift registers: `readinto` hands out what was latched."""

    def __init__(self, data):
        self.data = data
        self.loads = []

    def readinto(self, buffer):
        buffer[:] = self.data

    def load(self, level):
        self.loads.append(level)


class Wire:
    """A pin with an interrupt handler."""

    def __init__(self):
        self.handler = None

    def irq(self, handler, trigger):
        self.handler = handler


class Port:
    """A UART that keeps what was written until `done`."""

    def __init__(self):
        self.rx = bytearray()
        self.tx = bytearray()
        self.done = False

    def any(self):
        return len(self.rx)

    def readinto(self, buffer, size):
        assert size <= len(self.rx), "a port waits for what is not there yet"
        count = min(size, len(buffer))
        buffer[:count] = self.rx[:count]
        self.rx = self.rx[count:]
        return count

    def write(self, buffer, size):
        self.tx += buffer[:size]
        return size

    def txdone(self):
        return self.done


class OneShot:
    """A timer that remembers its last order."""

    ONE_SHOT = 0

    def __init__(self):
        self.period = 0
        self.callback = None

    def init(self, mode, period, callback):
        self.period = period
        self.callback = callback

    def fire(self):
        self.callback(self)


class Direction:
    def __init__(self):
        self.level = 0

    def __call__(self, level):
        self.level = level


class CardTest(unittest.TestCase):
    def test_terminals_are_spread_over_the_image(self):
        chain = Chain(bytes([0b10000001, 0b00000010, 0, GUARD]))
        card = InputCard(chain, chain.load, [7, 0, 9, 1, 23])
        values, quality = [9] * 5, [BAD] * 5
        card.read_into(values, quality)
        self.assertEqual(values, [1, 1, 1, 0, 0])
        self.assertEqual(quality, [GOOD] * 5)
        self.assertEqual(chain.loads, [1, 0, 1])

    def test_a_chain_without_its_guard_is_bad_and_invents_nothing(self):
        for guard in (0x00, 0xFF, GUARD >> 1, (GUARD << 1) & 0xFF, (GUARD << 1) & 0xFF | 1, GUARD >> 1 | 0x80):
            chain = Chain(bytes([0xFF, 0xFF, 0xFF, guard]))
            card = InputCard(chain, chain.load, [0, 1])
            values, quality = [0, 1], [GOOD, GOOD]
            card.read_into(values, quality)
            self.assertEqual((values, quality), ([0, 1], [BAD, BAD]))
            self.assertEqual(card.faults, 1)

    def test_inputs_behind_the_digital_ones_are_bad_without_a_converter(self):
        chain = Chain(bytes([1, 0, 0, GUARD]))
        values, quality = [0, 5, 6], [BAD, GOOD, GOOD]
        InputCard(chain, chain.load, [0]).read_into(values, quality)
        self.assertEqual((values, quality), ([1, 5, 6], [GOOD, BAD, BAD]))


class PulseTest(unittest.TestCase):
    def test_bits_keep_the_order_of_their_edges(self):
        zero, one = Wire(), Wire()
        catcher = PulseCatcher(zero, one, 4)
        for bit in (1, 0, 0, 1, 1):
            wire = one if bit else zero
            wire.handler(wire)
        buffer = bytearray(3)
        self.assertEqual((catcher.read_into(buffer), buffer), (3, bytearray([1, 0, 0])))
        self.assertEqual((catcher.read_into(buffer), buffer[:2]), (2, bytearray([1, 1])))
        self.assertFalse(catcher.has_received())

    def test_bits_beyond_the_buffer_are_counted_and_spoil_none_before(self):
        zero, one = Wire(), Wire()
        catcher = PulseCatcher(zero, one, 4)
        for _ in range(200):
            one.handler(one)
        buffer = bytearray(256)
        self.assertEqual(catcher.read_into(buffer) + catcher.lost, 200)


class Passing:
    """Time that passes a millisecond at a time, in which characters arrive."""

    def __init__(self, port, arrivals):
        self.us = 0
        self._port = port
        self._arrivals = list(arrivals)

    def now_us(self):
        """Tell the time."""
        return self.us

    def sleep_ms(self, ms):
        """Let time pass."""
        self.us += ms * 1000
        if self._arrivals:
            self._port.rx += self._arrivals.pop(0)


class DirectionTest(unittest.TestCase):
    def setUp(self):
        self.port, self.timer, self.enable = Port(), OneShot(), Direction()
        self.line = Rs485Port(self.port, 9600, self.enable, self.timer)

    def test_the_driver_is_on_while_characters_leave_and_off_after_the_last_stop_bit(self):
        self.assertEqual(self.line.write(bytearray(8), 8), 8)
        self.assertEqual(self.enable.level, 1)
        self.assertTrue(self.timer.period * 9600 >= 9 * 11 * 1000)
        self.timer.fire()  # the UART is slower than reckoned: one character more
        self.assertEqual(self.enable.level, 1)
        self.port.done = True
        self.timer.fire()
        self.assertEqual(self.enable.level, 0)

    def test_a_second_frame_waits_for_the_first(self):
        self.line.write(bytearray(8), 8)
        self.assertEqual(self.line.write(bytearray(8), 8), 0)
        self.assertEqual(len(self.port.tx), 8)

    def test_received_bytes_are_fetched_once(self):
        self.port.rx = bytearray(b"abcd")
        buffer = bytearray(3)
        self.assertEqual((self.line.read_into(buffer), bytes(buffer)), (3, b"abc"))
        self.assertEqual((self.line.read_into(buffer), bytes(buffer[:1])), (1, b"d"))
        self.assertEqual(self.line.read_into(buffer), 0)

    def let_end(self, arrivals, limit_us):
        """Let what is there at once and what comes each millisecond end; tell for how long nothing had come then."""
        self.port.rx += arrivals[0]
        clock = Passing(self.port, arrivals[1:])
        self.line.let_end(clock, clock.sleep_ms, 0, limit_us, None)
        return clock.us - 1000 * (len(arrivals) - 1)

    def test_a_frame_is_let_come_to_its_end_and_its_silence_is_known(self):
        buffer = bytearray(5)
        silence_us = self.let_end([b"ab", b"c", b"", b"d"], 100000)
        self.assertEqual((self.line.read_into(buffer), bytes(buffer)), (4, b"abcd\x00"))
        self.assertEqual((self.line.silence_us, silence_us), (5000, 5000))  # 3.5 characters at 9600 baud are 4.01 ms

    def test_a_frame_is_not_waited_for_longer_than_allowed_nor_than_the_buffer_has_room(self):
        self.let_end([b"a", b"b", b"c", b"d"], 2000)
        self.assertEqual((self.line.read_into(bytearray(4)), self.line.silence_us), (3, 0))
        self.let_end([bytes(254), b"ab", b"c"], 100000)
        self.assertEqual(len(self.port.rx), 256)

    def test_a_silence_is_that_of_the_bytes_it_was_seen_after(self):
        buffer = bytearray(8)
        self.let_end([b"abc"], 100000)
        self.port.rx += b"d"
        self.line.read_into(buffer)
        self.assertEqual(self.line.silence_us, 0)
        self.let_end([b"e"], 100000)
        self.line.read_into(buffer)
        self.assertEqual(self.line.silence_us, 5000)
        self.port.rx += b"f"
        self.line.read_into(buffer)
        self.assertEqual(self.line.silence_us, 0)

    def test_nothing_is_waited_for_when_nothing_came(self):
        clock = Passing(self.port, [])
        self.line.let_end(clock, clock.sleep_ms, 0, 100000, None)
        self.assertEqual(clock.us, 0)

    def test_what_comes_on_the_line_beside_is_let_end_too(self):
        beside = Port()
        beside.rx = bytearray(b"a")
        clock = Passing(beside, [b"b", b"c"])
        self.line.let_end(clock, clock.sleep_ms, 0, 100000, beside)
        self.assertEqual((len(beside.rx), clock.us), (3, 7000))


if __name__ == "__main__":
    unittest.main()
