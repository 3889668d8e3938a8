"""Does the rig itself work? Every channel looped back, its clock and its punctuality, and which wire is wrong in words.

Knows: the loopback plug, the limits, what a finding means to a person with a screwdriver. Must not know: ports, chips.

The plug joins driver terminals N and N + 12 to sense terminal N, so that 24 drivers need twelve senses. Each driver is
switched on alone; what arrives where tells wire, short and exchange apart.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from hil.board.link import Entry, RigLink
from hil.board.port import Table
from protocols.compat import ticks_diff
from protocols.rig.messages import DRIVERS, SENSE_AT, SENSES

# An optocoupler and the rig's own way from due to driven; the emulated pair adds a turn.
DELAY_MAX_US = 500
JITTER_MAX_US = 150
CLOCK_MAX_PPM = 200
_FIRST_US = 50_000
_SLOT_US = 20_000  # each driver on for half of it
_PULSES = 100
_PULSE_DRIVER = 0
_REGISTER = 8  # drivers of one 74HC595


@dataclass(frozen=True, slots=True)
class Report:
    """What was measured, in lines, and what is wrong, in sentences; nothing wrong is a pass."""

    measured: tuple[str, ...]
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Walk:
    """What arrived while the drivers were on one by one."""

    at_rest: frozenset[int]  # senses that are on with no driver on
    heard: tuple[frozenset[int], ...]  # per driver, the senses that rose
    stayed: tuple[frozenset[int], ...]  # per driver, those of them that did not fall


def run_selftest(table: Table, firmware: bytes, clock_s: int) -> Report:
    """Test the rig board on the table, its loopback plug in place; the clock is watched for `clock_s`."""
    link = RigLink(table)
    hello = link.check(firmware)
    drift_ppm, doubt_ppm = measure_clock(table, link, clock_s)
    walk = walk_drivers(table, link)
    delays = measure_delays(table, link) if _PULSE_DRIVER in walk.heard[_PULSE_DRIVER] else []
    status = link.status()
    link.clear()
    measured = [
        f"rig board '{hello.wiring}', firmware {hello.firmware.hex()}, protocol {hello.version}",
        f"clock: {drift_ppm:+d} ppm against this computer's, known to {doubt_ppm} ppm (at most {CLOCK_MAX_PPM})",
        f"chain of drivers: {status.chain_faults} faults; longest pass of the loop {status.longest_pass_us} us",
    ]
    if delays:
        measured.append(
            f"scheduled outputs: {delays[0]} to {delays[-1]} us after their time, median {delays[len(delays) // 2]} us "
            f"(at most {DELAY_MAX_US}, jitter at most {JITTER_MAX_US})"
        )
    problems = [*_judge_clock(drift_ppm, doubt_ppm), *judge_walk(walk), *_judge_delays(delays)]
    if status.chain_faults:
        problems.append(
            f"the chain of drivers gave back something else than was written {status.chain_faults} times: look at "
            "DRIVERS_RETURN, the three registers' plugs and their supply"
        )
    return Report(tuple(measured), tuple(problems))


def measure_clock(table: Table, link: RigLink, duration_s: int) -> tuple[int, int]:
    """How much faster the rig's clock is than the host's, and how well that is known, both in parts per million."""
    first_us, first_clock, first_trip = _look_at_clock(table, link)
    until_us = first_us + duration_s * 1_000_000
    while table.now_us < until_us:
        table.wait(until_us)
    last_us, last_clock, last_trip = _look_at_clock(table, link)
    passed_us = last_us - first_us
    drift_us = ticks_diff(last_clock, first_clock) - passed_us
    return round(drift_us * 1e6 / passed_us), -(-(first_trip + last_trip) * 1_000_000 // (2 * passed_us))


def _look_at_clock(table: Table, link: RigLink) -> tuple[int, int, int]:
    """Host's time in the middle of the question, rig's clock, duration of the question; the quickest of five."""
    looks = []
    for _ in range(5):
        status = link.status()
        looks.append((link.round_trip_us, table.now_us - link.round_trip_us // 2, status.clock_us))
    trip_us, at_us, clock_us = min(looks)
    return at_us, clock_us, trip_us


def walk_drivers(table: Table, link: RigLink) -> Walk:
    """Switch each driver on and off alone, and see what arrives."""
    link.clear()
    starts = [_FIRST_US + driver * _SLOT_US for driver in range(DRIVERS)]
    link.queue([entry for driver in range(DRIVERS) for entry in _pulse(driver, starts[driver])])
    noted = _run(table, link, starts[-1] + _SLOT_US)
    senses = [Entry(entry.at_us, entry.channel - SENSE_AT, entry.value) for entry in noted if entry.channel >= SENSE_AT]
    at_rest = frozenset(entry.channel for entry in senses if entry.at_us < _FIRST_US and entry.value)
    heard, stayed = [], []
    for start_us in starts:
        mine = [entry for entry in senses if start_us <= entry.at_us < start_us + _SLOT_US]
        rose = frozenset(entry.channel for entry in mine if entry.value)
        heard.append(rose)
        stayed.append(rose - {entry.channel for entry in mine if not entry.value})
    return Walk(at_rest, tuple(heard), tuple(stayed))


def measure_delays(table: Table, link: RigLink) -> list[int]:
    """From the time a pulse was asked for to the time it was seen, for both edges of many, sorted."""
    link.clear()
    starts = [_FIRST_US + number * _SLOT_US + number * 37 for number in range(_PULSES)]
    link.queue([entry for start_us in starts for entry in _pulse(_PULSE_DRIVER, start_us)])
    noted = _run(table, link, starts[-1] + _SLOT_US)
    seen = [entry.at_us for entry in noted if entry.channel == SENSE_AT + _PULSE_DRIVER]
    asked = [entry.at_us for start_us in starts for entry in _pulse(_PULSE_DRIVER, start_us)]
    return sorted(at_us - asked_us for at_us, asked_us in zip(seen, asked, strict=False))


def judge_walk(walk: Walk) -> Iterator[str]:
    """A sentence for each thing that is wrong, the cause that explains most first."""
    if not any(walk.heard):
        yield (
            "no driver arrives at any sense terminal: look at the loopback plug, at the 24 V supply and at DRIVERS_OFF"
        )
        return
    for sense in sorted(walk.at_rest):
        yield f"sense terminal {sense + 1} is on although no driver is: stuck high, look for a short to 24 V"
    silent = [driver for driver in range(DRIVERS) if not walk.heard[driver] and driver % SENSES not in walk.at_rest]
    yield from _judge_silent(silent)
    for driver in range(DRIVERS):
        yield from _judge_driver(driver, walk)


def _judge_silent(silent: Sequence[int]) -> Iterator[str]:
    """Drivers that arrive nowhere: a register, a sense terminal, or single ones."""
    left = set(silent)
    for first in range(0, DRIVERS, _REGISTER):
        whole = set(range(first, first + _REGISTER))
        if whole <= left:
            left -= whole
            yield (
                f"driver terminals {first + 1} to {first + _REGISTER} are all stuck low: look at register "
                f"{first // _REGISTER + 1} of the chain and its driver chip"
            )
    for sense in range(SENSES):
        both = {sense, sense + SENSES}
        if both <= left:
            left -= both
            yield (
                f"sense terminal {sense + 1} hears neither driver {sense + 1} nor driver {sense + SENSES + 1}: stuck "
                "low, look at its optocoupler and its wire"
            )
    for driver in sorted(left):
        yield (
            f"driver terminal {driver + 1} is stuck low: nothing arrives at sense terminal {driver % SENSES + 1}; look "
            "at its wire and its driver"
        )


def _judge_driver(driver: int, walk: Walk) -> Iterator[str]:
    mine, heard = driver % SENSES, walk.heard[driver]
    others = ", ".join(str(sense + 1) for sense in sorted(heard - {mine}))
    if heard and mine not in heard:
        yield f"driver terminal {driver + 1} arrives at sense terminal {others}, expected {mine + 1}: exchanged wires"
    elif others:
        yield f"driver terminal {driver + 1} also switches sense terminal {others}: bridged wires"
    for sense in sorted(walk.stayed[driver]):
        yield f"sense terminal {sense + 1} stays on after driver terminal {driver + 1} went off: stuck high"


def _judge_clock(drift_ppm: int, doubt_ppm: int) -> Iterator[str]:
    if abs(drift_ppm) > CLOCK_MAX_PPM + doubt_ppm:
        yield f"the rig's clock is {drift_ppm:+d} ppm off, at most {CLOCK_MAX_PPM} are allowed: take another board"


def _judge_delays(delays: Sequence[int]) -> Iterator[str]:
    if delays and len(delays) < 2 * _PULSES:
        yield f"of {2 * _PULSES} edges on driver terminal {_PULSE_DRIVER + 1} only {len(delays)} arrived: a loose wire"
    if delays and delays[-1] > DELAY_MAX_US:
        yield f"a scheduled output came {delays[-1]} us late, at most {DELAY_MAX_US} are allowed: a slow optocoupler"
    if delays and delays[-1] - delays[0] > JITTER_MAX_US:
        yield f"scheduled outputs scatter over {delays[-1] - delays[0]} us, at most {JITTER_MAX_US} are allowed"


def _pulse(driver: int, start_us: int) -> tuple[Entry, Entry]:
    return Entry(start_us, driver, 1), Entry(start_us + _SLOT_US // 2, driver, 0)


def _run(table: Table, link: RigLink, duration_us: int) -> list[Entry]:
    """Let a run go on for so long; everything the board noted, in order."""
    link.start()
    noted: list[Entry] = []
    end_us = table.now_us + duration_us
    while True:
        answer = link.read()
        noted += answer.entries
        if answer.is_all and table.now_us >= end_us:
            return sorted(noted, key=lambda entry: entry.at_us)
        if answer.is_all:
            next_us = min(end_us, table.now_us + _SLOT_US)
            while table.now_us < next_us:
                table.wait(next_us)
