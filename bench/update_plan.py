"""The poll plan of a line in virtual time, with and without an update: how long a bundle takes, which polls are late.

    python -m bench.update_plan [--devices 8] [--period-ms 200] [--size 122000] [--turnaround-ms 2]

Eight barriers at 115,200 baud are polled as the hub polls them; the wire takes what 11 bits a character, two silences
and the device's turnaround take. Nothing else runs, so the figures are the plan's own, the same on every machine. What
a device needs for flash, signature and trial comes on top (docs/update.md). Prints one JSON line each.
"""

import argparse
import json
import sys

from edge.config import KIND_RTU, LineConfig
from edge.poll.plan import JobKind, PollPlan
from edge.southbound.command_exchange import WriteRequest
from edge.southbound.line_transfers import LineTransfers
from edge.southbound.role_map import ROLE_MAPS

BAUD = 115_200
_SILENCE_MS = 1.75
_DATA_SIZE = 236
_READ_CHARACTERS = 13


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench.update_plan")
    parser.add_argument("--devices", type=int, default=8)
    parser.add_argument("--period-ms", type=int, default=200)
    parser.add_argument("--size", type=int, default=122_000, help="of the bundle")
    parser.add_argument("--turnaround-ms", type=float, default=2.0)
    options = parser.parse_args()
    frames = options.size // _DATA_SIZE + 70  # a frame ends with its file, and there are some seventy files
    print("without:", json.dumps(_run(options, 0, 60_000)))
    print("with:   ", json.dumps(_run(options, frames, 600_000)))
    return 0


def _run(options: argparse.Namespace, frames: int, limit_ms: int) -> dict[str, object]:
    """Until `frames` are through, or `limit_ms`."""
    config = LineConfig("line", KIND_RTU, "", BAUD, "N", "", 0, 300)
    plan = PollPlan(phase=0.3)
    cost_ms = LineTransfers(plan, config).cost_ms(WriteRequest(0, (0,) * (_DATA_SIZE // 2 + 2)))
    for unit_id in range(1, options.devices + 1):
        plan.set_blocks(unit_id, ROLE_MAPS["barrier"].all_blocks(options.period_ms), 0)
    now_ms, left, polls, is_waiting = 0.0, frames, 0, False
    while now_ms < limit_ms and (left or not frames):
        if left and not is_waiting:
            plan.request_transfer(1, cost_ms, int(now_ms))
            is_waiting = True
        job = plan.next_job(int(now_ms))
        if job is None:
            now_ms = max(now_ms + 0.1, float(plan.due_ms()))
            continue
        if job.kind is JobKind.TRANSFER:
            left, is_waiting = left - 1, False
            characters = 17 + _DATA_SIZE + 4
        else:
            polls += 1
            characters = _READ_CHARACTERS + 2 * (job.block.count if job.block else 0)
        now_ms += characters * 11_000 / BAUD + 2 * _SILENCE_MS + options.turnaround_ms
        plan.finish(job, int(now_ms), answered=True)
    late = [plan.lateness(unit_id).status() for unit_id in range(1, options.devices + 1)]
    return {
        "seconds": round(now_ms / 1000, 1),
        "frames": frames - left,
        "polls_per_s": round(1000 * polls / now_ms, 1),
        "skipped": sum(it["skipped"] for it in late),
        "late_p99_ms": max(it["late_p99_ms"] for it in late),
        "late_max_ms": max(it["late_max_ms"] for it in late),
    }


if __name__ == "__main__":
    sys.exit(main())
