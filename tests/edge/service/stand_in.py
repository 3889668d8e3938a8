"""Devices that answer on a pty or a TCP port: the product's own Modbus server over a header, in a thread."""

import contextlib
import os
import pty
import socket
import threading
import tty
from collections.abc import Iterator

from edge.service.frames import FrameFinder, Kind
from protocols.crc import crc16
from protocols.modbus.image import RegisterImage
from protocols.modbus.mbap import MBAP_SIZE, MbapCollector, encode_mbap_into
from protocols.modbus.rtu import FRAME_OK
from protocols.modbus.server import ModbusServer
from protocols.registers import weighbridge

FIRMWARE = 1 << 8 | 4
SERIAL = 70_001
HEADER = (weighbridge.MAP_ID, weighbridge.MAP_VERSION, SERIAL >> 16, SERIAL & 0xFFFF, FIRMWARE)
OURS = (b"smartgate", b"weighbridge", b"1.4")
FOREIGN = (b"Acme", b"PLC-7", b"2")
NAMELESS: tuple[bytes, ...] = ()


def server(identification: tuple[bytes, ...]) -> ModbusServer:
    """One of our weighbridges' headers behind whatever identification."""
    image = RegisterImage(0, 0, 0, 100, b"")
    for address, value in enumerate(HEADER):
        image.inputs[2 * address : 2 * address + 2] = value.to_bytes(2, "big")
    return ModbusServer(image, identification)


def answer(device: ModbusServer, request: bytes) -> bytes:
    """The answer PDU to a request PDU."""
    response = bytearray(256)
    return bytes(response[: device.handle(bytearray(request), 0, len(request), response, 0)])


@contextlib.contextmanager
def on_line(devices: dict[int, ModbusServer], *, echo: bool = False, garbled: int = 0) -> Iterator[str]:
    """The name of a port on which units answer; the unit `garbled` answers with a wrong CRC."""
    ours, theirs = pty.openpty()
    tty.setraw(ours)
    tty.setraw(theirs)

    def serve() -> None:
        finder = FrameFinder()
        with contextlib.suppress(OSError):
            while data := os.read(ours, 256):
                os.write(ours, data if echo else b"")
                for frame in finder.take(0, data):
                    if frame.kind is Kind.REQUEST and frame.unit_id in devices:
                        body = frame.data[:1] + answer(devices[frame.unit_id], frame.data[1:-2])
                        crc = crc16(body, 0, len(body)) ^ (frame.unit_id == garbled)
                        os.write(ours, body + crc.to_bytes(2, "little"))

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield os.ttyname(theirs)
    finally:
        os.close(theirs)
        thread.join()
        os.close(ours)


@contextlib.contextmanager
def on_network(devices: dict[int, ModbusServer]) -> Iterator[int]:
    """A TCP port of the loopback on which units answer one connection after the other."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                with connection:
                    _serve_connection(connection, devices)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def _serve_connection(connection: socket.socket, devices: dict[int, ModbusServer]) -> None:
    collector = MbapCollector()
    while data := connection.recv(256):
        for byte in data:
            if collector.on_byte(byte) == FRAME_OK and collector.unit_id in devices:
                request = bytes(collector.buffer[MBAP_SIZE : collector.size])
                body = answer(devices[collector.unit_id], request)
                frame = bytearray(MBAP_SIZE) + body
                encode_mbap_into(frame, collector.transaction_id, collector.unit_id, len(body))
                connection.sendall(frame)
