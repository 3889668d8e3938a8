"""The platform on a real broker: what is stored is acknowledged, over a broker that comes late or is killed."""

import asyncio
import hashlib
import json
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import aiomqtt
import pytest

from edge.northbound.sparkplug.metric import DataType, Metric, decode_payload, encode_metric, encode_payload
from hil.bench.children import free_ports
from hil.run.broker import broker_command, write_config
from sim_devices.devices.platform import PlatformStore
from sim_devices.devices.platform_mqtt import REBIRTH, ArrivalLog, Platform, PlatformAddress, main
from sim_devices.devices.platform_telemetry import ROW_NUMBER, TelemetryStore

_DEADLINE_S = 30.0
_RESEND_S = 0.5
_ROOT = "gate/test"
_NODE = "group/node"


def _chain(count: int) -> list[bytes]:
    prev, messages = "0" * 64, []
    for seq in range(1, count + 1):
        record: dict[str, Any] = {"seq": seq, "class": "event", "class_seq": seq, "time": seq, "kind": "device_event"}
        record |= {"lane": "L1", "device": "", "data": {}, "prev": prev}
        text = json.dumps(record, sort_keys=True, separators=(",", ":"))
        prev = record["hash"] = hashlib.sha256(text.encode()).hexdigest()
        messages.append(json.dumps(record).encode())
    return messages


class _Broker:
    def __init__(self, directory: Path, port: int) -> None:
        self._command = broker_command(write_config(directory, "test", port))
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        quiet = asyncio.subprocess.DEVNULL
        self._process = await asyncio.create_subprocess_exec(*self._command, stdout=quiet, stderr=quiet)

    async def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        await self._process.wait()


async def _gate(port: int) -> aiomqtt.Client:
    """A connected client on the gate's side; waits for a broker that is starting."""
    async with asyncio.timeout(_DEADLINE_S):
        while True:
            client = aiomqtt.Client("127.0.0.1", port, identifier="gate-test")
            try:
                return await client.__aenter__()
            except aiomqtt.MqttError:
                await asyncio.sleep(0.05)


async def _send_until_acknowledged(client: aiomqtt.Client, messages: list[bytes], seq: int) -> None:
    """Send again whenever no acknowledgement has come for a while, as the gate does."""
    await client.subscribe(f"{_ROOT}/acks", qos=1)
    async with asyncio.timeout(_DEADLINE_S):
        while True:
            for message in messages:
                await client.publish(f"{_ROOT}/records", message, qos=1)
            try:
                async with asyncio.timeout(_RESEND_S):
                    return await _take_acks(client, seq)
            except TimeoutError:
                continue


async def _take_acks(client: aiomqtt.Client, seq: int) -> None:
    async for message in client.messages:
        ack = json.loads(bytes(message.payload))
        if ack["class"] == "event" and ack["seq"] >= seq:
            return


def _run(tmp_path: Path, body: Callable[[_Broker, int, PlatformStore], Coroutine[Any, Any, None]]) -> None:
    async def run() -> None:
        (port,) = free_ports(1)
        broker = _Broker(tmp_path / "broker", port)
        store = PlatformStore(tmp_path / "platform.sqlite")
        telemetry = TelemetryStore(tmp_path / "telemetry.sqlite")
        address = PlatformAddress("127.0.0.1", port, _ROOT, _NODE)
        platform = asyncio.create_task(Platform(address, store, telemetry).serve())
        try:
            await body(broker, port, store)
        finally:
            platform.cancel()
            await asyncio.gather(platform, return_exceptions=True)
            await broker.kill()

    asyncio.run(run())


def test_records_are_stored_then_acknowledged_although_the_broker_came_late(tmp_path: Path) -> None:
    async def body(broker: _Broker, port: int, store: PlatformStore) -> None:
        await broker.start()
        gate = await _gate(port)
        await _send_until_acknowledged(gate, _chain(50), 50)
        assert (store.count(), store.chain_breaks()) == (50, [])
        await gate.__aexit__(None, None, None)

    _run(tmp_path, body)


def _row(number: int) -> bytes:
    metric = Metric(DataType.UINT64, number, 5, ROW_NUMBER, alias=7)
    return encode_payload(5, [encode_metric(metric, is_birth=False)], 0)


def _birth() -> bytes:
    metric = Metric(DataType.UINT64, None, 5, ROW_NUMBER, alias=7)
    return encode_payload(5, [encode_metric(metric, is_birth=True)], 0)


def test_rows_of_telemetry_are_acknowledged_by_number_once_their_birth_was_seen(tmp_path: Path) -> None:
    async def body(broker: _Broker, port: int, store: PlatformStore) -> None:
        await broker.start()
        gate = await _gate(port)
        await gate.subscribe("spBv1.0/group/NCMD/node", qos=1)
        await gate.subscribe(f"{_ROOT}/acks", qos=1)
        said = gate.messages
        async with asyncio.timeout(_DEADLINE_S):
            while True:  # until the platform listens: what comes unborn makes it ask
                await gate.publish("spBv1.0/group/DDATA/node/dev", _row(1))
                try:
                    async with asyncio.timeout(_RESEND_S):
                        asked = await anext(said)
                        break
                except TimeoutError:
                    continue
            assert (asked.topic.value, asked.payload) == ("spBv1.0/group/NCMD/node", REBIRTH)
            await gate.publish("spBv1.0/group/DBIRTH/node/dev", _birth())
            await gate.publish("spBv1.0/group/DDATA/node/dev", _row(3))
            await gate.publish("spBv1.0/other/DDATA/node/dev", _row(9))
            await gate.publish("spBv1.0/group/DDATA/node/dev", _row(4))
            stored: list[list[int]] = []
            while sum(last - first + 1 for first, last in stored) < 2:
                answer = await anext(said)
                if answer.topic.value == f"{_ROOT}/acks":
                    stored += json.loads(bytes(answer.payload)).get("telemetry", [])
            assert {number for first, last in stored for number in range(first, last + 1)} == {3, 4}
        await gate.__aexit__(None, None, None)

    _run(tmp_path, body)


def test_platform_finds_its_way_back_to_a_killed_broker_and_says_what_it_has(tmp_path: Path) -> None:
    async def body(broker: _Broker, port: int, store: PlatformStore) -> None:
        messages = _chain(2)
        store.accept(messages[:1])
        await broker.start()
        gate = await _gate(port)
        await _send_until_acknowledged(gate, messages[1:], 2)
        await broker.kill()
        await broker.start()
        gate = await _gate(port)
        await _send_until_acknowledged(gate, messages[1:], 2)
        assert store.count() == 2
        await gate.__aexit__(None, None, None)

    _run(tmp_path, body)


def test_unusable_database_is_one_sentence_and_exit_code_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wrong = tmp_path / "platform.sqlite"
    wrong.write_text("this is no database, and long enough to be seen as none" * 100)
    assert main(["--port", "1", "--root", _ROOT, "--db", str(wrong)]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_the_word_for_rebirth_is_the_specification_s() -> None:
    (metric,) = decode_payload(REBIRTH).metrics
    assert (metric.name, metric.datatype, metric.value) == ("Node Control/Rebirth", DataType.BOOLEAN, True)


def test_the_arrival_log_has_a_line_for_all_that_comes(tmp_path: Path) -> None:
    log = ArrivalLog(str(tmp_path / "arrivals"))
    log.note("event", 7)
    log.note("live", 8)
    ArrivalLog("").note("event", 9)
    lines = [line.split() for line in (tmp_path / "arrivals").read_text().splitlines()]
    assert [line[1:] for line in lines] == [["event", "7"], ["live", "8"]]
    assert 0 < int(lines[0][0]) <= int(lines[1][0])
