"""Telemetry against a connection that is looked at, and a host that decodes with an implementation that is not ours."""

import asyncio
import contextlib
import json
import threading
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from pysparkplug._protobuf import Payload

from edge.config import UplinkConfig
from edge.model import ClockQuality, Quality, Record, Report
from edge.northbound import sent_rows
from edge.northbound import telemetry as telemetry_module
from edge.northbound.pacer import Pacer
from edge.northbound.telemetry import Telemetry
from protocols.registers.tag import Tag
from tests.edge.northbound.sparkplug_host import Host

_TIME = 1_796_039_649_000
_TAGS = [
    Tag("speed", "input_register", 0, "uint16", 1, units="mm/s"),
    Tag("gross_kg_x10", "input_register", 1, "int32", 2, units="kg", sf=-1),
]


class _Connection:
    """What a session does, seen by a host; a broker that acknowledges when it is told to."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self.subscribed: list[str] = []
        self.marks: list[Any] = []
        self.owed: list[asyncio.Future[None]] = []
        self.changed = asyncio.Event()

    def publish_nowait(self, topic: str, payload: bytes) -> None:
        self.host.take(topic, payload)
        self.changed.set()

    def publish_acked(self, topic: str, payload: bytes) -> asyncio.Future[None]:
        if topic.startswith("spBv1.0"):
            self.host.take(topic, payload, qos=1)
        else:
            self.marks.append(json.loads(payload))
        acked = asyncio.get_running_loop().create_future()
        self.owed.append(acked)
        self.changed.set()
        return acked

    async def subscribe(self, topic: str) -> None:
        self.subscribed.append(topic)


class _Gate:
    """One telemetry, its connection and its host."""

    def __init__(self, folder: Path, **keys: Any) -> None:
        self.records: list[Record] = []
        self.pacer = Pacer()
        config = UplinkConfig("gate", "gate/test", (), **keys)
        devices = {"scale": _TAGS, "other": _TAGS}
        self.telemetry = Telemetry(config, folder, devices, post=self.records.extend, pacer=self.pacer)
        self.host = Host()
        self.connection: _Connection | None = None

    @contextlib.asynccontextmanager
    async def connected(self) -> AsyncIterator[_Connection]:
        await self.telemetry.will()
        self.pacer.reset()
        connection = self.connection = _Connection(self.host)
        serving = asyncio.create_task(self.telemetry.serve(connection))
        await _settle()
        try:
            yield connection
        finally:
            serving.cancel()
            await asyncio.gather(serving, return_exceptions=True)

    async def report(self, speed: int, device: str = "scale", **keys: Any) -> None:
        self.telemetry.report(_report(device, range(2), (speed, 1234), **keys))
        await _settle()

    def acknowledge(self, *ranges: Sequence[int]) -> None:
        self.telemetry.on_ack(json.dumps({"telemetry": ranges}).encode())


def _report(
    device: str,
    indexes: Sequence[int],
    values: Sequence[int | None],
    *,
    quality: Quality = Quality.GOOD,
    reason: str = "",
    clock: ClockQuality = ClockQuality.SYNCHRONISED,
) -> Report:
    return Report(device, indexes, values, quality, reason, _TIME, clock)


async def _settle() -> None:
    """Everything that is due in this and the next turns of the loop."""
    for _ in range(10):
        await asyncio.sleep(0)


def test_a_report_is_published_with_its_number_in_units_and_stays_stored_until_the_platform_has_it(tmp_path) -> None:
    async def run() -> None:
        gate = _Gate(tmp_path)
        gate.telemetry.device_online("scale")
        async with gate.connected():
            await gate.report(7)
            last = gate.host.seen[-1]
            assert gate.host.kinds() == ["NBIRTH", "DBIRTH scale", "DDATA scale"]
            assert last.values() == {"telemetry_seq": 1, "clock_quality": "synchronised", "speed": 7, "gross_kg": 123.4}
            assert gate.telemetry.ledger()["stored"] == 1
            gate.acknowledge([1, 1])
            assert gate.telemetry.ledger() == _ledger(produced=1, acknowledged=1, stored=0)

    asyncio.run(run())


def test_what_is_reported_without_a_connection_is_history_in_order(tmp_path) -> None:
    async def run() -> None:
        gate = _Gate(tmp_path)
        for speed in range(5):
            await gate.report(speed)
        async with gate.connected():
            await gate.report(5)
            assert gate.host.rows() == [*((number, True) for number in range(1, 6)), (6, False)]
            assert [seen.metric("speed")["value"] for seen in gate.host.seen if seen.kind == "DDATA"] == [*range(6)]

    asyncio.run(run())


def test_rows_of_a_killed_hub_are_history_of_the_next(tmp_path) -> None:
    async def run() -> None:
        killed = _Gate(tmp_path)
        async with killed.connected():
            await killed.report(1)
            await killed.report(2)
            killed.acknowledge([1, 1])
        gate = _Gate(tmp_path)  # the first was never closed
        async with gate.connected():
            await gate.report(3)
        assert sorted(gate.host.rows()) == [(2, True), (3, False)]
        assert gate.telemetry.ledger() == _ledger(produced=3, acknowledged=1, stored=2)

    asyncio.run(run())


def test_what_a_damaged_spool_held_is_known_from_the_node_s_memory(tmp_path: Path) -> None:
    async def run() -> None:
        before = _Gate(tmp_path)
        for speed in range(7):
            await before.report(speed)
        before.telemetry.close()
        (tmp_path / "telemetry.sqlite").write_bytes(b"overwritten" * 1000)
        gate = _Gate(tmp_path)
        await gate.report(8)
        gate.telemetry.close()
        assert gate.telemetry.ledger() == _ledger(produced=8, acknowledged=0, stored=1, damaged=7)

    asyncio.run(run())


def test_a_row_the_platform_passes_over_is_sent_again_but_only_to_a_platform_that_speaks(
    tmp_path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sent_rows, "RESEND_S", -sent_rows._SLICE_S)

    async def run() -> None:
        gate = _Gate(tmp_path)
        async with gate.connected():
            await gate.report(1)
            await gate.report(2)
            assert gate.host.rows() == [(1, False), (2, False)]
            gate.acknowledge([2, 2])
            await _settle()
            assert gate.host.rows()[2:] == [(1, True)]

    asyncio.run(run())


def test_rows_a_platform_never_heard_of_come_again_although_nothing_newer_is_reported(
    tmp_path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sent_rows, "RESEND_S", -sent_rows._SLICE_S)

    async def run() -> None:
        gate = _Gate(tmp_path)
        async with gate.connected():
            await gate.report(1)
            await gate.report(2)
            gate.telemetry._sender.repeat_one()
            await _settle()
            assert {*gate.host.rows()[2:]} == {(1, True)}  # one alone, until the platform speaks
            gate.acknowledge([1, 1])
            await _settle()
            assert {*gate.host.rows()[2:]} == {(1, True), (2, True)}

    asyncio.run(run())


def test_the_broker_s_word_is_enough_where_the_site_says_so(tmp_path) -> None:
    async def run() -> None:
        gate = _Gate(tmp_path, telemetry_ack="broker")
        async with gate.connected() as connection:
            await gate.report(1)
            await gate.report(2)
            while not connection.marks:
                await connection.changed.wait()
                connection.changed.clear()
            assert connection.marks == [{"telemetry": [[1, 2]]}]
            assert gate.telemetry.ledger()["acknowledged"] == 0  # the marker is not acknowledged yet
            connection.owed[-1].set_result(None)
            await _settle()
            assert gate.telemetry.ledger() == _ledger(produced=2, acknowledged=2, stored=0)

    asyncio.run(run())


@pytest.mark.parametrize(
    "ack", ["", "[]", "\xff", *(f'{{"telemetry": {x}}}' for x in ("1", "[[1]]", "[[2, 1]]", "[[1, 9]]"))]
)
def test_an_acknowledgement_that_is_none_changes_nothing_and_is_counted(tmp_path, ack: str) -> None:
    async def run() -> None:
        gate = _Gate(tmp_path)
        await gate.report(1)
        gate.telemetry.on_ack(ack.encode("latin-1"))
        assert gate.telemetry.ledger()["stored"] == 1
        assert gate.telemetry.status()["bad_acks"] == 1

    asyncio.run(run())


def test_a_link_without_room_turns_live_rows_into_history_behind_live_ones_and_loses_none(tmp_path) -> None:
    async def run() -> None:
        gate = _Gate(tmp_path)
        async with gate.connected():
            gate.pacer.is_draining = True  # no room for telemetry
            gate.pacer.under_way = 1
            for speed in range(6000):
                gate.telemetry.report(_report("scale", range(2), (speed, speed)))
            await _settle()
            assert gate.host.rows() == []
            assert gate.telemetry.status()["history_pieces"] == 1
            gate.pacer.acked(1)
            while len(gate.host.rows()) < 6000:
                await gate.connection.changed.wait()
                gate.connection.changed.clear()
                gate.pacer.acked(gate.pacer.under_way)
        history = [number for number, is_historical in gate.host.rows() if is_historical]
        live = [number for number, is_historical in gate.host.rows() if not is_historical]
        assert sorted(history + live) == list(range(1, 6001))
        assert history == sorted(history)
        assert live == sorted(live)
        assert history
        assert max(history) < min(live)  # the newest stayed live
        assert all(not is_historical for _, is_historical in gate.host.rows()[: len(live)])  # and went first

    asyncio.run(run())


def test_a_lost_device_dies_and_its_stored_rows_come_under_a_stale_birth(tmp_path) -> None:
    async def run() -> None:
        gate = _Gate(tmp_path)
        await gate.report(1)
        gate.telemetry.device_lost("scale", "no answer")
        async with gate.connected():
            assert gate.host.kinds() == ["NBIRTH", "DBIRTH scale", "DDATA scale", "DDEATH scale"]
            born = gate.host.seen[1].metric("speed")
            assert (born["value"], born["properties"]) == (
                1,
                {"Quality": 500, "Reason": "no answer", "engUnit": "mm/s"},
            )

    asyncio.run(run())


def test_a_device_lost_while_its_rows_wait_for_room_is_dead_after_them_too(tmp_path) -> None:
    async def run() -> None:
        gate = _Gate(tmp_path)
        async with gate.connected():
            await gate.report(1)
            gate.pacer.is_draining, gate.pacer.under_way = True, 1  # no room for telemetry
            await gate.report(2)
            gate.telemetry.device_lost("scale", "no answer")
            gate.pacer.acked(gate.pacer.under_way)
            await _settle()
            assert gate.host.kinds()[-4:] == ["DDEATH scale", "DBIRTH scale", "DDATA scale", "DDEATH scale"]

    asyncio.run(run())


def test_a_quality_comes_with_its_reason_and_goes_with_the_next_good_value(tmp_path) -> None:
    async def run() -> None:
        gate = _Gate(tmp_path)
        async with gate.connected():
            gate.telemetry.device_online("scale")
            await gate.report(1, quality=Quality.BAD, reason="sensor open")
            assert gate.host.seen[-1].metric("speed")["properties"] == {"Quality": 0, "Reason": "sensor open"}
            await gate.report(2)
            assert gate.host.seen[-1].metric("speed")["properties"] == {"Quality": 192}
            await gate.report(3)
            assert gate.host.seen[-1].metric("speed")["properties"] == {}

    asyncio.run(run())


def test_how_far_the_clock_can_be_trusted_is_told_when_it_changes(tmp_path) -> None:
    async def run() -> None:
        gate = _Gate(tmp_path)
        async with gate.connected():
            for clock in (ClockQuality.SYNCHRONISED, ClockQuality.SYNCHRONISED, ClockQuality.HOLDOVER):
                await gate.report(1, clock=clock)
        told = [seen.values().get("clock_quality") for seen in gate.host.seen if seen.kind == "DDATA"]
        assert told == ["synchronised", None, "holdover"]

    asyncio.run(run())


def test_while_the_log_begins_anew_reports_wait_and_are_sent_behind_it(tmp_path: Path) -> None:
    async def run() -> None:
        gate = _Gate(tmp_path)
        loop, second, release = asyncio.get_running_loop(), asyncio.Event(), threading.Event()
        calls: list[int] = []

        def checkpoint() -> int:
            calls.append(1)
            if len(calls) == 2:
                loop.call_soon_threadsafe(second.set)
                release.wait(10)
            return telemetry_module.LOG_PAGES_MAX + 1

        gate.telemetry._spool.checkpoint = checkpoint  # type: ignore[method-assign]
        async with gate.connected():
            await gate.report(1)
            checkpointing = asyncio.create_task(gate.telemetry._checkpoint())
            await second.wait()
            await gate.report(2)
            assert gate.host.rows() == [(1, False)]
            release.set()
            await checkpointing
            assert gate.host.rows() == [(1, False), (2, False)]

    asyncio.run(run())


def test_a_host_that_asks_for_births_without_end_gets_them_but_does_not_hold_the_hub_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    payload = Payload()
    payload.metrics.add(name="Node Control/Rebirth", datatype=11, boolean_value=True)

    async def run() -> None:
        gate = _Gate(tmp_path)
        async with gate.connected():
            for _ in range(100):
                gate.telemetry.on_message("spBv1.0/gate/NCMD/gate", payload.SerializeToString())
            assert gate.host.kinds().count("NBIRTH") == 1 + telemetry_module.REBIRTHS_MAX
            while gate.host.kinds().count("NBIRTH") < 2 + telemetry_module.REBIRTHS_MAX:
                gate.connection.changed.clear()
                await gate.connection.changed.wait()
            await _settle()
            assert gate.host.kinds().count("NBIRTH") == 2 + telemetry_module.REBIRTHS_MAX  # once for all of them

    monkeypatch.setattr(telemetry_module, "REBIRTHS_S", 1.0)
    asyncio.run(asyncio.wait_for(run(), 20))


def test_rows_of_a_device_that_left_the_site_expire_with_that_reason(tmp_path) -> None:
    async def run() -> None:
        gate = _Gate(tmp_path)
        await gate.report(1, device="other")
        gate.telemetry.close()
        config = UplinkConfig("gate", "gate/test", ())
        after = Telemetry(config, tmp_path, {"scale": _TAGS}, post=gate.records.extend, pacer=gate.pacer)
        gate.telemetry = after
        async with gate.connected():
            pass
        after.close()
        assert after.ledger() == _ledger(produced=1, acknowledged=0, stored=0, device_removed=1)

    asyncio.run(run())


def _ledger(produced: int, acknowledged: int, stored: int, **expired: int) -> dict[str, Any]:
    counted = {"total": sum(expired.values()), **expired}
    return {
        "produced": produced,
        "acknowledged": acknowledged,
        "stored": stored,
        "expired": counted,
        "balanced": True,
    }
