"""What a person is shown of a device's values."""

from __future__ import annotations

import pytest

from edge.device_values import in_unit, values_page
from edge.model import ClockQuality, DeviceImage, Quality, TagValue, Value
from protocols.registers.tag import Tag

_TAGS = (
    Tag("voltage", "input_register", 0, "uint16", 1, units="V", sf=-1),
    Tag("mode", "input_register", 1, "enum16", 1, symbols=(("OFF", 0), ("ON", 1))),
    Tag("faults", "input_register", 2, "bitfield16", 1, symbols=(("LOW", 0), ("HOT", 3))),
    Tag("later", "input_register", 9, "uint16", 1),
)


def _value(value: int) -> TagValue:
    return TagValue(value, Quality.UNCERTAIN, "old", 1_700_000_000_000, 5_000, "V", ClockQuality.HOLDOVER)


def test_every_value_has_its_unit_quality_reason_age_times_and_clock() -> None:
    tags = {"voltage": _value(2305), "mode": _value(1), "faults": _value(0b1001)}
    page = values_page(DeviceImage("meter", True, "", 5_000, tags), _TAGS, now_ms=5_250)
    voltage, mode, faults, later = page["values"]
    assert voltage == {
        "tag": "voltage",
        "value": 230.5,
        "unit": "V",
        "quality": "uncertain",
        "reason": "old",
        "age_ms": 250,
        "source_time": 1_700_000_000_000,
        "hub_time_ms": 5_000,
        "clock": "holdover",
    }
    assert (mode["value"], mode["word"], faults["words"]) == (1, "ON", ["LOW", "HOT"])
    assert (later["value"], later["quality"], later["reason"], later["age_ms"]) == (None, "bad", "never read", None)


@pytest.mark.parametrize(
    ("raw", "sf", "shown"),
    [(1, -3, 0.001), (7, 2, 700), (True, -1, True), ("AB", 0, "AB"), (None, -1, None), (3, -1, 0.3), (0.5, -1, 0.05)],
)
def test_a_raw_value_is_shown_in_its_unit(raw: Value, sf: int, shown: Value) -> None:
    assert in_unit(raw, sf) == shown
