"""`gate bench hub`: the hub and what it is compared with under one load, as a table or as JSON.

Knows: who is compared, the targets. Must not know: how anything is measured. Exit code: 0 every target met, 1 one
missed, 2 wrong words, 3 blocked: something is not installed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Callable
from typing import Any

from hil.bench.children import BenchError
from hil.bench.contender import BlockedError, Contender, Load
from hil.bench.hub import measure
from hil.bench.modpoll import Modpoll
from hil.bench.node_red import NodeRed
from hil.bench.own_hub import OwnHub
from hil.bench.thingsboard import ThingsBoard

PEERS: tuple[Callable[[], Contender], ...] = (ThingsBoard, NodeRed, Modpoll)
_MISSED, _BLOCKED = 1, 3


def main(argv: list[str]) -> int:
    """Run the words after `gate bench hub`; returns the exit code."""
    options = _parse(argv)
    load = Load(options.devices, options.registers, options.period_ms, options.seconds)
    ours = run_one(OwnHub(), load)
    peers = {peer.name: run_one(peer, load) for peer in (make() for make in PEERS if options.peers)}
    report: dict[str, Any] = {"ours": ours, "peers": peers}
    if options.json:
        print(json.dumps(report, indent=1))
    else:
        print("\n".join(_row(name, figures) for name, figures in {"ours": ours, **peers}.items()))
    return 0


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


def _parse(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="gate bench hub", description="Measure the hub, and gateways others use, on the same simulated devices."
    )
    parser.add_argument(
        "--peers", action="store_true", help="also measure the other gateways; installs what is missing"
    )
    parser.add_argument("--devices", type=int, default=Load.devices, help="Modbus TCP devices (default: %(default)s)")
    parser.add_argument("--registers", type=int, default=Load.registers, help="per device (default: %(default)s)")
    parser.add_argument("--period-ms", type=int, default=Load.period_ms, help="poll period (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=Load.seconds, help="measured time (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print everything as JSON")
    return parser.parse_args(argv)
