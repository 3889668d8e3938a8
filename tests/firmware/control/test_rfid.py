"""What the RFID role reports: reads, suppression, gate, direction, seal, commands, lamps."""

import unittest

from protocols.quality import BAD, UNCERTAIN
from protocols.registers import rfid as reg
from protocols.rfid import eseal
from protocols.rfid.epc import KIND_OPAQUE, KIND_SGTIN_96
from protocols.rfid.read_slot import KIND_WIEGAND_26, KIND_WIEGAND_34, RSSI_NONE, SLOT_SIZE, read_read
from sim_devices.devices.rfid_reader import Tag, WiegandHead
from tests.firmware.control.rfid_bench import EPC, RfidBench

GRAI = b"\x33\x04" + b"\x01" * 10


def read_whole_slot(bench: RfidBench, sequence: int) -> tuple[int, int, int, int, int, int, int, int, int, bytes]:
    """All fields of one read."""
    return read_read(bench.core.reads.data, ((sequence - 1) % 32) * SLOT_SIZE)


class TestReads(unittest.TestCase):
    def test_a_tag_is_reported_once_with_all_that_is_known_of_it(self) -> None:
        bench = RfidBench()
        bench.run(500)
        bench.field.add(EPC)
        bench.run(3000)
        slot = read_whole_slot(bench, 1)
        self.assertEqual((slot[0], slot[3], slot[4], slot[5]), (1, 1, reg.DIRECTION_UNKNOWN, -54))
        self.assertEqual((slot[6], slot[7], slot[8], slot[9]), (KIND_OPAQUE, 12, eseal.NOT_FITTED, EPC))
        self.assertTrue(500 <= slot[1] * 1000 + slot[2] <= 700)
        self.assertEqual(bench.core.status[reg.ST_READ_HEAD], 1)
        self.assertTrue(bench.core.status[reg.ST_DUPLICATES] > 10)

    def test_a_tag_away_for_less_than_the_window_is_not_reported_again(self) -> None:
        bench = RfidBench()
        tag = bench.field.add(EPC)
        bench.run(1000)
        tag.antenna = 0
        bench.run(4500)
        tag.antenna = 1
        bench.run(1000)
        self.assertEqual(len(bench.reads()), 1)
        tag.antenna = 0
        bench.run(5500)
        tag.antenna = 1
        bench.run(1000)
        self.assertEqual(len(bench.reads()), 1)
        self.assertEqual(bench.core.status[reg.ST_READ_HEAD], 2)

    def test_without_a_window_every_round_reports(self) -> None:
        bench = RfidBench()
        bench.settings[reg.SET_DUPLICATE_MS] = 0
        bench.field.add(EPC)
        bench.run(2000)
        self.assertTrue(10 <= len(bench.reads()) <= 20)
        self.assertEqual(bench.core.status[reg.ST_DUPLICATES], 0)

    def test_two_long_tags_with_the_same_beginning_are_two_reads(self) -> None:
        bench = RfidBench()
        bench.field.add(b"\x11" * 18 + b"\x01\x02")
        bench.field.add(b"\x11" * 18 + b"\x03\x04")
        bench.run(1000)
        self.assertEqual([read[5] for read in bench.reads()], [b"\x11" * 16, b"\x11" * 16])
        self.assertEqual(read_whole_slot(bench, 2)[7], 20)

    def test_kinds_of_tags(self) -> None:
        bench = RfidBench()
        bench.field.add(GRAI)
        bench.field.add(b"\x30\x60\x00\x00\x00\x00\x06\x40\x00\x00\x00\x01")
        bench.field.add(b"\xe2\x00" * 6)
        bench.run(1000)
        self.assertEqual([read[4] for read in bench.reads()], [2, KIND_SGTIN_96, KIND_OPAQUE])

    def test_a_tag_with_a_wrong_checksum_is_counted_and_never_reported(self) -> None:
        bench = RfidBench()
        bench.field.add(EPC).is_garbled = True
        bench.run(2000)
        self.assertEqual(bench.core.status[reg.ST_READ_HEAD], 0)
        self.assertTrue(bench.core.status[reg.ST_TAG_CRC_ERRORS] > 10)
        self.assertEqual(bench.core.health, reg.HEALTH_NORMAL)

    def test_a_weak_tag_is_reported_when_it_comes_near(self) -> None:
        bench = RfidBench()
        bench.settings[reg.SET_MIN_RSSI_DBM] = -55
        tag = bench.field.add(EPC, 1, 9.0)
        bench.run(1000)
        self.assertEqual(bench.reads(), [])
        self.assertTrue(bench.core.status[reg.ST_WEAK_READS] > 5)
        tag.distance_m = 2.0
        bench.run(1000)
        self.assertEqual([read[3] for read in bench.reads()], [-51])

    def test_the_threshold_itself_is_strong_enough(self) -> None:
        bench = RfidBench()
        bench.settings[reg.SET_MIN_RSSI_DBM] = Tag(EPC).rssi_dbm()
        bench.field.add(EPC)
        bench.run(1000)
        self.assertEqual(len(bench.reads()), 1)

    def test_more_tags_than_the_table_holds_are_all_reported(self) -> None:
        bench = RfidBench("uhfreader18")
        for number in range(20):
            bench.field.add(bytes([number]) * 12)
        bench.run(4000)
        found = bench.reads()
        for number in range(20):
            self.assertTrue(any([read[5] == bytes([number]) * 12 for read in found]), number)

    def test_too_many_tags_at_once_are_counted_as_lost(self) -> None:
        bench = RfidBench()
        bench.settings[reg.SET_DUPLICATE_MS] = 60000
        for number in range(18):
            bench.field.add(bytes([number]) * 12)
        bench.run(300)
        self.assertTrue(bench.core.status[reg.ST_READS_LOST] >= 2)
        self.assertTrue(bench.has_fault(reg.FAULTS_READS_LOST))
        self.assertEqual(bench.core.health, reg.HEALTH_OFF_SPEC)

    def test_a_reader_of_the_other_family_gives_the_same_reads_without_rssi(self) -> None:
        bench = RfidBench("uhfreader18")
        bench.settings[reg.SET_MIN_RSSI_DBM] = -20
        for number in range(5):
            bench.field.add(bytes([number + 1]) * 12)
        bench.run(1500)
        found = bench.reads()
        self.assertEqual([read[5][0] for read in found], [1, 2, 3, 4, 5])
        self.assertEqual([read[3] for read in found], [RSSI_NONE] * 5)

    def test_a_reader_in_active_mode_is_heard_without_being_asked(self) -> None:
        bench = RfidBench("uhfreader18")
        bench.reader.is_active = True
        bench.field.add(EPC)
        bench.run(300)
        self.assertEqual([read[5] for read in bench.reads()], [EPC])

    def test_wiegand_cards(self) -> None:
        bench = RfidBench("wiegand")
        head = bench.reader
        assert isinstance(head, WiegandHead)
        bench.run(100)
        self.assertEqual(bench.state(), reg.STATE_READING)
        head.show(b"\xd4\x1b\x81", bench.elapsed_ms)
        bench.run(200)
        head.show(b"\x89\xd4\x1b\x81", bench.elapsed_ms)
        bench.run(200)
        found = [(read[4], read[5]) for read in bench.reads()]
        self.assertEqual(found, [(KIND_WIEGAND_26, b"\xd4\x1b\x81"), (KIND_WIEGAND_34, b"\x89\xd4\x1b\x81")])
        head.breaks_frames = True
        head.show(b"\x01\x02\x03", bench.elapsed_ms)
        bench.run(200)
        self.assertEqual(bench.reads(), [])
        self.assertEqual(bench.core.status[reg.ST_LINE_ERRORS], 1)


class TestGate(unittest.TestCase):
    def test_with_the_gate_nothing_is_read_until_a_vehicle_comes_and_a_ghost_is_counted(self) -> None:
        bench = RfidBench()
        bench.settings[reg.SET_GATE] = reg.GATE_PRESENCE
        bench.field.add(EPC)
        bench.run(3000)
        self.assertEqual((bench.state(), bench.reads()), (reg.STATE_READY, []))
        self.assertEqual(bench.core.outputs[reg.OUT_TRIGGER], 0)
        bench.feed(bytes.fromhex("aa02220011c9340030751feb705c5904e3d50d703a76efdd"))
        bench.scan()
        self.assertEqual((bench.core.status[reg.ST_GATED_READS], bench.reads()), (1, []))
        bench.put(reg.IN_PRESENCE_1, 1)
        bench.run(300)
        self.assertEqual((bench.state(), len(bench.reads())), (reg.STATE_READING, 1))
        self.assertEqual(bench.core.outputs[reg.OUT_TRIGGER], 1)
        bench.put(reg.IN_PRESENCE_1, 0)
        bench.run(1990)
        self.assertEqual(bench.state(), reg.STATE_READING)
        bench.run(20)
        self.assertEqual(bench.state(), reg.STATE_READY)

    def test_a_presence_input_that_cannot_be_trusted_reads(self) -> None:
        for quality, health in ((BAD, reg.HEALTH_FAILURE), (UNCERTAIN, reg.HEALTH_OFF_SPEC)):
            bench = RfidBench()
            bench.settings[reg.SET_GATE] = reg.GATE_PRESENCE
            bench.run(500)
            bench.spoil(reg.IN_PRESENCE_2, quality)
            self.assertEqual((bench.state(), bench.core.health), (reg.STATE_READING, health))

    def test_direction_is_the_presence_input_that_came_first(self) -> None:
        for first, second, direction in (
            (reg.IN_PRESENCE_1, reg.IN_PRESENCE_2, reg.DIRECTION_IN),
            (reg.IN_PRESENCE_2, reg.IN_PRESENCE_1, reg.DIRECTION_OUT),
        ):
            bench = RfidBench()
            bench.settings[reg.SET_GATE] = reg.GATE_PRESENCE
            bench.settings[reg.SET_DIRECTION_SOURCE] = reg.DIRECTION_SOURCE_PRESENCE
            bench.run(500)
            bench.put(first, 1)
            bench.run(100)
            bench.put(second, 1)
            bench.put(first, 0)
            bench.field.add(EPC)
            bench.run(500)
            self.assertEqual([read[2] for read in bench.reads()], [direction])

    def test_direction_is_unknown_when_both_came_at_once_or_one_is_bad(self) -> None:
        for quality in (0, BAD):
            bench = RfidBench()
            bench.settings[reg.SET_DIRECTION_SOURCE] = reg.DIRECTION_SOURCE_PRESENCE
            bench.run(500)
            bench.core.inputs[reg.IN_PRESENCE_1] = 1
            bench.core.inputs[reg.IN_PRESENCE_2] = 1 if quality == 0 else 0
            bench.core.quality[reg.IN_PRESENCE_2] = quality
            bench.field.add(EPC)
            bench.run(500)
            self.assertEqual([read[2] for read in bench.reads()], [reg.DIRECTION_UNKNOWN])

    def test_two_antennas_take_turns_and_tell_the_direction_of_a_tag(self) -> None:
        for first, second, direction in ((1, 2, reg.DIRECTION_IN), (2, 1, reg.DIRECTION_OUT)):
            bench = RfidBench()
            bench.settings[reg.SET_ANTENNA_COUNT] = 2
            bench.settings[reg.SET_DIRECTION_SOURCE] = reg.DIRECTION_SOURCE_ANTENNAS
            tag = bench.field.add(EPC, first)
            bench.run(1000)
            tag.antenna = second
            bench.run(1000)
            found = [(read[1], read[2]) for read in bench.reads()]
            self.assertEqual(found, [(first, reg.DIRECTION_UNKNOWN), (second, direction)])


class TestSeal(unittest.TestCase):
    def test_a_seal_tells_its_state_with_each_read_and_its_changes_as_events(self) -> None:
        bench = RfidBench()
        bench.settings[reg.SET_SEAL_FITTED] = 1
        bench.core.inputs[reg.IN_SEAL_CLOSED] = 1
        bench.core.inputs[reg.IN_SEAL_BATTERY_OK] = 1
        bench.field.add(EPC)
        bench.run(1000)
        self.assertEqual(read_whole_slot(bench, 1)[8], eseal.SEALED)
        bench.events()
        bench.put(reg.IN_SEAL_CLOSED, 0)
        self.assertEqual(bench.events(), [(reg.EV_SEAL_CHANGED, eseal.OPENED)])
        self.assertTrue(bench.core.status[reg.ST_FLAGS] & (1 << reg.FLAGS_SEAL_OPENED))
        bench.put(reg.IN_SEAL_BATTERY_OK, 0)
        self.assertEqual(bench.core.status[reg.ST_SEAL], eseal.OPENED | eseal.BATTERY_LOW)
        self.assertEqual(bench.core.health, reg.HEALTH_MAINTENANCE_REQUIRED)
        bench.spoil(reg.IN_SEAL_CLOSED, BAD)
        self.assertEqual(bench.core.status[reg.ST_SEAL], eseal.UNKNOWN)
        self.assertEqual(bench.core.health, reg.HEALTH_FAILURE)

    def test_contacts_of_a_seal_that_is_not_fitted_mean_nothing(self) -> None:
        bench = RfidBench()
        bench.run(500)
        bench.spoil(reg.IN_SEAL_CLOSED, BAD)
        bench.spoil(reg.IN_SEAL_BATTERY_OK, UNCERTAIN)
        self.assertEqual((bench.core.status[reg.ST_SEAL], bench.core.health), (0, reg.HEALTH_NORMAL))


class TestCommands(unittest.TestCase):
    def test_stop_lasts_until_start(self) -> None:
        bench = RfidBench()
        bench.run(500)
        self.assertEqual(bench.command(reg.OP_STOP), reg.COMMAND_RESULT_ACCEPTED)
        bench.field.add(EPC)
        bench.run(1000)
        self.assertEqual((bench.state(), bench.reads()), (reg.STATE_STOPPED, []))
        self.assertEqual(bench.core.health, reg.HEALTH_CHECK_FUNCTION)
        self.assertEqual(bench.command(reg.OP_TRIGGER), reg.COMMAND_RESULT_REFUSED_STATE)
        self.assertEqual(bench.command(reg.OP_START), reg.COMMAND_RESULT_ACCEPTED)
        bench.run(500)
        self.assertEqual((bench.state(), len(bench.reads())), (reg.STATE_READING, 1))

    def test_trigger_reads_for_its_time_whatever_the_gate_says(self) -> None:
        bench = RfidBench()
        bench.settings[reg.SET_GATE] = reg.GATE_PRESENCE
        bench.run(500)
        self.assertEqual(bench.command(reg.OP_TRIGGER), reg.COMMAND_RESULT_ACCEPTED)
        self.assertTrue(bench.core.status[reg.ST_FLAGS] & (1 << reg.FLAGS_TRIGGERED))
        bench.run(4990)
        self.assertEqual(bench.state(), reg.STATE_READING)
        bench.run(10)
        self.assertEqual(bench.state(), reg.STATE_READY)
        bench.command(reg.OP_TRIGGER)
        bench.command(reg.OP_STOP)
        self.assertEqual(bench.state(), reg.STATE_STOPPED)

    def test_local_mode_refuses_all_but_stop_and_clear_faults(self) -> None:
        bench = RfidBench()
        bench.run(500)
        bench.put(reg.IN_LOCAL_MODE, 1)
        for opcode in (reg.OP_START, reg.OP_TRIGGER, reg.OP_RESTART_READER):
            self.assertEqual(bench.command(opcode), reg.COMMAND_RESULT_REFUSED_LOCAL)
        for opcode in (reg.OP_STOP, reg.OP_CLEAR_FAULTS):
            self.assertEqual(bench.command(opcode), reg.COMMAND_RESULT_ACCEPTED)
        self.assertEqual(bench.command(99), reg.COMMAND_RESULT_UNKNOWN_OPCODE)
        self.assertEqual(bench.core.health, reg.HEALTH_CHECK_FUNCTION)
        self.assertEqual(bench.events()[-1], (reg.EV_COMMAND_DONE, 99 * 256 + reg.COMMAND_RESULT_UNKNOWN_OPCODE))

    def test_the_button_reads_in_local_mode_only_and_when_it_is_pressed_anew(self) -> None:
        bench = RfidBench()
        bench.settings[reg.SET_GATE] = reg.GATE_PRESENCE
        bench.core.inputs[reg.IN_LOCAL_READ] = 1
        bench.core.inputs[reg.IN_LOCAL_MODE] = 1
        bench.run(500)
        self.assertEqual(bench.state(), reg.STATE_READY)
        bench.put(reg.IN_LOCAL_READ, 0)
        bench.command(reg.OP_STOP)
        bench.put(reg.IN_LOCAL_READ, 1)
        self.assertEqual(bench.state(), reg.STATE_READING)
        bench.run(5000)
        self.assertEqual(bench.state(), reg.STATE_STOPPED)
        bench.put(reg.IN_LOCAL_MODE, 0)
        bench.put(reg.IN_LOCAL_READ, 0)
        bench.put(reg.IN_LOCAL_READ, 1)
        self.assertEqual(bench.state(), reg.STATE_STOPPED)

    def test_lamp_and_buzzer_tell_of_a_read_and_of_no_repetition(self) -> None:
        bench = RfidBench()
        bench.run(500)
        bench.field.add(EPC)
        bench.run(200)
        self.assertEqual(bench.core.outputs[reg.OUT_READ_OK], 1)
        self.assertEqual(len(bench.reads()), 1)
        bench.run(120)
        self.assertEqual((bench.core.outputs[reg.OUT_READ_OK], bench.core.outputs[reg.OUT_BUZZER]), (1, 0))
        bench.run(500)
        self.assertEqual(bench.core.outputs[reg.OUT_READ_OK], 0)

    def test_safe_outputs_are_off(self) -> None:
        bench = RfidBench()
        outputs = [1] * reg.OUT_COUNT
        bench.core.safe_outputs(outputs)
        self.assertEqual(outputs, [0] * reg.OUT_COUNT)
