"""The read list: overwriting, what is certainly lost, the wrap of the numbers, and the registers it lies in."""

import unittest

from firmware.control.events import EventRing
from firmware.control.rfid import Rfid
from firmware.control.rfid_reads import CAPACITY, LIST_SIZE
from protocols.registers import rfid as reg
from protocols.rfid.read_slot import SLOT_REGISTERS, SLOT_SIZE, read_read
from tests.firmware.control.rfid_bench import RfidBench, default_settings


def read_many(bench: RfidBench, count: int, first: int = 0) -> None:
    """Let `count` different tags pass, one after the other."""
    for number in range(first, first + count):
        tag = bench.field.add(b"\x02\x05" + bytes([number >> 8, number & 255]) + b"\x07" * 8)
        bench.run(250)
        tag.antenna = 0


class TestReadList(unittest.TestCase):
    def test_the_list_fills_the_registers_of_the_map(self) -> None:
        self.assertEqual(LIST_SIZE, 2 * (reg.INPUT_COUNT - reg.AT_READ_LIST))
        self.assertEqual(CAPACITY * SLOT_REGISTERS * 2, LIST_SIZE)
        registers = bytearray(reg.INPUT_COUNT * 2)
        bench = RfidBench()
        bench.core.bind_registers(registers)
        read_many(bench, 2)
        second = read_read(registers, 2 * reg.AT_READ_LIST + SLOT_SIZE)
        self.assertEqual((second[0], second[9][:4]), (2, b"\x02\x05\x00\x01"))
        self.assertEqual(bytes(registers[: 2 * reg.AT_READ_LIST]), bytes(2 * reg.AT_READ_LIST))

    def test_with_a_hub_the_oldest_is_overwritten_and_the_numbers_show_it(self) -> None:
        bench = RfidBench()
        read_many(bench, CAPACITY + 3)
        self.assertEqual([read[0] for read in bench.reads()], list(range(4, CAPACITY + 4)))
        self.assertEqual(bench.core.status[reg.ST_READ_HEAD], CAPACITY + 3)
        self.assertEqual(bench.core.status[reg.ST_READS_LOST], 0)

    def test_without_a_hub_every_read_beyond_the_list_is_counted_as_lost(self) -> None:
        bench = RfidBench()
        read_many(bench, 5)
        bench.core.hub_alive = 0
        read_many(bench, CAPACITY, 5)
        self.assertFalse(bench.has_fault(reg.FAULTS_READS_LOST))
        read_many(bench, 2, 100)
        self.assertTrue(bench.has_fault(reg.FAULTS_READS_LOST))
        self.assertEqual(bench.core.status[reg.ST_READS_LOST], 2)
        bench.core.hub_alive = 1
        bench.run(100)
        self.assertEqual(bench.core.health, reg.HEALTH_OFF_SPEC)
        self.assertEqual(bench.command(reg.OP_CLEAR_FAULTS), reg.COMMAND_RESULT_ACCEPTED)
        self.assertEqual(bench.core.health, reg.HEALTH_NORMAL)
        self.assertEqual(bench.core.status[reg.ST_READS_LOST], 2)
        bench.core.hub_alive = 0
        read_many(bench, CAPACITY, 200)
        self.assertEqual(bench.core.status[reg.ST_READS_LOST], 2)

    def test_the_numbers_wrap_within_small_integers(self) -> None:
        bench = RfidBench()
        bench.core.memory.read_head = 0x3FFFFFFE
        read_many(bench, 3)
        self.assertEqual(bench.core.status[reg.ST_READ_HEAD], 1)
        found = []
        for slot in (29, 30, 31, 0):
            found.append(read_read(bench.core.reads.data, slot * SLOT_SIZE)[0])
        self.assertEqual(found, [0, 0x3FFFFFFF, 0, 1])
        self.assertEqual(read_read(bench.core.reads.data, 31 * SLOT_SIZE)[9][:4], b"\x02\x05\x00\x01")

    def test_counters_wrap_at_their_width(self) -> None:
        bench = RfidBench()
        for name in (
            "duplicates",
            "weak_reads",
            "gated_reads",
            "tag_crc_errors",
            "line_errors",
            "frames",
            "reads_lost",
        ):
            setattr(bench.core.memory, name, 0xFFFF)
        bench.field.add(b"\x01" * 12)
        bench.feed(b"\x17")
        bench.run(1000)
        self.assertTrue(bench.core.status[reg.ST_DUPLICATES] < 100)
        self.assertTrue(bench.core.status[reg.ST_FRAMES] < 100)
        self.assertEqual(bench.core.status[reg.ST_LINE_ERRORS], 0)

    def test_the_default_family_is_the_first_one_of_the_role(self) -> None:
        core = Rfid(default_settings(), EventRing(bytearray(16), 1))
        self.assertTrue(core.line.link.has_settings)
