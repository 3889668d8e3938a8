"""The field line of a device: bytes go to the core's codec and back, a lot at once too; a wrong protocol is refused."""

import pytest

from firmware.app.field_line import FieldLine
from firmware.app.identity import ProvisionError
from firmware.app.roles import load_role
from firmware.boards.host.board import HostUart


class Echo:
    """A codec that says back what it heard, reversed, and notes when."""

    def __init__(self):
        self.heard = bytearray()
        self.times = []
        self.to_say = b""

    def receive(self, data, size, now_ms):
        self.heard += data[:size]
        self.times.append(now_ms)
        self.to_say = bytes(reversed(data[:size]))

    def transmit(self, data):
        size = len(self.to_say)
        data[:size] = self.to_say
        self.to_say = b""
        return size


def test_bytes_go_both_ways_in_the_same_poll():
    uart, codec = HostUart(), Echo()
    line = FieldLine(uart, codec)
    uart.rx += b"abc"
    line.poll(17)
    assert (bytes(codec.heard), codec.times, bytes(uart.tx)) == (b"abc", [17], b"cba")
    line.poll(18)
    assert codec.times == [17]


def test_a_burst_is_taken_in_slices_and_nothing_of_it_is_lost():
    uart, codec = HostUart(), Echo()
    line = FieldLine(uart, codec)
    burst = bytes(index & 0xFF for index in range(1000))
    uart.rx += burst
    polls = 0
    while uart.rx:
        line.poll(polls)
        polls += 1
    assert bytes(codec.heard) == burst
    assert polls >= 8


def test_a_core_without_an_instrument_leaves_the_port_alone():
    uart = HostUart()
    uart.rx += b"abc"
    FieldLine(uart, None).poll(0)
    assert bytes(uart.rx) == b"abc"


def test_a_protocol_the_role_does_not_have_is_refused_with_its_name():
    with pytest.raises(ProvisionError, match=r"line_protocol is 'r200': expected no such key for this role"):
        load_role("barrier").choose_protocol("r200")
