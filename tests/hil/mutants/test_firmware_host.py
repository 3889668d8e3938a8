"""Which changes of a firmware are worth a try: those that somebody who meets a running device could tell."""

import pytest

from hil.mutants.firmware import Change, changes_of, every_change, is_left_out
from hil.mutants.first_scan import ends_at_once, tells_nothing


def change(role: str, name: str) -> Change:
    return next(each for each in every_change(role) if each.name.endswith(name))


def test_what_does_the_same_and_what_only_the_explorer_calls_is_left_out() -> None:
    left_out = {each.name for each in every_change("barrier") if is_left_out(each)}
    assert any(": Barrier.load: " in name for name in left_out)
    assert any(": save_memory: " in name for name in left_out)
    assert any("barrier_memory.py: SAVE_SIZE: " in name for name in left_out)
    names = {each.name for each in every_change("rfid") if is_left_out(each)}
    assert "rfid firmware rfid.py: Rfid._find_flags: memory.vehicle << reg.FLAGS_VEHICLE -> RShift" in names
    assert not any("Barrier.step: " in name for name in left_out)


@pytest.mark.parametrize(
    ("name", "ends", "same"),
    [
        ("barrier.py: Barrier.__init__: self.health = reg.HEALTH_NORMAL -> deleted", False, True),
        ("barrier_memory.py: BarrierCounters.__init__: 0 -> 1 #4", False, False),
        ("barrier_faults.py: BarrierFaults._push_each: bits >>= 1 -> LShift", True, False),
        ("barrier.py: Barrier._judge_health: memory = self.memory -> deleted", True, False),
        ("barrier_memory.py: BarrierMemory.__init__: super().__init__() -> deleted", True, False),
    ],
)
def test_the_first_scan_shows_what_ends_there_and_which_first_value_it_writes_anew(
    name: str, ends: bool, same: bool
) -> None:
    one = change("barrier", name)
    assert ends_at_once("barrier", one.module, one.mutant) is ends
    assert tells_nothing("barrier", one.module, one.mutant) is same


@pytest.mark.parametrize(
    ("role", "name"),
    [
        ("charging_post", "charging_post_memory.py: PostMemory.__init__: self.halt = 1 -> deleted"),
        ("charging_post", "charging_post_memory.py: PostMemory.__init__: 1 -> 0"),
        ("barrier", "barrier_memory.py: BarrierMemory.__init__: self.power_opening = 0 -> deleted"),
    ],
)
def test_a_first_value_that_counts_where_two_inputs_meet_is_told(role: str, name: str) -> None:
    one = change(role, name)
    assert not tells_nothing(role, one.module, one.mutant)


@pytest.mark.parametrize("name", ["Rfid._watch_vehicle: by_presence = ", "Rfid.__init__: self.ring = ring -> deleted"])
def test_what_ends_on_some_inputs_only_is_tried(name: str) -> None:
    one = next(each for each in every_change("rfid") if name in each.name and each.name.endswith("-> deleted"))
    assert not ends_at_once("rfid", one.module, one.mutant)


@pytest.mark.long
@pytest.mark.parametrize("role", ["barrier", "weighbridge", "rfid", "charging_post"])
def test_four_of_five_changes_are_worth_a_try(role: str) -> None:
    every = [each for each in every_change(role) if not is_left_out(each)]
    assert len(changes_of(role, len(every))) > 0.8 * len(every)


def test_a_look_at_the_first_scan_leaves_the_core_as_it_was() -> None:
    one = change("rfid", "rfid.py: Rfid.step: self._write_status() -> deleted")
    assert not tells_nothing("rfid", one.module, one.mutant)
    assert not ends_at_once("rfid", one.module, one.mutant)
    harmless = change("rfid", "rfid.py: Rfid.__init__: self.reasons = 0 -> deleted")
    assert tells_nothing("rfid", harmless.module, harmless.mutant)
