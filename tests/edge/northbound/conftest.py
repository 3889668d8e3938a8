"""A real broker (nats-server with JetStream and MQTT) on free ports, ready when it accepts connections."""

import asyncio
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

READY_LIMIT_S = 10.0


class Broker:
    """nats-server as a process that can be killed and started again on the same store and ports."""

    def __init__(self, directory: Path) -> None:
        self.port = _free_port()
        self._config = directory / "nats.conf"
        self._process: subprocess.Popen[bytes] | None = None
        self._config.write_text(
            f'server_name: "test"\nlisten: "127.0.0.1:{_free_port()}"\n'
            f'jetstream {{ store_dir: "{directory / "jetstream"}" }}\nmqtt {{ listen: "127.0.0.1:{self.port}" }}\n'
        )

    async def start(self) -> None:
        """Start and return once it accepts MQTT connections."""
        self._launch()
        async with asyncio.timeout(READY_LIMIT_S):
            while not await self._accepts():  # noqa: ASYNC110 - nothing tells of it, so it is asked
                await asyncio.sleep(0.02)

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            self._process = None

    def _launch(self) -> None:
        program = Path(sys.executable).with_name("nats-server")
        self._process = subprocess.Popen([program, "-c", self._config], stderr=subprocess.DEVNULL)

    async def _accepts(self) -> bool:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            return False
        writer.close()
        return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def open_broker(tmp_path: Path) -> Callable[[], object]:
    """`async with open_broker() as broker`: started, and killed at the end."""

    @asynccontextmanager
    async def run() -> AsyncIterator[Broker]:
        broker = Broker(tmp_path)
        await broker.start()
        try:
            yield broker
        finally:
            broker.kill()

    return run
