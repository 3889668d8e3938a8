"""The poll plan in virtual time: shares, deadlines, dead units and commands."""

from collections import Counter
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from edge.poll.merge import Block
from edge.poll.plan import (
    COMMANDS_IN_A_ROW,
    FAILURES_UNTIL_PROBED,
    NEVER,
    PROBE_MAX_MS,
    SCAN_PERIOD_MS,
    Job,
    JobKind,
    PollPlan,
)

ANSWER_MS = 10
TIMEOUT_MS = 200


def _run(
    plan: PollPlan, until_ms: int, dead: set[int], start_ms: int = 0, answer_ms: int = ANSWER_MS
) -> list[tuple[int, Job]]:
    """Play the line: an answer takes `answer_ms`, a dead unit TIMEOUT_MS; the jobs with their start times."""
    now_ms, log = start_ms, []
    while now_ms < until_ms:
        job = plan.next_job(now_ms)
        if job is None:
            due_ms = plan.due_ms()
            if due_ms == NEVER:
                break
            assert due_ms > now_ms, "the plan says something is due and gives no job"
            now_ms = due_ms
            continue
        log.append((now_ms, job))
        answered = job.unit_id not in dead
        now_ms += answer_ms if answered else TIMEOUT_MS
        plan.finish(job, now_ms, answered=answered)
    return log


def _plan(units: dict[int, list[Block]], scan: bool = False) -> PollPlan:
    plan = PollPlan(scan=scan)
    for unit_id, blocks in units.items():
        plan.set_blocks(unit_id, blocks, 0)
    return plan


def test_blocks_are_read_at_their_own_periods() -> None:
    fast, slow = Block(64, 10, 100), Block(0, 29, 1000)
    counts = Counter(job.block for _, job in _run(_plan({1: [fast, slow]}), 10_000, set()))
    assert counts[fast] == 100
    assert counts[slow] == 10


def test_an_overloaded_line_gives_every_unit_the_same_share() -> None:
    counts = Counter(
        job.unit_id for _, job in _run(_plan({unit: [Block(0, 10, 20)] for unit in range(1, 9)}), 8000, set())
    )
    assert max(counts.values()) - min(counts.values()) <= 1


def test_a_slow_block_is_not_starved_by_fast_ones() -> None:
    slow = Block(0, 29, 1000)
    plan = _plan({1: [Block(64, 10, 5), Block(80, 10, 5), slow]})
    starts = [time_ms for time_ms, job in _run(plan, 10_000, set()) if job.block == slow]
    assert len(starts) >= 9


def test_dead_units_never_delay_a_living_one_by_more_than_one_time_out() -> None:
    dead = {2, 3, 4}
    log = _run(_plan({unit: [Block(0, 10, 100)] for unit in range(1, 5)}, scan=True), 60_000, dead | set(range(5, 33)))
    starts = [time_ms for time_ms, job in log if job.unit_id == 1]
    assert max(later - earlier for earlier, later in pairwise(starts)) <= 100 + TIMEOUT_MS


def test_a_dead_unit_is_probed_ever_more_rarely_and_never_forgotten() -> None:
    log = _run(_plan({1: [Block(0, 10, 100)]}), 60_000, {1})
    assert [job.kind for _, job in log[:FAILURES_UNTIL_PROBED]] == [JobKind.POLL] * FAILURES_UNTIL_PROBED
    probes = [time_ms for time_ms, job in log if job.kind is JobKind.PROBE]
    gaps = [later - earlier for earlier, later in pairwise(probes)]
    assert gaps == sorted(gaps)
    assert max(gaps) == PROBE_MAX_MS + TIMEOUT_MS


def test_a_unit_that_comes_back_is_polled_whole_at_once() -> None:
    blocks = [Block(0, 29, 1000), Block(64, 10, 100)]
    plan = _plan({1: blocks})
    now_ms = _run(plan, 5000, {1})[-1][0] + 5000
    log = _run(plan, now_ms + 100, set(), now_ms)
    assert log[0][1].kind is JobKind.PROBE
    assert log[1][1] == Job(JobKind.POLL, 1, blocks[1])


def test_a_command_goes_ahead_of_polls_that_are_due() -> None:
    plan = _plan({unit: [Block(0, 10, 20)] for unit in range(1, 5)})
    plan.request_command(3)
    assert plan.next_job(0) == Job(JobKind.COMMAND, 3)


def test_a_stream_of_commands_lets_polls_pass() -> None:
    plan = _plan({1: [Block(0, 10, 20)]})
    kinds = []
    for now_ms in range(0, 400, 10):
        plan.request_command(1)
        job = plan.next_job(now_ms)
        assert job is not None
        kinds.append(job.kind)
        plan.finish(job, now_ms + 10, answered=True)
    assert kinds.count(JobKind.POLL) == len(kinds) // (COMMANDS_IN_A_ROW + 1)


def test_a_command_to_a_silent_unit_lets_the_others_through_between_its_tries() -> None:
    plan = _plan({1: [Block(0, 10, 20)], 2: []})
    now_ms, order = 0, []
    for _ in range(6):
        plan.request_command(2)
        job = plan.next_job(now_ms)
        assert job is not None
        order.append(job.unit_id)
        now_ms += TIMEOUT_MS
        plan.finish(job, now_ms, answered=job.unit_id == 1)
    assert order == [2, 1, 2, 1, 2, 1]


def test_an_event_read_is_given_once() -> None:
    plan = _plan({1: [Block(0, 29, 1000)]})
    ring = Block(256, 40, 0)
    plan.request_events(1, ring, 0)
    jobs = [job for _, job in _run(plan, 900, set())]
    assert jobs.count(Job(JobKind.EVENTS, 1, ring)) == 1


def test_addresses_nobody_configured_are_looked_at_slowly_in_turn() -> None:
    log = _run(_plan({1: [], 3: []}, scan=True), 4 * SCAN_PERIOD_MS + 1, set(range(33)))
    assert [job.unit_id for _, job in log] == [2, 4, 5, 6]


def test_without_scan_and_blocks_nothing_is_ever_due() -> None:
    plan = _plan({1: []})
    assert plan.next_job(0) is None
    assert plan.due_ms() == NEVER


def test_an_event_read_waits_no_longer_than_one_round_of_an_overloaded_line() -> None:
    units = range(1, 9)
    plan = _plan({unit: [Block(0, 10, 10)] for unit in units})
    _run(plan, 2000, set())
    ring = Block(256, 40, 0)
    plan.request_events(1, ring, 2000)
    log = _run(plan, 3000, set(), 2000)
    assert [job.block for _, job in log].index(ring) <= len(units)


def test_the_schedule_does_not_drift_by_what_answers_take() -> None:
    starts = [time_ms for time_ms, _ in _run(_plan({1: [Block(0, 10, 200)]}), 60_000, set())]
    assert starts == list(range(0, 60_000, 200))


def test_what_was_missed_is_skipped_and_counted_not_stacked() -> None:
    plan = _plan({1: [Block(0, 10, 100)]})
    job = plan.next_job(0)
    assert job is not None
    plan.finish(job, 1030, answered=True)  # a request that took ten periods
    starts = [time_ms for time_ms, _ in _run(plan, 1400, set(), 1030)]
    assert starts == [1030, 1100, 1200, 1300], "the one missed last is done at once, and the rhythm is the old one"
    assert plan.lateness(1).skipped == 9


def test_lateness_is_measured_for_each_unit() -> None:
    plan = _plan({unit: [Block(0, 10, 50), Block(20, 10, 1000)] for unit in (1, 2)})
    _run(plan, 10_000, set())
    status = plan.lateness(2).status()
    assert (status["asked_ms"], status["skipped"]) == (50, 0)
    assert abs(status["got_ms"] - 50) < 0.5, "but for the lateness of the first and the last start"
    assert status["late_p99_ms"] <= 3 * ANSWER_MS
    assert plan.lateness(2).status()["late_max_ms"] >= ANSWER_MS


def test_a_line_whose_addresses_are_all_configured_waits_for_its_polls() -> None:
    plan = _plan({unit: [] for unit in range(1, 33)}, scan=True)
    assert plan.next_job(SCAN_PERIOD_MS) is None
    assert plan.due_ms() == NEVER


def test_ninety_devices_with_hundreds_of_reads_all_keep_their_periods() -> None:
    blocks = [Block(100 * place, 50, period_ms) for place, period_ms in enumerate((200, 500, 1000, 5000))]
    units = range(1, 91)
    plan, now_ms, counts = _plan(dict.fromkeys(units, blocks)), 0, Counter[tuple[int, int]]()
    while now_ms < 20_000:
        job = plan.next_job(now_ms)
        if job is None:
            now_ms = plan.due_ms()
            continue
        assert job.block is not None
        counts[job.unit_id, job.block.period_ms] += 1
        plan.finish(job, now_ms, answered=True)
    wanted = {(unit, period): 20_000 // period for unit in units for period in (200, 500, 1000, 5000)}
    assert set(counts) == set(wanted)
    assert all(counts[key] - count in (0, 1) for key, count in wanted.items()), "one more, as the first comes at once"


def test_units_with_one_period_are_not_asked_in_the_same_moment() -> None:
    plan = _plan({unit: [Block(0, 10, 200)] for unit in range(1, 21)})
    starts = Counter(time_ms for time_ms, _ in _run(plan, 10_000, set(), answer_ms=0) if time_ms >= 1000)
    assert max(starts.values()) <= 4, "of twenty"


@given(
    st.lists(st.sampled_from((20, 50, 110, 400)), min_size=1, max_size=4),
    st.sets(st.integers(1, 6), max_size=3),
    st.lists(st.tuples(st.integers(0, 6000), st.integers(1, 6)), max_size=20),
)
def test_whatever_fails_and_is_commanded_every_living_block_keeps_being_read(
    periods: list[int], dead: set[int], commands: list[tuple[int, int]]
) -> None:
    blocks = [Block(100 * place, 10, period) for place, period in enumerate(periods)]
    plan, now_ms, last = _plan({unit: blocks for unit in range(1, 7)}, scan=True), 0, dict[tuple[int, Block], int]()
    commands.sort()
    bound_ms = max(periods) + 6 * len(blocks) * ANSWER_MS + 4 * TIMEOUT_MS + len(commands) * (ANSWER_MS + TIMEOUT_MS)
    while now_ms < 6000:
        while commands and commands[0][0] <= now_ms:
            plan.request_command(commands.pop(0)[1])
        job = plan.next_job(now_ms)
        if job is None:
            due_ms = plan.due_ms()
            assert due_ms > now_ms
            now_ms = min(due_ms, commands[0][0]) if commands else due_ms
            continue
        if job.kind is JobKind.POLL and job.block is not None and job.unit_id not in dead:
            assert now_ms - last.get((job.unit_id, job.block), 0) <= bound_ms
            last[job.unit_id, job.block] = now_ms
        answered = job.unit_id not in dead and job.kind is not JobKind.SCAN
        now_ms += ANSWER_MS if answered else TIMEOUT_MS
        plan.finish(job, now_ms, answered=answered)
    assert set(last) == {(unit, block) for unit in range(1, 7) if unit not in dead for block in blocks}


def _run_with_transfers(plan: PollPlan, cost_ms: int, until_ms: int, dead: set[int]) -> list[tuple[int, Job]]:
    """As `_run`, with one transfer to unit 1 asked for as soon as the last one is over."""
    now_ms, log, is_waiting = 0, [], False
    while now_ms < until_ms:
        if not is_waiting:
            plan.request_transfer(1, cost_ms, now_ms)
            is_waiting = True
        job = plan.next_job(now_ms)
        if job is None:
            due_ms = plan.due_ms()
            assert due_ms == NEVER or due_ms > now_ms, "the plan says something is due and gives no job"
            if due_ms == NEVER:
                break
            now_ms = due_ms
            continue
        log.append((now_ms, job))
        is_waiting = is_waiting and job.kind is not JobKind.TRANSFER
        answered = job.unit_id not in dead
        now_ms += (cost_ms if job.kind is JobKind.TRANSFER else ANSWER_MS) if answered else TIMEOUT_MS
        plan.finish(job, now_ms, answered=answered)
    return log


def test_transfers_fill_what_polls_leave_free_and_no_poll_begins_later_for_them() -> None:
    plan = _plan({unit: [Block(0, 10, 100)] for unit in (1, 2)})
    log = _run_with_transfers(plan, 30, 10_000, set())
    times = [time_ms for time_ms, job in log if job.kind is JobKind.TRANSFER]
    assert len(times) >= 190, "two of 30 ms fit between two polls of 10 ms in 100 ms"
    for unit_id in (1, 2):
        assert plan.lateness(unit_id).skipped == 0
        assert plan.lateness(unit_id).status()["late_max_ms"] <= ANSWER_MS


def test_a_line_that_is_never_free_serves_a_transfer_like_one_more_poll() -> None:
    plan = _plan({unit: [Block(0, 10, 20)] for unit in range(1, 9)})
    log = _run_with_transfers(plan, 30, 20_000, set())
    starts = [time_ms for time_ms, job in log if job.kind is JobKind.TRANSFER]
    assert len(starts) >= 100
    assert max(later - earlier for earlier, later in pairwise(starts)) <= 250
    counts = Counter(job.unit_id for _, job in log if job.kind is JobKind.POLL)
    assert max(counts.values()) - min(counts.values()) <= 2


def test_a_transfer_waits_for_a_dead_unit_and_for_commands() -> None:
    plan = _plan({1: [Block(0, 10, 100)], 2: [Block(0, 10, 100)]})
    log = _run_with_transfers(plan, 30, 10_000, {1})
    last_ms = max(time_ms for time_ms, job in log if job.kind is JobKind.TRANSFER)
    assert last_ms < 1500, "only until it is known to be dead"
    plan = _plan({1: [Block(0, 10, 100)]})
    plan.finish(plan.next_job(0) or Job(JobKind.SCAN, 0), 1, answered=True)
    plan.request_transfer(1, 30, 1)
    plan.request_command(1)
    kinds = [job.kind for job in (plan.next_job(1), plan.next_job(2)) if job is not None]
    assert kinds == [JobKind.COMMAND, JobKind.TRANSFER]


def test_a_dropped_transfer_is_not_given() -> None:
    plan = _plan({1: []})
    plan.request_transfer(1, 30, 0)
    plan.drop_transfer()
    assert plan.next_job(1000) is None
    assert plan.due_ms() == NEVER


@given(
    st.lists(st.integers(1, 4), min_size=1, max_size=6),
    st.integers(10, 300),
    st.sets(st.integers(1, 4)),
    st.booleans(),
)
def test_transfers_never_make_the_plan_spin(periods: list[int], cost_ms: int, dead: set[int], scan: bool) -> None:
    plan = _plan({unit: [Block(0, 10, 50 * period)] for unit, period in enumerate(periods, 1)}, scan=scan)
    _run_with_transfers(plan, cost_ms, 3000, dead)


def test_a_busy_line_that_keeps_up_leaves_out_no_poll_for_a_transfer_and_is_quick_about_it() -> None:
    plan = _plan({unit: [Block(0, 10, 200)] for unit in range(1, 9)})
    log = _run_with_transfers(plan, 30, 20_000, set())
    assert sum(plan.lateness(unit_id).skipped for unit_id in range(1, 9)) == 0
    assert sum(job.kind is JobKind.TRANSFER for _, job in log) >= 20 * 15
