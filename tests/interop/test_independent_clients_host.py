"""Clients that are not ours see the running gate: mbpoll its registers, mosquitto_sub its records."""

import asyncio
import json
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from hil.bench.children import free_ports
from hil.run.gate import GateRun
from hil.targets.vm import deployed_sets
from protocols.registers import barrier
from tests.e2e import gate_site

_LIMIT_S = 30.0


def _require(program: str, package: str) -> None:
    if shutil.which(program) is None:
        pytest.skip(f"BLOCKED: {program} is not installed; apt-get install {package}")


async def _output(command: Sequence[str]) -> str:
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    async with asyncio.timeout(_LIMIT_S):
        data, _ = await process.communicate()
    text = data.decode(errors="replace")
    assert process.returncode == 0, f"{' '.join(command)}: {text}"
    return text


def _registers(text: str) -> dict[int, int]:
    """mbpoll's `[65]: 2` lines; it counts registers from 1."""
    return {int(reference) - 1: int(value) for reference, value in re.findall(r"\[(\d+)\]:\s*(\d+)", text)}


async def _barrier_is_known(run: GateRun) -> None:
    """Until the boom has been seen closed: a device that has just started knows nothing yet."""
    await gate_site.until(
        run, lambda: run.status["devices"]["barrier1"]["state"] == "CLOSED", "the barrier's state is known"
    )


@pytest.fixture
def site(tmp_path: Path) -> gate_site.RigSite:
    port, _ = free_ports(2)  # of the barrier and the weighbridge
    return gate_site.rig_site(gate_site.write_site(tmp_path, extra=f"[simulation]\nmodbus_tcp_port = {port}\n"))


def test_mbpoll_reads_identity_and_state_of_a_running_barrier(site: gate_site.RigSite, tmp_path: Path) -> None:
    _require("mbpoll", "mbpoll")
    deploy_dir = deployed_sets(["barrier", "weighbridge"], tmp_path / "deploy")
    port = site.lanes[0].barrier.tcp_port

    async def look() -> dict[int, int]:
        async with gate_site.gate(site, deploy_dir) as run:
            await _barrier_is_known(run)
            address = ["-m", "tcp", "-p", str(port), "-a", "1", "-t", "3", "-1"]
            header = await _output(["mbpoll", *address, "-r", "1", "-c", "4", "127.0.0.1"])
            role = await _output(["mbpoll", *address, "-r", "65", "-c", "2", "127.0.0.1"])
            return _registers(header) | _registers(role)

    seen = asyncio.run(look())
    assert seen[0] == barrier.MAP_ID
    assert seen[1] == barrier.MAP_VERSION
    assert (seen[2] << 16) + seen[3] == site.lanes[0].barrier.serial
    assert seen[64] == barrier.STATE_CLOSED
    assert seen[65] == barrier.MODE_REMOTE


def test_mbpoll_cannot_open_the_barrier(site: gate_site.RigSite, tmp_path: Path) -> None:
    _require("mbpoll", "mbpoll")
    deploy_dir = deployed_sets(["barrier", "weighbridge"], tmp_path / "deploy")
    port = site.lanes[0].barrier.tcp_port

    async def attack() -> tuple[str, int]:
        async with gate_site.gate(site, deploy_dir) as run:
            block = [str(barrier.OP_OPEN), *["0"] * 9]
            words = ["mbpoll", "-m", "tcp", "-p", str(port), "-a", "1", "-t", "4", "-r", "1", "127.0.0.1", *block]
            text = await _output(words)
            await _barrier_is_known(run)
            rejected = await _output(
                ["mbpoll", "-m", "tcp", "-p", str(port), "-a", "1", "-t", "3", "-r", "22", "-1", "127.0.0.1"]
            )
            return text, _registers(rejected)[barrier.AT_COMMAND_RESULT]

    text, result = asyncio.run(attack())
    assert "Written 10 references" in text
    assert result in (barrier.COMMAND_RESULT_BAD_TAG, barrier.COMMAND_RESULT_STALE_NONCE)


def test_mosquitto_sub_sees_a_record_of_the_gate(site: gate_site.RigSite, tmp_path: Path) -> None:
    _require("mosquitto_sub", "mosquitto-clients")
    deploy_dir = deployed_sets(["barrier", "weighbridge"], tmp_path / "deploy")

    async def listen() -> str:
        async with gate_site.gate(site, deploy_dir) as run:
            run.world.arrive("L1", gate_site.hasty_truck(1))
            topic = f"{site.topic_root}/records"
            return await _output(
                ["mosquitto_sub", "-h", "127.0.0.1", "-p", str(site.broker_port), "-t", topic, "-q", "1", "-C", "1"]
            )

    record = json.loads(asyncio.run(listen()))
    assert set(record) == {"seq", "class", "class_seq", "time", "kind", "lane", "device", "data", "prev", "hash"}
