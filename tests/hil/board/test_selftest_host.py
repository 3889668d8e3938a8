"""The rig's self-test says which wire is wrong, and says nothing about a rig that is well."""

from collections.abc import Callable

import pytest

from firmware.roles.rig import wiring
from hil.board.selftest import Report, run_selftest
from protocols.rig.messages import SENSES
from tests.hil.board.tables import FIRMWARE, FirmwareTable, Plug, loopback

Mask = Callable[[list[int]], list[int]]


def examine(plug: Plug = loopback, ppm: int = 0) -> Report:
    return run_selftest(FirmwareTable(plug, ppm), FIRMWARE, clock_s=1)


def without(*drivers: int) -> Plug:
    """These driver terminals, counted from 1, arrive nowhere."""
    return lambda levels: loopback([0 if number + 1 in drivers else level for number, level in enumerate(levels)])


def test_a_rig_that_is_well_passes_and_says_how_punctual_it_is() -> None:
    report = examine()
    assert report.problems == ()
    assert report.measured[0] == f"rig board '{wiring.NAME}', firmware {FIRMWARE.hex()}, protocol 1"
    assert report.measured[1].startswith("clock: +0 ppm")


@pytest.mark.parametrize(
    ("plug", "sentence"),
    [
        (
            without(7),
            "driver terminal 7 is stuck low: nothing arrives at sense terminal 7; look at its wire and its driver",
        ),
        (
            without(20),
            "driver terminal 20 is stuck low: nothing arrives at sense terminal 8; look at its wire and its driver",
        ),
        (
            without(5, 17),
            "sense terminal 5 hears neither driver 5 nor driver 17: stuck low, look at its optocoupler and its wire",
        ),
        (
            without(*range(9, 17)),
            "driver terminals 9 to 16 are all stuck low: look at register 2 of the chain and its driver chip",
        ),
        (
            lambda levels: loopback(levels) | 1 << 2,
            "sense terminal 3 is on although no driver is: stuck high, look for a short to 24 V",
        ),
        (
            lambda levels: 0,
            "no driver arrives at any sense terminal: look at the loopback plug, at the 24 V supply and at DRIVERS_OFF",
        ),
    ],
)
def test_one_fault_is_one_sentence(plug: Plug, sentence: str) -> None:
    assert examine(plug).problems == (sentence,)


def test_exchanged_wires_are_named_at_both_ends() -> None:
    def exchanged(levels: list[int]) -> int:
        levels = levels[:]
        levels[6], levels[7] = levels[7], levels[6]
        return loopback(levels)

    assert examine(exchanged).problems == (
        "driver terminal 7 arrives at sense terminal 8, expected 7: exchanged wires",
        "driver terminal 8 arrives at sense terminal 7, expected 8: exchanged wires",
    )


def test_bridged_wires_are_named_at_both_ends() -> None:
    def bridged(levels: list[int]) -> int:
        levels = levels[:]
        levels[0] = levels[1] = levels[0] | levels[1]
        return loopback(levels)

    assert examine(bridged).problems == (
        "driver terminal 1 also switches sense terminal 2: bridged wires",
        "driver terminal 2 also switches sense terminal 1: bridged wires",
    )


def test_a_clock_that_is_off_is_told() -> None:
    assert "the rig's clock is +900" in examine(ppm=9000).problems[0]
    assert not examine(ppm=150).problems


def test_a_sense_that_sticks_after_its_driver_is_told() -> None:
    seen = []

    def sticking(levels: list[int]) -> int:
        seen.append(levels[3])
        return loopback(levels) | (max(seen) << 3)

    assert "sense terminal 4 stays on after driver terminal 4 went off: stuck high" in examine(sticking).problems
    assert SENSES == 12
