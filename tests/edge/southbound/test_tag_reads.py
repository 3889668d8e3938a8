"""Reads of an RFID device become records: each once, in order, with every gap told."""

from typing import Any

from edge.southbound.tag_reads import TagRead
from protocols.registers import rfid
from protocols.rfid.epc import KIND_OPAQUE, KIND_SGTIN_96
from protocols.rfid.read_slot import RSSI_NONE, SLOT_SIZE, commit_read, write_id, write_read

READ_HEAD_ADDRESS = 70
SGTIN = bytes.fromhex("306000000000064000000001")


def push_read(device: Any, sequence: int, identifier: bytes = b"\xe2\x00" * 6, fields: list[int] | None = None) -> None:
    """Write read number `sequence` as a device does, and make it the newest."""
    registers, offset = device.image.inputs, 2 * rfid.AT_READ_LIST + (sequence - 1) % 32 * SLOT_SIZE
    write_read(registers, offset, 10, 20, fields or [1, 0, -55, KIND_OPAQUE, len(identifier), 0])
    write_id(registers, offset, identifier, 0, len(identifier))
    commit_read(registers, offset, sequence)
    device.image.put_i32(3, READ_HEAD_ADDRESS, sequence)


async def test_reads_are_recorded_once_in_order_across_the_end_of_the_list(
    make_field: Any, open_field: Any, run_line: Any, wire: str
) -> None:
    field = make_field(u1=("rfid", 5))
    device = field.devices[1]
    for sequence in range(1, 41):
        push_read(device, sequence)
    cursors = {"dev-1": (1, 0), "dev-1/reads": (1, 20)}
    async with open_field(field, wire) as config, run_line(config, [(1, "rfid", 5)], cursors) as running:
        await running.until(lambda: running.cursors["dev-1/reads"] == (1, 40))
        push_read(device, 41, SGTIN, [2, 1, RSSI_NONE, KIND_SGTIN_96, 12, 5])
        await running.until(lambda: running.cursors["dev-1/reads"] == (1, 41))
    assert running.kinds() == ["tag_read"] * 21
    assert [record.data["sequence"] for record in running.records] == list(range(21, 42))
    first = dict(running.records[0].data)
    assert first.pop("uncertainty_ms") < 1000
    assert first.pop("clock") == "unsynchronised"
    assert abs(first.pop("source_time") - running.records[0].time_ms) < 60_000
    assert first == {
        "boot_count": 1,
        "sequence": 21,
        "uptime_s": 10,
        "millisecond": 20,
        "identifier": "e200e200e200e200e200e200",
        "kind": "opaque",
        "is_cut": False,
        "antenna": 1,
        "direction": "unknown",
        "rssi_dbm": -55,
        "seal": [],
    }
    last = running.records[-1].data
    assert (last["company_prefix"], last["reference"], last["serial"]) == ("000000000001", "9", "1")
    assert (last["direction"], last["rssi_dbm"], last["seal"]) == ("in", None, ["sealed", "battery_low"])


async def test_overwritten_reads_are_a_gap(make_field: Any, open_field: Any, run_line: Any, wire: str) -> None:
    field = make_field(u1=("rfid", 5))
    for sequence in range(1, 51):
        push_read(field.devices[1], sequence)
    cursors = {"dev-1": (1, 0), "dev-1/reads": (1, 10)}
    async with open_field(field, wire) as config, run_line(config, [(1, "rfid", 5)], cursors) as running:
        await running.until(lambda: running.cursors["dev-1/reads"] == (1, 50))
    assert running.kinds() == ["tag_read_gap"] + ["tag_read"] * 32
    assert dict(running.records[0].data) == {"boot_count": 1, "first": 11, "last": 18, "lost": 8}
    assert running.line.sessions[1].presence.counters.reads_lost == 8


async def test_a_restart_reads_from_one_again(make_field: Any, open_field: Any, run_line: Any, wire: str) -> None:
    field = make_field(u1=("rfid", 5))
    device = field.devices[1]
    for sequence in range(1, 6):
        push_read(device, sequence)
    cursors = {"dev-1": (1, 0), "dev-1/reads": (1, 0)}
    async with open_field(field, wire) as config, run_line(config, [(1, "rfid", 5)], cursors) as running:
        await running.until(lambda: running.cursors["dev-1/reads"] == (1, 5))
        device.restart(2)
        push_read(device, 1, SGTIN)
        await running.until(lambda: running.cursors.get("dev-1/reads") == (2, 1))
    numbers = [(r.data["boot_count"], r.data["sequence"]) for r in running.records if r.kind == "tag_read"]
    assert numbers == [(1, 1), (1, 2), (1, 3), (1, 4), (1, 5), (2, 1)]
    assert "tag_read_gap" not in running.kinds()


async def test_the_block_of_reads_is_not_polled_and_the_status_is(
    make_field: Any, open_field: Any, run_line: Any, wire: str
) -> None:
    field = make_field(u1=("rfid", 5))
    async with open_field(field, wire) as config, run_line(config, [(1, "rfid", 5)]) as running:
        await running.until(lambda: running.image().online)
        assert running.image().tag("read_head").value == 0
        assert all(block.end <= rfid.AT_READ_LIST for block in running.line.sessions[1].blocks)


def test_a_cut_identifier_and_words_of_a_newer_device_are_shown_as_they_are() -> None:
    data = TagRead(1, 0, 0, 1, 9, -40, 77, 20, 0, b"\x11" * 16).data()
    assert (data["is_cut"], data["direction"], data["kind"]) == (True, "9", "77")
