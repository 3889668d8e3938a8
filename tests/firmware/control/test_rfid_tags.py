"""Which sightings become reads: several in one scan, look-alikes, the tags remembered, directions, lamps."""

import unittest

from firmware.control.rfid_tags import Identifier, Sightings
from protocols.registers import rfid as reg
from protocols.rfid import r200
from protocols.rfid.gen2 import tag_crc
from protocols.rfid.read_slot import ID_SIZE
from tests.firmware.control.rfid_bench import EPC, RfidBench


def tag_frame(epc: bytes, rssi_dbm: int = -54) -> bytes:
    """An R200's notification of one tag."""
    buffer = bytearray(r200.FRAME_MAX)
    return bytes(buffer[: r200.put_tag(buffer, rssi_dbm, epc, len(epc))])


def numbered(number: int) -> bytes:
    """An identifier."""
    return bytes([0xE0, number]) + b"\x07" * 10


def quiet_bench() -> RfidBench:
    """A bench whose tags come by `sight` only."""
    bench = RfidBench()
    bench.is_connected = False
    bench.scan()
    return bench


def sight(bench: RfidBench, *epcs: bytes) -> None:
    """Let these tags be seen in one scan."""
    bench.feed(b"".join([tag_frame(epc) for epc in epcs]))
    bench.run(10)


class TestIdentifier(unittest.TestCase):
    def test_a_short_one_leaves_nothing_of_the_long_one_before_it(self) -> None:
        tag = Identifier()
        tag.take(b"\x11" * (ID_SIZE + 9), 2, ID_SIZE + 3, 4)
        self.assertEqual((bytes(tag.data), tag.size, tag.kind), (b"\x11" * ID_SIZE, ID_SIZE + 3, 4))
        tag.take(b"\x22\x33\x44\x55", 1, 2, 5)
        self.assertEqual((bytes(tag.data), tag.size, tag.kind), (b"\x33\x44" + bytes(ID_SIZE - 2), 2, 5))
        self.assertEqual(tag.check, tag_crc(b"\x33\x44", 0, 2))


class TestOneScan(unittest.TestCase):
    def test_before_the_first_scan_nothing_was_seen(self) -> None:
        sightings = Sightings()
        self.assertEqual((sightings.count, sightings.repeats, sightings.lost), (0, 0, 0))

    def test_sixteen_tags_are_all_taken_and_of_seventeen_one_is_counted_as_lost(self) -> None:
        bench = quiet_bench()
        sight(bench, *[numbered(number) for number in range(16)])
        self.assertEqual((len(bench.reads()), bench.core.status[reg.ST_READS_LOST]), (16, 0))
        bench = quiet_bench()
        sight(bench, *[numbered(number) for number in range(19)])
        self.assertEqual((len(bench.reads()), bench.core.status[reg.ST_READS_LOST]), (16, 3))

    def test_what_nobody_was_to_read_is_not_lost(self) -> None:
        bench = quiet_bench()
        bench.settings[reg.SET_GATE] = reg.GATE_PRESENCE
        sight(bench, *[numbered(number) for number in range(19)])
        self.assertEqual((bench.core.status[reg.ST_READS_LOST], bench.core.status[reg.ST_GATED_READS]), (0, 16))

    def test_a_tag_seen_several_times_is_one_read_with_its_strongest_level(self) -> None:
        bench = quiet_bench()
        levels = [(1, -60), (2, -40), (1, -50), (2, -70), (1, -65)]
        bench.feed(b"".join([tag_frame(numbered(number), rssi_dbm) for number, rssi_dbm in levels]))
        bench.run(10)
        self.assertEqual([(read[5][1], read[3]) for read in bench.reads()], [(1, -50), (2, -40)])
        self.assertEqual(bench.core.status[reg.ST_DUPLICATES], 3)
        sight(bench, numbered(1))
        self.assertEqual(bench.core.status[reg.ST_DUPLICATES], 4)

    def test_tags_with_the_same_checksum_are_different_tags(self) -> None:
        first = b"\x11" * 12
        other = b"\x19" + b"\x11" * 9 + b"\x5b\x5a"
        self.assertEqual(tag_crc(first, 0, 12), tag_crc(other, 0, 12))
        bench = quiet_bench()
        sight(bench, first, other)
        self.assertEqual([read[5] for read in bench.reads()], [first, other])

    def test_tags_that_differ_in_their_length_only_are_different_tags(self) -> None:
        short = b"\x51" * 10 + b"\xc6\xc9"
        long = short + b"\x00\x00"
        self.assertEqual(tag_crc(short, 0, 12), tag_crc(long, 0, 14))
        bench = quiet_bench()
        sight(bench, short, long)
        self.assertEqual([read[5] for read in bench.reads()], [short, long])

    def test_weak_and_gated_sightings_are_counted_one_by_one(self) -> None:
        bench = quiet_bench()
        bench.settings[reg.SET_MIN_RSSI_DBM] = -53
        sight(bench, EPC, numbered(1))
        bench.settings[reg.SET_GATE] = reg.GATE_PRESENCE
        sight(bench, EPC)
        self.assertEqual((bench.core.status[reg.ST_WEAK_READS], bench.core.status[reg.ST_GATED_READS]), (2, 1))
        self.assertEqual(bench.reads(), [])

    def test_wrong_checksums_are_counted_one_by_one(self) -> None:
        bench = quiet_bench()
        frame = bytearray(tag_frame(EPC))
        frame[9] ^= 0x10
        frame[-2] = r200.checksum(frame, 0, len(frame))
        bench.feed(bytes(frame) + bytes(frame))
        bench.run(10)
        self.assertEqual((bench.core.status[reg.ST_TAG_CRC_ERRORS], bench.core.status[reg.ST_FRAMES]), (2, 2))

    def test_reads_with_a_hub_count_nothing_against_the_list_without_one(self) -> None:
        bench = quiet_bench()
        sight(bench, numbered(99))
        bench.core.hub_alive = 0
        sight(bench, *[numbered(number) for number in range(16)])
        sight(bench, *[numbered(number) for number in range(16, 32)])
        self.assertEqual(bench.core.status[reg.ST_READS_LOST], 0)
        sight(bench, numbered(32))
        self.assertEqual(bench.core.status[reg.ST_READS_LOST], 1)


class TestRemembered(unittest.TestCase):
    def test_the_tag_not_seen_for_longest_makes_room(self) -> None:
        bench = quiet_bench()
        bench.settings[reg.SET_DUPLICATE_MS] = 60000
        for number in (5, 0, 1, 2, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 5):
            sight(bench, numbered(number))
        sight(bench, numbered(16))
        self.assertEqual(len(bench.reads()), 17)
        for number in range(1, 18):
            sight(bench, numbered(number % 17))
        self.assertEqual([read[5] for read in bench.reads()], [numbered(0)])

    def test_a_tag_whose_window_is_over_makes_room_before_all_others(self) -> None:
        bench = quiet_bench()
        for number in range(16):
            bench.settings[reg.SET_DUPLICATE_MS] = 100 if number == 11 else 60000
            sight(bench, numbered(number))
        bench.run(100)
        sight(bench, numbered(16))
        self.assertEqual(len(bench.reads()), 17)
        for number in range(17):
            if number != 11:
                sight(bench, numbered(number))
        self.assertEqual(bench.reads(), [])

    def test_the_window_ends_with_its_last_millisecond(self) -> None:
        bench = quiet_bench()
        bench.settings[reg.SET_DUPLICATE_MS] = 500
        sight(bench, EPC)
        bench.run(480)
        sight(bench, EPC)
        self.assertEqual(len(bench.reads()), 1)
        bench.run(490)
        sight(bench, EPC)
        self.assertEqual(len(bench.reads()), 1)


class TestDirection(unittest.TestCase):
    def test_the_antennas_tell_the_way_of_a_tag_that_was_at_the_other_one_lately(self) -> None:
        bench = RfidBench()
        bench.settings[reg.SET_ANTENNA_COUNT] = 2
        bench.settings[reg.SET_DIRECTION_SOURCE] = reg.DIRECTION_SOURCE_ANTENNAS
        bench.field.add(numbered(0))
        tag = bench.field.add(numbered(1))
        late = bench.field.add(numbered(2))
        bench.run(1000)
        bench.reads()
        tag.antenna = 2
        late.antenna = 0
        bench.run(1000)
        self.assertEqual([read[1:3] for read in bench.reads()], [(2, reg.DIRECTION_IN)])
        self.assertEqual(bench.core.status[reg.ST_DIRECTION], reg.DIRECTION_IN)
        bench.field.add(numbered(3), 2)
        bench.run(1000)
        self.assertEqual([read[1:3] for read in bench.reads()], [(2, reg.DIRECTION_UNKNOWN)])
        self.assertEqual(bench.core.status[reg.ST_DIRECTION], reg.DIRECTION_UNKNOWN)
        bench.run(4000)
        late.antenna = 2
        bench.run(1000)
        self.assertEqual([read[1:3] for read in bench.reads()], [(2, reg.DIRECTION_UNKNOWN)])

    def test_a_direction_is_forgotten_when_nobody_asks_for_one(self) -> None:
        bench = quiet_bench()
        bench.settings[reg.SET_DIRECTION_SOURCE] = reg.DIRECTION_SOURCE_PRESENCE
        bench.put(reg.IN_PRESENCE_2, 1)
        self.assertEqual(bench.core.status[reg.ST_DIRECTION], reg.DIRECTION_OUT)
        bench.settings[reg.SET_DIRECTION_SOURCE] = reg.DIRECTION_SOURCE_NONE
        sight(bench, EPC)
        self.assertEqual([read[2] for read in bench.reads()], [reg.DIRECTION_UNKNOWN])

    def test_the_output_chooses_the_antenna_that_the_status_tells(self) -> None:
        bench = RfidBench()
        bench.settings[reg.SET_ANTENNA_COUNT] = 2
        seen = []
        for _ in range(100):
            bench.run(10)
            seen.append((bench.core.status[reg.ST_ANTENNA], bench.core.outputs[reg.OUT_ANTENNA_2]))
        self.assertEqual(set(seen), {(1, 0), (2, 1)})


class TestLamps(unittest.TestCase):
    def test_lamp_and_buzzer_last_their_times(self) -> None:
        bench = quiet_bench()
        bench.settings[reg.SET_READ_OK_MS] = 300
        bench.settings[reg.SET_BEEP_MS] = 100
        sight(bench, EPC)
        self.assertEqual((bench.core.outputs[reg.OUT_READ_OK], bench.core.outputs[reg.OUT_BUZZER]), (1, 1))
        found = []
        for wait_ms in (90, 10, 180, 10):
            bench.run(wait_ms)
            found.append((bench.core.outputs[reg.OUT_READ_OK], bench.core.outputs[reg.OUT_BUZZER]))
            bench.feed(tag_frame(EPC))  # a repetition, which starts nothing anew
        self.assertEqual(found, [(1, 1), (1, 0), (1, 0), (1, 0)])
        bench.run(10)
        self.assertEqual((bench.core.outputs[reg.OUT_READ_OK], bench.core.outputs[reg.OUT_BUZZER]), (0, 0))
