"""What the charging post remembers: what it begins with, and that a saved state comes back whole or not at all."""

import unittest

from firmware.control import charging_post_memory as post
from firmware.control.charging_post_memory import PostMemory, load_memory, save_memory
from firmware.control.timer import TimerBank
from protocols.registers import charging_post as reg

NAMES = post.DECISIONS + post.WIDE_DECISIONS + post.COUNTERS
NOW_MS = 5000


def make_filled() -> tuple[PostMemory, TimerBank]:
    """A memory whose values all differ, and timers that are off, running and done."""
    memory = PostMemory(0, 0)
    for number, name in enumerate(NAMES):
        setattr(memory, name, 200 + number if name in post.DECISIONS else (number << 24) + 0x3A5C71)
    timers = TimerBank(post.TIMER_COUNT)
    timers.advance(NOW_MS)
    timers.start(post.TIMER_STATE, 250)
    timers.start(post.TIMER_CHARGE, 0)
    return memory, timers


def all_of(memory: PostMemory) -> list[int]:
    """Every remembered value by its place in NAMES."""
    return [getattr(memory, name) for name in NAMES]


class TestBirth(unittest.TestCase):
    def test_a_new_memory_holds_the_contacts_believes_no_button_and_knows_nothing_else(self) -> None:
        memory = PostMemory(reg.STATE_RAMP_DOWN, reg.END_REASON_RESTART)
        known = {
            "state": reg.STATE_RAMP_DOWN,
            "halt": 1,
            "extend_before": 1,
            "retract_before": 1,
            "end_reason": reg.END_REASON_RESTART,
        }
        self.assertEqual(all_of(memory), [known.get(name, 0) for name in NAMES])

    def test_every_timer_has_its_own_place_and_the_jogs_differ(self) -> None:
        timers = [post.TIMER_STATE, post.TIMER_HOLD, post.TIMER_VEHICLE, post.TIMER_MODULE, post.TIMER_CHARGE]
        timers.append(post.TIMER_SUPPLY)
        self.assertEqual(sorted(timers), list(range(post.TIMER_COUNT)))
        self.assertEqual(PostMemory(0, 0).jog, post.JOG_NONE)
        self.assertEqual(len({post.JOG_NONE, post.JOG_EXTEND, post.JOG_RETRACT}), 3)


class TestSave(unittest.TestCase):
    def test_the_saved_state_is_one_version_byte_13_bytes_19_words_and_6_timers(self) -> None:
        buffer = bytearray(post.SAVE_SIZE + 1)
        memory, timers = make_filled()
        self.assertEqual(save_memory(memory, timers, buffer), post.SAVE_SIZE)
        self.assertEqual(post.SAVE_SIZE, 1 + 13 + 4 * 19 + 4 * 6)
        self.assertEqual(buffer[:3], bytes((2, 200, 201)))
        self.assertEqual(buffer[14:18], bytes((13, 0x3A, 0x5C, 0x71)))
        self.assertEqual(buffer[-1], 0)  # nothing is written behind the size

    def test_every_value_and_every_timer_comes_back(self) -> None:
        memory, timers = make_filled()
        buffer = bytearray(post.SAVE_SIZE)
        save_memory(memory, timers, buffer)
        other, others = PostMemory(0, 0), TimerBank(post.TIMER_COUNT)
        self.assertTrue(load_memory(other, others, buffer, 9000))
        self.assertEqual(all_of(other), all_of(memory))
        self.assertEqual(others.remaining_ms(post.TIMER_STATE), 250)
        self.assertEqual(others.now_ms, 9000)
        self.assertTrue(others.is_done(post.TIMER_CHARGE))
        for timer in (post.TIMER_HOLD, post.TIMER_VEHICLE, post.TIMER_MODULE):
            self.assertTrue(others.is_off(timer))

    def test_another_version_or_a_short_buffer_changes_nothing(self) -> None:
        memory, timers = make_filled()
        buffer = bytearray(post.SAVE_SIZE)
        save_memory(memory, timers, buffer)
        strange = [bytes((version,)) + bytes(buffer[1:]) for version in (0, 1, 255)]
        strange.append(bytes(buffer[:-1]))
        strange.append(b"")
        for data in strange:
            other, others = PostMemory(reg.STATE_IDLE, 7), TimerBank(post.TIMER_COUNT)
            before = all_of(other)
            self.assertFalse(load_memory(other, others, data, 9000))
            self.assertEqual((all_of(other), others.now_ms, others.next_ms()), (before, 0, -1))


if __name__ == "__main__":
    unittest.main()
