"""Settings against a failing store: always a complete old or new set, or flagged defaults; never a nonce twice."""

import pytest

from firmware.app.settings import COPY_NAMES, EPOCH_LAST, SOURCE_A, SOURCE_B, SOURCE_BOTH, SOURCE_DEFAULTS, Settings
from firmware.ports import STORE_ABSENT, STORE_FAILED, NullEntropy
from protocols.command import NO_EPOCH
from protocols.registers import barrier as regs

GAP = regs.SET_GAP_BRIDGE_MS


class Entropy(NullEntropy):
    def read_u15(self):
        return 12345


class FaultyStore:
    """Two records in memory. Call `fail_at` fails (calls count from 1), and all later ones too when persistent.

    A failing write leaves `torn` bytes of the new record, all of it (though it reports failure) for -1, and the record
    of before for None.
    """

    def __init__(self):
        self.records = {}
        self.arm(0, False, 0)

    def arm(self, fail_at, persistent, torn):
        self.calls = 0
        self.fail_at, self.persistent, self.torn = fail_at, persistent, torn

    def _fails(self):
        self.calls += 1
        return self.fail_at and (self.calls == self.fail_at or (self.persistent and self.calls > self.fail_at))

    def read(self, name, buffer):
        if self._fails():
            return STORE_FAILED
        if name not in self.records:
            return STORE_ABSENT
        data = self.records[name][: len(buffer)]
        buffer[: len(data)] = data
        return len(data)

    def write(self, name, buffer, size):
        if self._fails():
            if self.torn is not None:
                self.records[name] = bytes(buffer[: size if self.torn < 0 else self.torn])
            return False
        self.records[name] = bytes(buffer[:size])
        return True


def start(store):
    settings = Settings(regs.MAP_ID, regs.MAP_VERSION, regs.SETTINGS_TABLE)
    settings.load(store, Entropy())
    return settings


def commissioned():
    store = FaultyStore()
    settings = start(store)
    assert settings.change(GAP, 2500, False)
    return store, settings


def test_first_start_has_defaults_and_stores_both_copies():
    store = FaultyStore()
    settings = start(store)
    assert settings.source == SOURCE_DEFAULTS
    assert not settings.defaulted
    assert not settings.one_copy
    assert set(store.records) == set(COPY_NAMES)
    again = start(store)
    assert (again.source, again.defaulted, again.boot_count) == (SOURCE_BOTH, False, 2)


def test_change_survives_a_restart_with_everything_stored_beside_it():
    store, settings = commissioned()
    assert settings.change(regs.SET_PREFLASH_MS, 700, True)
    again = start(store)
    assert (again.values[GAP], again.values[regs.SET_PREFLASH_MS]) == (2500, 700)
    assert (again.generation, again.calibration_count) == (2, 1)


def test_recalibration_stays_due_until_it_is_stored_with_the_new_value():
    store, settings = commissioned()
    settings.recalibration_due = True
    assert settings.save()
    assert settings.change(GAP, 2600, True)
    settings = start(store)
    assert settings.recalibration_due
    store.arm(1, True, 0)
    assert not settings.change(GAP, 2700, True, True)
    assert settings.recalibration_due
    store.arm(0, False, 0)
    assert settings.change(GAP, 2700, True, True)
    settings = start(store)
    assert (settings.recalibration_due, settings.values[GAP]) == (False, 2700)


def test_storing_the_same_sealed_value_is_no_calibration():
    _, settings = commissioned()
    assert settings.change(GAP, 2500, True)
    assert settings.calibration_count == 0


@pytest.mark.parametrize(("copy", "source"), [(0, SOURCE_B), (1, SOURCE_A)])
def test_one_broken_copy_falls_back_to_the_other_and_is_repaired(copy, source):
    store, _ = commissioned()
    start(store)  # both copies hold the change now
    record = bytearray(store.records[COPY_NAMES[copy]])
    record[30] ^= 1
    store.records[COPY_NAMES[copy]] = bytes(record)
    settings = start(store)
    assert settings.source == source
    assert settings.values[GAP] == 2500
    assert not settings.one_copy
    assert start(store).source == SOURCE_BOTH


def test_two_broken_copies_give_defaults_that_stay_flagged_until_a_setting_is_stored():
    store, settings = commissioned()
    epoch = settings.nonce_epoch
    for name in COPY_NAMES:
        store.records[name] = b"\xff" * 20
    settings = start(store)
    assert (settings.source, settings.defaulted, settings.values[GAP]) == (SOURCE_DEFAULTS, True, 2000)
    assert settings.nonce_epoch not in (epoch, epoch + 1)
    assert start(store).defaulted
    assert start(store).change(GAP, 2100, False)
    assert not start(store).defaulted


def test_every_truncation_and_bit_flip_of_a_copy_is_noticed():
    store, _ = commissioned()
    start(store)
    for name in COPY_NAMES:
        good = store.records[name]
        broken = [good[:size] for size in range(len(good))] + [good + b"\0"]
        broken += [good[:at] + bytes([good[at] ^ 1 << at % 8]) + good[at + 1 :] for at in range(len(good))]
        for record in broken:
            trial = FaultyStore()
            trial.records = {**store.records, name: record}
            settings = start(trial)
            assert settings.values[GAP] == 2500
            assert settings.source in (SOURCE_A, SOURCE_B)


def test_record_of_another_map_is_not_taken():
    store, _ = commissioned()
    settings = Settings(regs.MAP_ID + 1, regs.MAP_VERSION, regs.SETTINGS_TABLE)
    settings.load(store, Entropy())
    assert settings.source == SOURCE_DEFAULTS


def test_stored_value_outside_its_limits_becomes_the_default_and_is_flagged():
    store, settings = commissioned()
    settings.values[GAP] = 499
    settings.save()
    again = start(store)
    assert (again.values[GAP], again.defaulted) == (2000, True)


@pytest.mark.parametrize("persistent", [False, True])
@pytest.mark.parametrize("torn", [-1, 0, 1, 40, 81])
def test_nth_fault_of_a_change_leaves_the_old_or_the_new_set(persistent, torn):
    fail_at = 1
    while True:
        store, settings = commissioned()
        used = settings.nonce_epoch
        store.arm(fail_at, persistent, torn)
        taken = settings.change(GAP, 3000, False)
        done = store.calls < fail_at
        assert settings.values[GAP] == (3000 if taken else 2500)
        assert taken or settings.store_fault
        store.arm(0, False, 0)
        again = start(store)
        if taken:
            assert again.values[GAP] == 3000
        else:
            assert again.values[GAP] in ((2500, 3000) if persistent else (2500,))
        assert again.values[regs.SET_PREFLASH_MS] == 500
        assert again.epoch_usable
        assert again.nonce_epoch > used
        if done:
            return
        fail_at += 1


@pytest.mark.parametrize("persistent", [False, True])
@pytest.mark.parametrize("torn", [-1, 0, 1, 40, 81, None])
def test_nth_fault_of_a_start_never_loses_the_set_or_repeats_an_epoch(persistent, torn):
    fail_at = 1
    while True:
        store, settings = commissioned()
        used = {settings.nonce_epoch}
        store.arm(fail_at, persistent, torn)
        settings = start(store)
        done = store.calls < fail_at
        assert settings.values[GAP] == 2500 or (settings.defaulted and settings.store_fault)
        if settings.offered_epoch() != NO_EPOCH:
            assert settings.offered_epoch() not in used
            used.add(settings.offered_epoch())
        store.arm(0, False, 0)
        again = start(store)
        assert again.values[GAP] == 2500
        assert again.epoch_usable
        assert again.offered_epoch() not in used
        if done:
            return
        fail_at += 1


@pytest.mark.parametrize("persistent", [False, True])
@pytest.mark.parametrize("torn", [-1, 0, 40, None])
def test_nth_fault_of_the_first_start_never_offers_an_epoch_that_is_offered_again(persistent, torn):
    """A block that is refused because the store fails must not be right at a later start."""
    fail_at = 1
    while True:
        store = FaultyStore()
        store.arm(fail_at, persistent, torn)
        offered = [start(store).offered_epoch()]
        done = store.calls < fail_at
        store.arm(0, False, 0)
        offered += [start(store).offered_epoch() for _ in range(3)]
        valid = [epoch for epoch in offered if epoch != NO_EPOCH]
        assert len(set(valid)) == len(valid) >= 3
        if done:
            return
        fail_at += 1


@pytest.mark.parametrize("persistent", [False, True])
@pytest.mark.parametrize("torn", [-1, 0, 40])
def test_nth_fault_of_a_new_epoch_never_repeats_one(persistent, torn):
    fail_at = 1
    while True:
        store, settings = commissioned()
        used = [settings.nonce_epoch]
        store.arm(fail_at, persistent, torn)
        if settings.next_epoch():
            used.append(settings.nonce_epoch)
        else:
            assert not settings.epoch_usable
        done = store.calls < fail_at
        store.arm(0, False, 0)
        if not settings.epoch_usable:
            assert settings.next_epoch()
            used.append(settings.nonce_epoch)
        used.append(start(store).nonce_epoch)
        assert sorted(set(used)) == used
        if done:
            return
        fail_at += 1


def test_store_that_cannot_be_read_is_not_written_either():
    store, _ = commissioned()
    before = dict(store.records)
    store.arm(1, True, 0)
    settings = start(store)
    store.arm(0, False, 0)
    assert (settings.source, settings.store_fault, settings.epoch_usable) == (SOURCE_DEFAULTS, True, False)
    assert not settings.change(GAP, 3000, False)
    assert not settings.next_epoch()
    assert store.records == before
    assert start(store).values[GAP] == 2500


def test_used_up_epochs_never_start_again():
    store, settings = commissioned()
    settings.nonce_epoch = EPOCH_LAST
    settings.save()
    again = start(store)
    assert not again.epoch_usable
    assert not again.next_epoch()
    assert not start(store).epoch_usable
