"""Counters are added up over the lives of the hub and of the devices."""

from typing import Any

from hil.run.tally import Tally


def _device(polls: int, *, errors: int | None = 0) -> dict[str, Any]:
    return {"poll_cycles": polls, "scan_overruns": None, "crc_errors_hub": 0, "crc_errors_device": errors}


def test_a_counter_that_begins_anew_is_added_to_what_was_counted_before() -> None:
    tally = Tally()
    for polls in (10, 40, 40, 5, 6):
        tally.take({"barrier1": _device(polls)})
    assert tally.totals["poll_cycles"] == 46


def test_devices_count_each_for_themselves() -> None:
    tally = Tally()
    for polls in (10, 20):
        tally.take({"barrier1": _device(polls), "weighbridge1": _device(3)})
    assert tally.totals["poll_cycles"] == 23


def test_a_counter_nobody_knows_for_a_while_is_not_counted_twice() -> None:
    tally = Tally()
    for errors in (None, 4, None, 4, 5):
        tally.take({"barrier1": _device(1, errors=errors)})
    tally.take({})
    assert (tally.totals["crc_errors_device"], tally.totals["scan_overruns"]) == (5, 0)
