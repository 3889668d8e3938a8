"""Real brokers for tests: nats-server and Mosquitto as processes, with and without TLS, killed and started again."""

import asyncio
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from hil.bench.children import free_ports
from tests.edge.certificates import Pair

KINDS = ("nats-server", "mosquitto")
_READY_LIMIT_S = 15.0
_NATS = """server_name: "test"
listen: "127.0.0.1:{other_port}"
jetstream {{ store_dir: "{store}" }}
mqtt {{ listen: "127.0.0.1:{port}"
{tls} }}
"""
_NATS_TLS = 'tls {{ cert_file: "{cert}", key_file: "{key}", ca_file: "{ca}", verify: true }}'
_MOSQUITTO = """listener {port} 127.0.0.1
allow_anonymous true
user root
persistence true
persistence_location {store}/
autosave_on_changes true
autosave_interval 1
{tls}
"""
_MOSQUITTO_TLS = "cafile {ca}\ncertfile {cert}\nkeyfile {key}\nrequire_certificate true\n"


@dataclass(frozen=True)
class BrokerTls:
    """The broker's own certificate, and the CA whose clients it takes."""

    pair: Pair
    client_ca: Path


class Broker:
    """One broker on a free port, the same at every start."""

    def __init__(self, kind: str, folder: Path, tls: BrokerTls | None = None) -> None:
        program = Path(sys.executable).with_name(kind)
        self._program = str(program) if program.exists() else shutil.which(kind)
        if self._program is None:
            pytest.skip(f"BLOCKED: {kind} is not installed; apt-get install {kind}")
        folder.mkdir(parents=True, exist_ok=True)
        self.port, other_port = free_ports(2)
        self._config = folder / "broker.conf"
        self._process: subprocess.Popen[bytes] | None = None
        text, tls_text = (_NATS, _NATS_TLS) if kind == "nats-server" else (_MOSQUITTO, _MOSQUITTO_TLS)
        words = tls_text.format(cert=tls.pair.cert_file, key=tls.pair.key_file, ca=tls.client_ca) if tls else ""
        self._config.write_text(text.format(port=self.port, other_port=other_port, store=folder, tls=words))

    async def start(self) -> None:
        """Start and return once it accepts connections."""
        self._launch()
        await accepts(self.port)

    def _launch(self) -> None:
        assert self._program is not None
        self._process = subprocess.Popen([self._program, "-c", self._config], stderr=subprocess.DEVNULL)

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            self._process = None


@asynccontextmanager
async def running(kind: str, folder: Path, tls: BrokerTls | None = None) -> AsyncIterator[Broker]:
    """A started broker, killed at the end."""
    broker = Broker(kind, folder, tls)
    await broker.start()
    try:
        yield broker
    finally:
        broker.kill()


async def accepts(port: int) -> None:
    """Until somebody listens there."""
    async with asyncio.timeout(_READY_LIMIT_S):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.02)
                continue
            writer.close()
            return
