"""One question to one unit, over a serial port or a TCP connection: what was answered, or what was heard instead.

Knows: frames and deadlines. Must not know: which question is asked, what an answer means.
For a technician's tools, which ask a few questions of devices whose baud nobody is sure of; the hub's client is
southbound/modbus_client.py.
"""

from __future__ import annotations

import socket
import time
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from edge.service.frames import FrameFinder, Kind
from edge.service.serial_port import SerialPort
from protocols.modbus import mbap, pdu, rtu

_BITS_PER_CHARACTER = 11
_PAUSE_S = 0.05  # no USB adapter holds a frame's bytes back for longer


class Heard(StrEnum):
    """What came of a question."""

    ANSWER = "answer"
    EXCEPTION = "exception"
    GARBLED = "garbled"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Answer:
    """`data` is the answer's PDU behind the function code; `code` the exception's; `after_ms` since the question."""

    heard: Heard
    data: bytes = b""
    code: int = 0
    after_ms: float = 0.0


class Asker(Protocol):
    """Asks one question at a time."""

    def ask(self, unit_id: int, request: bytes, timeout_s: float) -> Answer:
        """The answer to the PDU `request`; nothing when none comes within `timeout_s`."""
        ...


class SerialAsker:
    """On a serial line. An adapter that hears its own words is no harm."""

    def __init__(self, port: SerialPort, baud: int) -> None:
        self._port = port
        self._baud = baud

    def ask(self, unit_id: int, request: bytes, timeout_s: float) -> Answer:
        """See Asker; the time-out counts from the end of the question on the wire."""
        frame = bytearray(len(request) + 3)
        frame[1:-2] = request
        rtu.encode_adu_into(unit_id, frame, len(request))
        self._port.clear()
        started_s = time.monotonic()
        self._port.write(bytes(frame))
        wire_s = len(frame) * _BITS_PER_CHARACTER / self._baud
        return self._await(bytes(frame), started_s, started_s + wire_s + timeout_s)

    def _await(self, asked: bytes, started_s: float, until_s: float) -> Answer:
        finder = FrameFinder()
        finder.take(0, asked)
        heard = b""
        while (now_s := time.monotonic()) < until_s:
            data = self._port.read(until_s - now_s)
            heard += data
            for frame in finder.take(0, data):
                if frame.kind is Kind.RESPONSE and frame.unit_id == asked[0]:
                    return _judge(asked[1:-2], frame.data[1:-2], 1000 * (time.monotonic() - started_s))
            if data:
                until_s = max(until_s, time.monotonic() + _PAUSE_S)
        return Answer(Heard.GARBLED if heard not in (b"", asked) else Heard.NOTHING)


class TcpAsker:
    """On a TCP connection, Modbus TCP frames. Close it with `close`; one that failed is made anew with the next ask."""

    def __init__(self, host: str, port: int, timeout_s: float) -> None:
        """Connect; raises OSError."""
        self._place = host, port
        self._timeout_s = timeout_s
        self._socket: socket.socket | None = self._connect()
        self._transaction = 0

    def ask(self, unit_id: int, request: bytes, timeout_s: float) -> Answer:
        """See Asker; a connection that the device ends is nothing."""
        self._transaction += 1
        frame = bytearray(mbap.MBAP_SIZE + len(request))
        frame[mbap.MBAP_SIZE :] = request
        mbap.encode_mbap_into(frame, self._transaction, unit_id, len(request))
        started_s = time.monotonic()
        try:
            self._socket = self._socket or self._connect()
            self._socket.sendall(frame)
            return self._await(self._socket, request, started_s, started_s + timeout_s)
        except TimeoutError:
            return Answer(Heard.NOTHING)  # a late answer is known by its transaction
        except OSError:
            self.close()
            return Answer(Heard.NOTHING)

    def close(self) -> None:
        """End the connection."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _connect(self) -> socket.socket:
        return socket.create_connection(self._place, self._timeout_s)

    def _await(self, connection: socket.socket, request: bytes, started_s: float, until_s: float) -> Answer:
        collector = mbap.MbapCollector()
        while (now_s := time.monotonic()) < until_s:
            connection.settimeout(until_s - now_s)
            data = connection.recv(mbap.MBAP_ADU_SIZE_MAX)
            if not data:
                raise ConnectionResetError
            for byte in data:
                result = collector.on_byte(byte)
                if result == rtu.FRAME_OK and collector.transaction_id == self._transaction:
                    got = bytes(collector.buffer[mbap.MBAP_SIZE : collector.size])
                    return _judge(request, got, 1000 * (time.monotonic() - started_s))
                if result not in (rtu.FRAME_OK, rtu.FRAME_NONE):
                    return Answer(Heard.GARBLED)
        return Answer(Heard.NOTHING)


def _judge(request: bytes, response: bytes, after_ms: float) -> Answer:
    code = pdu.decode_response(bytearray(request), 0, bytearray(response), 0, len(response))
    if code == pdu.RESPONSE_OK:
        return Answer(Heard.ANSWER, response[1:], 0, after_ms)
    return Answer(Heard.EXCEPTION, b"", code, after_ms) if code > 0 else Answer(Heard.GARBLED)
