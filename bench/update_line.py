"""Eight barriers on one line at 115,200 baud are updated by the hub: how long it takes, and what the polls lose by it.

    python -m bench.update_line [--devices 8] [--seconds 20] [--period-ms 200]

The devices are the deployed firmware on the MicroPython VM with two slots each, on the paced line in real time. The
polls are counted in a window without the update, then while it runs: skipped ones, and how late they began. A machine
that is busy with other things makes both worse; look at the first line before the second.
"""

import argparse
import asyncio
import json
import random
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from edge.update.keys import make_key, read_public
from hil.bench.children import Child, free_ports
from hil.run.hub_client import HubClient
from hil.targets.vm import deployed_sets
from protocols.registers.barrier import MAP_VERSION
from sim_devices.buses.pty_line import PtyLine
from sim_devices.devices.field import LaneField
from sim_devices.devices.vm_node import NodeSpec, VmNode
from tests.e2e.update_parts import KEY, NewFirmware, changed_sources, give_slots

BAUD = 115_200
_SITE = (
    '[site]\nname = "bench"\ndata_dir = "data"\nhttp_port = {port}\n\n'
    '[[line]]\nname = "line"\nkind = "rtu"\nport = "{tty}"\nbaud = {baud}\n'
)
_DEVICE = (
    '\n[[device]]\nname = "dev{n}"\nline = "line"\nunit_id = {n}\nmap = "barrier"\nmap_version = {map_version}\n'
    'serial = {n}\nkey_file = "key.hex"\nperiod_ms = {period_ms}\n'
)


async def main() -> int:
    options = _parse()
    with tempfile.TemporaryDirectory(prefix="gate-update-") as name:
        folder = Path(name)
        bundle, nodes, fields, line = _prepare(folder, options.devices)
        (http_port,) = free_ports(1)
        site = _write_site(folder, options, http_port)
        line.open([node.spec.name for node in nodes])
        tasks = [asyncio.create_task(node.run()) for node in nodes]
        tasks.append(asyncio.create_task(_pump(nodes, fields)))
        hub = await Child.start("hub", [sys.executable, "-m", "hil.cli", "hub", str(site)], folder)
        try:
            async with HubClient(http_port) as client:
                await _measure(client, bundle, site, options)
        finally:
            await hub.stop()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            line.close()
    return 0


async def _measure(client: HubClient, bundle: Path, site: Path, options: argparse.Namespace) -> None:
    await _until_all_answer(client, options.devices)
    before = await _polls(client)
    await asyncio.sleep(options.seconds)
    after = await _polls(client)
    print("without:", json.dumps(_difference(before, after, options.seconds)), flush=True)
    started_s = time.monotonic()
    command = [sys.executable, "-m", "hil.cli", "update", str(bundle), str(site), "--all", "--json"]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    out, _ = await process.communicate()
    seconds = time.monotonic() - started_s
    during = await _polls(client)
    verdicts = [json.loads(row)["verdict"] for row in out.decode().splitlines()]
    print("with:   ", json.dumps(_difference(after, during, seconds)))
    print(f"{len(verdicts)} devices in {seconds:.0f} s: {verdicts}")


def _prepare(folder: Path, count: int) -> tuple[Path, list[VmNode], list[LaneField], PtyLine]:
    deploy_dir = deployed_sets(["barrier"], folder / "deploy")
    make_key(folder / "site.pem")
    bundle = NewFirmware(changed_sources(folder / "sources", trial_ms=10_000)).bundle(
        folder / "new.gate", folder / "site.pem"
    )
    (folder / "key.hex").write_text(KEY.hex())
    (folder / "key.hex").chmod(0o600)
    line = PtyLine(BAUD, random.Random(1), folder / "tty", "line")
    nodes, fields = [], []
    for number in range(1, count + 1):
        board = folder / f"dev{number}"
        give_slots(board, deploy_dir)
        tty = folder / "tty" / f"line.dev{number}"
        site_key = read_public(folder / "site.pem.pub")
        spec = NodeSpec(f"dev{number}", "barrier", number, number, BAUD, KEY, tty, site_key=site_key)
        fields.append(LaneField(random.Random(number)))
        nodes.append(VmNode(spec, fields[-1], deploy_dir / "barrier-unix", board, lambda: None))
    return bundle, nodes, fields, line


def _write_site(folder: Path, options: argparse.Namespace, http_port: int) -> Path:
    text = _SITE.format(port=http_port, tty=folder / "tty" / "line", baud=BAUD)
    for number in range(1, options.devices + 1):
        text += _DEVICE.format(n=number, map_version=MAP_VERSION, period_ms=options.period_ms)
    (folder / "site.toml").write_text(text)
    return folder / "site.toml"


async def _pump(nodes: list[VmNode], fields: list[LaneField]) -> None:
    loop = asyncio.get_running_loop()
    started_s = loop.time()
    while True:
        for node, field in zip(nodes, fields, strict=True):
            field.advance_to(int((loop.time() - started_s) * 1e6))
            node.pump()
        await asyncio.sleep(0.01)


async def _until_all_answer(client: HubClient, count: int) -> None:
    while True:
        status = await client.status() or {}
        if sum(device["online"] for device in status.get("devices", {}).values()) == count:
            return
        await asyncio.sleep(0.2)


async def _polls(client: HubClient) -> dict[str, Any]:
    """Of the whole line: polls, skipped ones, time-outs; and how late the latest polls of each device were."""
    status = await client.status() or {}
    polls = [device["poll"] for device in status["devices"].values()]
    line = status["lines"]["line"]
    return {
        "polls": line["poll_cycles"],
        "skipped": sum(poll["skipped"] for poll in polls),
        "timeouts": line["timeouts"],
        "late_p99_ms": sorted(poll["late_p99_ms"] or 0 for poll in polls),
    }


def _difference(before: dict[str, Any], after: dict[str, Any], seconds: float) -> dict[str, Any]:
    polls = after["polls"] - before["polls"]
    skipped = after["skipped"] - before["skipped"]
    return {
        "seconds": round(seconds),
        "polls_per_s": round(polls / seconds, 1),
        "skipped": skipped,
        "skipped_percent": round(100 * skipped / max(1, polls + skipped), 2),
        "timeouts": after["timeouts"] - before["timeouts"],
        "late_p99_ms": after["late_p99_ms"],
    }


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench.update_line")
    parser.add_argument("--devices", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=20.0, help="the window without an update")
    parser.add_argument("--period-ms", type=int, default=200, help="of each device")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
