"""What the barrier keeps over a power cut, against a store that fails at every call and is cut at every byte."""

import pytest

from firmware.app.barrier_keeper import COPY_NAMES, BarrierKeeper
from firmware.app.settings import Settings
from firmware.control.barrier import Barrier
from firmware.control.barrier_memory import RETAINED
from firmware.control.events import EventRing
from firmware.ports import RESET_POWER_ON, RESET_WATCHDOG
from protocols.registers import barrier as reg
from tests.firmware.app.test_settings_host import FaultyStore
from tests.firmware.control.barrier_bench import BarrierBench

RECORD_SIZE = 8 + 4 * (len(RETAINED) + 1) + 2


def start(store, reset_cause=RESET_POWER_ON):
    settings = Settings(reg.MAP_ID, reg.MAP_VERSION, reg.SETTINGS_TABLE)
    ring = EventRing(bytearray(64 * 16), 64)
    core = Barrier(settings.values, ring)
    keeper = BarrierKeeper(store, settings, ring, bytes(32))
    keeper.start(core, reset_cause)
    return core, keeper


def lived(store, value=1000):
    """A core with a life behind it, stored once; values differ from each other."""
    core, keeper = start(store)
    for index, name in enumerate(RETAINED):
        setattr(core.memory, name, value + index)
    core.ring.uptime_s = value
    keeper.serve(core)
    return core, keeper


def values_of(core):
    return [getattr(core.memory, name) for name in RETAINED]


def test_everything_survives_and_a_power_on_is_counted_but_a_reset_is_not():
    store = FaultyStore()
    core, _ = lived(store)
    again, _ = start(store, RESET_WATCHDOG)
    assert values_of(again) == values_of(core)
    assert (again.memory.source, again.memory.operated_s) == (reg.COUNTERS_SOURCE_BOTH, 1000)
    more, _ = start(store, RESET_POWER_ON)
    assert more.memory.power_ons == core.memory.power_ons + 1
    assert values_of(more)[:-1] == values_of(core)[:-1]


def test_new_device_begins_at_zero_and_says_so():
    core, keeper = start(FaultyStore())
    assert values_of(core) == [0] * (len(RETAINED) - 1) + [1]
    assert (core.memory.source, keeper._settings.store_fault) == (reg.COUNTERS_SOURCE_NEW, False)


def test_learned_times_are_in_force_after_a_start_within_the_bounds_of_the_settings():
    store = FaultyStore()
    core, keeper = start(store)
    core.memory.learned_open_ms = 2000
    core.memory.learned_close_ms = 60_000
    keeper.serve(core)
    again, _ = start(store)
    bench = BarrierBench()
    bench.core.memory.learned_open_ms = again.memory.learned_open_ms
    bench.core.memory.learned_close_ms = again.memory.learned_close_ms
    bench.boom_free = False
    bench.command(reg.OP_OPEN)
    bench.run(2990)
    assert bench.motors() == "open"
    bench.run(10)
    assert bench.has_fault(reg.FAULTS_TRAVEL_TIMEOUT), "1.5 times what was learned before the power cut"
    assert bench.core.travel._expected_ms(2) == 6000, "twice the setting, however long the stored time is"


@pytest.mark.parametrize("torn", range(-1, RECORD_SIZE))
def test_write_cut_at_any_byte_leaves_the_values_before_or_after_it(torn):
    store = FaultyStore()
    core, keeper = lived(store)
    before = values_of(core)
    for name in RETAINED:
        setattr(core.memory, name, getattr(core.memory, name) + 7)
    after = values_of(core)
    store.arm(1, True, torn)
    keeper.serve(core)
    assert keeper._settings.store_fault
    assert core.memory.stored_s == 1000, "what is not on the medium is not said to be"
    store.arm(0, False, 0)
    again, _ = start(store, RESET_WATCHDOG)
    assert values_of(again) in ((before, after) if torn in (-1, RECORD_SIZE) else (before,))


@pytest.mark.parametrize("persistent", [False, True])
@pytest.mark.parametrize("torn", [-1, 0, 1, 20, RECORD_SIZE - 1])
def test_nth_fault_of_a_start_loses_nothing(persistent, torn):
    fail_at = 1
    while True:
        store = FaultyStore()
        core, _ = lived(store)
        before = values_of(core)
        store.arm(fail_at, persistent, torn)
        start(store, RESET_WATCHDOG)
        done = store.calls < fail_at
        store.arm(0, False, 0)
        again, _ = start(store, RESET_WATCHDOG)
        assert values_of(again) == before
        if done:
            return
        fail_at += 1


def test_every_truncation_and_bit_flip_of_a_copy_is_noticed():
    store = FaultyStore()
    core, _ = lived(store)
    start(store, RESET_WATCHDOG)
    for name in COPY_NAMES:
        good = store.records[name]
        broken = [good[:size] for size in range(len(good))] + [good + b"\0"]
        broken += [good[:at] + bytes([good[at] ^ 1 << at % 8]) + good[at + 1 :] for at in range(len(good))]
        for record in broken:
            trial = FaultyStore()
            trial.records = {**store.records, name: record}
            again, _ = start(trial, RESET_WATCHDOG)
            assert values_of(again) == values_of(core)
            assert again.memory.source == reg.COUNTERS_SOURCE_ONE_COPY


def test_two_broken_copies_begin_at_zero_and_say_lost():
    store = FaultyStore()
    lived(store)
    store.records = dict.fromkeys(COPY_NAMES, b"")
    core, _ = start(store, RESET_WATCHDOG)
    assert values_of(core) == [0] * len(RETAINED)
    assert core.memory.source == reg.COUNTERS_SOURCE_LOST


def test_store_that_cannot_be_read_is_not_written_either():
    store = FaultyStore()
    lived(store)
    before = dict(store.records)
    store.arm(1, True, 0)
    _, keeper = start(store)
    store.arm(0, False, 0)
    keeper.serve(start(FaultyStore())[0])
    assert store.records == before


def test_store_fault_ends_with_the_next_good_write():
    store = FaultyStore()
    core, keeper = lived(store)
    store.arm(1, True, 0)
    keeper.serve(core)
    assert keeper._settings.store_fault
    store.arm(0, False, 0)
    keeper.serve(core)
    assert not keeper._settings.store_fault


def test_core_asks_after_an_hour_or_a_hundred_movements_but_never_while_something_moves():
    bench = BarrierBench()
    core = bench.core
    assert core.pending() == 0
    core.ring.uptime_s = 3599
    assert core.pending() == 0
    core.ring.uptime_s = 3600
    assert core.pending() == 1
    bench.command(reg.OP_OPEN)
    assert core.pending() == 0
    bench.run(3000)
    assert core.pending() == 1
    bench.command(reg.OP_CLOSE)
    assert (bench.motors(), core.pending()) == ("-", 0), "pre-flash and device tests are not to be held up"
    bench.run(4000)
    values = [0] * (len(RETAINED) + 1)
    core.keep(values)
    assert core.pending() == 0
    core.memory.cycles += 99
    assert core.pending() == 0
    core.memory.openings += 1
    assert core.pending() == 1


def test_counters_of_a_cycle_are_what_happened():
    bench = BarrierBench()
    bench.open()
    bench.command(reg.OP_CLOSE)
    bench.run(4000)
    status = bench.core.status
    assert (status[reg.ST_OPENINGS], status[reg.ST_CYCLES], status[reg.ST_MOTOR_TIME_S]) == (1, 1, 4)


def test_device_keeps_over_a_restart(tmp_path):
    from firmware.boards.host import build_device
    from tests.firmware.conftest import PROVISION

    _, device = build_device("barrier", PROVISION, tmp_path)
    device.core.memory.cycles = 41
    device.core.memory.asked_moves = -100
    device.poll(0, 0)
    board, again = build_device("barrier", PROVISION, tmp_path)
    assert again.core.memory.cycles == 41
    assert again.core.memory.power_ons == 2
    assert not again.settings.store_fault
    assert board.outputs == again._safe
