"""The poll plan in virtual time: shares, deadlines, dead units and commands."""

from collections import Counter
from itertools import pairwise

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


def _run(plan: PollPlan, until_ms: int, dead: set[int], start_ms: int = 0) -> list[tuple[int, Job]]:
    """Play the line: an answer takes ANSWER_MS, a dead unit TIMEOUT_MS; the jobs with their start times."""
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
        now_ms += ANSWER_MS if answered else TIMEOUT_MS
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
