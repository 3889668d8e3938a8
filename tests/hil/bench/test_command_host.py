"""Which figures miss the hub's targets, each limit at and beyond it."""

from typing import Any

import pytest

from hil.bench.command import main, missed
from hil.bench.contender import Load

LOAD = Load()


def figures(**changes: Any) -> dict[str, Any]:
    """Every figure at its limit."""
    return {
        "reads_lost": 0,
        "cpu_percent_of_core": 10.0,
        "rss_mb": 120.0,
        "latency_ms": {"p50": 5.0, "p99": 20.0, "max": 90.0},
        "poll_period_ms": {"mean": 202.0, "max": 250.0},
        "write_to_wire_ms": {"p50": 1.0, "p99": 11.0},
        **changes,
    }


def test_figures_at_their_limits_miss_nothing() -> None:
    assert missed(figures(), LOAD) == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"reads_lost": 1}, "1 reads were not delivered"),
        ({"cpu_percent_of_core": 10.1}, "CPU"),
        ({"rss_mb": 121.0}, "memory"),
        ({"latency_ms": {"p50": 5.1, "p99": 20.0}}, "latency p50"),
        ({"latency_ms": {}}, "latency p50"),
        ({"poll_period_ms": {"mean": 202.1}}, "poll period 202.1 ms, expected 200 within 1%"),
        ({"poll_period_ms": {}}, "poll period"),
        ({"write_to_wire_ms": {"p99": 11.1}}, "write to wire"),
        ({"write_to_wire_ms": {}}, "write to wire"),
    ],
)
def test_each_figure_beyond_its_limit_is_told(changes: dict[str, Any], said: str) -> None:
    assert missed(figures(**changes), LOAD)[0].startswith(said)


def test_a_run_that_did_not_come_about_is_told() -> None:
    assert missed({"failed": "the hub ended"}, LOAD)[0] == "failed: the hub ended"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--devices", "0"], "'0' is not a whole number from 1 to 245"),
        (["--registers", "126"], "'126' is not a whole number from 1 to 125"),
        (["--period-ms", "19"], "'19' is not a whole number from 20 to 60000"),
        (["--devices", "many"], "'many' is not a whole number"),
    ],
)
def test_a_load_no_farm_can_bear_is_refused_in_a_sentence(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        main(words)
    assert end.value.code == 2
    assert said in capsys.readouterr().err
