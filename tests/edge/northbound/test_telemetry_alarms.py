"""What of telemetry is put on record, and how often."""

from edge.northbound.telemetry_alarms import REPEAT_S, TelemetryAlarms


def test_a_refusing_disk_is_told_when_it_begins_and_when_it_ends() -> None:
    alarms = TelemetryAlarms({})
    assert alarms.look("disk: full", {}, 1.0) == [{"reason": "telemetry_degraded", "why": "disk: full"}]
    assert alarms.look("disk: full", {}, 2.0) == []
    assert alarms.look("", {}, 3.0) == [{"reason": "telemetry_recovered", "why": "disk: full"}]


def test_a_loss_that_goes_on_is_told_at_once_and_then_from_time_to_time_with_what_is_new() -> None:
    alarms = TelemetryAlarms({"age": 7})
    assert alarms.look("", {"age": 7}, 0.0) == []
    assert alarms.look("", {"age": 7, "budget": 5}, 1.0) == [{"reason": "telemetry_expired", "reports": {"budget": 5}}]
    assert alarms.look("", {"age": 7, "budget": 9}, 2.0) == []
    told = alarms.look("", {"age": 8, "budget": 9}, 1.0 + REPEAT_S)
    assert told == [{"reason": "telemetry_expired", "reports": {"age": 1, "budget": 4}}]
