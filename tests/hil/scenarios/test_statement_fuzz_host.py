"""Whatever a line says, it becomes a step or a sentence, never a traceback."""

import random
from collections.abc import Callable
from functools import partial

import pytest

from hil.scenarios.bench import BenchStatements
from hil.scenarios.conditions import read_condition
from hil.scenarios.lane import LaneStatements
from hil.scenarios.statements import Statements
from hil.scenarios.units import Mistake

LINES = (
    "set FIRE, LOOPS_OK on BAD",
    "set blocked on",
    "free FIRE",
    "wait 10 ms",
    "wait until state = OPEN within 3 s",
    "expect faults lacks LOOP_FAULT",
    "expect travel_last_ms = 3 s +/- 20 ms within 1 s",
    "expect no event.PASSED for 1 s",
    "expect event.FAULT_RAISED = LOOP_FAULT within 1 s",
    "command SET hub_timeout_ms 2 s",
    "command CLOSE 5",
    "command barrier SET anti_tailgate ON",
    "line 02 ff",
    "hang 400 ms",
    "jump -5 s",
    "fault curtain blinded",
    "fault bus_delay 40 ms",
    "repair curtain",
    "measure a: from out.MOTOR_OPEN = on to in.LIMIT_OPEN = on at most 3 s",
    "measure b: highest travel_last_ms from event.BOOT to event.PASSED between 1 ms and 2 s",
    "measure c: position_permille at least 90 %",
    "truck rigid 12.6 t, stops under the boom for 15 s, tailgates",
    "turn back",
)
_RUBBISH = ("", "-", "1e9", "\u0663", "+/-", "\t", ":", ",", "1" * 400)
_WORDS = (*sorted({word for line in LINES for word in line.split()}), *_RUBBISH)


def _broken(rng: random.Random) -> str:
    words = rng.choice(LINES).split(" ")
    for _ in range(rng.randrange(1, 4)):
        place = rng.randrange(len(words) + 1)
        words[place : place + rng.randrange(3)] = rng.sample(_WORDS, rng.randrange(3))
    return " ".join(words)


def _is_refused(read: Callable[[], object]) -> bool:
    try:
        read()
    except Mistake as mistake:
        return str(mistake) != ""
    return False


@pytest.mark.parametrize("statements", [BenchStatements("barrier", "boom"), LaneStatements()], ids=["bench", "lane"])
def test_a_broken_line_is_a_step_or_a_sentence(statements: Statements) -> None:
    rng = random.Random(7)
    lines = [_broken(rng) for _ in range(4000)]
    refused = sum(_is_refused(partial(statements.read, 1, line)) for line in lines)
    assert refused > 3000  # most of them are broken indeed
    assert sum(_is_refused(partial(read_condition, line, statements.words)) for line in lines) > 3000
