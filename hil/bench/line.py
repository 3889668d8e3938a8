"""`gate bench line`: how much of the time on an RS-485 line the hub uses, and how long a write waits for it.

Knows: wire times of Modbus RTU (Modbus over Serial Line V1.02: 11 bits a character, t3.5 between frames), the paced
line in real time. Must not know: how the hub plans its polls.

Bound: request, t3.5, the device's turnaround, answer, t3.5, again and again. The ratio is that time over the time the
hub took per request. A write is a command to a barrier on the same full line, from the operator's request
to the begin of its frame.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import socket
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from hil.bench import sites
from hil.bench.children import BenchError, Child, free_ports
from hil.bench.figures import spread
from hil.run.hub_client import HubClient

_BITS_PER_CHARACTER = 11
_FAST_BAUD = 19_200  # above it t3.5 is fixed
_T35_US, _T35_BITS = 1750, 38.5
_TURNAROUND_US = 1000
_PERIOD_MS = 20  # more than the line can carry: it is never idle
_RATIO_MIN, _WRITE_MARGIN_MS = 0.90, 10.0
_WARM_UP_S = 6.0
_WRITE_FRAME = 29  # a command block in one request: address, code, start, count, size, 20 bytes, CRC
_WRITE_STEP_S = 1.23  # an operator's pace: by then a poll has brought the nonce of the next command
_WRITE_LIMIT_S = 5.0
_MISSED = 1


def wire_ms(baud: int, requests: int, characters: int) -> float:
    """The least time `requests` with their answers, `characters` together, take on the wire."""
    silence_us = _T35_US if baud > _FAST_BAUD else _T35_BITS * 1e6 / baud
    return characters * _BITS_PER_CHARACTER * 1000 / baud + requests * (2 * silence_us + _TURNAROUND_US) / 1000


def main(argv: list[str]) -> int:
    """Run the words after `gate bench line`; returns the exit code: 0 both targets met, 1 one missed."""
    options = build_parser().parse_args(argv)
    try:
        report = asyncio.run(_measure(options))
    except BenchError as error:
        print(f"gate: {error}", file=sys.stderr)
        return _MISSED
    print(json.dumps(report, indent=1) if options.json else _row(report))
    return _MISSED if report["missed"] else 0


def missed(report: dict[str, Any]) -> list[str]:
    """What the figures fall short of: the wire's use, and a write within one transaction and a little."""
    limit_ms = round(report["longest_transaction_ms"] + _WRITE_MARGIN_MS, 2)
    write_ms = report["write_to_wire_ms"].get("p99")
    found = [] if report["ratio"] >= _RATIO_MIN else [f"ratio {report['ratio']}, expected at least {_RATIO_MIN}"]
    if write_ms is None or write_ms > limit_ms or report["write_to_wire_ms"]["lost"]:
        found.append(f"write to wire p99 {write_ms} ms, expected at most {limit_ms} and none lost")
    return found


async def _measure(options: argparse.Namespace) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="gate-line-") as name:
        folder = Path(name)
        specs = _specs(options.devices, options.registers)
        farm = await _start_line(folder, specs, options.baud)
        http_port = free_ports(1)[0]
        site = sites.line_site(folder, specs, baud=options.baud, period_ms=_PERIOD_MS, http_port=http_port)
        (folder / "site.toml").write_text(site, encoding="utf-8")
        hub = await Child.start("hub", [sys.executable, "-m", "hil.cli", "hub", str(folder / "site.toml")], folder)
        try:
            await asyncio.sleep(_WARM_UP_S)
            figures = await _reads(farm, hub, http_port, options)
            door = folder / "data" / "operator.sock"
            figures["write_to_wire_ms"] = await _writes(farm, door, options.writes, options.baud)
            return figures | {"missed": missed(figures)}
        finally:
            await hub.stop()
            await farm.stop()


def _specs(devices: int, registers: int) -> list[dict[str, Any]]:
    """Two stubs and counting devices, `devices` in all."""
    stubs = sites.stub_specs(events_per_s=0.0)
    counting = [
        {"name": f"dev{unit_id}", "kind": "counting", "size": registers, "unit_id": unit_id}
        for unit_id in range(1, devices - len(stubs) + 1)
    ]
    return [*counting, *stubs]


async def _start_line(folder: Path, specs: list[dict[str, Any]], baud: int) -> Child:
    path = folder / "line.json"
    path.write_text(json.dumps({"devices": specs}), encoding="utf-8")
    words = ["-m", "sim_devices.devices.line_farm", "--spec", str(path), "--folder", str(folder)]
    words += ["--baud", str(baud), "--turnaround-us", str(_TURNAROUND_US)]
    farm = await Child.start("line", [sys.executable, *words], folder, speaks=True)
    await farm.word()
    return farm


async def _ask(farm: Child) -> dict[str, Any]:
    await farm.tell({})
    answer: dict[str, Any] = json.loads(await farm.word())
    return answer


async def _reads(farm: Child, hub: Child, http_port: int, options: argparse.Namespace) -> dict[str, Any]:
    """A window in which the line is only read."""
    async with HubClient(http_port) as client:
        before, cpu_s = await _ask(farm), hub.cpu_s()
        await asyncio.sleep(options.seconds)
        after, cpu_s = await _ask(farm), hub.cpu_s() - cpu_s
        status = await client.status()
    if not status:
        raise BenchError(f"the hub does not answer: {hub.last_words() or 'it said nothing'}")
    seconds = (after["now_ns"] - before["now_ns"]) / 1e9
    requests, characters = (after[name] - before[name] for name in ("answered", "characters"))
    used_ms, line = wire_ms(options.baud, requests, characters), status["lines"]["line"]
    return {
        "baud": options.baud,
        "devices": options.devices,
        "registers": options.registers,
        "requests_per_s": round(requests / seconds, 2),
        "bound_requests_per_s": round(1000 * requests / used_ms, 2) if requests else 0.0,
        "ratio": round(used_ms / 1000 / seconds, 3),
        "timeouts": line["timeouts"],
        "crc_errors": line["crc_errors"],
        "cpu_percent_of_core": round(100 * cpu_s / seconds, 1),
        "longest_transaction_ms": round(wire_ms(options.baud, 1, 13 + 2 * options.registers), 2),
    }


async def _writes(farm: Child, door: Path, count: int, baud: int) -> dict[str, Any]:
    """Open the barrier again and again while the line goes on being read, each time once the last one was written.

    The device tells when it had the whole frame; on the wire it was from its first character on.
    """
    times: list[float] = []
    frame_ms = _WRITE_FRAME * _BITS_PER_CHARACTER * 1000 / baud
    for number in range(count):
        known = len((await _ask(farm))["writes"])
        asked_ns = time.monotonic_ns()
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(door))
            text = json.dumps({"lane": sites.LANE, "request": "open", "reason": f"bench {number}"})
            connection.sendall(text.encode() + b"\n")
            arrived = await _next_write(farm, known)
        if arrived:
            times.append((arrived - asked_ns) / 1e6 - frame_ms)
        await asyncio.sleep(_WRITE_STEP_S)
    return {**spread(times), "writes": count, "lost": count - len(times)}


async def _next_write(farm: Child, known: int) -> int:
    """When the write behind the `known` ones arrived; 0 when none did."""
    deadline_s = time.monotonic() + _WRITE_LIMIT_S
    while time.monotonic() < deadline_s:
        writes = (await _ask(farm))["writes"]
        if len(writes) > known:
            return int(writes[known])
        await asyncio.sleep(0.05)
    return 0


def _row(report: dict[str, Any]) -> str:
    write = report["write_to_wire_ms"]
    parts = [
        f"{report['devices']} devices at {report['baud']} baud: {report['requests_per_s']} requests/s of "
        f"{report['bound_requests_per_s']} the wire can carry, ratio {report['ratio']}",
        f"{report['timeouts']} time-outs, {report['crc_errors']} broken frames, "
        f"{report['cpu_percent_of_core']} % of a core",
        f"a write takes {write.get('p50')}/{write.get('p99')} ms (p50/p99), "
        f"the longest read {report['longest_transaction_ms']} ms",
    ]
    return "\n".join(["; ".join(parts), *(f"MISSED: {text}" for text in report["missed"])])


def build_parser() -> argparse.ArgumentParser:
    """The arguments."""
    parser = argparse.ArgumentParser(prog="gate bench line", description="Measure the hub on a full RS-485 line.")
    parser.add_argument("--devices", type=int, default=8, help="devices on the line (default: %(default)s)")
    parser.add_argument("--baud", type=int, default=115_200, help="bits per second (default: %(default)s)")
    parser.add_argument("--registers", type=int, default=125, help="of a device (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=20.0, help="measured time (default: %(default)s)")
    parser.add_argument("--writes", type=int, default=40, help="commands to the barrier (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print everything as JSON")
    return parser
