"""The dialogue with the reader: set-up, silence, garbage, another reader, errors; what NE 107 says of each."""

import unittest

from protocols.registers import rfid as reg
from protocols.rfid import r200, uhfreader18
from sim_devices.devices.rfid_reader import R200Reader, RfidReader, Uhf18Reader
from tests.firmware.control.rfid_bench import EPC, RfidBench

FAMILIES = ("r200", "uhfreader18")


class Echo(RfidReader):
    """No reader, but a line that hears itself."""

    def receive(self, data: bytes, now_ms: int) -> None:
        self.asked.append(len(data))
        self._send(data, now_ms + 1)


def r200_of(bench: RfidBench) -> R200Reader:
    """The bench's reader, known to be of this family."""
    assert isinstance(bench.reader, R200Reader)
    return bench.reader


def uhf18_of(bench: RfidBench) -> Uhf18Reader:
    """The bench's reader, known to be of this family."""
    assert isinstance(bench.reader, Uhf18Reader)
    return bench.reader


class TestSetup(unittest.TestCase):
    def test_a_reader_that_answers_is_read_at_once(self) -> None:
        for family in FAMILIES:
            bench = RfidBench(family)
            bench.scan()
            self.assertEqual((bench.state(), bench.core.health), (reg.STATE_STARTING, reg.HEALTH_NORMAL))
            bench.run(200)
            self.assertEqual((bench.state(), bench.core.health), (reg.STATE_READING, reg.HEALTH_NORMAL))

    def test_region_and_power_are_sent_before_the_first_round_and_after_a_change(self) -> None:
        bench = RfidBench()
        bench.settings[reg.SET_READER_REGION] = 1
        bench.settings[reg.SET_READER_POWER_DBM_X100] = 2600
        bench.run(500)
        reader = r200_of(bench)
        self.assertEqual((reader.region, reader.power_dbm_x100), (1, 2600))
        first = [r200.CMD_MODULE_INFO, r200.CMD_SET_REGION, r200.CMD_SET_POWER, r200.CMD_SINGLE_POLL]
        self.assertEqual(reader.asked[:4], first)
        bench.settings[reg.SET_READER_POWER_DBM_X100] = 1500
        bench.run(500)
        self.assertEqual(reader.power_dbm_x100, 1500)
        self.assertEqual(bench.state(), reg.STATE_READING)

    def test_settings_of_zero_leave_the_reader_as_it_is(self) -> None:
        bench = RfidBench()
        bench.run(500)
        asked = r200_of(bench).asked
        self.assertFalse(r200.CMD_SET_REGION in asked)
        self.assertFalse(r200.CMD_SET_POWER in asked)

    def test_a_family_without_those_settings_is_asked_none_of_them(self) -> None:
        bench = RfidBench("uhfreader18")
        bench.settings[reg.SET_READER_REGION] = 1
        bench.settings[reg.SET_READER_POWER_DBM_X100] = 2600
        bench.settings[reg.SET_POLL_MODE] = reg.POLL_MODE_MULTI
        bench.field.add(EPC)
        bench.run(3000)
        self.assertEqual((bench.state(), bench.core.health), (reg.STATE_READING, reg.HEALTH_NORMAL))
        self.assertEqual(set(bench.reader.asked), {uhfreader18.CMD_READER_INFO, uhfreader18.CMD_INVENTORY})

    def test_a_refused_setting_is_shown_and_reading_goes_on(self) -> None:
        bench = RfidBench()
        r200_of(bench).refuses_settings = True
        bench.settings[reg.SET_READER_POWER_DBM_X100] = 3300
        bench.field.add(EPC)
        bench.run(1000)
        self.assertTrue(bench.has_fault(reg.FAULTS_READER_REFUSED))
        self.assertEqual(bench.core.status[reg.ST_READER_ERROR], r200.ERROR_BAD_COMMAND)
        self.assertEqual((len(bench.reads()), bench.core.health), (1, reg.HEALTH_OFF_SPEC))
        self.assertEqual(bench.command(reg.OP_CLEAR_FAULTS), reg.COMMAND_RESULT_ACCEPTED)
        self.assertEqual(bench.core.health, reg.HEALTH_NORMAL)

    def test_many_rounds_are_asked_for_at_once_and_stopped_with_the_gate(self) -> None:
        bench = RfidBench()
        bench.settings[reg.SET_POLL_MODE] = reg.POLL_MODE_MULTI
        bench.settings[reg.SET_GATE] = reg.GATE_PRESENCE
        bench.settings[reg.SET_GATE_HOLD_MS] = 0
        bench.run(500)
        bench.put(reg.IN_PRESENCE_1, 1)
        bench.run(5000)
        reader = r200_of(bench)
        self.assertTrue(2 <= reader.asked.count(r200.CMD_MULTI_POLL) <= 4)
        self.assertEqual(reader.asked.count(r200.CMD_SINGLE_POLL), 0)
        bench.field.add(EPC)
        bench.run(100)
        self.assertEqual(len(bench.reads()), 1)
        bench.put(reg.IN_PRESENCE_1, 0)
        bench.run(100)
        self.assertEqual(reader.asked[-2:], [r200.CMD_STOP_POLL, r200.CMD_MODULE_INFO])
        gated = bench.core.status[reg.ST_GATED_READS]
        bench.run(900)
        self.assertEqual(bench.core.status[reg.ST_GATED_READS], gated)
        self.assertEqual(bench.core.health, reg.HEALTH_NORMAL)

    def test_only_the_reader_of_the_set_address_is_listened_to(self) -> None:
        bench = RfidBench("uhfreader18")
        bench.settings[reg.SET_READER_ADDRESS] = 3
        bench.run(4000)
        self.assertTrue(bench.has_fault(reg.FAULTS_READER_SILENT))
        uhf18_of(bench).address = 3
        bench.run(2000)
        self.assertEqual(bench.state(), reg.STATE_READING)


class TestLoss(unittest.TestCase):
    def test_a_reader_that_is_silent_is_a_failure_after_three_questions(self) -> None:
        for family in FAMILIES:
            bench = RfidBench(family)
            bench.run(1000)
            bench.reader.is_silent = True
            bench.run(2900)
            self.assertEqual(bench.core.health, reg.HEALTH_NORMAL)
            bench.run(500)
            self.assertTrue(bench.has_fault(reg.FAULTS_READER_SILENT))
            self.assertEqual((bench.state(), bench.core.health), (reg.STATE_FAULT, reg.HEALTH_FAILURE))
            self.assertEqual(bench.core.outputs[reg.OUT_TRIGGER], 0)
            bench.reader.is_silent = False
            bench.run(1200)
            self.assertEqual((bench.state(), bench.core.health), (reg.STATE_READING, reg.HEALTH_NORMAL))

    def test_silence_is_found_while_nothing_is_to_be_read(self) -> None:
        bench = RfidBench()
        bench.command(reg.OP_STOP)
        bench.run(1000)
        bench.is_connected = False
        bench.run(4500)
        self.assertTrue(bench.has_fault(reg.FAULTS_READER_SILENT))

    def test_a_reader_that_was_exchanged_is_set_up_anew(self) -> None:
        bench = RfidBench()
        bench.settings[reg.SET_READER_REGION] = 1
        bench.settings[reg.SET_READER_POWER_DBM_X100] = 2000
        bench.run(1000)
        bench.is_connected = False
        bench.run(4000)
        bench.reader = R200Reader(bench.field)
        bench.is_connected = True
        bench.field.add(EPC)
        bench.run(2000)
        self.assertEqual((r200_of(bench).region, r200_of(bench).power_dbm_x100), (1, 2000))
        self.assertEqual((bench.state(), len(bench.reads())), (reg.STATE_READING, 1))

    def test_a_reader_of_the_other_family_is_garbage_or_silence_but_never_a_read(self) -> None:
        for family, other in (("r200", Uhf18Reader), ("uhfreader18", R200Reader)):
            bench = RfidBench(family)
            bench.reader = other(bench.field)
            bench.field.add(EPC)
            bench.run(5000)
            self.assertEqual((bench.core.health, bench.reads()), (reg.HEALTH_FAILURE, []))

    def test_a_reader_that_talks_garbage_is_told_from_a_silent_one(self) -> None:
        for family in FAMILIES:
            bench = RfidBench(family)
            bench.field.add(EPC)
            bench.run(1000)
            bench.reader.talks_garbage = True
            bench.run(4000)
            self.assertTrue(bench.has_fault(reg.FAULTS_READER_GARBAGE), family)
            self.assertFalse(bench.has_fault(reg.FAULTS_READER_SILENT))
            self.assertEqual(bench.core.health, reg.HEALTH_FAILURE)
            bench.reader.is_silent = True
            bench.run(4000)
            self.assertTrue(bench.has_fault(reg.FAULTS_READER_SILENT))
            self.assertFalse(bench.has_fault(reg.FAULTS_READER_GARBAGE))

    def test_wrong_checksums_and_cut_frames_are_never_reads(self) -> None:
        for family in FAMILIES:
            for name in ("breaks_frames", "cuts_frames"):
                bench = RfidBench(family)
                setattr(bench.reader, name, True)
                bench.field.add(EPC)
                bench.run(4000)
                self.assertEqual(bench.reads(), [], (family, name))
                self.assertTrue(bench.core.status[reg.ST_LINE_ERRORS] > 0)
                self.assertTrue(bench.has_fault(reg.FAULTS_READER_GARBAGE))
                setattr(bench.reader, name, False)
                bench.run(2000)
                self.assertEqual(len(bench.reads()), 1, (family, name))

    def test_slow_answers_within_the_time_out_are_no_loss(self) -> None:
        for family in FAMILIES:
            bench = RfidBench(family)
            bench.reader.delay_ms = 900
            bench.field.add(EPC)
            bench.run(20000)
            self.assertEqual((bench.core.health, len(bench.reads())), (reg.HEALTH_NORMAL, 1))

    def test_repeated_answers_are_one_read(self) -> None:
        for family in FAMILIES:
            bench = RfidBench(family)
            bench.reader.repeats = 3
            bench.field.add(EPC)
            bench.run(3000)
            self.assertEqual((bench.core.health, len(bench.reads())), (reg.HEALTH_NORMAL, 1))
            self.assertTrue(bench.core.status[reg.ST_DUPLICATES] > 20)

    def test_restart_reader_begins_with_who_is_there(self) -> None:
        bench = RfidBench()
        bench.run(1000)
        before = len(bench.reader.asked)
        self.assertEqual(bench.command(reg.OP_RESTART_READER), reg.COMMAND_RESULT_ACCEPTED)
        self.assertEqual(bench.state(), reg.STATE_STARTING)
        bench.run(200)
        self.assertEqual(bench.reader.asked[before:][0], r200.CMD_MODULE_INFO)
        self.assertEqual(bench.state(), reg.STATE_READING)

    def test_a_wiegand_head_is_never_missed(self) -> None:
        bench = RfidBench("wiegand")
        bench.run(60000)
        self.assertEqual((bench.state(), bench.core.health), (reg.STATE_READING, reg.HEALTH_NORMAL))


class TestStatuses(unittest.TestCase):
    def test_no_tag_is_the_normal_state_of_an_empty_lane(self) -> None:
        for family in FAMILIES:
            bench = RfidBench(family)
            bench.run(5000)
            self.assertEqual(bench.core.health, reg.HEALTH_NORMAL)
            self.assertEqual(bench.core.status[reg.ST_READER_ERROR], 0)

    def test_a_round_that_ended_early_gives_its_tags_and_is_counted(self) -> None:
        for status in (uhfreader18.STATUS_TIME_OVER, uhfreader18.STATUS_MEMORY_FULL):
            bench = RfidBench("uhfreader18")
            uhf18_of(bench).status = status
            for number in range(3):
                bench.field.add(bytes([number]) * 12)
            bench.run(1000)
            self.assertEqual((len(bench.reads()), bench.core.health), (3, reg.HEALTH_NORMAL))
            self.assertTrue(bench.core.status[reg.ST_PARTIAL_ROUNDS] > 2)

    def test_an_antenna_error_is_a_failure_until_a_round_works(self) -> None:
        bench = RfidBench("uhfreader18")
        uhf18_of(bench).status = uhfreader18.STATUS_ANTENNA
        bench.run(1000)
        self.assertTrue(bench.has_fault(reg.FAULTS_ANTENNA_FAULT))
        self.assertEqual(bench.core.health, reg.HEALTH_FAILURE)
        uhf18_of(bench).status = 0
        bench.run(1000)
        self.assertEqual(bench.core.health, reg.HEALTH_NORMAL)

    def test_another_error_is_latched_with_its_code(self) -> None:
        bench = RfidBench("uhfreader18")
        bench.run(500)
        uhf18_of(bench).status = 0xF9
        bench.run(500)
        uhf18_of(bench).status = 0
        bench.run(500)
        self.assertTrue(bench.has_fault(reg.FAULTS_READER_REFUSED))
        self.assertEqual(bench.core.status[reg.ST_READER_ERROR], 0xF9)

    def test_an_inventory_that_names_more_tags_than_it_holds_gives_only_what_is_there(self) -> None:
        bench = RfidBench("uhfreader18")
        bench.run(500)
        buffer = bytearray(uhfreader18.FRAME_MAX)
        buffer[4] = 9
        at = uhfreader18.put_tag(buffer, 5, EPC, 12)
        buffer[at] = 200
        size = uhfreader18.put_response(buffer, 0, uhfreader18.CMD_INVENTORY, 1, at + 1 - 4)
        bench.feed(bytes(buffer[:size]))
        bench.scan()
        self.assertEqual([read[5] for read in bench.reads()], [EPC])
        self.assertEqual(bench.core.status[reg.ST_LINE_ERRORS], 1)

    def test_our_own_questions_heard_again_are_no_answers(self) -> None:
        for family in FAMILIES:
            bench = RfidBench(family)
            bench.reader = Echo(bench.field)
            bench.run(5000)
            self.assertTrue(len(bench.reader.asked) >= 4)
            self.assertEqual(bench.core.health, reg.HEALTH_FAILURE)
            self.assertEqual(bench.core.status[reg.ST_FRAMES], 0)


class TestBound(unittest.TestCase):
    def test_a_stream_of_false_beginnings_costs_a_bounded_number_of_checksums_and_the_reader_is_heard_after_it(
        self,
    ) -> None:
        bench = RfidBench("uhfreader18")
        bench.is_connected = False
        checked: list[int] = []
        window = bench.core.line.link._window
        for _ in range(40):
            bench.feed(b"\xee" * 128)
            checked.append(window.budget)
            bench.run(10)
        self.assertTrue(min(checked) >= 0)
        bench.is_connected = True
        bench.field.add(EPC)
        bench.run(5000)
        self.assertEqual((bench.state(), len(bench.reads())), (reg.STATE_READING, 1))
