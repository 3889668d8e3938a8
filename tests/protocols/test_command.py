"""The command block and the text its tag is made over."""

import struct
import unittest

from protocols.command import (
    BLOCK_REGISTERS,
    BLOCK_SIZE,
    MESSAGE_SIZE,
    CommandBlock,
    decode_block,
    encode_block_into,
    is_tag_equal,
    pack_message_into,
)

TAG = b"\xf0\xf1\xf2\xf3\xf4\xf5\xf6\xf7"


class CommandTest(unittest.TestCase):
    def test_message_has_the_fixed_layout(self):
        buffer = bytearray(MESSAGE_SIZE)
        self.assertEqual(pack_message_into(buffer, 1, 0x01234567, 16, 2, -5, 0xABCD, 0xFFFF), MESSAGE_SIZE)
        self.assertEqual(buffer, struct.pack(">HIHHiHH", 1, 0x01234567, 16, 2, -5, 0xABCD, 0xFFFF))

    def test_every_field_changes_the_message(self):
        reference = bytearray(MESSAGE_SIZE)
        fields = [1, 2, 3, 4, 5, 6, 7]
        pack_message_into(reference, *fields)
        for index in range(len(fields)):
            changed = list(fields)
            changed[index] += 1
            buffer = bytearray(MESSAGE_SIZE)
            pack_message_into(buffer, *changed)
            self.assertFalse(buffer == reference, index)

    def test_block_has_the_layout_of_the_register_map(self):
        buffer = bytearray(b"\xaa" * (BLOCK_SIZE + 2))
        self.assertEqual(encode_block_into(buffer, 1, 0x0102, 0x0304, 0x05060708, 0x090A, 0x0B0C, TAG), BLOCK_SIZE)
        self.assertEqual(buffer[1:21], bytes(range(1, 13)) + TAG)
        self.assertEqual((buffer[0], buffer[21]), (0xAA, 0xAA))
        self.assertEqual(BLOCK_REGISTERS * 2, BLOCK_SIZE)

    def test_block_decodes_to_what_was_encoded(self):
        block = CommandBlock()
        for argument in (0, -1, 0x7FFFFFFF, -0x80000000, 60000):
            buffer = bytearray(BLOCK_SIZE + 4)
            encode_block_into(buffer, 4, 65535, 64, argument, 1, 65535, TAG + b"rest of the digest")
            decode_block(buffer, 4, block)
            self.assertEqual((block.opcode, block.target, block.argument), (65535, 64, argument))
            self.assertEqual((block.nonce_epoch, block.nonce_counter), (1, 65535))
            self.assertEqual(block.tag, TAG)

    def test_tag_is_equal_only_when_all_its_bits_are(self):
        tag = bytearray(TAG)
        self.assertTrue(is_tag_equal(tag, TAG + b"\x00\x01"))
        for bit in range(64):
            tag[bit >> 3] ^= 1 << (bit & 7)
            self.assertFalse(is_tag_equal(tag, TAG), bit)
            tag[bit >> 3] ^= 1 << (bit & 7)
