"""The join of what devices answered and what a subscriber had: counted by hand here."""

from hil.bench.figures import (
    Delivery,
    Read,
    Window,
    delivery_figures,
    poll_figures,
    spread,
    write_figures,
)

MS = 1_000_000
WINDOW = Window(1000 * MS, 3000 * MS)


def test_values_count_once_and_only_of_reads_in_the_window() -> None:
    reads = [Read(0, 7, 900 * MS), Read(0, 8, 1000 * MS), Read(1, 8, 1100 * MS), Read(0, 9, 2999 * MS)]
    deliveries = [
        Delivery(0, 7, 125, 1001 * MS),
        Delivery(0, 8, 125, 1002 * MS),
        Delivery(0, 8, 125, 1500 * MS),
        Delivery(1, 8, 100, 1105 * MS),
    ]
    figures = delivery_figures(reads, deliveries, WINDOW)
    assert figures == {
        "tags_per_s": 112,  # (125 + 100) / 2 s
        "reads": 3,
        "reads_lost": 1,
        "duplicates": 1,
        "latency_ms": {"p50": 2.0, "p99": 5.0, "max": 5.0},
    }


def test_a_counter_word_that_comes_again_belongs_to_the_newest_read_before() -> None:
    reads = [Read(0, 1, 1000 * MS), Read(0, 65537, 2000 * MS)]
    figures = delivery_figures(reads, [Delivery(0, 1, 2, 1003 * MS), Delivery(0, 1, 2, 2009 * MS)], WINDOW)
    assert (figures["reads_lost"], figures["latency_ms"]["max"]) == (0, 9.0)


def test_a_delivery_nobody_answered_before_counts_for_nothing() -> None:
    figures = delivery_figures([Read(0, 1, 1500 * MS)], [Delivery(0, 1, 2, 1400 * MS)], WINDOW)
    assert (figures["tags_per_s"], figures["reads_lost"]) == (0, 1)


def test_poll_periods_are_those_of_each_device() -> None:
    reads = [Read(0, 1, 1000 * MS), Read(1, 1, 1050 * MS), Read(0, 2, 1200 * MS), Read(1, 2, 1350 * MS)]
    assert poll_figures(reads, WINDOW) == {"mean": 250.0, "max": 300.0}
    assert poll_figures(reads[:2], WINDOW) == {}


def test_writes_that_never_arrived_are_counted() -> None:
    figures = write_figures({5: 10 * MS, 6: 20 * MS}, {5: 13 * MS})
    assert figures == {"p50": 3.0, "p99": 3.0, "max": 3.0, "writes": 2, "lost": 1}


def test_spread_takes_the_middle_and_the_ends() -> None:
    assert spread(range(1, 102)) == {"p50": 51, "p99": 100, "max": 101}
    assert spread([]) == {}
