"""`gate bench hub`: the hub and what it is compared with under one load, as a table or as JSON.

Knows: who is compared, the targets. Must not know: how anything is measured. Exit code: 0 every target met, 1 one
missed, 2 wrong words, 3 blocked: what the hub's own run needs is not installed. A peer that cannot be installed is told
as blocked and misses nothing of ours.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from hil.bench.children import BenchError
from hil.bench.contender import BlockedError, Contender, Load
from hil.bench.hub import measure
from hil.bench.modpoll import Modpoll
from hil.bench.node_red import NodeRed
from hil.bench.own_hub import OwnHub
from hil.bench.thingsboard import ThingsBoard
from sim_devices.devices.device_farm import READ_REGISTERS_MAX

PEERS: tuple[Callable[[], Contender], ...] = (ThingsBoard, NodeRed, Modpoll)
HEAVY_VALUES_PER_S = 100_000
CPU_MAX_PERCENT, RSS_MAX_MB = 10.0, 120.0
LATENCY_MAX_MS = {"p50": 5.0, "p99": 20.0}
WRITE_MAX_MS = 11.0  # one transaction on loopback and 10 ms
PERIOD_TOLERANCE = 0.01
_DEVICES_MAX = 245  # unit ids to 247, two of them for the stubs
_PERIOD_MIN_MS = 20
_MISSED, _BLOCKED = 1, 3


def main(argv: list[str]) -> int:
    """Run the words after `gate bench hub`; returns the exit code."""
    options = build_parser().parse_args(argv)
    load = Load(options.devices, options.registers, options.period_ms, options.seconds)
    report: dict[str, Any] = {"ours": run_one(OwnHub(), load)}
    report["missed"] = missed(report["ours"], load)
    if not options.quick:
        report["ours_one_silent"] = run_one(OwnHub(), load, silent=1)
        report["missed"] += [
            f"with one silent device: {text}" for text in others_missed(report["ours_one_silent"], load)
        ]
        heavy = replace(load, devices=min(_DEVICES_MAX, _devices_for(HEAVY_VALUES_PER_S, load)))
        report["ours_heavy"] = run_one(OwnHub(), heavy)
        report["missed"] += [
            f"at {heavy.values_per_s:.0f} values/s: {text}" for text in late(report["ours_heavy"], heavy)
        ]
    report["peers"] = {peer.name: run_one(peer, load) for peer in (make() for make in PEERS if options.peers)}
    print(json.dumps(report, indent=1) if options.json else _table(report))
    if "blocked" in report["ours"]:
        return _BLOCKED
    return _MISSED if report["missed"] else 0


def _devices_for(values_per_s: int, load: Load) -> int:
    return -(-values_per_s * load.period_ms // (1000 * load.registers))


def missed(figures: dict[str, Any], load: Load) -> list[str]:
    """What the hub's figures under the standard load fall short of."""
    found = others_missed(figures, load)
    if "cpu_percent_of_core" not in figures:
        return found
    write_ms = figures["write_to_wire_ms"].get("p99")
    for name, value, limit in (
        ("CPU, % of a core", figures["cpu_percent_of_core"], CPU_MAX_PERCENT),
        ("memory, MB", figures["rss_mb"], RSS_MAX_MB),
        ("write to wire p99, ms", write_ms if write_ms is not None else float("inf"), WRITE_MAX_MS),
    ):
        if value > limit:
            found.append(f"{name}: {value}, expected at most {limit}")
    return found


def others_missed(figures: dict[str, Any], load: Load) -> list[str]:
    """What is held however one device behaves: delivery, latency, poll period of those that answer."""
    found = late(figures, load)
    latency = figures.get("latency_ms", {})
    found += [
        f"latency {name}: {latency.get(name)} ms, expected at most {limit}"
        for name, limit in LATENCY_MAX_MS.items()
        if latency.get(name, limit + 1) > limit
    ]
    return found


def late(figures: dict[str, Any], load: Load) -> list[str]:
    """Whether anything was lost, or the period not kept."""
    for word in ("blocked", "failed"):
        if word in figures:
            return [f"{word}: {figures[word]}"]
    mean_ms = figures["poll_period_ms"].get("mean", 0.0)
    found = [f"{figures['reads_lost']} reads were not delivered"] if figures["reads_lost"] else []
    if abs(mean_ms - load.period_ms) > PERIOD_TOLERANCE * load.period_ms:
        found.append(f"poll period {mean_ms} ms, expected {load.period_ms} within {PERIOD_TOLERANCE:.0%}")
    return found


def _table(report: dict[str, Any]) -> str:
    runs = {name: figures for name, figures in report.items() if name.startswith("ours")} | report["peers"]
    rows = [_row(name, figures) for name, figures in runs.items()]
    return "\n".join([*rows, *(f"MISSED: {text}" for text in report["missed"])])


def run_one(contender: Contender, load: Load, **options: Any) -> dict[str, Any]:
    """A contender's figures, or why there are none."""
    print(f"bench: {contender.name}", file=sys.stderr)
    try:
        version = contender.prepare()
        return {"version": version, **asyncio.run(measure(contender, load, **options))}
    except BlockedError as error:
        return {"blocked": str(error)}
    except BenchError as error:
        return {"failed": str(error)}


def _row(name: str, figures: dict[str, Any]) -> str:
    for word in ("blocked", "failed"):
        if word in figures:
            return f"{name}: {word.upper()}: {figures[word]}"
    latency, poll, write = figures["latency_ms"], figures["poll_period_ms"], figures["write_to_wire_ms"]
    return (
        f"{name}: {figures['tags_per_s']} of {figures['asked_tags_per_s']} values/s, "
        f"{figures['reads_lost']} reads lost, {figures['cpu_percent_of_core']} % of a core, {figures['rss_mb']} MB, "
        f"latency {_spread(latency)} ms, "
        f"poll {poll.get('mean')} ms (max {poll.get('max')}), write to wire {_spread(write)} ms"
    )


def _spread(figures: dict[str, float]) -> str:
    return "/".join(str(figures[name]) for name in ("p50", "p99", "max") if name in figures) or "-"


def _whole(low: int, high: int) -> Callable[[str], int]:
    """What argparse makes of a whole number from `low` to `high`."""

    def convert(text: str) -> int:
        if not text.isdecimal() or not low <= int(text) <= high:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {low} to {high}")
        return int(text)

    return convert


def build_parser() -> argparse.ArgumentParser:
    """The arguments."""
    parser = argparse.ArgumentParser(
        prog="gate bench hub", description="Measure the hub, and gateways others use, on the same simulated devices."
    )
    parser.add_argument(
        "--peers", action="store_true", help="also measure the other gateways; installs what is missing"
    )
    for name, default, high, meaning in (
        ("devices", Load.devices, _DEVICES_MAX, "Modbus TCP devices"),
        ("registers", Load.registers, READ_REGISTERS_MAX, "of each, read in one request"),
        ("period-ms", Load.period_ms, 60_000, "poll period"),
    ):
        low = _PERIOD_MIN_MS if name == "period-ms" else 1
        parser.add_argument(
            f"--{name}", type=_whole(low, high), default=default, metavar="N", help=f"{meaning} (default: {default})"
        )
    parser.add_argument("--seconds", type=float, default=Load.seconds, help="measured time (default: %(default)s)")
    parser.add_argument("--quick", action="store_true", help="without a silent device and without the heavy load")
    parser.add_argument("--json", action="store_true", help="print everything as JSON")
    return parser
