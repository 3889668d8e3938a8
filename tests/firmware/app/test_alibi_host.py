"""The alibi memory: what was accepted is there after any power cut, in order, whole, and nothing else is."""

import pytest

from firmware.app.alibi import CAPACITY, ENTRIES, HEAD_NAMES, PAGES, AlibiMemory, page_name
from firmware.control.weighbridge_memory import (
    RECORD_COUNT,
    RECORD_GROSS,
    RECORD_ID,
    RECORD_SEQUENCE,
)
from firmware.ports import STORE_ABSENT, STORE_FAILED, NullStore

KEY = bytes(range(32))


class PowerCutError(Exception):
    """The supply is gone in the middle of a write."""


class CutStore(NullStore):
    """Records in memory. Write `cut_at` (from 1) leaves `torn` bytes of the new record and the power goes.

    With `refuses` a write fails instead, leaving its bytes; with `blind` no read works.
    """

    def __init__(self):
        self.records = {}
        self.writes = 0
        self.cut_at = 0
        self.torn = 0
        self.refuses = set()
        self.blind = False

    def read(self, name, buffer):
        if self.blind:
            return STORE_FAILED
        if name not in self.records:
            return STORE_ABSENT
        data = self.records[name][: len(buffer)]
        buffer[: len(data)] = data
        return len(data)

    def write(self, name, buffer, size):
        self.writes += 1
        data = bytes(buffer[:size])
        if self.writes == self.cut_at:
            self.records[name] = data[: self.torn]
            raise PowerCutError
        self.records[name] = data
        return self.writes not in self.refuses


def started(store, key=KEY):
    memory = AlibiMemory(store, key)
    memory.load()
    return memory


def record_of(number):
    record = [number * 7 + index for index in range(RECORD_COUNT)]
    record[RECORD_ID] = 0x3FFFFFFF - number
    record[RECORD_GROSS] = -number if number % 2 else number * 1000
    return record


def shown(memory, number):
    """Record `number`, None if it is not there."""
    record = [0] * RECORD_COUNT
    return record if memory.read(number, record) else None


def expected(number):
    record = record_of(number)
    record[RECORD_SEQUENCE] = number
    return record


def fill(memory, count):
    for number in range(memory.newest + 1, memory.newest + count + 1):
        assert memory.append(record_of(number))


def fill_until_cut(memory):
    """How many records were accepted before the power went."""
    try:
        while memory.append(record_of(memory.newest + 1)):
            pass
    except PowerCutError:
        return memory.newest
    raise AssertionError("the store refused a record")


def test_every_record_reads_back_at_once_and_after_a_restart():
    store = CutStore()
    memory = started(store)
    assert shown(memory, 0) is None
    fill(memory, 21)
    for reader in (memory, started(store)):
        assert reader.newest == 21
        assert [shown(reader, number) for number in range(1, 22)] == [expected(number) for number in range(1, 22)]
        assert shown(reader, 0) == expected(21)
        assert shown(reader, 22) is None


def test_the_oldest_page_is_overwritten_and_the_capacity_is_kept():
    store = CutStore()
    memory = started(store)
    fill(memory, CAPACITY + 3 * ENTRIES + 5)
    newest = memory.newest
    assert len(store.records) == PAGES + 2
    for reader in (memory, started(store)):
        kept = [number for number in range(1, newest + 1) if shown(reader, number)]
        assert kept == list(range(newest - len(kept) + 1, newest + 1))
        assert CAPACITY <= len(kept) <= CAPACITY + ENTRIES
        assert all(shown(reader, number) == expected(number) for number in kept)


@pytest.mark.parametrize("torn", [0, 1, 15, 100, 305, 306])
@pytest.mark.parametrize("before", [0, 1, ENTRIES - 1, ENTRIES, 2 * ENTRIES, CAPACITY + 2 * ENTRIES])
def test_a_cut_at_any_write_loses_no_accepted_record(before, torn):
    probe = CutStore()
    memory = started(probe)
    fill(memory, before)
    writes_before = probe.writes
    fill(memory, ENTRIES + 2)
    for cut_at in range(writes_before + 1, probe.writes + 1):
        store = CutStore()
        store.cut_at, store.torn = cut_at, torn
        memory = started(store)
        accepted = fill_until_cut(memory)
        store.cut_at = 0
        again = started(store)
        # A write that was whole when the power went may count; one that was not may not.
        assert accepted <= again.newest <= accepted + 1
        oldest = max(1, again.newest - CAPACITY + 1)
        for number in range(oldest, again.newest + 1):
            assert shown(again, number) == expected(number), (cut_at, number)
        fill(again, ENTRIES + 1)
        assert shown(again, again.newest) == expected(again.newest)
        assert shown(started(store), oldest + ENTRIES) == expected(oldest + ENTRIES)


@pytest.mark.parametrize("before", [0, 3, ENTRIES, 2 * ENTRIES + 1])
def test_a_refused_write_adds_nothing_and_its_number_goes_to_the_next(before):
    store = CutStore()
    memory = started(store)
    fill(memory, before)
    store.refuses = {store.writes + 1}
    assert not memory.append(record_of(900))
    assert memory.newest == before
    assert started(store).newest == before
    fill(memory, 1)
    assert shown(started(store), before + 1) == expected(before + 1)


def test_every_changed_byte_of_a_stored_page_is_noticed():
    store = CutStore()
    fill(started(store), 2 * ENTRIES + 1)
    whole = store.records[page_name(1)]
    for at in range(len(whole)):
        store.records[page_name(1)] = whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :]
        assert shown(started(store), ENTRIES) is None, at
    store.records[page_name(1)] = whole
    assert shown(started(store), ENTRIES) == expected(ENTRIES)


def test_a_page_made_without_the_key_is_not_believed():
    forged = CutStore()
    fill(started(forged, bytes(32)), 2 * ENTRIES + 1)
    store = CutStore()
    fill(started(store), 2 * ENTRIES + 1)
    store.records[page_name(1)] = forged.records[page_name(1)]
    assert shown(started(store), 1) is None
    assert shown(started(store), ENTRIES + 1) == expected(ENTRIES + 1)


def test_a_page_from_another_place_is_not_believed():
    store = CutStore()
    fill(started(store), 3 * ENTRIES + 1)
    store.records[page_name(1)] = store.records[page_name(ENTRIES + 1)]
    assert shown(started(store), 1) is None


def test_two_broken_heads_cost_the_page_and_no_number_is_given_twice():
    store = CutStore()
    fill(started(store), 2 * ENTRIES + 3)
    for name in HEAD_NAMES:
        store.records[name] = b"\xff" * 306
    memory = started(store)
    assert memory.newest == 3 * ENTRIES
    assert [shown(memory, number) is not None for number in (1, 2 * ENTRIES, 2 * ENTRIES + 1)] == [True, True, False]
    fill(memory, ENTRIES + 1)
    assert shown(started(store), 3 * ENTRIES + 1) == expected(3 * ENTRIES + 1)


def test_a_medium_that_cannot_be_read_is_not_written():
    store = CutStore()
    fill(started(store), 5)
    records = dict(store.records)
    store.blind = True
    memory = started(store)
    assert not memory.is_usable
    assert not memory.append(record_of(6))
    assert store.records == records
    store.blind = False
    assert shown(started(store), 5) == expected(5)


def test_starting_reads_the_heads_only():
    store = CutStore()
    fill(started(store), CAPACITY)
    names = []
    plain = store.read
    store.read = lambda name, buffer: names.append(name) or plain(name, buffer)
    started(store)
    assert set(names) == set(HEAD_NAMES)
    assert len(names) <= 3
