"""How long one RTU request takes from its first byte to the finished answer, ours against pymodbus, on this machine.

Both receive the same frame, look up the same registers and build the same answer, which is compared first. Prints one
JSON line; `ratio` is our time over pymodbus's, in the same run, so it means the same on any machine.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from pymodbus.framer import FramerRTU
from pymodbus.pdu import DecodePDU
from pymodbus.pdu.register_message import ReadInputRegistersRequest, ReadInputRegistersResponse

from protocols.bigendian import put_u16
from protocols.modbus.image import INPUTS, RegisterImage
from protocols.modbus.rtu import FRAME_OK, PDU_START, RtuCollector, encode_adu_into
from protocols.modbus.server import ModbusServer

UNIT = 17
COUNTS = (10, 62, 125)  # A status block, a whole role map, the limit of the specification.
ROUNDS = 400
REPEATS = 5


def main() -> None:
    result: dict[str, object] = {"bench": "modbus_codec", "unit": "us per request"}
    for count in COUNTS:
        request = FramerRTU(DecodePDU(True)).buildFrame(ReadInputRegistersRequest(address=0, count=count, dev_id=UNIT))
        ours, theirs = our_exchange(count), pymodbus_exchange(count)
        if ours(request) != theirs(request):
            raise SystemExit(f"modbus_codec: the answers for {count} registers differ; a codec is wrong")
        our_us, their_us = best_us(ours, request), best_us(theirs, request)
        result[f"read_{count}"] = {
            "ours": round(our_us, 1),
            "pymodbus": round(their_us, 1),
            "ratio": round(our_us / their_us, 2),
        }
    print(json.dumps(result))


def our_exchange(count: int) -> Callable[[bytes], bytes]:
    image = RegisterImage(0, 0, 0, count, b"")
    for address in range(count):
        image.put_u16(INPUTS, address, address * 257)
    server, collector, out = ModbusServer(image), RtuCollector(UNIT), bytearray(260)

    def exchange(frame: bytes) -> bytes:
        for byte in frame:
            collector.on_byte(byte)
        if collector.on_silence() != FRAME_OK:
            raise SystemExit("modbus_codec: our collector refused a good frame")
        size = server.handle(collector.buffer, PDU_START, collector.pdu_size, out, PDU_START)
        return bytes(out[: encode_adu_into(UNIT, out, size)])

    return exchange


def pymodbus_exchange(count: int) -> Callable[[bytes], bytes]:
    values = bytearray(count * 2)
    for address in range(count):
        put_u16(values, address * 2, address * 257)
    words = [values[at] << 8 | values[at + 1] for at in range(0, count * 2, 2)]
    framer = FramerRTU(DecodePDU(True))

    def exchange(frame: bytes) -> bytes:
        _, request = framer.handleFrame(frame, UNIT, 0)
        if request is None:
            raise SystemExit("modbus_codec: pymodbus refused a good frame")
        registers = words[request.address : request.address + request.count]
        return framer.buildFrame(ReadInputRegistersResponse(registers=registers, dev_id=UNIT))

    return exchange


def best_us(exchange: Callable[[bytes], bytes], frame: bytes) -> float:
    """Return the best mean of REPEATS rounds, which other work on the machine disturbs least."""
    best = float("inf")
    for _ in range(REPEATS):
        start = time.perf_counter()
        for _ in range(ROUNDS):
            exchange(frame)
        best = min(best, (time.perf_counter() - start) / ROUNDS * 1e6)
    return best


if __name__ == "__main__":
    main()
