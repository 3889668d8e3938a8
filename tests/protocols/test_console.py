"""The phrase is found, and nothing else is."""

import unittest

from protocols.console import PHRASE, PhraseFinder


def found_at(said):
    finder = PhraseFinder()
    return [at for at, byte in enumerate(said) if finder.on_byte(byte)]


class ConsoleTest(unittest.TestCase):
    def test_the_phrase_is_found_at_its_last_byte(self):
        self.assertEqual(found_at(PHRASE), [len(PHRASE) - 1])

    def test_it_is_found_behind_anything(self):
        for before in (b"\r\x03\x03\r\x01", b"AT+GCAP\r", PHRASE[:-1], PHRASE[:1] * 3, b"\xff" * 5):
            self.assertEqual(found_at(before + PHRASE), [len(before) + len(PHRASE) - 1])

    def test_it_is_found_again(self):
        self.assertEqual(len(found_at(PHRASE * 3)), 3)

    def test_a_phrase_with_one_byte_wrong_is_not_found(self):
        for at in range(len(PHRASE)):
            wrong = bytearray(PHRASE)
            wrong[at] ^= 0x20
            self.assertEqual(found_at(wrong), [])

    def test_what_a_computer_says_by_itself_is_not_found(self):
        self.assertEqual(found_at(b"AT\r\nATE1 E0\r\n\x03\x04\x01import os\r\n" * 20), [])


if __name__ == "__main__":
    unittest.main()
