"""Commands that come over the broker, from whoever can publish there: none is obeyed, none does harm."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from pysparkplug._protobuf import Payload

from edge.config import UplinkConfig
from edge.journal.records import encode
from edge.model import Record
from edge.northbound.pacer import Pacer
from edge.northbound.telemetry import Telemetry
from protocols.registers.tag import Tag


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
