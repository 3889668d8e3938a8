"""The platform on a real broker: what is stored is acknowledged, over a broker that comes late or is killed."""

import asyncio
import hashlib
import json
import socket
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import aiomqtt
import pytest

from hil.run.broker import broker_command, write_config
from sim_devices.devices.platform import PlatformStore
from sim_devices.devices.platform_mqtt import PlatformAddress, main, serve

_DEADLINE_S = 30.0
_RESEND_S = 0.5
_ROOT = "gate/test"


def _chain(count: int) -> list[bytes]:
    prev, messages = "0" * 64, []
    for seq in range(1, count + 1):
        record: dict[str, Any] = {"seq": seq, "class": "event", "class_seq": seq, "time": seq, "kind": "device_event"}
        record |= {"lane": "L1", "device": "", "data": {}, "prev": prev}
        text = json.dumps(record, sort_keys=True, separators=(",", ":"))
        prev = record["hash"] = hashlib.sha256(text.encode()).hexdigest()
        messages.append(json.dumps(record).encode())
    return messages


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


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
        port = _free_port()
        broker = _Broker(tmp_path / "broker", port)
        store = PlatformStore(tmp_path / "platform.sqlite")
        platform = asyncio.create_task(serve(PlatformAddress("127.0.0.1", port, _ROOT), store))
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
