"""The telemetry spool against real files: what is counted, what is kept, and what a bad disk or file costs."""

import itertools
import resource
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.northbound import spool as spool_module
from edge.northbound.intervals import Intervals
from edge.northbound.sent_rows import RESEND_S, SentRows
from edge.northbound.spool import Spool
from edge.northbound.spool_file import SpoolFile

_MB = 1024 * 1024


def _open(folder: Path, *, budget_bytes: int = 100 * _MB, age_s: int = 3600) -> Spool:
    return Spool(folder / "telemetry.sqlite", budget_bytes=budget_bytes, age_s=age_s)


def _fill(spool: Spool, count: int, size: int = 100) -> None:
    for number in range(count):
        spool.append("scale", number, bytes(size))
    spool.save()


def _stored(folder: Path) -> int:
    """The rows, counted by somebody else."""
    with closing(sqlite3.connect(folder / "telemetry.sqlite")) as db:
        return int(db.execute("SELECT count(*) FROM rows").fetchone()[0])


@contextmanager
def _refusing_disk() -> Iterator[None]:
    """No file of this process may grow: what a full disk does to every write."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_rows_outlive_a_killed_process_and_numbers_go_on(tmp_path: Path) -> None:
    killed = _open(tmp_path)
    _fill(killed, 3)
    killed.append("scale", 9, b"reported, not yet saved")
    spool = _open(tmp_path)  # the first was never closed
    assert [row.number for row in spool.rows(1, 9, 10) or []] == [1, 2, 3]
    assert spool.append("scale", 10, b"x").number == 4
    assert (spool.ledger.produced, spool.ledger.stored) == (4, 4)
    killed.close()


def test_acknowledged_rows_go_however_many_at_once(tmp_path: Path) -> None:
    spool = _open(tmp_path)
    _fill(spool, 1300)
    spool.acknowledge(1, 1200)
    assert not spool.save()  # one transaction deletes no more than a part
    while not spool.save():
        pass
    assert (spool.ledger.acknowledged, spool.ledger.stored, _stored(tmp_path)) == (1200, 100, 100)
    spool.acknowledge(1, 1200)
    spool.save()
    assert spool.ledger.acknowledged == 1200


def test_beyond_the_budget_the_oldest_go_and_are_counted(tmp_path: Path) -> None:
    spool = _open(tmp_path, budget_bytes=_MB)
    for _ in range(40):
        _fill(spool, 32, size=2000)
    kept = spool.rows(1, 1280, 2000)
    assert kept is not None
    assert kept[-1].number == 1280
    assert spool.used_bytes <= _MB
    assert spool.ledger.expired == {"budget": 1280 - len(kept)}
    assert spool.ledger.is_balanced
    assert _stored(tmp_path) == spool.ledger.stored


def test_what_is_too_old_goes_by_the_hub_s_own_seconds(tmp_path: Path) -> None:
    spool = _open(tmp_path, age_s=100)
    _fill(spool, 2)
    spool.tend(60.0)
    _fill(spool, 2)
    spool.close()
    spool = _open(tmp_path, age_s=100)  # time without the hub does not count
    spool.tend(39.0)
    assert spool.ledger.stored == 4
    spool.tend(2.0)
    assert (spool.ledger.stored, spool.ledger.expired) == (2, {"age": 2})


def test_rows_given_up_are_counted_with_their_reason(tmp_path: Path) -> None:
    spool = _open(tmp_path)
    _fill(spool, 5)
    spool.expire(2, 3, "device_removed")
    assert spool.save()
    assert (spool.ledger.stored, spool.ledger.expired, _stored(tmp_path)) == (3, {"device_removed": 2}, 3)


def test_while_the_disk_refuses_rows_wait_in_memory_and_are_saved_afterwards(tmp_path: Path) -> None:
    spool = _open(tmp_path)
    _fill(spool, 5)
    with _refusing_disk():
        _fill(spool, 5)
        assert spool.degraded.startswith("disk: ")
        assert spool.ledger.stored == 10
        assert spool.rows(1, 10, 10) is None  # not "none": whoever asks has to ask again
        assert (spool.checkpoint(), spool.used_bytes) == (0, 0)
    spool._retry_at_s = 0.0
    assert spool.save()
    assert (spool.degraded, _stored(tmp_path), spool.ledger.is_balanced) == ("", 10, True)


def test_a_disk_that_refuses_for_long_costs_the_oldest_in_memory_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spool_module, "MEMORY_SIZE_MAX", 1000)
    spool = _open(tmp_path)
    with _refusing_disk():
        _fill(spool, 25)
    assert (spool.ledger.produced, spool.ledger.stored, spool.ledger.expired) == (25, 10, {"disk": 15})
    spool._retry_at_s = 0.0
    assert spool.save()
    assert [row.number for row in spool.rows(1, 25, 30) or []] == list(range(16, 26))
    assert _stored(tmp_path) == 10


def test_what_is_acknowledged_while_the_disk_refuses_is_not_counted_as_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spool_module, "MEMORY_SIZE_MAX", 1000)
    spool = _open(tmp_path)
    with _refusing_disk():
        _fill(spool, 10)
        spool.acknowledge(1, 5)
        _fill(spool, 5)
    assert (spool.ledger.acknowledged, spool.ledger.stored, spool.ledger.expired) == (5, 10, {})


def test_what_a_refused_transaction_had_counted_is_counted_once_when_it_succeeds(tmp_path: Path) -> None:
    spool = _open(tmp_path)
    _fill(spool, 5)
    with _refusing_disk():
        spool.acknowledge(1, 3)
        spool.expire(4, 4, "device_removed")
        assert not spool.save()
        assert (spool.ledger.acknowledged, spool.ledger.stored, spool.ledger.expired) == (0, 5, {})
    spool._retry_at_s = 0.0
    assert spool.save()
    spool.close()
    ledger = _open(tmp_path).ledger
    assert (ledger.acknowledged, ledger.stored, ledger.expired) == (3, 1, {"device_removed": 1})


def test_an_expiry_that_was_rolled_back_is_saved_by_the_same_connection(tmp_path: Path) -> None:
    file = SpoolFile(tmp_path / "telemetry.sqlite")
    with suppress(RuntimeError), file.transaction():
        file.put_expired({"budget": 1})
        raise RuntimeError
    with file.transaction():
        file.put_expired({"budget": 1})
    assert file.load().expired == {"budget": 1}
    file.close()


def _damage(folder: Path) -> None:
    """Everything behind the first page becomes nonsense."""
    path = folder / "telemetry.sqlite"
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xaa" * (size - 4096))


def test_a_file_damaged_while_it_is_used_is_set_aside_and_its_rows_are_counted(tmp_path: Path) -> None:
    spool = _open(tmp_path)
    _fill(spool, 4000, size=1000)  # more than SQLite keeps in memory
    spool.acknowledge(1, 100)
    spool.save()
    spool.checkpoint()
    _damage(tmp_path)
    assert spool.rows(1, 4000, 4000) is None
    _fill(spool, 1)
    assert spool.ledger.expired == {"damaged": 3900}
    assert (_stored(tmp_path), spool.ledger.stored, spool.ledger.is_balanced) == (1, 1, True)
    assert (tmp_path / "telemetry.sqlite.damaged-1").exists()


def test_of_a_file_damaged_while_the_hub_was_down_the_loss_is_known_from_a_copy_of_the_ledger(tmp_path: Path) -> None:
    spool = _open(tmp_path)
    _fill(spool, 600, size=1000)
    remembered = spool.state
    spool.close()
    _damage(tmp_path)
    spool = Spool(tmp_path / "telemetry.sqlite", budget_bytes=_MB, age_s=60, remembered=remembered)
    _fill(spool, 1)
    assert (spool.ledger.produced, spool.ledger.stored, spool.ledger.expired) == (601, 1, {"damaged": 600})
    assert _stored(tmp_path) == 1


def test_a_spool_that_cannot_be_opened_at_first_keeps_the_ledger_it_finds_later(tmp_path: Path) -> None:
    before = _open(tmp_path)
    _fill(before, 3)
    before.close()
    away = tmp_path.rename(tmp_path.with_name("away"))
    spool = _open(tmp_path)
    spool.skip_numbers(1000)
    _fill(spool, 2)
    assert spool.degraded.startswith("disk: ")
    away.rename(tmp_path)
    spool._retry_at_s = 0.0
    assert spool.save()
    assert (spool.ledger.produced, spool.ledger.stored, _stored(tmp_path)) == (5, 5, 5)
    assert [row.number for row in spool.rows(1, 2000, 9) or []] == [1, 2, 3, 1001, 1002]


def test_a_file_that_is_no_database_is_set_aside_and_the_hub_goes_on(tmp_path: Path) -> None:
    (tmp_path / "telemetry.sqlite").write_bytes(b"this is no database at all" * 1000)
    spool = _open(tmp_path)
    _fill(spool, 1)
    assert (spool.degraded, _stored(tmp_path)) == ("", 1)
    assert (tmp_path / "telemetry.sqlite.damaged-1").read_bytes().startswith(b"this is no database")


def test_a_checkpoint_beside_the_writer_lets_the_log_begin_anew(tmp_path: Path) -> None:
    spool = _open(tmp_path)
    _fill(spool, 200, size=2000)
    assert spool.checkpoint() > 0
    _fill(spool, 1)
    assert spool.checkpoint() < 20


_steps = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.integers(1, 20)),
        st.tuples(st.just("acknowledge"), st.integers(1, 60)),
        st.tuples(st.just("expire"), st.integers(1, 60)),
        st.tuples(st.just("reopen"), st.just(0)),
        st.tuples(st.just("age"), st.integers(1, 50)),
    ),
    max_size=25,
)


@settings(max_examples=60)
@given(_steps)
def test_the_ledger_balances_whatever_happens(tmp_path_factory: pytest.TempPathFactory, steps) -> None:
    folder = tmp_path_factory.mktemp("spool")
    spool = _open(folder, age_s=60)
    for step, number in steps:
        if step == "append":
            _fill(spool, number)
        elif step == "acknowledge":
            spool.acknowledge(number // 2, number)
        elif step == "expire":
            spool.expire(number, number + 5, "device_removed")
        elif step == "age":
            spool.tend(float(number))
        else:
            spool.close()
            spool = _open(folder, age_s=60)
        while not spool.save():
            pass
        assert spool.ledger.is_balanced
        assert spool.ledger.stored == _stored(folder)
    spool.close()


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 40), st.integers(0, 10))))
def test_intervals_hold_what_a_set_of_numbers_holds(steps) -> None:
    intervals, numbers = Intervals(), set()
    for is_added, first, length in steps:
        span = range(first, first + length + 1)
        if is_added:
            intervals.add(span[0], span[-1])
            numbers |= set(span)
        else:
            intervals.remove(span[0], span[-1])
            numbers -= set(span)
        pairs = list(intervals)
        assert {number for low, high in pairs for number in range(low, high + 1)} == numbers
        assert all(low <= high for low, high in pairs)
        assert {number for number in range(60) if number in intervals} == numbers
        assert all(before[1] + 1 < after[0] for before, after in itertools.pairwise(pairs))
    assert bool(intervals) == bool(numbers)


@pytest.mark.parametrize("count", [1, 2, 5, 6])
def test_coarse_intervals_are_half_as_many_and_lose_no_number(count: int) -> None:
    intervals = Intervals()
    for number in range(count):
        intervals.add(10 * number, 10 * number + 3)
    before = list(intervals)
    intervals.coarsen()
    after = list(intervals)
    assert len(after) == (count + 1) // 2
    assert all(any(low <= first and last <= high for low, high in after) for first, last in before)
    intervals.add(10 * count, 10 * count)  # still in order
    assert list(intervals)[-1] == (10 * count, 10 * count)


def test_rows_sent_long_ago_cost_little_memory_and_none_is_forgotten() -> None:
    sent = SentRows()
    for second in range(5000):
        sent.add(2 * second, 2 * second, float(second))
    assert len(sent._slices) <= 600
    sent.acknowledge(0, 100)
    overdue = sent.overdue(5000.0 + 2 * RESEND_S)
    assert len(overdue) <= 1600
    found = {number for first, last in overdue for number in range(first, last + 1)}
    assert set(range(102, 10_000, 2)) <= found
    assert found.isdisjoint(range(101))
