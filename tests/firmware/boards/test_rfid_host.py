"""The RFID role through the whole device, with a reader at its field line: the same on the host board and on the VM."""

from __future__ import annotations

from pathlib import Path

import pytest

from hil.targets.host import HostTarget
from hil.targets.target import Device, Provision, SteppedTarget
from hil.targets.vm import VmTarget
from protocols.modbus import rtu
from protocols.registers import rfid as reg
from protocols.rfid.read_slot import SLOT_REGISTERS, read_read
from sim_devices.devices.rfid_reader import R200Reader, RfidReader, TagField, Uhf18Reader, WiegandHead

EPC = bytes.fromhex("30751feb705c5904e3d50d70")
POLL_US = 2_000
UNIT_ID = 5
READ_HEAD_ADDRESS = 70
READS_LOST_ADDRESS = 73


class Rig:
    """A device of one target and a simulated reader, polled every POLL_US; `trace` is all that left the device."""

    def __init__(self, target: SteppedTarget, protocol: str, directory: Path) -> None:
        self.field = TagField()
        self.reader: RfidReader = {"r200": R200Reader, "uhfreader18": Uhf18Reader, "wiegand": WiegandHead}[protocol](
            self.field
        )
        provision = Provision("rfid", 1001, UNIT_ID, 115200, bytes(32), protocol)
        self.device: Device = target.start(provision, directory)
        self.inputs = [0] * reg.IN_COUNT
        self.now_us = 0
        self.trace: list[tuple[int, object]] = []
        self._outputs: tuple[int, ...] = ()

    def run(self, duration_ms: int, received: bytes = b"") -> bytes:
        """Poll for so long; returns what was sent on the bus."""
        sent = b""
        for _ in range(duration_ms * 1000 // POLL_US):
            self.now_us += POLL_US
            self.reader.antenna = 2 if self._outputs and self._outputs[reg.OUT_ANTENNA_2] else 1
            line = self.reader.advance(self.now_us // 1000)
            result = self.device.step(self.now_us, self.inputs, [0] * reg.IN_COUNT, received, line)
            received = b""
            sent += result.sent
            if result.outputs != self._outputs:
                self._outputs = result.outputs
                self.trace.append((self.now_us, result.outputs))
            if result.field_sent:
                self.trace.append((self.now_us, result.field_sent))
                self.reader.receive(result.field_sent, self.now_us // 1000)
        return sent

    def registers(self, address: int, count: int) -> bytes:
        """Read input registers over the bus."""
        buffer = bytearray(16)
        buffer[1:6] = bytes([4, address >> 8, address & 255, 0, count])
        size = rtu.encode_adu_into(UNIT_ID, buffer, 5)
        self.run(20)
        answer = self.run(40, bytes(buffer[:size]))
        assert answer[:3] == bytes([UNIT_ID, 4, 2 * count]), answer
        return answer[3 : 3 + 2 * count]

    def reads(self) -> list[tuple[object, ...]]:
        """The reads in the list, oldest first."""
        head = int.from_bytes(self.registers(READ_HEAD_ADDRESS, 4)[:4], "big")
        found = []
        for sequence in range(max(1, head - 31), head + 1):
            address = reg.AT_READ_LIST + (sequence - 1) % 32 * SLOT_REGISTERS
            found.append(read_read(self.registers(address, SLOT_REGISTERS), 0))
        return found


def live(rig: Rig) -> list[tuple[object, ...]]:
    """Tags come and go, the reader fails and comes back, cards are shown; returns the reads."""
    rig.run(600)
    first = rig.field.add(EPC)
    rig.field.add(b"\x33\x04" + b"\x01" * 10)
    if isinstance(rig.reader, WiegandHead):
        rig.reader.show(b"\xd4\x1b\x81", rig.now_us // 1000)
        rig.run(300)
        rig.reader.show(b"\x89\xd4\x1b\x81", rig.now_us // 1000)
    rig.run(600)
    rig.reader.talks_garbage = True
    rig.run(4000)
    rig.reader.talks_garbage = False
    first.antenna = 0
    rig.run(5200)
    first.antenna = 1
    rig.run(400)
    return rig.reads()


@pytest.mark.parametrize("protocol", ["r200", "uhfreader18", "wiegand"])
def test_the_same_tags_give_the_same_reads_registers_and_questions_on_host_board_and_vm(
    protocol: str, tmp_path: Path
) -> None:
    (tmp_path / "host").mkdir()
    rigs = [Rig(HostTarget(), protocol, tmp_path / "host"), Rig(VmTarget(), protocol, tmp_path / "vm")]
    try:
        lives = [live(rig) for rig in rigs]
        images = [rig.registers(64, 20) for rig in rigs]
    finally:
        for rig in rigs:
            rig.device.close()
    assert lives[0] == lives[1]
    assert images[0] == images[1]
    assert rigs[0].trace == rigs[1].trace
    expected = (
        [b"\xd4\x1b\x81", b"\x89\xd4\x1b\x81"] if protocol == "wiegand" else [EPC, b"\x33\x04" + b"\x01" * 10, EPC]
    )
    assert [read[9] for read in lives[0]] == expected
