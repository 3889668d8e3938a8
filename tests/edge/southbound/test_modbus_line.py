"""The line task against devices on TCP and on a pty: identity, loss and return, events, commands, strangers."""

import dataclasses
import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from edge.model import Quality, Stamp
from edge.southbound.modbus_line import stamp_now
from protocols.registers import barrier

_OPEN, _CLOSE = 17, 18


async def test_a_device_is_polled_into_an_image(make_field: Any, open_field: Any, run_line: Any, wire: str) -> None:
    field = make_field(u1=("weighbridge", 5))
    field.devices[1].image.put_i32(3, 67, -125)
    async with open_field(field, wire) as config, run_line(config, [(1, "weighbridge", 5)]) as running:
        await running.until(lambda: running.image().online)
        tag = running.image().tag("gross_kg_x10")
        assert (tag.value, tag.quality) == (-125, Quality.GOOD)
        assert running.image().tag("boot_count").value == 1
        assert running.kinds() == []


async def test_telemetry_is_told_when_it_changes_and_the_device_before_its_values(
    make_field: Any, open_field: Any, run_line: Any, wire: str
) -> None:
    field = make_field(u1=("weighbridge", 5))
    async with open_field(field, wire) as config, run_line(config, [(1, "weighbridge", 5)]) as running:
        await running.until(lambda: running.image().tag("gross_kg_x10").value == 0)
        assert running.presence == [("dev-1", True)]
        tags = running.line.sessions[1].values.tags
        told = {tags[index].name for report in running.reports for index in report.indexes}
        assert {"gross_kg_x10", "boot_count", "flags"} <= told
        field.devices[1].image.put_i32(3, 67, -125)
        index = [tag.name for tag in tags].index("gross_kg_x10")
        changed = ("dev-1", [index], [-125])
        await running.until(lambda: any((it.device, it.indexes, it.values) == changed for it in running.reports))


async def test_what_a_failing_device_measures_is_uncertain(
    make_field: Any, open_field: Any, run_line: Any, wire: str
) -> None:
    field = make_field(u1=("weighbridge", 5))
    field.devices[1].put("HEALTH", 1)
    field.devices[1].put("REASONS", 1 << 6)
    async with open_field(field, wire) as config, run_line(config, [(1, "weighbridge", 5)]) as running:
        await running.until(lambda: running.image().online)
        tag = running.image().tag("gross_kg_x10")
        assert (tag.quality, tag.reason) == (Quality.UNCERTAIN, "the device says FAILURE: INPUT_BAD")
        assert running.image().tag("serial_number").quality is Quality.GOOD


async def test_events_are_fetched_once_in_order_across_the_ring_end(
    make_field: Any, open_field: Any, run_line: Any, wire: str
) -> None:
    field = make_field(u1=("barrier", 77))
    for number in range(40):
        field.devices[1].push_event(32, number % 16)
    async with (
        open_field(field, wire) as config,
        run_line(config, [(1, "barrier", 77)], {"dev-1": (1, 20)}) as running,
    ):
        await running.until(lambda: running.cursors["dev-1"] == (1, 40))
        field.devices[1].push_event(37, 1)
        await running.until(lambda: running.cursors["dev-1"] == (1, 41))
    assert running.kinds() == ["device_event"] * 21
    assert [record.data["sequence"] for record in running.records] == list(range(21, 42))
    assert running.records[0].data["event"] == "STATE_CHANGED"
    assert running.records[0].data["argument_word"] == "OPEN"  # event 21 has argument 20 % 16
    assert running.records[0].data["uncertainty_ms"] < 1000
    assert isinstance(running.records[0].data["source_time"], int)


async def test_overwritten_events_are_a_gap(make_field: Any, open_field: Any, run_line: Any, wire: str) -> None:
    field = make_field(u1=("barrier", 77))
    for _ in range(50):
        field.devices[1].push_event(32, 2)
    async with (
        open_field(field, wire) as config,
        run_line(config, [(1, "barrier", 77)], {"dev-1": (1, 10)}) as running,
    ):
        await running.until(lambda: running.cursors["dev-1"] == (1, 50))
    assert running.kinds() == ["event_gap"] + ["device_event"] * 32
    assert dict(running.records[0].data) == {"boot_count": 1, "first": 11, "last": 18, "lost": 8}


async def test_a_restart_is_recorded_and_its_events_read_from_one(
    make_field: Any, open_field: Any, run_line: Any, wire: str
) -> None:
    field = make_field(u1=("barrier", 77))
    field.devices[1].push_event(1)
    async with open_field(field, wire) as config, run_line(config, [(1, "barrier", 77)]) as running:
        await running.until(lambda: running.cursors.get("dev-1") == (1, 1))
        field.devices[1].restart(2)
        field.devices[1].push_event(1)
        await running.until(lambda: running.cursors.get("dev-1") == (2, 1))
    assert running.kinds() == ["device_event", "device_restarted", "device_event"]
    assert running.records[1].data["boot_count_before"] == 1


async def test_a_lost_device_turns_bad_and_is_told_once_each_way(
    make_field: Any, open_field: Any, run_line: Any, wire: str
) -> None:
    field = make_field(u1=("barrier", 77), u2=("weighbridge", 5))
    async with (
        open_field(field, wire) as config,
        run_line(config, [(1, "barrier", 77), (2, "weighbridge", 5)]) as running,
    ):
        await running.until(lambda: running.image(1).online and running.image(2).online)
        field.devices[1].mode = "silent"
        await running.until(lambda: not running.image(1).online)
        assert running.image(1).quality is Quality.BAD
        assert "did not answer within" in running.image(1).reason
        assert running.image(1).tag("state").quality is Quality.BAD
        assert running.image(2).online
        field.devices[1].mode = "answer"
        await running.until(lambda: running.image(1).online)
    assert running.kinds() == ["device_lost", "device_back"]


@pytest.mark.parametrize(
    ("register", "value", "words"),
    [
        ("MAP_ID", 2, "serves weighbridge"),
        ("MAP_VERSION", 9, "serves version 9"),
        ("SERIAL_NUMBER", 1, "serial number"),
    ],
)
async def test_a_wrong_device_is_not_used_and_told_once(
    make_field: Any, open_field: Any, run_line: Any, wire: str, register: str, value: int, words: str
) -> None:
    field = make_field(u1=("barrier", 77), u2=("weighbridge", 5))
    field.devices[1].put(register, value)
    async with (
        open_field(field, wire) as config,
        run_line(config, [(1, "barrier", 77), (2, "weighbridge", 5)]) as running,
    ):
        await running.until(lambda: running.records and running.image(2).online)
        assert words in running.image(1).reason
        assert running.image(1).quality is Quality.BAD
        assert running.kinds() == ["unknown_device"]
        assert await running.command("OPEN") == (False, "not_sent")
        assert field.devices[1].commands == []


async def test_garbled_answers_on_one_address_point_to_a_shared_address(make_field: Any, run_line: Any) -> None:
    field = make_field(u1=("barrier", 77), u2=("weighbridge", 5))
    field.devices[1].mode = "garble"
    async with field.on_pty() as config, run_line(config, [(1, "barrier", 77), (2, "weighbridge", 5)]) as running:
        await running.until(lambda: "two devices may share this address" in running.image(1).reason)
        assert running.image(2).online
        assert running.line.status()["crc_errors"] >= 3
    assert running.kinds() == ["device_lost"]


async def test_a_command_is_accepted_once(make_field: Any, open_field: Any, run_line: Any, wire: str) -> None:
    field = make_field(u1=("barrier", 77))
    async with open_field(field, wire) as config, run_line(config, [(1, "barrier", 77)]) as running:
        await running.until(lambda: running.image().online)
        assert await running.command("OPEN", 5) == (True, "")
        assert await running.command("CLOSE") == (True, "")
    assert field.devices[1].commands == [(_OPEN, 5), (_CLOSE, 0)]


async def test_a_refusal_comes_back_in_the_maps_words(
    make_field: Any, open_field: Any, run_line: Any, wire: str
) -> None:
    field = make_field(u1=("barrier", 77))
    field.devices[1].results[_CLOSE] = barrier.COMMAND_RESULT_REFUSED_INTERLOCK
    async with open_field(field, wire) as config, run_line(config, [(1, "barrier", 77)]) as running:
        await running.until(lambda: running.image().online)
        assert await running.command("CLOSE") == (False, "REFUSED_INTERLOCK")


async def test_a_lost_answer_is_read_back_and_the_command_not_repeated(
    make_field: Any, open_field: Any, run_line: Any, wire: str
) -> None:
    field = make_field(u1=("barrier", 77))
    field.devices[1].silent_after_write = 1
    async with open_field(field, wire) as config, run_line(config, [(1, "barrier", 77)]) as running:
        await running.until(lambda: running.image().online)
        assert await running.command("OPEN") == (True, "")
    assert field.devices[1].commands == [(_OPEN, 0)]


async def test_a_lost_command_is_written_again_after_asking(
    make_field: Any, open_field: Any, run_line: Any, wire: str
) -> None:
    field = make_field(u1=("barrier", 77))
    field.devices[1].lose_writes = 1
    async with open_field(field, wire) as config, run_line(config, [(1, "barrier", 77)]) as running:
        await running.until(lambda: running.image().online)
        assert await running.command("OPEN") == (True, "")
    assert field.devices[1].commands == [(_OPEN, 0)]


async def test_a_wrong_key_is_refused_by_the_device(make_field: Any, open_field: Any, run_line: Any, wire: str) -> None:
    field = make_field(u1=("barrier", 77))
    field.devices[1].serial = 78  # what the device makes the tag over
    async with open_field(field, wire) as config, run_line(config, [(1, "barrier", 77)]) as running:
        await running.until(lambda: running.image().online)
        assert await running.command("OPEN") == (False, "BAD_TAG")
    assert field.devices[1].commands == []


async def test_a_command_to_a_dead_device_ends_at_its_deadline(
    make_field: Any, open_field: Any, run_line: Any, wire: str
) -> None:
    field = make_field(u1=("barrier", 77), u2=("weighbridge", 5))
    async with (
        open_field(field, wire) as config,
        run_line(config, [(1, "barrier", 77), (2, "weighbridge", 5)]) as running,
    ):
        await running.until(lambda: running.image(1).online and running.image(2).online)
        field.devices[1].mode = "silent"
        is_ok, reason = await running.command("OPEN", timeout_ms=400)
        assert not is_ok
        assert reason in ("not_sent", "outcome_unknown"), "unknown if the block was the first that was not answered"
        assert await running.command("ZERO", device="dev-2") == (True, "")


async def test_a_stranger_on_the_line_is_recorded_once(
    make_field: Any, run_line: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge.poll.plan.SCAN_PERIOD_MS", 30)
    monkeypatch.setattr("edge.poll.plan.SCAN_UNITS", range(1, 4))
    field = make_field(u1=("barrier", 77), u3=("weighbridge", 5))
    async with field.on_pty() as config, run_line(config, [(1, "barrier", 77)]) as running:
        await running.until(lambda: "unknown_device" in running.kinds())
        field.devices[3].asked.clear()
        await field.devices[3].asked.wait()
        await running.until(lambda: running.image().online)
    assert running.kinds() == ["unknown_device"]
    assert "a weighbridge with serial number 5 answers at address 3" in running.records[0].data["reason"]


async def test_a_missing_port_is_a_reason_until_it_appears(make_field: Any, run_line: Any, tmp_path: Path) -> None:
    field = make_field(u1=("barrier", 77))
    async with field.on_pty() as config:
        link = tmp_path / "port"
        missing = dataclasses.replace(config, port=str(link))
        async with run_line(missing, [(1, "barrier", 77)]) as running:
            await running.until(lambda: "does not exist" in running.image().reason)
            link.symlink_to(config.port)
            await running.until(lambda: running.image().online)
    assert running.kinds() == ["device_lost", "device_back"]


async def test_records_of_the_line_are_json(make_field: Any, run_line: Any) -> None:
    field = make_field(u1=("barrier", 77))
    field.devices[1].push_event(999, -1)
    async with field.on_tcp() as config, run_line(config, [(1, "barrier", 77)]) as running:
        await running.until(lambda: running.records)
    assert json.loads(json.dumps(dict(running.records[0].data)))["event"] == ""


async def test_a_block_the_device_refuses_is_bad_and_the_device_stays_there(
    make_field: Any, open_field: Any, run_line: Any, wire: str
) -> None:
    field = make_field(u1=("weighbridge", 5))
    async with open_field(field, wire) as config, run_line(config, [(1, "weighbridge", 5)]) as running:
        await running.until(lambda: running.image().online)
        field.devices[1].refuse.add((4, 64))
        await running.until(lambda: running.image().tag("gross_kg_x10").quality is Quality.BAD)
        assert "exception 4 (device failure)" in running.image().tag("gross_kg_x10").reason
        assert running.image().tag("serial_number").quality is Quality.GOOD
        field.devices[1].refuse.clear()
        await running.until(lambda: running.image().tag("gross_kg_x10").quality is Quality.GOOD)
    assert running.presence == [("dev-1", True)]
    assert running.kinds() == []


async def test_a_command_the_device_refuses_takes_no_value_away(
    make_field: Any, open_field: Any, run_line: Any, wire: str
) -> None:
    field = make_field(u1=("barrier", 77))
    async with open_field(field, wire) as config, run_line(config, [(1, "barrier", 77)]) as running:
        await running.until(lambda: running.image().online)
        field.devices[1].refuse.add((16, 0))
        assert await running.command("OPEN") == (False, "exception_4")
        assert running.image().quality is Quality.GOOD
    assert running.presence == [("dev-1", True)]


async def test_a_wall_clock_that_goes_back_an_hour_disturbs_no_poll(
    make_field: Any, open_field: Any, run_line: Any, wire: str
) -> None:
    step_ms = [0]

    def stamp() -> Stamp:
        now = stamp_now()
        return Stamp(now.mono_ms, now.wall_ms + step_ms[0])

    field = make_field(u1=("barrier", 77))
    async with (
        open_field(field, wire) as config,
        run_line(config, [(1, "barrier", 77)], stamp=stamp) as running,
    ):
        await running.until(lambda: running.image().online)
        before = running.image().tag("state")
        step_ms[0] = -3_600_000
        await running.until(lambda: running.image().tag("state").source_time_ms < before.source_time_ms)
        after = running.image().tag("state")
        assert 0 <= after.hub_time_ms - before.hub_time_ms < 10_000  # two polls of a quick line share a millisecond
        assert after.quality is Quality.GOOD
        assert await running.command("OPEN") == (True, "")
    assert running.kinds() == []


async def test_no_poll_is_begun_while_a_command_is_being_journalled(
    make_field: Any, run_line: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge.southbound.modbus_line.HOLD_MAX_MS", 150)
    field = make_field(u1=("barrier", 77))
    async with field.on_tcp() as config, run_line(config, [(1, "barrier", 77)]) as running:
        await running.until(lambda: running.image().online)
        polls = running.line.polls
        running.line.expect_command()
        await running.until(lambda: running.line.polls > polls + 5)
        times = [at_s for at_s, _ in field.devices[1].log]
        assert max(later - earlier for earlier, later in pairwise(times)) > 0.1, "though it is read every 20 ms"


async def test_a_command_that_was_expected_goes_at_once_and_lets_polls_begin_again(
    make_field: Any, run_line: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge.southbound.modbus_line.HOLD_MAX_MS", 60_000)
    field = make_field(u1=("barrier", 77))
    async with field.on_tcp() as config, run_line(config, [(1, "barrier", 77)]) as running:
        await running.until(lambda: running.image().online)
        count = len(field.devices[1].log)
        running.line.expect_command()
        assert await running.command("OPEN") == (True, "")
        assert 16 in [code for _, code in field.devices[1].log[count : count + 2]], "at most one read was under way"
        polls = running.line.polls
        await running.until(lambda: running.line.polls > polls + 5)
