"""The simulated measuring unit speaks what the board understands."""

import pytest

from protocols.charger.measuring import UnitReceiver
from sim_devices.devices.measuring_unit import MeasuringUnit

VALUES = [481, 3, -2, 315, -40]
VEHICLE = [5, 1, 4711, 2, 480, 560, 600, -15, 375]


def test_values_come_every_period_and_the_vehicles_frame_when_it_has_sent_one() -> None:
    unit, receiver = MeasuringUnit(), UnitReceiver()
    for now_ms in range(0, 100, 5):
        said = bytearray(unit.advance(now_ms, VALUES + VEHICLE))
        assert receiver.take(said, len(said), bytearray(64)) == 0
    assert (receiver.measured, receiver.vehicle, receiver.measured_count) == (VALUES, VEHICLE, 5)
    assert len(unit.advance(100, [*VALUES, 6, *VEHICLE[1:]])) == 40


def test_what_the_module_says_passes_whole() -> None:
    assert MeasuringUnit().advance(0, VALUES + VEHICLE, b"\xa5\x41module").startswith(b"\xa5\x41module\xa5\x4d")


def test_a_silent_unit_passes_nothing_on() -> None:
    unit = MeasuringUnit()
    unit.fail("silent")
    assert unit.advance(0, VALUES + VEHICLE, b"module") == b""
    unit.fail("")
    assert unit.advance(20, VALUES + VEHICLE)
    with pytest.raises(ValueError, match="cannot fail by 'melted': use one of silent"):
        unit.fail("melted")
