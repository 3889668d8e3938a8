"""Wiegand 26 and 34: the worked examples bit by bit, wrong parity and wrong counts."""

import unittest

from protocols.rfid import wiegand

EXAMPLE_26 = "11101010000011011100000010"
EXAMPLE_34 = "1100010011101010000011011100000011"


def read_bits(collector: wiegand.WiegandCollector, text: str) -> int:
    """Feed the bits and end the frame."""
    for bit in text:
        collector.on_bit(int(bit))
    return collector.close()


class TestWiegand(unittest.TestCase):
    def test_the_example_of_26_bits_is_its_three_bytes(self) -> None:
        collector = wiegand.WiegandCollector()
        self.assertEqual(read_bits(collector, EXAMPLE_26), 26)
        self.assertEqual(bytes(collector.data[: collector.size]), b"\xd4\x1b\x81")

    def test_the_example_of_34_bits_is_its_four_bytes(self) -> None:
        collector = wiegand.WiegandCollector()
        self.assertEqual(read_bits(collector, EXAMPLE_34), 34)
        self.assertEqual(bytes(collector.data[: collector.size]), b"\x89\xd4\x1b\x81")

    def test_the_other_face_writes_the_examples(self) -> None:
        bits = bytearray(40)
        self.assertEqual(wiegand.put_bits(b"\xd4\x1b\x81", 3, bits), 26)
        self.assertEqual("".join([str(bit) for bit in bits[:26]]), EXAMPLE_26)
        self.assertEqual(wiegand.put_bits(b"\x89\xd4\x1b\x81", 4, bits), 34)
        self.assertEqual("".join([str(bit) for bit in bits[:34]]), EXAMPLE_34)

    def test_every_single_wrong_bit_is_refused(self) -> None:
        for text in (EXAMPLE_26, EXAMPLE_34):
            for at in range(len(text)):
                wrong = text[:at] + ("1" if text[at] == "0" else "0") + text[at + 1 :]
                self.assertEqual(read_bits(wiegand.WiegandCollector(), wrong), 0, at)

    def test_another_count_is_refused_and_the_next_frame_is_read(self) -> None:
        collector = wiegand.WiegandCollector()
        for text in ("", "1", EXAMPLE_26[:-1], EXAMPLE_26 + "0", EXAMPLE_34[:-1], EXAMPLE_34 + "1", "01" * 400):
            self.assertEqual(read_bits(collector, text), 0, text)
            self.assertEqual(read_bits(collector, EXAMPLE_26), 26)
