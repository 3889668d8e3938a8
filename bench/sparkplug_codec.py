"""What one report of 125 registers costs as Sparkplug metrics, ours against the protobuf library, on this machine.

Both encode the same values with the same aliases, which is compared first through the library. Prints one JSON line;
`ratio` is our time over the library's, in the same run, so it means the same on any machine.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from pysparkplug._protobuf import Payload

from edge.northbound.sparkplug.block import BlockEncoder, as_historical, make_points
from edge.northbound.sparkplug.metric import encode_payload
from protocols.registers.tag import Tag

COUNT = 125
FIRST_ALIAS = 128
TIME_MS = 1_796_039_649_078
ROUNDS = 400
REPEATS = 5
# One type for the whole device, and a mixture: the fast path and the general one.
KINDS = {"uint16": [("uint16", 0)], "mixed": [("uint16", 0), ("int16", 0), ("uint32", 0), ("int16", -1)]}


def main() -> None:
    result: dict[str, object] = {"bench": "sparkplug_codec", "unit": "us per report of 125 values"}
    for name, kinds in KINDS.items():
        ours, theirs = our_encoder(kinds), their_encoder(kinds)
        values = [at * 251 % 32768 for at in range(COUNT)]
        if read(ours(values)) != read(theirs(values)):
            raise SystemExit(f"sparkplug_codec: the payloads of {name} differ; a codec is wrong")
        our_us, their_us = best_us(ours, values), best_us(theirs, values)
        result[name] = figures(our_us, their_us)
        result[f"{name}_to_history"] = round(best_us(as_historical, ours(values)), 1)
    print(json.dumps(result))


def figures(our_us: float, their_us: float) -> dict[str, float]:
    per_value = round(our_us / COUNT, 3)
    return {
        "ours": round(our_us, 1),
        "ours_per_value": per_value,
        "protobuf": round(their_us, 1),
        "ratio": round(our_us / their_us, 2),
    }


def our_encoder(kinds: list[tuple[str, int]]) -> Callable[[list[int]], bytes]:
    tags = [
        Tag(f"r{at}", "input_register", at, kinds[at % len(kinds)][0], 1, sf=kinds[at % len(kinds)][1])
        for at in range(COUNT)
    ]
    encoder = BlockEncoder(make_points(tags, range(FIRST_ALIAS, FIRST_ALIAS + COUNT)))
    every = range(COUNT)
    return lambda values: encoder.encode(every, values, TIME_MS)


def their_encoder(kinds: list[tuple[str, int]]) -> Callable[[list[int]], bytes]:
    fields = [field_of(*kinds[at % len(kinds)]) for at in range(COUNT)]

    def encode(values: list[int]) -> bytes:
        payload = Payload()
        for at, value in enumerate(values):
            metric = payload.metrics.add()
            metric.alias = FIRST_ALIAS + at
            metric.timestamp = TIME_MS
            setattr(metric, fields[at], value / 10 if fields[at] == "double_value" else value)
        return bytes(payload.SerializeToString())

    return encode


def field_of(kind: str, sf: int) -> str:
    if sf:
        return "double_value"
    return "long_value" if kind == "uint32" else "int_value"


def read(metrics: bytes) -> list[tuple[int, int, float]]:
    payload = Payload.FromString(encode_payload(TIME_MS, [metrics], 0))
    return [(m.alias, m.timestamp, getattr(m, m.WhichOneof("value"))) for m in payload.metrics]


def best_us(work: Callable[[Any], object], argument: Any) -> float:
    best = float("inf")
    for _ in range(REPEATS):
        started = time.perf_counter()
        for _ in range(ROUNDS):
            work(argument)
        best = min(best, time.perf_counter() - started)
    return best / ROUNDS * 1e6


if __name__ == "__main__":
    main()
