"""Does the rig itself work? Every channel looped back, its clock and its punctuality, and which wire is wrong in words.

Knows: the loopback plug, the limits, what a finding means to a person with a screwdriver. Must not know: ports, chips.

The plug joins driver terminals N and N + 12 to sense terminal N, so that 24 drivers need twelve senses. Each driver is
switched on alone; what arrives where tells wire, short and exchange apart.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from edge.words import tr
from hil.board.link import Entry, Hello, RigLink, Status
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
    measured = [_told_of_board(hello), _told_of_clock(drift_ppm, doubt_ppm), _told_of_chain(status)]
    measured += _told_of_delays(delays)
    problems = [*_judge_clock(drift_ppm, doubt_ppm), *judge_walk(walk), *_judge_delays(delays)]
    if status.chain_faults:
        said = tr(
            "the chain of drivers gave back something else than was written {count} times: look at DRIVERS_RETURN, "
            "the three registers' plugs and their supply",
            count=status.chain_faults,
        )
        problems.append(said)
    return Report(tuple(measured), tuple(problems))


def _told_of_board(hello: Hello) -> str:
    return tr(
        "rig board '{wiring}', firmware {firmware}, protocol {version}",
        wiring=hello.wiring,
        firmware=hello.firmware.hex(),
        version=hello.version,
    )


def _told_of_clock(drift_ppm: int, doubt_ppm: int) -> str:
    return tr(
        "clock: {drift:+d} ppm against this computer's, known to {doubt} ppm (at most {most})",
        drift=drift_ppm,
        doubt=doubt_ppm,
        most=CLOCK_MAX_PPM,
    )


def _told_of_chain(status: Status) -> str:
    return tr(
        "chain of drivers: {count} faults; longest pass of the loop {us} us",
        count=status.chain_faults,
        us=status.longest_pass_us,
    )


def _told_of_delays(delays: Sequence[int]) -> Iterator[str]:
    if delays:
        yield tr(
            "scheduled outputs: {low} to {high} us after their time, median {median} us (at most {most}, jitter at "
            "most {jitter})",
            low=delays[0],
            high=delays[-1],
            median=delays[len(delays) // 2],
            most=DELAY_MAX_US,
            jitter=JITTER_MAX_US,
        )


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
        yield tr(
            "no driver arrives at any sense terminal: look at the loopback plug, at the 24 V supply and at DRIVERS_OFF"
        )
        return
    for sense in sorted(walk.at_rest):
        yield tr(
            "sense terminal {sense} is on although no driver is: stuck high, look for a short to 24 V", sense=sense + 1
        )
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
            yield tr(
                "driver terminals {first} to {last} are all stuck low: look at register {register} of the chain and "
                "its driver chip",
                first=first + 1,
                last=first + _REGISTER,
                register=first // _REGISTER + 1,
            )
    for sense in range(SENSES):
        both = {sense, sense + SENSES}
        if both <= left:
            left -= both
            yield tr(
                "sense terminal {sense} hears neither driver {driver} nor driver {other}: stuck low, look at its "
                "optocoupler and its wire",
                sense=sense + 1,
                driver=sense + 1,
                other=sense + SENSES + 1,
            )
    for driver in sorted(left):
        yield tr(
            "driver terminal {driver} is stuck low: nothing arrives at sense terminal {sense}; look at its wire and "
            "its driver",
            driver=driver + 1,
            sense=driver % SENSES + 1,
        )


def _judge_driver(driver: int, walk: Walk) -> Iterator[str]:
    mine, heard = driver % SENSES, walk.heard[driver]
    names = {"driver": driver + 1, "others": ", ".join(str(sense + 1) for sense in sorted(heard - {mine}))}
    if heard and mine not in heard:
        yield tr(
            "driver terminal {driver} arrives at sense terminal {others}, expected {mine}: exchanged wires",
            mine=mine + 1,
            **names,
        )
    elif names["others"]:
        yield tr("driver terminal {driver} also switches sense terminal {others}: bridged wires", **names)
    for sense in sorted(walk.stayed[driver]):
        yield tr(
            "sense terminal {sense} stays on after driver terminal {driver} went off: stuck high",
            sense=sense + 1,
            **names,
        )


def _judge_clock(drift_ppm: int, doubt_ppm: int) -> Iterator[str]:
    if abs(drift_ppm) > CLOCK_MAX_PPM + doubt_ppm:
        yield tr(
            "the rig's clock is {drift:+d} ppm off, at most {most} are allowed: take another board",
            drift=drift_ppm,
            most=CLOCK_MAX_PPM,
        )


def _judge_delays(delays: Sequence[int]) -> Iterator[str]:
    if delays and len(delays) < 2 * _PULSES:
        yield tr(
            "of {edges} edges on driver terminal {driver} only {count} arrived: a loose wire",
            edges=2 * _PULSES,
            driver=_PULSE_DRIVER + 1,
            count=len(delays),
        )
    if delays and delays[-1] > DELAY_MAX_US:
        yield tr(
            "a scheduled output came {us} us late, at most {most} are allowed: a slow optocoupler",
            us=delays[-1],
            most=DELAY_MAX_US,
        )
    if delays and delays[-1] - delays[0] > JITTER_MAX_US:
        yield tr(
            "scheduled outputs scatter over {us} us, at most {most} are allowed",
            us=delays[-1] - delays[0],
            most=JITTER_MAX_US,
        )


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
