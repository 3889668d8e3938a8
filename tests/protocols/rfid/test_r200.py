"""R200 frames: the protocol's worked examples, both faces, and frames found again behind garbage."""

import unittest

from protocols.rfid import gen2, r200

# R200 user protocol V2.3.3: one tag, RSSI -55 dBm, PC 0x3000, CRC 0x3A76.
TAG = b"\xaa\x02\x22\x00\x11\xc9\x34\x00\x30\x75\x1f\xeb\x70\x5c\x59\x04\xe3\xd5\x0d\x70\x3a\x76\xef\xdd"
NO_TAG = b"\xaa\x01\xff\x00\x01\x15\x16\xdd"
EPC = TAG[8:20]


def frames_in(data: bytes, window: r200.R200Window) -> list[tuple[int, int, int]]:
    """Kind, command and length of every frame found in `data`."""
    found = []
    for byte in data:
        window.push(byte)
        while window.take():
            found.append((window.kind, window.command, window.length))
    return found


class TestR200(unittest.TestCase):
    def test_the_worked_example_of_a_tag_is_read_whole(self) -> None:
        window = r200.R200Window()
        for byte in TAG[:-1]:
            window.push(byte)
            self.assertFalse(window.take())
        window.push(TAG[-1])
        self.assertTrue(window.take())
        self.assertTrue(r200.is_tag(window))
        self.assertTrue(r200.is_tag_crc_right(window))
        self.assertEqual(r200.tag_rssi_dbm(window), -55)
        at = r200.tag_epc_at(window)
        self.assertEqual(bytes(window.buffer[at : at + r200.tag_epc_size(window)]), EPC)

    def test_the_worked_example_of_a_failure_names_no_tag(self) -> None:
        window = r200.R200Window()
        self.assertEqual(frames_in(NO_TAG, window), [(r200.TYPE_RESPONSE, r200.CMD_FAILURE, 1)])

    def test_the_tag_checksum_of_the_example_is_the_documented_one(self) -> None:
        self.assertEqual(gen2.tag_crc(TAG, 6, 14), 0x3A76)
        self.assertEqual(gen2.epc_size(0x3400), 12)
        self.assertEqual(gen2.epc_size(gen2.pc_for(62)), 62)

    def test_a_changed_bit_of_the_tag_is_told_although_the_frame_is_right(self) -> None:
        buffer = bytearray(TAG)
        buffer[10] ^= 1
        buffer[22] = r200.checksum(buffer, 0, len(buffer))
        window = r200.R200Window()
        self.assertEqual(len(frames_in(bytes(buffer), window)), 1)
        self.assertFalse(r200.is_tag_crc_right(window))

    def test_the_other_face_writes_the_example_but_for_its_pc_word(self) -> None:
        buffer = bytearray(r200.FRAME_MAX)
        size = r200.put_tag(buffer, -55, EPC, 12)
        self.assertEqual(size, len(TAG))
        self.assertEqual(bytes(buffer[:6]), TAG[:6])
        self.assertEqual(bytes(buffer[8:20]), EPC)
        window = r200.R200Window()
        self.assertEqual(frames_in(bytes(buffer[:size]), window), [(2, 0x22, 17)])
        self.assertTrue(r200.is_tag_crc_right(window))
        self.assertEqual(bytes(buffer[: r200.put_response(buffer, r200.CMD_FAILURE, r200.ERROR_NO_TAG)]), NO_TAG)

    def test_commands_have_their_documented_bytes(self) -> None:
        buffer = bytearray(r200.FRAME_MAX)
        self.assertEqual(bytes(buffer[: r200.put_module_info(buffer)]), b"\xaa\x00\x03\x00\x01\x00\x04\xdd")
        self.assertEqual(bytes(buffer[: r200.put_single_poll(buffer)]), b"\xaa\x00\x22\x00\x00\x22\xdd")
        self.assertEqual(
            bytes(buffer[: r200.put_multi_poll(buffer, 10000)]), b"\xaa\x00\x27\x00\x03\x22\x27\x10\x83\xdd"
        )
        self.assertEqual(bytes(buffer[: r200.put_stop_poll(buffer)]), b"\xaa\x00\x28\x00\x00\x28\xdd")
        self.assertEqual(bytes(buffer[: r200.put_set_region(buffer, 1)]), b"\xaa\x00\x07\x00\x01\x01\x09\xdd")
        self.assertEqual(bytes(buffer[: r200.put_set_power(buffer, 2000)]), b"\xaa\x00\xb6\x00\x02\x07\xd0\x8f\xdd")

    def test_the_variant_with_other_marks_is_read_with_its_own_marks_only(self) -> None:
        buffer = bytearray(r200.FRAME_MAX)
        size = r200.finish_frame(buffer, r200.TYPE_COMMAND, 0x22, 0, r200.HEAD_RCP, r200.TAIL_RCP)
        frame = bytes(buffer[:size])
        self.assertEqual(frame, b"\xbb\x00\x22\x00\x00\x22\x7e")
        self.assertEqual(frames_in(frame, r200.R200Window(r200.HEAD_RCP, r200.TAIL_RCP)), [(0, 0x22, 0)])
        self.assertEqual(frames_in(frame, r200.R200Window()), [])

    def test_a_whole_frame_behind_any_garbage_is_found(self) -> None:
        for garbage in (
            b"\xaa",
            b"\xaa\xaa\xaa",
            b"\xaa\x02\x22\x00\x11\xc9",
            b"\x00\xff\xdd",
            TAG[:20],
            b"\xaa\x02\x22\x00\x60",
        ):
            window = r200.R200Window()
            found = frames_in(garbage + TAG + NO_TAG + b"\x00" * r200.FRAME_MAX, window)
            self.assertEqual(found, [(2, 0x22, 17), (1, 0xFF, 1)], garbage)
            self.assertTrue(window.errors >= 1)

    def test_two_frames_swallowed_by_a_false_length_both_come_out(self) -> None:
        window = r200.R200Window()
        found = frames_in(b"\xaa\x01\x22\x00\x28" + TAG + NO_TAG, window)
        self.assertEqual(found, [])
        while window.expire():
            found.append(window.command)
        self.assertEqual(found, [0x22, 0xFF])
        self.assertFalse(window.is_waiting())

    def test_a_length_beyond_the_buffer_is_garbage_at_once(self) -> None:
        window = r200.R200Window()
        self.assertEqual(len(frames_in(b"\xaa\x02\x22\xff\xff" + TAG, window)), 1)
        self.assertEqual(window.errors, 1)

    def test_an_endless_stream_of_heads_never_leaves_the_buffer(self) -> None:
        window = r200.R200Window()
        for _ in range(5000):
            frames_in(b"\xaa", window)
        self.assertTrue(len(window.buffer) == 2 * r200.FRAME_MAX)
        self.assertEqual(len(frames_in(TAG, window)), 1)
