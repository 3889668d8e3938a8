"""One contender under load: devices, broker, recorder, warm-up, a window that is measured, then writes under the load.

Knows: how the parts are started and what is measured when. Must not know: how a contender is configured.
Every contender gets the same broker, the same recorder and fresh devices; CPU and memory are those of its own process
and its children alone, between the ends of the window.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hil.bench.broker import start_mosquitto
from hil.bench.children import BenchError, Child
from hil.bench.contender import Contender, Ground, Load
from hil.bench.farm import FarmProcess
from hil.bench.figures import Delivery, Read, Window, delivery_figures, poll_figures, write_figures
from hil.bench.mqtt_tools import Talker, read_messages
from sim_devices.devices.device_farm import READ, WRITE

_WARM_UP_S = 8.0
_FIRST_READ_S = 60.0
_TAIL_S = 3.0  # what was read in the window has this long to be delivered
_FIRST_VALUE = 1000
_WRITES, _WRITE_STEP_S, _WRITE_JITTER_MS = 100, 0.25, 200


@dataclass(slots=True)
class Place:
    """The running surroundings of one contender."""

    folder: Path
    farm: FarmProcess
    broker_port: int
    recording: Path


@contextlib.asynccontextmanager
async def place(load: Load, topics: tuple[str, ...]) -> AsyncIterator[Place]:
    """Devices, broker and recorder; all end with the context."""
    with tempfile.TemporaryDirectory(prefix="gate-bench-") as name:
        folder = Path(name)
        async with contextlib.AsyncExitStack() as stack:
            broker, port = await start_mosquitto(folder)
            stack.push_async_callback(broker.stop)
            farm = await FarmProcess.start(load.farm_spec(), folder)
            stack.push_async_callback(farm.stop)
            recording = folder / "messages.bin"
            recorder = await _start_recorder(port, topics, recording, folder)
            stack.push_async_callback(recorder.stop)
            yield Place(folder, farm, port, recording)
            await recorder.stop()


async def _start_recorder(port: int, topics: tuple[str, ...], path: Path, folder: Path) -> Child:
    words = ["-m", "hil.bench.mqtt_tools", "--port", str(port), "--file", str(path)]
    words += [word for topic in topics for word in ("--topic", topic)]
    child = await Child.start("recorder", [sys.executable, *words], folder, speaks=True)
    await child.word()
    return child


async def measure(contender: Contender, load: Load, *, silent: int = 0) -> dict[str, Any]:
    """Run `contender` under `load`; its figures. The first `silent` devices never answer."""
    async with place(load, contender.topics) as here:
        await here.farm.tell(silent=[f"dev{number}" for number in range(silent)])
        ground_folder = here.folder / contender.name
        ground_folder.mkdir()
        ports = here.farm.ports
        devices, stubs = ports[: load.devices], ports[load.devices : -1]
        ground = Ground(ground_folder, load, tuple(devices), tuple(stubs), ports[-1], here.broker_port)
        try:
            child = await contender.start(ground)
            figures = await _measure(contender, child, here, load, silent)
        finally:
            await contender.stop()
    return figures


async def _measure(contender: Contender, child: Child, here: Place, load: Load, silent: int) -> dict[str, Any]:
    await _all_read(child, here.farm, load.devices - silent)
    await asyncio.sleep(_WARM_UP_S)
    cpu_s, from_ns = child.cpu_s(), time.monotonic_ns()
    await asyncio.sleep(load.seconds)
    window = Window(from_ns, time.monotonic_ns())
    cpu_s, rss_mb = child.cpu_s() - cpu_s, child.rss_mb()
    with Talker(here.broker_port) as talker:
        sent = await _write_on(contender, talker, load, silent)
    await asyncio.sleep(_TAIL_S)
    if not child.is_running:
        raise BenchError(f"{contender.name} ended under load: {child.last_words() or 'it said nothing'}")
    truth = await here.farm.truth()
    reads = [Read(device, value, at) for kind, device, _, value, at in truth if kind == READ]
    arrived = contender.arrived([(value, at) for kind, _, _, value, at in truth if kind == WRITE])
    deliveries = _deliveries(contender, here.recording)
    return {
        **delivery_figures(reads, deliveries, window),
        "asked_tags_per_s": round(load.values_per_s * (load.devices - silent) / load.devices),
        "cpu_percent_of_core": round(100 * cpu_s / window.seconds, 1),
        "rss_mb": round(rss_mb, 1),
        "poll_period_ms": poll_figures(reads, window),
        "write_to_wire_ms": write_figures(sent, arrived),
    }


async def _all_read(child: Child, farm: FarmProcess, devices: int) -> None:
    """Until every device that answers was read once."""
    for _ in range(int(_FIRST_READ_S)):
        await asyncio.sleep(1.0)
        if not child.is_running:
            break
        if len({device for kind, device, *_ in await farm.truth() if kind == READ}) >= devices:
            return
    raise BenchError(f"{child.name} did not read all {devices} devices: {child.last_words() or 'it said nothing'}")


async def _write_on(contender: Contender, talker: Talker, load: Load, silent: int) -> dict[int, int]:
    """Write to one device after another while the load goes on; the moment of each value."""
    sent: dict[int, int] = {}
    if contender.write is None:
        return sent
    for number in range(_WRITES):
        value = _FIRST_VALUE + number
        device = silent + number * 7 % (load.devices - silent)
        sent[value] = time.monotonic_ns()
        contender.write(talker, device, value)
        # Not in step with the polls: the remainders of the steps go through the whole period.
        await asyncio.sleep(_WRITE_STEP_S + (number * 37 % _WRITE_JITTER_MS - _WRITE_JITTER_MS / 2) / 1000)
    return sent


def _deliveries(contender: Contender, path: Path) -> list[Delivery]:
    return [
        Delivery(device, word, values, at_ns)
        for at_ns, topic, payload in read_messages(path)
        for device, word, values in contender.decode(topic, payload)
    ]
