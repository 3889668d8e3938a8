"""What may hang on a bus that should not: each oddity is named in one sentence, and the lane on that bus goes on."""

import asyncio
import contextlib
import os
import tty
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hil.run.gate import GateRun
from hil.run.site import RigSite
from protocols.modbus.rtu import encode_adu_into
from protocols.registers.barrier import MAP_VERSION
from sim_devices.devices.platform import PlatformStore
from tests.e2e import gate_site
from tests.e2e.gate_site import gate, hasty_truck, settled, until
from tests.edge.conftest import FakeDevice

_REQUEST_SIZES = (8, 29)  # a read, a command; answers of other devices have other sizes or other addresses
_NEWER, _OTHER_SERIAL, _OTHER_ROLE, _TWINS, _SILENT, _STRANGER = 3, 4, 5, 6, 7, 8
_CONFIGURED = {"newer": _NEWER, "swapped": _OTHER_SERIAL, "other": _OTHER_ROLE, "twins": _TWINS, "silent": _SILENT}
_PROBE_S = 2.0  # a silent device is asked no more often


def _device_table(name: str, unit_id: int) -> str:
    return (
        f'[[device]]\nname = "{name}"\nline = "line1"\nunit_id = {unit_id}\nmap = "barrier"\n'
        f'map_version = {MAP_VERSION}\nserial = {unit_id}\nkey_file = "keys/{name}.key"\n'
    )


def _odd_devices() -> list[tuple[str, int, FakeDevice]]:
    """Name of the station, address, and what answers there; nothing does at _SILENT."""
    newer = FakeDevice("barrier", _NEWER)
    newer.put("MAP_VERSION", MAP_VERSION + 1)
    return [
        ("newer", _NEWER, newer),
        ("swapped", _OTHER_SERIAL, FakeDevice("barrier", 99)),
        ("other", _OTHER_ROLE, FakeDevice("weighbridge", _OTHER_ROLE)),
        ("twin1", _TWINS, FakeDevice("barrier", _TWINS)),
        ("twin2", _TWINS, FakeDevice("barrier", 77)),
        ("stranger", _STRANGER, FakeDevice("weighbridge", 4711)),
    ]


@contextlib.contextmanager
def _connected(run: GateRun, name: str, unit_id: int, device: FakeDevice) -> Iterator[None]:
    """`device` answers at `unit_id` of line1 from a station of its own; the bus hands over whole frames."""
    file = os.open(run.world.lines["line1"].add(name), os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    tty.setraw(file)

    def on_readable() -> None:
        frame = os.read(file, 512)
        if len(frame) in _REQUEST_SIZES and frame[0] == unit_id:
            pdu = device.serve(frame[1:-2])
            buffer = bytearray(1) + pdu + bytearray(2)
            os.write(file, bytes(buffer[: encode_adu_into(unit_id, buffer, len(pdu))]))

    loop = asyncio.get_running_loop()
    loop.add_reader(file, on_readable)
    try:
        yield
    finally:
        loop.remove_reader(file)
        os.close(file)


def _reason(run: GateRun, device: str) -> str:
    return str(run.status.get("devices", {}).get(device, {}).get("reason", ""))


def _platform_records(run: GateRun, kind: str) -> list[dict[str, Any]]:
    store = PlatformStore(run.platform_db)
    try:
        return [record for record in store.records(limit=100_000) if record["kind"] == kind]
    finally:
        store.close()


def _count(run: GateRun, device: str, counter: str) -> int:
    return int(run.status["devices"][device][counter])


def test_wrong_devices_are_named_and_the_lane_on_their_bus_goes_on(tmp_path: Path, deploy_dir: Path) -> None:
    extra = "".join(_device_table(name, unit_id) for name, unit_id in _CONFIGURED.items())
    site = gate_site.rig_site(gate_site.write_site(tmp_path, extra=extra))
    expected = {
        "newer": f"serves version {MAP_VERSION + 1} of map barrier, the site file says {MAP_VERSION}",
        "swapped": "has serial number 99, expected 4: check what was fitted there",
        "other": "serves weighbridge, expected barrier",
        "twins": "two devices may share this address",
        "silent": "unit 7 did not answer",
    }

    async def body() -> None:
        async with gate(site, deploy_dir) as run, contextlib.AsyncExitStack() as stack:
            for odd in _odd_devices():
                stack.enter_context(_connected(run, *odd))
            run.world.arrive("L1", hasty_truck(1))
            for device, words in expected.items():
                await until(run, lambda d=device, w=words: w in _reason(run, d), f"{device}: {words}")
            await until(run, lambda: _told_of_stranger(run), "the unconfigured device is reported")
            await until(run, lambda: run.world.counts()["passed"] == 1, "the truck passes")
            await _check_silent_one_holds_up_nobody(run)
            await settled(run)

    asyncio.run(body())
    gate_site.check_books_of(site)


def _told_of_stranger(run: GateRun) -> bool:
    reasons = [record["data"]["reason"] for record in _platform_records(run, "unknown_device")]
    return any(f"serial number 4711 answers at address {_STRANGER} of line line1" in reason for reason in reasons)


async def _check_silent_one_holds_up_nobody(run: GateRun) -> None:
    """Over a few seconds: the dead address is asked once per probe period, the barrier all the time."""
    seconds = 3.0
    status, began_us = run.status, run.world.now_us
    timeouts, reads = _count(run, "silent", "timeouts"), _count(run, "barrier1", "poll_cycles")
    await until(run, lambda: run.world.now_us - began_us >= seconds * 1e6 and run.status is not status, "time passes")
    assert _count(run, "silent", "timeouts") - timeouts <= seconds / _PROBE_S + 1
    assert _count(run, "barrier1", "poll_cycles") - reads >= seconds * 10 / 2  # 10 polls a second are planned


def test_garbage_on_an_idle_bus_is_counted_and_tells_nothing_false(tmp_path: Path, deploy_dir: Path) -> None:
    _run_with_garbage(gate_site.rig_site(gate_site.write_site(tmp_path)), deploy_dir, trucks=0)


@pytest.mark.long
def test_garbage_on_the_bus_under_a_truck_tells_nothing_false(tmp_path: Path, deploy_dir: Path) -> None:
    _run_with_garbage(gate_site.rig_site(gate_site.write_site(tmp_path)), deploy_dir, trucks=1)


def _run_with_garbage(site: RigSite, deploy_dir: Path, trucks: int) -> None:
    async def body() -> None:
        async with gate(site, deploy_dir) as run:
            bus = run.world.lines["line1"]
            for number in range(1, trucks + 1):
                run.world.arrive("L1", hasty_truck(number))
            await until(run, lambda: gate_site.is_on_deck(run) or not trucks, "a truck stands on the deck")
            bus.inject_noise(200)
            bus.line.noise_permille = 3
            await until(run, lambda: _garbled(run) >= 5, "broken frames are counted")
            bus.line.noise_permille = 0
            await until(run, lambda: run.world.counts()["passed"] == trucks and gate_site.is_idle(run), "trucks pass")
            await until(run, lambda: all(device["online"] for device in run.status["devices"].values()), "all is well")
            await settled(run)
            _check_events(_platform_records(run, "device_event"))

    asyncio.run(body())
    kinds = gate_site.check_books_of(site)
    assert not {"event_gap", "device_restarted", "unknown_device"} & set(kinds)


def _garbled(run: GateRun) -> int:
    devices = run.status.get("devices", {}).values()
    return sum((device["crc_errors_device"] or 0) + device["crc_errors_hub"] for device in devices)


def _check_events(records: list[dict[str, Any]]) -> None:
    """Each event of each device once, in its order, none left out."""
    assert records
    for device in {record["device"] for record in records}:
        numbers = [record["data"]["sequence"] for record in records if record["device"] == device]
        assert numbers == list(range(1, len(numbers) + 1))
