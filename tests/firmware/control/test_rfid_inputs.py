"""The RFID role's input image: what stands in the place of an input that cannot be trusted."""

import unittest

from firmware.control.rfid_inputs import RfidInputs
from protocols.quality import BAD, GOOD, UNCERTAIN
from protocols.registers import rfid as reg
from protocols.rfid import eseal

# In IN_* order, from the table of docs/roles/rfid.md.
DANGEROUS = {
    reg.IN_PRESENCE_1: 1,
    reg.IN_PRESENCE_2: 1,
    reg.IN_SEAL_CLOSED: 0,
    reg.IN_SEAL_BATTERY_OK: 0,
    reg.IN_LOCAL_MODE: 1,
    reg.IN_LOCAL_READ: 0,
}


def sensed(values: list[int], quality: list[int], seal_fitted: bool = True) -> RfidInputs:
    """The image of one scan."""
    inputs = RfidInputs()
    inputs.read(values, quality, seal_fitted)
    return inputs


class TestInputs(unittest.TestCase):
    def test_a_bad_input_is_its_dangerous_value_and_the_others_stay_as_they_are(self) -> None:
        self.assertEqual(len(DANGEROUS), reg.IN_COUNT)
        for index in range(reg.IN_COUNT):
            safe = 1 - DANGEROUS[index]
            values = [safe] * reg.IN_COUNT
            quality = [GOOD] * reg.IN_COUNT
            quality[index] = BAD
            image = sensed(values, quality)
            values[index] = DANGEROUS[index]
            self.assertEqual(list(image.values), values, index)
            self.assertEqual((image.bad, image.uncertain), (True, False))

    def test_an_uncertain_input_keeps_its_value_and_is_told(self) -> None:
        quality = [GOOD] * reg.IN_COUNT
        quality[reg.IN_LOCAL_READ] = UNCERTAIN
        image = sensed([0, 0, 0, 0, 0, 1], quality)
        self.assertEqual((list(image.values), image.bad, image.uncertain), ([0, 0, 0, 0, 0, 1], False, True))

    def test_before_the_first_scan_nothing_is_trusted(self) -> None:
        image = RfidInputs()
        self.assertEqual(list(image.values), [DANGEROUS[index] for index in range(reg.IN_COUNT)])
        self.assertEqual((image.bad, image.vehicle, image.side), (True, 1, reg.DIRECTION_UNKNOWN))
        self.assertEqual(image.seal, eseal.UNKNOWN)

    def test_one_good_presence_input_tells_the_side_and_two_tell_none(self) -> None:
        good = [GOOD] * reg.IN_COUNT
        for first, second, vehicle, side in (
            (0, 0, 0, reg.DIRECTION_UNKNOWN),
            (1, 0, 1, reg.DIRECTION_IN),
            (0, 1, 1, reg.DIRECTION_OUT),
            (1, 1, 1, reg.DIRECTION_UNKNOWN),
        ):
            image = sensed([first, second, 1, 1, 0, 0], good)
            self.assertEqual((image.vehicle, image.side), (vehicle, side), (first, second))

    def test_a_presence_input_that_cannot_be_trusted_is_a_vehicle_of_no_side(self) -> None:
        for index in (reg.IN_PRESENCE_1, reg.IN_PRESENCE_2):
            for step in (UNCERTAIN, BAD):
                for other in (0, 1):
                    quality = [GOOD] * reg.IN_COUNT
                    quality[index] = step
                    values = [0] * reg.IN_COUNT
                    values[1 - index] = other
                    image = sensed(values, quality)
                    self.assertEqual((image.vehicle, image.side), (1, reg.DIRECTION_UNKNOWN), (index, step, other))

    def test_a_seal_is_known_by_two_good_contacts_only(self) -> None:
        for index in (reg.IN_SEAL_CLOSED, reg.IN_SEAL_BATTERY_OK):
            for step in (UNCERTAIN, BAD):
                quality = [GOOD] * reg.IN_COUNT
                quality[index] = step
                self.assertEqual(sensed([0, 0, 1, 1, 0, 0], quality).seal, eseal.UNKNOWN)
        good = [GOOD] * reg.IN_COUNT
        self.assertEqual(sensed([0, 0, 1, 1, 0, 0], good).seal, eseal.SEALED)
        self.assertEqual(sensed([0, 0, 0, 0, 0, 0], good).seal, eseal.OPENED | eseal.BATTERY_LOW)

    def test_contacts_of_no_seal_are_neither_bad_nor_uncertain(self) -> None:
        for index in (reg.IN_SEAL_CLOSED, reg.IN_SEAL_BATTERY_OK):
            for step in (UNCERTAIN, BAD):
                quality = [GOOD] * reg.IN_COUNT
                quality[index] = step
                image = sensed([0] * reg.IN_COUNT, quality, False)
                self.assertEqual((image.bad, image.uncertain, image.seal), (False, False, eseal.NOT_FITTED))
