"""Values are told in the words of the register map."""

import pytest

from hil.trace.names import moment, text_of


@pytest.mark.parametrize(
    ("role", "channel", "value", "text"),
    [
        ("barrier", "state", 3, "OPENING"),
        ("barrier", "state", 99, "99"),
        ("barrier", "faults", 0, "none"),
        ("barrier", "faults", 0b101, "TRAVEL_TIMEOUT + LIMIT_LOST"),
        ("barrier", "out.MOTOR_OPEN", 1, "on"),
        ("barrier", "in.LIMIT_OPEN", 0, "off"),
        ("barrier", "quality.LIMIT_OPEN", 2, "BAD"),
        ("barrier", "travel_last_ms", 2959, "2959 ms"),
        ("barrier", "passes", 7, "7"),
        ("barrier", "event.STATE_CHANGED", 4, "OPEN"),
        ("barrier", "event.FAULT_RAISED", 5, "LOOP_FAULT"),
        ("barrier", "event.COMMAND_DONE", 17 * 256 + 1, "OPEN ACCEPTED"),
        ("barrier", "event.HEALTH_CHANGED", 1 << 16 | 0b11, "FAILURE: HUB_LOST + SETTINGS_DEFAULTED"),
        ("barrier", "event.HUB_BACK", 3000, "3000 ms"),
        ("weighbridge", "registered_kg_x10", 314000, "31400.0 kg"),
        ("weighbridge", "event.WEIGHT_REGISTERED", 314005, "31400.5 kg"),
        ("charging_post", "event.LOAD_BREAK", 152, "15.2 A"),
    ],
)
def test_a_value_of_a_device(role: str, channel: str, value: int, text: str) -> None:
    assert text_of(role, "device", channel, value) == text


def test_a_command_is_told_by_its_result_and_the_rest_by_its_number() -> None:
    assert text_of("", "command", "OPEN", 5) == "REFUSED_INTERLOCK"
    assert text_of("", "field", "passed", 2) == "2"


def test_a_fault_is_told_by_its_kind_or_its_value_and_a_repair_as_such() -> None:
    assert text_of("", "fault", "edge", 2) == "silent"
    assert text_of("", "fault", "plate_heat", 40) == "40 °C"
    assert text_of("", "fault", "edge", 0) == "repaired"
    assert text_of("", "fault", "hang", 500_000) == "500000"


def test_what_the_script_sets_is_on_or_off() -> None:
    assert text_of("", "script", "set.EDGE_OK", 0) == "off"
    assert text_of("", "script", "command.OPEN", 0) == "0"


def test_a_moment_is_told_to_the_millisecond() -> None:
    assert moment(3_512_499) == "3.512 s"
