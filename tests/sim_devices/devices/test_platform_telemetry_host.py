"""The platform stores each row of telemetry once, by number, and acknowledges what is on disk."""

from collections.abc import Iterable
from pathlib import Path

import pytest

from edge.northbound.sparkplug.metric import DataType, Metric, encode_metric, encode_payload
from sim_devices.devices.platform_telemetry import ROW_NUMBER, TelemetryStore

ALIAS, VALUE_ALIAS = 40, 41
BIRTH_TOPIC = "spBv1.0/g/DBIRTH/n/dev1"
DATA_TOPIC = "spBv1.0/g/DDATA/n/dev1"


def payload(metrics: Iterable[Metric], *, is_birth: bool = False) -> bytes:
    return encode_payload(1, [encode_metric(metric, is_birth=is_birth) for metric in metrics], 0)


def birth() -> tuple[str, bytes]:
    numbers = Metric(DataType.UINT64, None, 1, ROW_NUMBER, alias=ALIAS)
    return BIRTH_TOPIC, payload([numbers, Metric(DataType.UINT16, 5, 1, "load", alias=VALUE_ALIAS)], is_birth=True)


def data(number: int, *, time_ms: int = 5, is_historical: bool = False) -> tuple[str, bytes]:
    row = Metric(DataType.UINT64, number, time_ms, alias=ALIAS, is_historical=is_historical)
    return DATA_TOPIC, payload([row, Metric(DataType.UINT16, 9, time_ms, alias=VALUE_ALIAS)])


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "telemetry.sqlite"


def test_rows_are_acknowledged_as_ranges_of_what_came(path: Path) -> None:
    store = TelemetryStore(path)
    accepted = store.accept([birth(), data(3), data(1), data(2), data(7)])
    assert (accepted.ranges, accepted.is_birth_missing) == ([[1, 3], [7, 7]], False)
    assert next((row.number, row.device, row.time_ms) for row in store.rows()) == (1, "dev1", 5)
    assert store.names("dev1") == {ALIAS: ROW_NUMBER, VALUE_ALIAS: "load"}
    assert store.names("dev2") == {}


def test_a_repeat_is_acknowledged_again_and_stored_once(path: Path) -> None:
    arrivals: list[tuple[str, int]] = []
    store = TelemetryStore(path, lambda name, number: arrivals.append((name, number)))
    store.accept([birth(), data(1)])
    assert store.accept([data(1, is_historical=True)]).ranges == [[1, 1]]
    assert (store.count(), store.counters.duplicates, store.counters.conflicts) == (1, 1, 0)
    store.accept([data(1, time_ms=6)])
    assert (store.count(), store.counters.conflicts) == (1, 1)
    assert arrivals == [("live", 1), ("history", 1), ("live", 1)]


def test_data_before_its_birth_is_not_acknowledged_and_asks_for_one(path: Path) -> None:
    store = TelemetryStore(path)
    accepted = store.accept([data(1)])
    assert (accepted.ranges, accepted.is_birth_missing, store.counters.unborn) == ([], True, 1)


def test_a_birth_outlives_the_platform(path: Path) -> None:
    store = TelemetryStore(path)
    store.accept([birth(), data(1)])
    store.close()
    store = TelemetryStore(path)
    assert store.accept([data(2)]).ranges == [[2, 2]]
    assert store.count() == 2


@pytest.mark.parametrize(
    "message",
    [
        (DATA_TOPIC, b"\xff"),
        (DATA_TOPIC, payload([Metric(DataType.UINT16, 9, 5, alias=VALUE_ALIAS)])),
        (DATA_TOPIC, payload([Metric(DataType.STRING, "9", 5, alias=ALIAS)])),
        data(2**62),
        (BIRTH_TOPIC, payload([Metric(DataType.UINT16, 9, 5, "load", alias=1)], is_birth=True)),
    ],
)
def test_what_cannot_be_read_is_counted_and_changes_nothing(path: Path, message: tuple[str, bytes]) -> None:
    store = TelemetryStore(path)
    store.accept([birth()])
    assert store.accept([message]).ranges == []
    assert (store.counters.malformed, store.count()) == (1, 0)
