"""Conditions: what each form means for raw values, and which names there are."""

import pytest

from hil.scenarios.conditions import read_condition
from hil.scenarios.units import Mistake
from hil.scenarios.words import bench_words, lane_words
from protocols.registers import barrier

WORDS = bench_words("weighbridge") | {f"b.{name}": word for name, word in bench_words("barrier").items()}


@pytest.mark.parametrize(
    ("text", "met", "unmet"),
    [
        ("state = STABLE", [3], [2, 4]),
        ("state != STABLE", [2, 4], [3]),
        ("in.FRONT_CLEAR = on", [1], [0]),
        ("gross_kg_x10 = 24 t", [240_000], [239_999, 240_001]),
        ("gross_kg_x10 = 24 t +/- 20 kg", [239_800, 240_200], [239_799, 240_201]),
        ("gross_kg_x10 < 24 t", [239_999], [240_000]),
        ("gross_kg_x10 <= 24 t", [240_000], [240_001]),
        ("gross_kg_x10 > 24 t", [240_001], [240_000]),
        ("gross_kg_x10 >= 24 t", [240_000], [239_999]),
        ("gross_kg_x10 < 50 g", [0], [1]),
        ("gross_kg_x10 > 50 g", [1], [0]),
        ("b.faults has LOOP_FAULT", [32, 33], [0, 1]),
        ("b.faults lacks LOOP_FAULT", [0, 1], [32, 33]),
        ("b.faults = none", [0], [32]),
        ("b.faults != none", [32], [0]),
        ("event.WEIGHT_REGISTERED", [0, 7], []),
        ("event.WEIGHT_REGISTERED = 24 t", [240_000], [24]),
        ("b.event.FAULT_RAISED = LOOP_FAULT", [5], [32]),
        ("b.event.STATE_CHANGED = OPEN", [barrier.STATE_OPEN], [barrier.STATE_CLOSED]),
        ("b.event.HUB_BACK > 2 s", [2001], [2000]),
        ("quality.FRONT_CLEAR = BAD", [2], [0]),
        ("registered_id = 7", [7], [8]),
    ],
)
def test_each_form_means_what_it_says(text: str, met: list[int], unmet: list[int]) -> None:
    condition = read_condition(text, WORDS)
    assert [condition.met_by(value) for value in met] == [True] * len(met)
    assert [condition.met_by(value) for value in unmet] == [False] * len(unmet)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("stat = OPEN", "'stat' is no name that can be watched here; did you mean state"),
        ("device.state = OPEN", "is no name that can be watched here"),
        ("event.WEIGHT_REGISTRED", "did you mean event.WEIGHT_REGISTERED"),
        ("state", "'state' says no value; write 'state = VALUE'"),
        ("state = STABEL", "in 'state = STABEL': 'STABEL' is no value it can have; did you mean STABLE"),
        ("state > EMPTY", "'EMPTY' is compared with symbols, which have no order"),
        ("state has STABLE", "has and lacks are for sets of bits"),
        ("in.FRONT_CLEAR = 1", "'1' is no value it can have"),
        ("b.faults = LOOP_FAULT", "'LOOP_FAULT' names bits; write 'has LOOP_FAULT'"),
        ("gross_kg_x10 = 24", "'24' has no unit"),
        ("gross_kg_x10 = 5 s", "'5 s' is a time, but a mass is needed"),
        ("gross_kg_x10 = 24 t +/- 2 s", "'2 s' is a time, but a mass is needed"),
        ("gross_kg_x10 = 24 t +/- -5 kg", "the tolerance '-5 kg' is negative"),
        ("gross_kg_x10 = 24000.05 kg +/- 1 g", "no value of it lies so close to 24000.05 kg; its step is 0.1 kg"),
        ("registered_count = 65536", "'65536' is beyond what it can be, 0 to 65535"),
        ("registered_count > -1", "'-1' is beyond what it can be, 0 to 65535"),
        ("stable_ms > 2 min", "'2 min' is beyond what it can be, 0 ms to 65535 ms"),
        ("gross_kg_x10 is 24 t", "is no condition; write NAME = VALUE"),
        ("", "'' is no condition"),
    ],
)
def test_a_mistake_is_told(text: str, told: str) -> None:
    with pytest.raises(Mistake) as caught:
        read_condition(text, WORDS)
    assert told in str(caught.value)


def test_a_lane_names_its_devices() -> None:
    words = lane_words()
    assert words["barrier.state"].event == "barrier.state"
    assert words["command.barrier.OPEN"].event == "command.barrier.OPEN"
    assert not words["field.hit"].is_level
    assert "state" not in words
