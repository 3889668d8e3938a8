"""UHFReader18 frames: computed and recorded vectors, both faces, frames found again behind garbage."""

import unittest

from protocols.rfid import uhfreader18 as uhf

RECORDED = b"\x11\x00\xee\x00\x20\x00\x70\x8c\x2b\x38\x0b\x2d\x00\x00\x00\x00\xe0\x56"


def commands_in(data: bytes, window: uhf.Uhf18Window) -> list[tuple[int, int, int]]:
    """Command, status and data length of every frame found in `data`."""
    found = []
    for byte in data:
        window.push(byte)
        while window.take():
            found.append((window.command, window.status, window.length))
    return found


class TestUhfReader18(unittest.TestCase):
    def test_commands_have_the_bytes_of_the_vectors(self) -> None:
        buffer = bytearray(uhf.FRAME_MAX)
        self.assertEqual(bytes(buffer[: uhf.put_command(buffer, 0, uhf.CMD_INVENTORY)]), b"\x04\x00\x01\xdb\x4b")
        size = uhf.put_command(buffer, uhf.ADDRESS_BROADCAST, uhf.CMD_READER_INFO)
        self.assertEqual(bytes(buffer[:size]), b"\x04\xff\x21\x19\x95")

    def test_the_checksum_has_the_check_value_of_mcrf4xx(self) -> None:
        self.assertEqual(uhf.crc16(b"123456789", 0, 9), 0x6F91)

    def test_a_recorded_unsolicited_frame_is_read_whole(self) -> None:
        window = uhf.Uhf18Window()
        self.assertEqual(commands_in(RECORDED, window), [(uhf.CMD_ACTIVE, 0, 12)])
        self.assertEqual(bytes(window.buffer[window.at : window.at + 12]), RECORDED[4:16])
        self.assertEqual(window.address, 0)

    def test_an_inventory_of_two_tags_goes_both_ways(self) -> None:
        buffer = bytearray(uhf.FRAME_MAX)
        buffer[4] = 2
        at = uhf.put_tag(buffer, 5, b"\x01\x02", 2)
        at = uhf.put_tag(buffer, at, b"\x03\x04\x05\x06", 4)
        size = uhf.put_response(buffer, 7, uhf.CMD_INVENTORY, uhf.STATUS_FINISHED, at - 4)
        window = uhf.Uhf18Window()
        self.assertEqual(commands_in(bytes(buffer[:size]), window), [(1, 1, 9)])
        self.assertEqual(window.address, 7)
        data = bytes(window.buffer[window.at : window.at + window.length])
        self.assertEqual(data, b"\x02\x02\x01\x02\x04\x03\x04\x05\x06")

    def test_which_statuses_carry_tags(self) -> None:
        self.assertEqual([status for status in range(256) if uhf.has_tags(status)], [1, 2, 3, 4])

    def test_a_whole_frame_behind_garbage_is_found_at_the_latest_after_the_pause(self) -> None:
        for garbage in (b"\x04", b"\x05\x00\x01", b"\xff", b"\x00\x00", RECORDED[:9], b"\x11" * 7):
            window = uhf.Uhf18Window()
            found = commands_in(garbage + RECORDED, window)
            while window.expire():
                found.append((window.command, window.status, window.length))
            self.assertEqual(found, [(uhf.CMD_ACTIVE, 0, 12)], garbage)
            self.assertTrue(window.errors >= 1)

    def test_a_wrong_checksum_is_no_frame_and_the_next_one_is_read(self) -> None:
        broken = bytearray(RECORDED)
        broken[6] ^= 4
        window = uhf.Uhf18Window()
        found = commands_in(bytes(broken) + RECORDED + RECORDED, window)
        while window.expire():
            found.append((window.command, window.status, window.length))
        self.assertEqual(len(found), 2)
        self.assertTrue(window.errors >= 1)

    def test_without_budget_nothing_is_checksummed_and_with_it_the_next_frame_is_read(self) -> None:
        window = uhf.Uhf18Window()
        window.budget = len(RECORDED)
        self.assertEqual(len(commands_in(RECORDED + RECORDED, window)), 1)
        window.budget = 1024
        found = commands_in(RECORDED, window)
        while window.expire():
            found.append((window.command, window.status, window.length))
        self.assertEqual(found, [(uhf.CMD_ACTIVE, 0, 12)])

    def test_the_longest_frame_fits(self) -> None:
        buffer = bytearray(uhf.FRAME_MAX)
        size = uhf.put_response(buffer, 0, uhf.CMD_INVENTORY, uhf.STATUS_MORE, 250)
        self.assertEqual(size, uhf.FRAME_MAX)
        window = uhf.Uhf18Window()
        self.assertEqual(len(commands_in(bytes(buffer[:size]) + bytes(buffer[:size]), window)), 2)
