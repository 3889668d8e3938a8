"""What comes over the broker, from whoever can publish there: no command is obeyed, nothing does harm."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from pysparkplug._protobuf import Payload

from edge.config import UplinkConfig
from edge.journal.records import encode
from edge.model import ClockQuality, Quality, Record, Report
from edge.northbound import telemetry as telemetry_module
from edge.northbound.pacer import Pacer
from edge.northbound.telemetry import Telemetry
from protocols.registers.tag import Tag

_TIME = 1_796_039_649_000


@pytest.mark.parametrize(
    ("name", "field", "value", "told"),
    [
        ("speed", "double_value", float("nan"), "nan"),
        ("speed", "float_value", float("-inf"), "-inf"),
        ("speed", "string_value", "a" * 100_000, "a" * 200),
        ("b" * 100_000, "int_value", 7, 7),
    ],
)
def test_whatever_a_refused_command_carries_it_can_be_put_on_record(
    tmp_path: Path, name: str, field: str, value: Any, told: Any
) -> None:
    payload = Payload()
    setattr(payload.metrics.add(name=name), field, value)

    async def run() -> list[Record]:
        records: list[Record] = []
        devices = {"scale": [Tag("speed", "input_register", 0, "uint16", 1)]}
        config = UplinkConfig("gate", "gate/test", ())
        telemetry = Telemetry(config, tmp_path, devices, post=records.extend, pacer=Pacer())
        telemetry.on_message("spBv1.0/gate/DCMD/gate/scale", payload.SerializeToString())
        telemetry.close()
        return records

    (record,) = asyncio.run(run())
    encode(record)  # raises for what no journal takes, which would end the hub
    assert (record.data["metric"], record.data["value"]) == (name[:200], told)


def test_an_acknowledgement_without_end_does_not_hold_the_hub_up(tmp_path: Path) -> None:
    most = telemetry_module.ACK_RANGES_MAX

    async def run() -> tuple[int, int]:
        devices = {"scale": [Tag("speed", "input_register", 0, "uint16", 1)]}
        telemetry = Telemetry(UplinkConfig("gate", "gate/test", ()), tmp_path, devices, post=list, pacer=Pacer())
        for speed in range(2 * most + 2):
            telemetry.report(Report("scale", [0], [speed], Quality.GOOD, "", _TIME, ClockQuality.SYNCHRONISED))
        odd = [[number, number] for number in range(1, 2 * most + 2, 2)]
        telemetry.on_ack(json.dumps({"telemetry": odd}).encode())
        telemetry.close()
        ledger = telemetry.ledger()
        return ledger["acknowledged"], ledger["stored"]

    assert asyncio.run(run()) == (most, most + 2)
