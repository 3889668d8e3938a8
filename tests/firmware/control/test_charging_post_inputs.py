"""The charging post's input image at its limits: which value proves what, and what quality takes away."""

import unittest

from firmware.control.charging_post import ChargingPost
from firmware.control.charging_post_inputs import (
    FLAG_FAULT,
    FLAG_READY,
    IN_BUS_V,
    IN_CURRENT_A,
    IN_PLATE_TEMP_C,
    IN_PLATE_V,
    IN_POST_TEMP_C,
    IN_VEHICLE_BATTERY_V,
    IN_VEHICLE_CHEMISTRY,
    IN_VEHICLE_FLAGS,
    IN_VEHICLE_ID,
    IN_VEHICLE_MAX_A,
    IN_VEHICLE_MAX_V,
    IN_VEHICLE_SEQUENCE,
    IN_VEHICLE_SOC,
    IN_VEHICLE_TEMP_C,
    INPUT_COUNT,
    PostInputs,
)
from firmware.control.events import EventRing
from protocols.events import SLOT_SIZE
from protocols.quality import BAD, GOOD, UNCERTAIN
from protocols.registers import charging_post as reg
from tests.firmware.control.charging_post_bench import default_settings, fill_healthy

PROOFS = ("plates_dead", "bus_dead", "bus_charged", "matches", "current_zero", "current_low", "arm_home", "arm_out")
TRIPS = ("over_voltage", "over_current", "over_agreed", "hot", "derated", "arm_conflict", "at_limit", "undelivered")
VALUES = ("plate_v_x10", "bus_v_x10", "current_a_x10", "post_temp_c_x10", "plate_temp_c_x10", "vehicle_sequence")


class Image:
    """Inputs of a healthy post with a vehicle whose battery has 48 V, takes 56 V and 40 A."""

    def __init__(self) -> None:
        core = ChargingPost(default_settings(), EventRing(bytearray(SLOT_SIZE), 1))
        fill_healthy(core)
        core.inputs[reg.IN_VEHICLE_PRESENT] = 1
        self.inputs = core.inputs
        self.quality = core.quality
        self.settings = core.settings
        self.sensed = PostInputs()

    def read(self, *changes: tuple[int, int]) -> PostInputs:
        """Judge the image after these (index, value) changes, which stay."""
        for index, value in changes:
            self.inputs[index] = value
        self.sensed.read(self.inputs, self.quality, self.settings)
        return self.sensed

    def doubt(self, index: int, quality: int) -> PostInputs:
        """Judge the image with one input of another quality, which does not stay."""
        self.quality[index] = quality
        sensed = self.read()
        self.quality[index] = GOOD
        return sensed


class TestImage(unittest.TestCase):
    def test_measured_inputs_follow_the_digital_ones_and_the_frame_follows_them(self) -> None:
        measured = (IN_PLATE_V, IN_BUS_V, IN_CURRENT_A, IN_POST_TEMP_C, IN_PLATE_TEMP_C)
        frame = (IN_VEHICLE_SEQUENCE, IN_VEHICLE_FLAGS, IN_VEHICLE_ID, IN_VEHICLE_CHEMISTRY, IN_VEHICLE_BATTERY_V)
        limits = (IN_VEHICLE_MAX_V, IN_VEHICLE_MAX_A, IN_VEHICLE_TEMP_C, IN_VEHICLE_SOC)
        self.assertEqual(measured + frame + limits, tuple(range(13, 27)))
        self.assertEqual((len(Image().inputs), INPUT_COUNT), (27, 27))
        self.assertEqual((FLAG_READY, FLAG_FAULT), (1, 2))

    def test_nothing_is_proven_before_the_first_scan(self) -> None:
        new = PostInputs()
        for name in PROOFS + TRIPS + VALUES + ("bad", "uncertain", "vehicle_good"):
            self.assertEqual(getattr(new, name), 0, name)
        self.assertEqual((new.vehicle_id, new.refusal, new.limit_v_x10, new.limit_a_x10), (0, 0, 0, 0))
        self.assertEqual(new.values, [0] * reg.IN_COUNT)

    def test_a_bad_digital_input_reads_as_its_dangerous_value_and_no_other_does(self) -> None:
        closed = (reg.IN_CONTACTOR_AUX, reg.IN_LOCAL_MODE)
        for index in range(reg.IN_COUNT):
            dangerous = 1 if index in closed else 0
            image = Image()
            for other in range(reg.IN_COUNT):
                image.inputs[other] = 1 - dangerous
            for quality in (BAD, BAD + 1):
                sensed = image.doubt(index, quality)
                expected = [1 - dangerous] * reg.IN_COUNT
                expected[index] = dangerous
                self.assertEqual(sensed.values, expected)
                self.assertTrue(sensed.bad)
                self.assertFalse(sensed.uncertain)

    def test_an_uncertain_input_keeps_its_value_and_takes_no_proof_away(self) -> None:
        image = Image()
        sure = image.read()
        before = [getattr(sure, name) for name in PROOFS + TRIPS]
        values = sure.values[: reg.IN_COUNT]
        for index in range(IN_PLATE_TEMP_C + 1):
            sensed = image.doubt(index, UNCERTAIN)
            self.assertTrue(sensed.uncertain, index)
            self.assertFalse(sensed.bad, index)
            self.assertEqual(sensed.values[: reg.IN_COUNT], values)
            self.assertEqual([getattr(sensed, name) for name in PROOFS + TRIPS], before, index)
        self.assertFalse(image.read().uncertain)

    def test_a_bad_measurement_is_bad_for_as_long_as_it_lasts(self) -> None:
        image = Image()
        for index in range(IN_PLATE_V, IN_PLATE_TEMP_C + 1):
            self.assertTrue(image.doubt(index, BAD).bad, index)
            self.assertFalse(image.read().bad, index)

    def test_values_are_held_within_what_no_setting_reaches(self) -> None:
        sensed = Image().read((IN_PLATE_V, 10**6), (IN_BUS_V, -(10**6)), (IN_CURRENT_A, 19999))
        self.assertEqual((sensed.plate_v_x10, sensed.bus_v_x10, sensed.current_a_x10), (20000, -20000, 19999))


class TestArm(unittest.TestCase):
    def test_limits_tell_where_the_arm_is_and_both_at_once_are_a_conflict(self) -> None:
        for extended, retracted, expected in (
            (0, 0, (False, False, False)),
            (1, 0, (False, True, False)),
            (0, 1, (True, False, False)),
            (1, 1, (False, False, True)),
        ):
            sensed = Image().read((reg.IN_ARM_EXTENDED, extended), (reg.IN_ARM_RETRACTED, retracted))
            self.assertEqual((sensed.arm_home, sensed.arm_out, sensed.arm_conflict), expected)

    def test_without_an_arm_it_is_everywhere_and_its_limits_cannot_fail(self) -> None:
        image = Image()
        image.settings[reg.SET_ARM_FITTED] = 0
        for extended, retracted in ((0, 0), (1, 1)):
            sensed = image.read((reg.IN_ARM_EXTENDED, extended), (reg.IN_ARM_RETRACTED, retracted))
            self.assertEqual((sensed.arm_home, sensed.arm_out, sensed.arm_conflict), (True, True, False))
        for index in (reg.IN_ARM_EXTENDED, reg.IN_ARM_RETRACTED):
            for quality in (UNCERTAIN, BAD):
                sensed = image.doubt(index, quality)
                self.assertFalse(sensed.bad or sensed.uncertain)
        for index in (reg.IN_VEHICLE_PRESENT, reg.IN_CONTACT_PRESSED):
            self.assertTrue(image.doubt(index, BAD).bad)


class TestVehicle(unittest.TestCase):
    def test_frame_counts_only_beside_a_vehicle_and_while_all_of_it_can_be_read(self) -> None:
        image = Image()
        self.assertTrue(image.read().vehicle_good)
        for index in range(INPUT_COUNT):
            carries = index >= IN_VEHICLE_SEQUENCE or index == reg.IN_VEHICLE_PRESENT
            for quality in (BAD, BAD + 1):
                self.assertEqual(image.doubt(index, quality).vehicle_good, not carries, index)
            self.assertEqual(image.doubt(index, UNCERTAIN).vehicle_good, True, index)
        self.assertFalse(image.read((reg.IN_VEHICLE_PRESENT, 0)).vehicle_good)

    def test_a_bad_frame_is_the_vehicles_fault_not_the_posts(self) -> None:
        image = Image()
        for index in range(IN_VEHICLE_SEQUENCE, INPUT_COUNT):
            self.assertFalse(image.doubt(index, BAD).bad, index)

    def test_what_a_vehicle_said_is_forgotten_when_it_is_gone(self) -> None:
        image = Image()
        sensed = image.read((IN_VEHICLE_FLAGS, 0), (IN_VEHICLE_SEQUENCE, 77))
        self.assertEqual((sensed.vehicle_id, sensed.refusal, sensed.vehicle_sequence), (4711, 1, 77))
        self.assertEqual((sensed.limit_v_x10, sensed.limit_a_x10), (560, 400))
        sensed = image.read((reg.IN_VEHICLE_PRESENT, 0))
        self.assertEqual((sensed.vehicle_id, sensed.refusal, sensed.matches), (0, 0, False))
        self.assertEqual((sensed.limit_v_x10, sensed.limit_a_x10), (600, 1000))

    def test_identity_is_shown_in_30_bits(self) -> None:
        self.assertEqual(Image().read((IN_VEHICLE_ID, -1)).vehicle_id, 2**30 - 1)

    def test_the_lower_limit_of_post_and_vehicle_holds(self) -> None:
        for max_v, limit in ((0, 600), (-5, 600), (1, 1), (599, 599), (600, 600), (601, 600)):
            self.assertEqual(Image().read((IN_VEHICLE_MAX_V, max_v)).limit_v_x10, limit, max_v)
        for max_a, limit in ((10, 1000), (11, 11), (999, 999), (1000, 1000), (1001, 1000)):
            self.assertEqual(Image().read((IN_VEHICLE_MAX_A, max_a)).limit_a_x10, limit, max_a)

    def test_refusal_names_each_limit_that_is_broken_and_none_that_is_met(self) -> None:
        for index, value, bits in (
            (IN_VEHICLE_FLAGS, 0, 1 << reg.REFUSAL_NOT_READY),
            (IN_VEHICLE_FLAGS, 2, 1 << reg.REFUSAL_NOT_READY),
            (IN_VEHICLE_FLAGS, 3, 1 << reg.REFUSAL_NOT_READY),
            (IN_VEHICLE_FLAGS, 4, 1 << reg.REFUSAL_NOT_READY),
            (IN_VEHICLE_FLAGS, 5, 0),  # a bit of a later format
            (IN_VEHICLE_TEMP_C, 49, 1 << reg.REFUSAL_TEMPERATURE),
            (IN_VEHICLE_TEMP_C, 50, 0),
            (IN_VEHICLE_TEMP_C, 450, 0),
            (IN_VEHICLE_TEMP_C, 451, 1 << reg.REFUSAL_TEMPERATURE),
            (IN_VEHICLE_BATTERY_V, 179, 1 << reg.REFUSAL_VOLTAGE),
            (IN_VEHICLE_BATTERY_V, 180, 0),
            (IN_VEHICLE_BATTERY_V, 588, 0),
            (IN_VEHICLE_BATTERY_V, 589, 1 << reg.REFUSAL_VOLTAGE),
            (IN_VEHICLE_MAX_V, 0, 1 << reg.REFUSAL_VOLTAGE),
            (IN_VEHICLE_MAX_A, 10, 1 << reg.REFUSAL_CURRENT),
            (IN_VEHICLE_MAX_A, 11, 0),
        ):
            self.assertEqual(Image().read((index, value)).refusal, bits, (index, value))

    def test_margin_is_exact_at_the_highest_voltage_there_is(self) -> None:
        for voltage, beyond in ((10500, False), (10501, True)):
            image = Image()
            image.settings[reg.SET_MAX_V_X10] = 10000
            image.read((IN_VEHICLE_MAX_V, 10000), (IN_VEHICLE_BATTERY_V, voltage))
            self.assertEqual(image.read((IN_PLATE_V, voltage)).refusal != 0, beyond)
            self.assertEqual(image.sensed.over_voltage, beyond)
            self.assertEqual(image.read((IN_PLATE_V, 0), (IN_BUS_V, voltage)).over_voltage, beyond)

    def test_reasons_to_refuse_add_up(self) -> None:
        bits = Image().read(
            (IN_VEHICLE_FLAGS, 0),
            (IN_VEHICLE_CHEMISTRY, 9),
            (IN_VEHICLE_TEMP_C, 900),
            (IN_VEHICLE_MAX_V, 0),
            (IN_VEHICLE_MAX_A, 0),
        )
        self.assertEqual(bits.refusal, 31)

    def test_each_chemistry_is_charged_by_its_own_bit_of_the_setting(self) -> None:
        for chemistry in (-1, 0, 1, 2, 3, 4):
            for mask in range(1, 8):
                image = Image()
                image.settings[reg.SET_CHEMISTRIES] = mask
                accepted = mask in {1: (1, 3, 5, 7), 2: (2, 3, 6, 7), 3: (4, 5, 6, 7)}.get(chemistry, ())
                refusal = image.read((IN_VEHICLE_CHEMISTRY, chemistry)).refusal
                self.assertEqual(refusal, 0 if accepted else 1 << reg.REFUSAL_CHEMISTRY, (chemistry, mask))


class TestVoltage(unittest.TestCase):
    def test_dead_is_below_the_setting_in_both_directions_and_known(self) -> None:
        for index, name in ((IN_PLATE_V, "plates_dead"), (IN_BUS_V, "bus_dead")):
            image = Image()
            for value, dead in ((49, True), (50, False), (-49, True), (-50, False), (0, True)):
                self.assertEqual(getattr(image.read((index, value)), name), dead, value)
            self.assertFalse(getattr(image.doubt(index, BAD), name))

    def test_bus_is_charged_at_95_percent_of_the_plates(self) -> None:
        image = Image()
        self.assertTrue(image.read((IN_PLATE_V, 480), (IN_BUS_V, 456)).bus_charged)
        self.assertFalse(image.doubt(IN_PLATE_V, BAD).bus_charged)
        self.assertFalse(image.doubt(IN_BUS_V, BAD).bus_charged)
        self.assertFalse(image.read((IN_BUS_V, 455)).bus_charged)

    def test_battery_is_matched_within_5_percent_of_what_it_reports_and_above_dead(self) -> None:
        for plate, battery, matches in (
            (456, 480, True),
            (455, 480, False),
            (504, 480, True),
            (505, 480, False),
            (50, 50, True),
            (49, 49, False),
        ):
            image = Image()
            sensed = image.read((IN_PLATE_V, plate), (IN_VEHICLE_BATTERY_V, battery))
            self.assertEqual(sensed.matches, matches, (plate, battery))
            self.assertFalse(image.doubt(IN_PLATE_V, BAD).matches)

    def test_voltage_is_at_its_limit_within_1_percent_or_when_it_is_not_known(self) -> None:
        image = Image()
        self.assertTrue(image.read((IN_VEHICLE_MAX_V, 500), (IN_PLATE_V, 495)).at_limit)
        self.assertFalse(image.read((IN_PLATE_V, 494)).at_limit)
        self.assertTrue(image.doubt(IN_PLATE_V, BAD).at_limit)

    def test_bus_and_plates_trip_above_the_margin(self) -> None:
        for index in (IN_PLATE_V, IN_BUS_V):
            self.assertFalse(Image().read((index, 588)).over_voltage)
            self.assertTrue(Image().read((index, 589)).over_voltage)


class TestCurrent(unittest.TestCase):
    def test_no_current_is_less_than_1_a_in_both_directions_and_known(self) -> None:
        image = Image()
        for value, zero in ((0, True), (9, True), (10, False), (-9, True), (-10, False)):
            self.assertEqual(image.read((IN_CURRENT_A, value)).current_zero, zero, value)
        image.read((IN_CURRENT_A, 0))
        self.assertFalse(image.doubt(IN_CURRENT_A, BAD).current_zero)

    def test_nothing_comes_only_without_current_below_the_voltage_limit_and_when_2_a_are_asked_for(self) -> None:
        for current, plate, asked, expected in (
            (0, 480, 20, True),
            (9, 554, 400, True),
            (0, 480, 19, False),
            (0, 555, 400, False),
            (10, 480, 400, False),
        ):
            sensed = Image().read((IN_CURRENT_A, current), (IN_PLATE_V, plate), (IN_VEHICLE_MAX_A, asked))
            self.assertEqual(sensed.undelivered, expected, (current, plate, asked))
        hot = Image()
        self.assertFalse(hot.read((IN_POST_TEMP_C, 1000), (IN_PLATE_V, 480)).undelivered)

    def test_taper_current_is_below_the_setting_and_known(self) -> None:
        image = Image()
        for value, low in ((30, False), (29, True), (-30, False), (-29, True)):
            self.assertEqual(image.read((IN_CURRENT_A, value)).current_low, low, value)
        self.assertFalse(image.doubt(IN_CURRENT_A, BAD).current_low)

    def test_current_trips_1_a_above_the_margin_of_post_and_vehicle(self) -> None:
        for size, over_agreed, over_current in ((430, False, False), (431, True, False), (1060, True, False)):
            for current in (size, -size):
                sensed = Image().read((IN_CURRENT_A, current))
                self.assertEqual((sensed.over_agreed, sensed.over_current), (over_agreed, over_current), current)
        for current in (1061, -1061):
            self.assertTrue(Image().read((IN_CURRENT_A, current)).over_current)

    def test_margin_is_exact_at_the_highest_current_there_is(self) -> None:
        for current, beyond in ((4210, False), (4211, True)):
            image = Image()
            image.settings[reg.SET_MAX_A_X10] = 4000
            sensed = image.read((IN_VEHICLE_MAX_A, 4000), (IN_CURRENT_A, current))
            self.assertEqual((sensed.over_agreed, sensed.over_current), (beyond, beyond))


class TestTemperature(unittest.TestCase):
    def test_share_of_the_current_falls_in_a_line_from_derate_to_stop(self) -> None:
        for index, temp, limit in (
            (IN_POST_TEMP_C, 450, 400),
            (IN_POST_TEMP_C, 451, 397),
            (IN_POST_TEMP_C, 525, 200),
            (IN_POST_TEMP_C, 599, 2),
            (IN_POST_TEMP_C, 600, 0),
            (IN_PLATE_TEMP_C, 600, 400),
            (IN_PLATE_TEMP_C, 601, 398),
            (IN_PLATE_TEMP_C, 700, 200),
            (IN_PLATE_TEMP_C, 799, 2),
            (IN_PLATE_TEMP_C, 800, 0),
        ):
            sensed = Image().read((index, temp))
            self.assertEqual(sensed.limit_a_x10, limit, (index, temp))
            self.assertEqual((sensed.hot, sensed.derated), (limit == 0, limit < 400), (index, temp))

    def test_share_is_exact_to_a_permille(self) -> None:
        for temp, limit in ((451, 993), (449, 1000), (450, 1000)):
            self.assertEqual(Image().read((IN_VEHICLE_MAX_A, 1000), (IN_POST_TEMP_C, temp)).limit_a_x10, limit)

    def test_the_worse_of_post_and_plates_decides(self) -> None:
        self.assertEqual(Image().read((IN_POST_TEMP_C, 525), (IN_PLATE_TEMP_C, 650)).limit_a_x10, 200)
        self.assertEqual(Image().read((IN_POST_TEMP_C, 470), (IN_PLATE_TEMP_C, 700)).limit_a_x10, 200)

    def test_a_temperature_that_is_not_known_is_hot(self) -> None:
        for index in (IN_POST_TEMP_C, IN_PLATE_TEMP_C):
            sensed = Image().doubt(index, BAD)
            self.assertEqual((sensed.hot, sensed.derated, sensed.limit_a_x10), (True, True, 0))

    def test_stop_at_or_below_derate_just_stops(self) -> None:
        for stop in (450, 400):
            image = Image()
            image.settings[reg.SET_POST_TEMP_STOP_C_X10] = stop
            self.assertTrue(image.read((IN_POST_TEMP_C, stop)).hot)
            self.assertFalse(image.read((IN_POST_TEMP_C, stop - 1)).derated)


if __name__ == "__main__":
    unittest.main()
