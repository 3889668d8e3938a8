"""A rig at work allocates nothing: no collection may fall into a stimulus."""

import unittest

from protocols.rig import messages as m
from tests.firmware.roles.rig_bench import Bench, entry, number

try:
    from micropython import heap_lock, heap_unlock
except ImportError:

    def heap_lock():
        """CPython has no lock; the MicroPython run is the proof."""

    def heap_unlock():
        """Nothing to undo."""


def frame_for(bench, kind, payload):
    """The bytes of a question, made where allocating is allowed."""
    bench.ask(kind, payload)
    return bytes(bench.frame)


class TestAllocation(unittest.TestCase):
    def test_a_run_with_every_kind_of_question_allocates_nothing(self) -> None:
        bench = Bench()
        speeds = number(0) + number(m.AXIS_ONE // 50) * 3
        bench.ask(m.AXIS, bytes([m.SENSE_AT, m.SENSE_AT + 1, m.NONE]) + speeds)
        bench.ask(m.LIMIT, bytes([2]) + number(m.AXIS_ONE) + number(m.AXIS_ONE - 1))
        bench.ask(m.FOLLOW, bytes([7, m.SENSE_AT + 2, m.NONE, 1]) + number(5000) * 2)
        bench.ask(m.START)
        questions = [
            frame_for(bench, m.QUEUE, entry(4000, 1, 1) + entry(3000, 0, 1) + entry(m.NOW, 4, 1)),
            frame_for(bench, m.QUEUE, b"\xff" * 6),
            frame_for(bench, m.STATUS, b""),
            frame_for(bench, m.HELLO, b"\x01"),
            frame_for(bench, m.READ, b""),
        ]
        card = bench.card
        heap_lock()
        try:
            for round_of in range(400):
                card.clock_us += 1000
                bench.engine.poll(card.clock_us)
                bench.engine.on_senses(card.clock_us, round_of >> 3)
                question = questions[round_of % 5]
                bench.reader.take(question, 0, len(question), card.clock_us)
                bench.service.answer(card.clock_us, 0)
        finally:
            heap_unlock()
        self.assertTrue(card.steps > 5)
