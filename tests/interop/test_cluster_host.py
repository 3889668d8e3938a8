"""Three nats-servers and the gate's as a leaf, from the how-to page's texts: a node killed under load loses nothing."""

import asyncio
import os
import re
import ssl
import subprocess
import sys
import tomllib
from collections.abc import Awaitable, Callable
from pathlib import Path

import aiomqtt
import pytest

from edge.config import LinkConfig, UplinkConfig
from edge.journal.store import JournalStore
from edge.journal.writer import JournalWriter
from edge.model import Record
from edge.northbound.uplink import Uplink
from hil.bench.children import free_ports
from sim_devices.devices.platform import PlatformStore
from tests.edge.certificates import Authority
from tests.interop.brokers import accepts

_PAGE = Path(__file__).parents[2] / "docs/how-to/from-one-machine-to-a-cluster.md"
_NODES = ("n1", "n2", "n3")
_PORTS = (4222, 6222, 7422, 8883, 1883)
_LIMIT_S = 90.0
_COUNT = 2000
_BATCH = 20


class _Cluster:
    """The page's files with this machine's ports and folders in them, and the processes that run them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        names = (*_NODES, "gate")
        free = iter(free_ports(len(names) * len(_PORTS)))
        self.ports = {name: {port: next(free) for port in _PORTS} for name in names}
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        authority = Authority(folder)
        for name in ("node", "gate"):
            authority.issue(name, "127.0.0.1")
        blocks = dict(re.findall(r"```(?:conf|toml) (\S+)\n(.*?)```", _PAGE.read_text(), re.DOTALL))
        for name in self.ports:
            text = blocks["gate.conf" if name == "gate" else "node.conf"]
            (folder / f"{name}.conf").write_text(self.local(text, name))
        self.links = tomllib.loads(self.local(blocks["site.toml"], "gate"))["link"]

    def local(self, text: str, name: str) -> str:
        text = re.sub(r"(n\d)\.platform\.example:(\d+)", lambda m: f"127.0.0.1:{self.ports[m[1]][int(m[2])]}", text)
        text = re.sub(r"(?:0\.0\.0\.0|127\.0\.0\.1):(\d{4})\"", lambda m: f'127.0.0.1:{self._port(name, m[1])}"', text)
        text = re.sub(r"n\d\.platform\.example", "127.0.0.1", text)
        return text.replace("/etc/nats/", f"{self._folder}/").replace("/var/lib/nats", f"{self._folder}/{name}")

    def _port(self, name: str, text: str) -> int:
        """Of a port the page names; one that was put in already stays."""
        return self.ports[name].get(int(text), int(text))

    async def start(self) -> None:
        for name in self.ports:
            self._launch(name)
        for name in _NODES:
            await accepts(self.ports[name][8883])
        await accepts(self.ports["gate"][1883])

    def _launch(self, name: str) -> None:
        program = Path(sys.executable).with_name("nats-server")
        self._processes[name] = subprocess.Popen(
            [program, "-c", self._folder / f"{name}.conf"],
            env={**os.environ, "NATS_NAME": name},
            stderr=(self._folder / f"{name}.log").open("wb"),
        )

    async def revive(self, name: str) -> None:
        """Start a node that was killed, on what it had stored."""
        self._launch(name)
        await accepts(self.ports[name][8883])

    def kill(self, name: str) -> None:
        self._processes[name].kill()
        self._processes[name].wait()

    def stop(self) -> None:
        for name in self._processes:
            self.kill(name)


async def _platform(cluster: _Cluster, folder: Path, store: PlatformStore, node: str) -> None:
    """The platform's service at one node, with a certificate of its own: store, then acknowledge."""
    context = ssl.create_default_context(cafile=str(folder / "ca.pem"))
    context.load_cert_chain(folder / "gate.pem", folder / "gate.key.pem")
    while True:
        try:
            async with aiomqtt.Client(
                "127.0.0.1", cluster.ports[node][8883], identifier="platform", clean_session=False, tls_context=context
            ) as client:
                await client.subscribe("gate/north/records", qos=1)
                async for message in client.messages:
                    batch = [message, *[await anext(client.messages) for _ in range(len(client.messages))]]
                    for name, seq in store.accept([bytes(item.payload) for item in batch]).items():
                        await client.publish("gate/north/acks", f'{{"class":"{name}","seq":{seq}}}', qos=1)
        except aiomqtt.MqttError:
            await asyncio.sleep(0.2)


def _config(cluster: _Cluster) -> UplinkConfig:
    fibre = LinkConfig(cluster.links[0]["name"], cluster.links[0]["host"], cluster.ports["gate"][1883])
    files = {key: Path(cluster.links[1][key]) for key in ("ca_file", "cert_file", "key_file")}
    mobile = LinkConfig(cluster.links[1]["name"], cluster.links[1]["host"], cluster.ports["n2"][8883], **files)
    return UplinkConfig("gate-north", "gate/north", (fibre, mobile))


async def _produce(journal: JournalWriter, numbers: range) -> None:
    for first in range(numbers.start, numbers.stop, _BATCH):
        await journal.append([Record("passed", "L1", "", {"n": n}, n) for n in range(first, first + _BATCH)])
        await asyncio.sleep(0.01)


async def _acknowledged(journal: JournalWriter, uplink: Uplink) -> None:
    while uplink.status()["backlog"] or journal.has_work():  # noqa: ASYNC110 - asked, as a user would
        await asyncio.sleep(0.05)


_Kill = Callable[[_Cluster, str, Uplink], Awaitable[None]]


async def _kill_one(cluster: _Cluster, killed: str, _: Uplink) -> None:
    await asyncio.sleep(0.1)
    cluster.kill(killed)


async def _kill_two(cluster: _Cluster, killed: str, uplink: Uplink) -> None:
    """The majority goes, the hub says so, the majority comes back."""
    both = [killed, "n2"]
    for name in both:
        cluster.kill(name)
    while uplink.status()["connected"]:  # noqa: ASYNC110 - asked, as a user would
        await asyncio.sleep(0.05)
    for name in both:
        await cluster.revive(name)


async def _run_with_kills(folder: Path, killed: str, kill: _Kill = _kill_one) -> None:
    cluster, store = _Cluster(folder), PlatformStore(folder / "platform.sqlite")
    journal = JournalWriter(folder / "journal.sqlite")
    runner = asyncio.create_task(journal.run())
    try:
        await cluster.start()
        uplink = Uplink(_config(cluster), journal)
        tasks = [
            asyncio.create_task(_platform(cluster, folder, store, "n3" if killed == "n1" else "n1")),
            asyncio.create_task(uplink.run()),
        ]
        await _produce(journal, range(_COUNT // 2))
        await _acknowledged(journal, uplink)
        half = asyncio.create_task(_produce(journal, range(_COUNT // 2, _COUNT)))
        await kill(cluster, killed, uplink)
        await half
        await _acknowledged(journal, uplink)
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
    finally:
        cluster.stop()
    assert await journal.close(runner)
    kept = JournalStore(folder / "journal.sqlite")
    mine = [(record.seq, record.hash) for record in kept.records_after(0, 2 * _COUNT)]
    kept.close()
    assert len(mine) == _COUNT
    assert [(record["seq"], record["hash"]) for record in store.records(0, 2 * _COUNT)] == mine
    assert store.chain_breaks() == []
    assert (store.counters.conflicts, store.counters.malformed, store.counters.altered) == (0, 0, 0)


@pytest.mark.parametrize("killed", ["n1", pytest.param("n2", marks=pytest.mark.long)])
def test_a_node_killed_under_load_loses_nothing_and_disorders_nothing(tmp_path: Path, killed: str) -> None:
    asyncio.run(asyncio.wait_for(_run_with_kills(tmp_path, killed), _LIMIT_S))


@pytest.mark.long
def test_without_a_majority_the_hub_is_offline_and_records_wait(tmp_path: Path) -> None:
    asyncio.run(asyncio.wait_for(_run_with_kills(tmp_path, "n1", _kill_two), 2 * _LIMIT_S))
