"""Bytes of the field line: pauses, garbage and frames of each family that are not what was asked for."""

import unittest

from firmware.control.rfid_dialog import KEEPALIVE_MS
from firmware.control.rfid_links import REQUEST_POWER, Link, make_link
from protocols.registers import rfid as reg
from protocols.rfid import r200, uhfreader18, wiegand
from tests.firmware.control.rfid_bench import EPC, RfidBench
from tests.firmware.control.test_rfid_tags import numbered, quiet_bench, tag_frame

CARD_26 = bytes([int(bit) for bit in "11101010000011011100000010"])
CARD_34 = bytes([int(bit) for bit in "1100010011101010000011011100000011"])


def uhf_frame(command: int, status: int, data: bytes = b"", address: int = 0) -> bytes:
    """A UHFReader18 reader's frame."""
    buffer = bytearray(uhfreader18.FRAME_MAX)
    for index in range(len(data)):
        buffer[4 + index] = data[index]
    return bytes(buffer[: uhfreader18.put_response(buffer, address, command, status, len(data))])


def inventory(status: int, *epcs: bytes) -> bytes:
    """An inventory's frame with these tags."""
    tags = b"".join([bytes([len(epc)]) + epc for epc in epcs])
    return uhf_frame(uhfreader18.CMD_INVENTORY, status, bytes([len(epcs)]) + tags)


def uhf_bench() -> RfidBench:
    """A UHFReader18 bench in the midst of a round; what the reader says comes by `feed` only."""
    bench = RfidBench("uhfreader18")
    bench.run(500)
    while not bench.core.memory.request:
        bench.run(10)
    bench.exchange()
    bench.is_connected = False
    return bench


def count(bench: RfidBench, index: int) -> int:
    """A word of the status."""
    return bench.core.status[index]


def asked(bench: RfidBench) -> bytes:
    """What the core sends now."""
    return bytes(bench.buffer[: bench.core.line.transmit(bench.buffer)])


class TestPauses(unittest.TestCase):
    def test_half_a_frame_is_garbage_when_its_rest_stays_away_for_the_pause(self) -> None:
        for family, half in (("r200", tag_frame(EPC)[:9]), ("uhfreader18", inventory(1, EPC)[:9])):
            bench = RfidBench(family)
            bench.is_connected = False
            bench.feed(half)
            bench.step()
            for wait_ms, errors in ((40, 0), (59, 0), (1, 1)):
                bench.elapsed_ms += wait_ms
                bench.step()
                self.assertEqual(count(bench, reg.ST_LINE_ERRORS), errors, (family, wait_ms))

    def test_a_frame_behind_a_false_beginning_is_found_when_the_line_is_quiet(self) -> None:
        for family, data in (
            ("r200", b"\xaa\x02\x22\x00\x50" + tag_frame(EPC)),
            ("uhfreader18", b"\x60\x00\x01" + inventory(1, EPC)),
        ):
            bench = RfidBench(family)
            bench.is_connected = False
            bench.feed(data)
            bench.run(90)
            self.assertEqual((bench.reads(), count(bench, reg.ST_FRAMES)), ([], 0))
            bench.run(20)
            self.assertEqual([read[5] for read in bench.reads()], [EPC])
            self.assertEqual((count(bench, reg.ST_LINE_ERRORS), count(bench, reg.ST_FRAMES)), (1, 1))

    def test_a_card_after_exactly_the_gap_is_a_card_of_its_own(self) -> None:
        bench = RfidBench("wiegand")
        bench.feed(CARD_26)
        bench.elapsed_ms += wiegand.GAP_MS
        bench.feed(CARD_34)
        bench.elapsed_ms += wiegand.GAP_MS - 1
        bench.feed(CARD_34[:0])
        bench.run(100)
        self.assertEqual([len(read[5]) for read in bench.reads()], [3, 4])
        self.assertEqual((count(bench, reg.ST_FRAMES), count(bench, reg.ST_LINE_ERRORS)), (2, 0))

    def test_a_family_whose_bytes_are_whole_frames_never_waits(self) -> None:
        link = Link()
        link.on_bytes(b"\xaa", 1)
        self.assertFalse(link.is_waiting())

    def test_one_stray_bit_is_garbage(self) -> None:
        bench = RfidBench("wiegand")
        bench.feed(b"\x01")
        bench.run(100)
        self.assertEqual(count(bench, reg.ST_LINE_ERRORS), 1)

    def test_a_byte_that_is_no_bit_spoils_its_card_and_no_other(self) -> None:
        bench = RfidBench("wiegand")
        bench.feed(CARD_26[:5] + bytes([CARD_26[5] | 2]) + CARD_26[6:])
        bench.run(100)
        self.assertEqual((bench.reads(), count(bench, reg.ST_LINE_ERRORS)), ([], 1))
        bench.feed(CARD_26)
        bench.run(100)
        self.assertEqual((len(bench.reads()), count(bench, reg.ST_LINE_ERRORS)), (1, 1))


def asked_at_rest() -> RfidBench:
    """A reader that is stopped and was just asked who it is; it has not answered."""
    bench = RfidBench()
    bench.command(reg.OP_STOP)
    bench.run(2000)
    bench.is_connected = False
    while not asked(bench):
        bench.run(10)
    return bench


class TestQuestions(unittest.TestCase):
    def test_nothing_is_sent_while_nothing_is_asked(self) -> None:
        bench = RfidBench()
        bench.scan()
        self.assertTrue(len(asked(bench)) > 0)
        self.assertEqual(asked(bench), b"")

    def test_families_are_asked_only_what_they_know(self) -> None:
        buffer = bytearray(16)
        for family in ("uhfreader18", "wiegand"):
            self.assertEqual(make_link(family).put_request(REQUEST_POWER, 2000, buffer), 0)

    def test_many_rounds_are_a_hundred(self) -> None:
        bench = RfidBench()
        bench.settings[reg.SET_POLL_MODE] = reg.POLL_MODE_MULTI
        sent: list[bytes] = []
        for _ in range(20):
            bench.run(10)
            data = asked(bench)
            if data:
                sent.append(data)
                bench.reader.receive(data, bench.elapsed_ms)
        self.assertEqual(sent[-1].hex(), "aa002700032200" + "64" + "b0" + "dd")

    def test_what_comes_before_the_first_question_answers_none(self) -> None:
        for family, data in (
            ("r200", bytes.fromhex("aa0103000100" + "05" + "dd")),
            ("uhfreader18", uhf_frame(uhfreader18.CMD_READER_INFO, 0) + inventory(0xFB)),
        ):
            bench = RfidBench(family)
            bench.is_connected = False
            bench.feed(data)
            bench.step()
            self.assertEqual(bench.state(), reg.STATE_STARTING)
            self.assertTrue(count(bench, reg.ST_FRAMES) > 0)

    def test_an_idle_reader_is_asked_once_a_second_and_nothing_wakes_the_core_before(self) -> None:
        bench = asked_at_rest()
        bench.run(300)
        answer = bytes.fromhex("aa010300010005dd")
        bench.feed(answer[:5])
        bench.run(20)
        bench.feed(answer[5:])
        bench.run(10)
        self.assertEqual(bench.core.next_wake_ms(), 1000)
        self.assertEqual(KEEPALIVE_MS, 1000)

    def test_a_reader_that_is_asked_who_it_is_just_before_it_is_to_read_reads_at_once(self) -> None:
        answer = bytes.fromhex("aa010300010005dd")
        for wait_ms in (0, 10, 200):
            bench = asked_at_rest()
            bench.command(reg.OP_START)
            bench.run(wait_ms)
            bench.feed(answer)
            begun_ms = bench.elapsed_ms
            while not asked(bench):
                bench.run(10)
            self.assertTrue(bench.elapsed_ms - begun_ms <= 30, wait_ms)

    def test_restart_asks_who_is_there_at_once(self) -> None:
        info = bytes.fromhex("aa000300010004dd")
        for poll_mode in (reg.POLL_MODE_SINGLE, reg.POLL_MODE_MULTI):
            for wait_ms in (300, 310, 320, 330, 340, 350, 360, 370, 380):
                bench = RfidBench()
                bench.settings[reg.SET_POLL_MODE] = poll_mode
                bench.run(wait_ms)
                asked(bench)
                bench.is_connected = False
                bench.core.request_opcode = reg.OP_RESTART_READER
                bench.step()
                self.assertEqual(asked(bench), info, (poll_mode, wait_ms))

    def test_who_is_there_is_asked_again_only_when_the_reader_is_lost(self) -> None:
        bench = RfidBench()
        bench.run(500)
        bench.reader.is_silent = True
        before = len(bench.reader.asked)
        bench.run(5200)
        asked_of = bench.reader.asked[before:]
        self.assertEqual(asked_of[:3].count(r200.CMD_MODULE_INFO), 0)
        self.assertEqual(set(asked_of[3:]), {r200.CMD_MODULE_INFO})

    def test_a_setting_that_changes_while_many_rounds_run_stops_them_first(self) -> None:
        bench = RfidBench()
        bench.settings[reg.SET_POLL_MODE] = reg.POLL_MODE_MULTI
        bench.field.add(EPC)
        bench.run(1500)
        bench.settings[reg.SET_READER_POWER_DBM_X100] = 1500
        bench.run(1500)
        self.assertEqual(bench.reader.asked[:2], [r200.CMD_MODULE_INFO, r200.CMD_MULTI_POLL])
        self.assertEqual(bench.reader.asked[2:], [r200.CMD_STOP_POLL, r200.CMD_SET_POWER, r200.CMD_MULTI_POLL])

    def test_frames_that_answer_nothing_are_silence_and_no_garbage(self) -> None:
        bench = quiet_bench()
        for _ in range(45):
            bench.feed(b"\x17\x42")
            bench.run(50)
            bench.feed(bytes.fromhex("aa01b70002" + "07d0" + "91" + "dd"))
            bench.run(50)
        self.assertTrue(bench.has_fault(reg.FAULTS_READER_SILENT))
        self.assertTrue(count(bench, reg.ST_FRAMES) >= 40)


class TestR200(unittest.TestCase):
    def test_a_failure_without_a_code_is_code_0(self) -> None:
        bench = quiet_bench()
        bench.feed(bytes.fromhex("aa01ff000000dd"))
        bench.run(10)
        self.assertTrue(bench.has_fault(reg.FAULTS_READER_REFUSED))
        self.assertEqual(count(bench, reg.ST_READER_ERROR), 0)

    def test_a_notification_of_something_else_is_no_tag_and_no_wrong_one(self) -> None:
        bench = quiet_bench()
        bench.feed(bytes.fromhex("aa022200022211" + "59" + "dd"))
        bench.run(10)
        self.assertEqual((bench.reads(), count(bench, reg.ST_TAG_CRC_ERRORS)), ([], 0))
        self.assertEqual(count(bench, reg.ST_FRAMES), 1)


class TestUhfReader18(unittest.TestCase):
    def test_each_stretch_of_garbage_is_counted_once(self) -> None:
        bench = uhf_bench()
        for errors in (1, 2, 3):
            bench.feed(b"\x00\x01\x02" + inventory(1, EPC))
            bench.run(30)
            self.assertEqual(count(bench, reg.ST_LINE_ERRORS), errors)

    def test_a_poll_checks_1024_bytes_and_what_is_more_is_garbage(self) -> None:
        for last, taken in ((256, 4), (257, 4)):
            bench = uhf_bench()
            before = count(bench, reg.ST_FRAMES)
            sizes = (256, 256, 256, last - 6, 6)
            data = b"".join([uhf_frame(uhfreader18.CMD_INVENTORY, 0xFB, bytes(size - 6)) for size in sizes])
            bench.core.line.receive(bytearray(data), len(data), bench.now_ms())
            bench.run(200)
            self.assertEqual(count(bench, reg.ST_FRAMES) - before, taken + (last == 256))
            self.assertEqual(count(bench, reg.ST_LINE_ERRORS), int(last == 257))

    def test_bytes_that_used_up_a_poll_leave_enough_for_what_the_pause_uncovers(self) -> None:
        bench = uhf_bench()
        data = uhf_frame(uhfreader18.CMD_INVENTORY, 0xFB, bytes(250)) * 4 + b"\x60\x00\x01" + inventory(1, EPC)
        bench.core.line.receive(bytearray(data), len(data), bench.now_ms())
        bench.run(200)
        self.assertEqual([read[5] for read in bench.reads()], [EPC])

    def test_a_reader_of_another_address_is_not_heard(self) -> None:
        bench = uhf_bench()
        bench.settings[reg.SET_READER_ADDRESS] = 3
        bench.run(10)
        before = count(bench, reg.ST_FRAMES)
        bench.feed(inventory(1, EPC))
        bench.run(10)
        self.assertEqual((bench.reads(), count(bench, reg.ST_FRAMES)), ([], before))
        bench.feed(uhf_frame(uhfreader18.CMD_INVENTORY, 1, b"\x01\x02\x12\x34", 3))
        bench.run(10)
        self.assertEqual((len(bench.reads()), count(bench, reg.ST_FRAMES)), (1, before + 1))

    def test_a_reader_that_sends_by_itself_and_answers_nothing_is_not_lost(self) -> None:
        bench = RfidBench("uhfreader18")
        bench.is_connected = False
        for number in range(60):
            bench.feed(uhf_frame(uhfreader18.CMD_ACTIVE, 0, numbered(number)))
            bench.run(100)
        self.assertEqual((len(bench.reads()), bench.core.health), (32, reg.HEALTH_NORMAL))
        self.assertEqual((count(bench, reg.ST_READ_HEAD), bench.state()), (60, reg.STATE_READING))

    def test_an_error_answer_is_shown_with_its_code(self) -> None:
        for command in (uhfreader18.CMD_READER_INFO, uhfreader18.CMD_UNKNOWN, uhfreader18.CMD_INVENTORY):
            bench = uhf_bench()
            bench.feed(uhf_frame(command, 0xFE))
            bench.run(10)
            self.assertTrue(bench.has_fault(reg.FAULTS_READER_REFUSED), command)
            self.assertEqual(count(bench, reg.ST_READER_ERROR), 0xFE)
        bench = uhf_bench()
        bench.feed(uhf_frame(uhfreader18.CMD_UNKNOWN, 0))
        bench.run(10)
        self.assertTrue(bench.has_fault(reg.FAULTS_READER_REFUSED))
        bench = uhf_bench()
        bench.feed(uhf_frame(uhfreader18.CMD_INVENTORY, uhfreader18.STATUS_ANTENNA))
        bench.run(10)
        self.assertEqual(count(bench, reg.ST_READER_ERROR), uhfreader18.STATUS_ANTENNA)
        self.assertFalse(bench.has_fault(reg.FAULTS_READER_REFUSED))

    def test_a_round_in_many_frames_is_one_round_however_long_it_takes(self) -> None:
        bench = uhf_bench()
        bench.settings[reg.SET_DUPLICATE_MS] = 60000
        for number in range(8):
            bench.feed(inventory(uhfreader18.STATUS_MORE, numbered(number)))
            for _ in range(70):
                bench.elapsed_ms += 10
                bench.step()
                self.assertEqual(asked(bench), b"", number)
        bench.feed(inventory(uhfreader18.STATUS_TIME_OVER, numbered(8)))
        bench.run(10)
        self.assertEqual((len(bench.reads()), count(bench, reg.ST_PARTIAL_ROUNDS)), (9, 1))
        bench.feed(inventory(uhfreader18.STATUS_MEMORY_FULL, numbered(8)))
        bench.run(10)
        self.assertEqual(count(bench, reg.ST_PARTIAL_ROUNDS), 2)

    def test_an_inventory_without_any_data_has_no_tag_and_no_error(self) -> None:
        bench = uhf_bench()
        bench.feed(uhf_frame(uhfreader18.CMD_INVENTORY, uhfreader18.STATUS_FINISHED))
        bench.run(10)
        self.assertEqual((bench.reads(), count(bench, reg.ST_LINE_ERRORS)), ([], 0))

    def test_a_tag_longer_than_its_frame_is_an_error_by_whatever_it_exceeds_it(self) -> None:
        for excess in (1, 2, 3, 200):
            bench = uhf_bench()
            bench.feed(uhf_frame(uhfreader18.CMD_INVENTORY, 1, bytes([1, 4 + excess]) + b"\x12\x34\x56\x78"))
            bench.run(10)
            self.assertEqual((bench.reads(), count(bench, reg.ST_LINE_ERRORS)), ([], 1), excess)

    def test_an_identifier_has_one_byte_at_least(self) -> None:
        bench = uhf_bench()
        bench.feed(inventory(1, b"", b"\x42", b""))
        bench.run(10)
        self.assertEqual([read[5] for read in bench.reads()], [b"\x42"])
        self.assertEqual(count(bench, reg.ST_LINE_ERRORS), 0)
