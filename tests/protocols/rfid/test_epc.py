"""EPC kinds and fields: known layouts both ways, everything else opaque."""

import unittest

from protocols.rfid import epc, epc_fields


def digits_of(text: str) -> bytes:
    """Values 0 to 9 of the characters."""
    return bytes([int(character) for character in text])


def encoded(kind: int, filter_value: int, texts: tuple[str, ...]) -> bytes:
    """The 12 bytes, or none when the fields do not fit."""
    fields = epc_fields.EpcFields()
    fields.kind, fields.filter = kind, filter_value
    for index in range(len(texts)):
        fields.set_field(index, digits_of(texts[index]))
    buffer = bytearray(12)
    return bytes(buffer) if fields.encode(buffer, 0) else b""


def decoded(data: bytes) -> tuple[int, int, list[str]]:
    """Kind, filter and the fields as text."""
    fields = epc_fields.EpcFields()
    fields.decode(data, 0, len(data))
    texts = []
    for index in range(fields.count):
        texts.append("".join([str(digit) for digit in fields.digits[index][: fields.counts[index]]]))
    return fields.kind, fields.filter, texts


CASES = (
    (epc.KIND_SGTIN_96, 3, ("893412345678", "9", "1")),
    (epc.KIND_SGTIN_96, 0, ("00000000001", "07", "274877906943")),
    (epc.KIND_GRAI_96, 1, ("999999999999", "", "42")),
    (epc.KIND_GRAI_96, 7, ("12345678901", "5", "0")),
    (epc.KIND_GIAI_96, 2, ("089341234567", "4398046511103")),
    (epc.KIND_GIAI_96, 0, ("99999999999", "35184372088831")),
)


class TestEpc(unittest.TestCase):
    def test_fields_go_both_ways(self) -> None:
        for kind, filter_value, texts in CASES:
            data = encoded(kind, filter_value, texts)
            self.assertEqual(len(data), 12, texts)
            self.assertEqual(epc.kind_of(data, 0, 12), kind)
            self.assertEqual(decoded(data), (kind, filter_value, list(texts)))

    def test_bits_stand_where_the_translation_says(self) -> None:
        # header 30, filter 3, partition 0; prefix 1 in 40 bits, item 9 in 4, serial 1 in 38.
        self.assertEqual(
            encoded(epc.KIND_SGTIN_96, 3, ("000000000001", "9", "1")),
            b"\x30\x60\x00\x00\x00\x00\x06\x40\x00\x00\x00\x01",
        )

    def test_a_field_too_large_or_of_another_width_is_not_written(self) -> None:
        self.assertEqual(encoded(epc.KIND_GIAI_96, 0, ("089341234567", "4398046511104")), b"")
        self.assertEqual(encoded(epc.KIND_SGTIN_96, 0, ("8934123456", "123", "1")), b"")
        self.assertEqual(encoded(epc.KIND_GRAI_96, 0, ("999999999999", "1", "1")), b"")
        self.assertEqual(encoded(epc.KIND_OPAQUE, 0, ("999999999999", "1", "1")), b"")

    def test_headers_sizes_and_partitions_we_cannot_cite_are_opaque(self) -> None:
        known = encoded(epc.KIND_SGTIN_96, 3, ("893412345678", "9", "1"))
        for header in range(256):
            data = bytes([header]) + known[1:]
            self.assertEqual(epc.kind_of(data, 0, 12) != epc.KIND_OPAQUE, header in (0x30, 0x33, 0x34), header)
        for partition in range(2, 8):
            data = bytes([0x34, partition << 2]) + bytes(10)
            self.assertEqual(decoded(data), (epc.KIND_OPAQUE, 0, []))
        self.assertEqual(decoded(known[:11])[0], epc.KIND_OPAQUE)
        self.assertEqual(decoded(known + b"\x00")[0], epc.KIND_OPAQUE)

    def test_a_prefix_beyond_its_digits_is_opaque(self) -> None:
        self.assertEqual(decoded(b"\x30\x03" + b"\xff" * 10)[0], epc.KIND_OPAQUE)
