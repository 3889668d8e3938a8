"""The update of one device: every end there is, whatever is lost on the way, and whoever goes on after whom."""

from collections.abc import Iterator
from itertools import chain, repeat

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.update import steps
from edge.update.steps import Command, DeviceUpdate, Pause, Phase, Send, Verdict
from tests.edge.update.model_device import ModelDevice, drive

_ENDS = (1000, 1064, 1300, 1302, 2000, 5000)
_DATA = bytes(index * 7 & 0xFF for index in range(_ENDS[-1]))
_NEW = 0x0102
NO_FAULTS: Iterator[str] = repeat("")


def _device(**given: object) -> ModelDevice:
    return ModelDevice(data=_DATA, ends=_ENDS, new_version=_NEW, **given)  # type: ignore[arg-type]


def _update(slot_before: str = "", now_ms: int = 0, allow_older: int | None = None) -> DeviceUpdate:
    return DeviceUpdate(len(_DATA), _ENDS, _NEW, now_ms=now_ms, slot_before=slot_before, allow_older=allow_older)


def _run(device: ModelDevice, update: DeviceUpdate | None = None, faults: Iterator[str] = NO_FAULTS) -> DeviceUpdate:
    update = update or _update()
    for _ in drive(update, device, faults):
        pass
    return update


def test_a_whole_update_is_sent_once_switched_and_confirmed() -> None:
    device = _device()
    update = _run(device)
    assert (update.verdict, update.reason) == (Verdict.CONFIRMED, "")
    assert bytes(device.got) == _DATA
    assert device.log == ["UPDATE_BEGIN", "UPDATE_SWITCH"]
    assert (device.slot, device.version, update.version_before) == ("B", _NEW, 0x0101)


def test_what_the_device_has_is_not_sent() -> None:
    device, update, sent = _device(has={2, 4}), _update(), []
    for _ in drive(update, device, NO_FAULTS):
        step = update.next_step()
        if isinstance(step, Send):
            sent.append((step.offset, step.offset + step.size))
    assert update.verdict is Verdict.CONFIRMED
    assert not [first for first, last in sent if 1064 <= first < 1300 or 1302 <= first < 2000]
    assert all(not first < end < last for first, last in sent for end in _ENDS), "no frame goes beyond its part"


@pytest.mark.parametrize(
    "reason",
    ["BAD_SIGNATURE", "WRONG_ROLE", "WRONG_BOARD", "WRONG_ABI", "OLDER_VERSION", "BELOW_MINIMUM", "BAD_FORMAT"],
)
def test_what_the_device_refuses_is_told_with_its_reason_and_not_tried_again(reason: str) -> None:
    device = _device(judgement=reason)
    update = _run(device)
    assert (update.verdict, update.reason) == (Verdict.REFUSED, reason)
    assert device.log == ["UPDATE_BEGIN"]
    assert device.slot == "A"


def test_a_device_that_will_not_begin_says_why() -> None:
    update = _run(_device(reason="NO_SITE_KEY"))
    assert (update.verdict, update.reason, update.detail) == (Verdict.REFUSED, "NO_SITE_KEY", "REFUSED_STATE")


def test_an_older_version_needs_a_permission_which_goes_first() -> None:
    device = _device(judgement="OLDER_VERSION", version=0x0200)
    device.allowed_older = _NEW
    assert _run(device).verdict is Verdict.REFUSED
    assert device.log == ["UPDATE_ALLOW_OLDER", "UPDATE_BEGIN"]
    assert device.allowed_older == 0, "one that an earlier update left is taken away"
    device = _device(judgement="OLDER_VERSION", version=0x0200)
    assert _run(device, _update(allow_older=_NEW)).verdict is Verdict.CONFIRMED
    assert device.log == ["UPDATE_ALLOW_OLDER", "UPDATE_BEGIN", "UPDATE_SWITCH"]
    device = _device()
    assert _run(device, _update(allow_older=_NEW)).verdict is Verdict.CONFIRMED
    assert "UPDATE_ALLOW_OLDER" not in device.log, "a permission that is not needed would stay behind"


def test_a_new_version_that_fails_its_trial_is_told_as_returned() -> None:
    update = _run(_device(fate="returned"))
    assert (update.verdict, update.reason) == (Verdict.RETURNED, "TRIAL_FAILED")


def test_a_trial_without_an_end_and_a_device_without_slots_have_an_end_here() -> None:
    update = _run(_device(fate="none"))
    assert (update.verdict, update.reason) == (Verdict.FAILED, steps.SLOW)
    update = _run(_device(slot="NONE"))
    assert (update.verdict, update.reason) == (Verdict.REFUSED, steps.NO_SLOTS)


def test_a_device_that_runs_the_version_is_left_alone() -> None:
    device = _device(version=_NEW)
    assert _run(device).verdict is Verdict.UNCHANGED
    assert device.log == []


def test_damage_is_repaired_and_not_for_ever() -> None:
    device = _device(damage=1)
    assert _run(device).verdict is Verdict.CONFIRMED
    assert device.log.count("UPDATE_BEGIN") == 2
    update = _run(_device(damage=9))
    assert (update.verdict, update.reason) == (Verdict.FAILED, "HASH_MISMATCH")


def test_what_moves_is_waited_for_and_not_for_ever() -> None:
    assert _run(_device(unrest=40)).verdict is Verdict.CONFIRMED
    device = _device(unrest=1_000_000)
    update, phases = _update(), set()
    for _ in drive(update, device, NO_FAULTS):
        phases.add(update.phase)
    assert (update.verdict, update.reason) == (Verdict.REFUSED, "NOT_AT_REST")
    assert Phase.WAITING in phases


def test_a_device_that_is_gone_is_given_up_and_says_so_before() -> None:
    update, device, phases = _update(), _device(), []
    for _ in drive(update, device, chain([""] * 20, repeat("lost"))):
        phases.append(update.phase)
    assert (update.verdict, update.reason) == (Verdict.FAILED, steps.SILENT)
    assert phases[-1] is Phase.SILENT


@pytest.mark.parametrize("word", [steps.NOT_SENT, steps.OUTCOME_UNKNOWN])
def test_a_device_that_answers_and_gets_no_command_is_given_up(word: str) -> None:
    device = _device()
    device.command = lambda opcode, argument: (False, word)  # type: ignore[method-assign]
    update = _run(device)
    assert (update.verdict, update.reason) == (Verdict.FAILED, steps.UNSENT)


def _lose_commands(update: DeviceUpdate, now_ms: int, for_ms: int) -> int:
    """The device answers every look and gets no command; the time afterwards."""
    end_ms = now_ms + for_ms
    while now_ms < end_ms and update.verdict is None:
        step = update.next_step()
        if isinstance(step, Command):
            update.on_command(ok=False, word=steps.OUTCOME_UNKNOWN, now_ms=now_ms)
        elif isinstance(step, Pause):
            now_ms += step.ms
            update.on_pause()
        else:
            update.on_status(_device().status(), now_ms)
    return now_ms


def test_one_command_that_comes_through_makes_good_what_was_lost() -> None:
    update, lost_ms = _update(), steps.UNSENT_MAX_MS * 2 // 3
    now_ms = _lose_commands(update, 0, lost_ms)
    update.on_status(_device().status(), now_ms)
    update.on_command(ok=True, word="", now_ms=now_ms)
    now_ms = _lose_commands(update, now_ms, lost_ms)
    assert update.verdict is None
    _lose_commands(update, now_ms, lost_ms)
    assert update.verdict is Verdict.FAILED


def test_a_switch_that_is_never_sent_is_told_as_that() -> None:
    update, device = _update(), _device()
    take = device.command
    device.command = lambda opcode, argument: (  # type: ignore[method-assign]
        (False, steps.NOT_SENT) if opcode == "UPDATE_SWITCH" else take(opcode, argument)
    )
    _run(device, update)
    assert device.state == "READY"
    assert (update.verdict, update.reason) == (Verdict.FAILED, steps.UNSENT)


def test_a_silence_between_two_lost_commands_is_no_time_in_which_commands_were_lost() -> None:
    update = _update()
    now_ms = _lose_commands(update, 0, 2000)
    end_ms = now_ms + 5 * steps.UNSENT_MAX_MS
    while now_ms < end_ms:
        if isinstance(step := update.next_step(), Pause):
            now_ms += step.ms
            update.on_pause()
        elif isinstance(step, Command):
            update.on_command(ok=False, word=steps.OUTCOME_UNKNOWN, now_ms=now_ms)
        else:
            update.on_silence(now_ms)
    _lose_commands(update, now_ms, 2000)
    assert update.verdict is None


def test_a_device_that_refuses_what_it_wants_is_given_up() -> None:
    device = _device()
    device.take = lambda offset, data: "refused"  # type: ignore[method-assign]
    update = _run(device)
    assert (update.verdict, update.reason) == (Verdict.FAILED, steps.STUCK)


@settings(max_examples=60)
@given(
    st.lists(st.sampled_from(["", "", "", "", "lost", "unheard"]), max_size=120),
    st.sets(st.integers(2, 5)),
    st.integers(0, 5),
)
def test_whatever_is_lost_the_update_ends_well_and_whole(faults: list[str], has: set[int], unrest: int) -> None:
    device = _device(has=has, unrest=unrest)
    update = _run(device, faults=chain(faults, repeat("")))
    assert update.verdict in (Verdict.CONFIRMED, Verdict.UNCHANGED)
    assert (device.slot, device.version) == ("B", _NEW)
    assert bytes(device.got) == _DATA


@settings(max_examples=60)
@given(st.lists(st.integers(0, 60), min_size=1, max_size=6), st.sampled_from(["confirmed", "returned"]))
def test_whoever_goes_on_after_a_death_comes_to_the_same_end(deaths: list[int], fate: str) -> None:
    """Every hub writes down which slot runs before it has another one started, and the next one is told."""
    device, slot_before = _device(fate=fate), ""
    for life, death in enumerate([*deaths, 1_000_000]):
        update = _update(slot_before, 1_000_000 * life)
        for count, _ in enumerate(drive(update, device, NO_FAULTS, now_ms=1_000_000 * life)):
            slot_before = update.slot_before
            if count == death:
                break
        if update.verdict is not None:
            break
    expected = Verdict.CONFIRMED if fate == "confirmed" else Verdict.RETURNED
    assert update.verdict is expected
    assert device.log.count("UPDATE_SWITCH") == 1


def test_a_power_cut_before_the_switch_arrived_costs_a_beginning_and_no_lie() -> None:
    device = _device()
    update = _update("A")
    assert _run(device, update).verdict is Verdict.CONFIRMED
    assert device.log == ["UPDATE_BEGIN", "UPDATE_SWITCH"]


def test_a_device_that_never_starts_what_it_was_told_to_is_given_up() -> None:
    device = _device()
    device.command = lambda opcode, argument: (True, "")  # type: ignore[method-assign]
    device.state, device.status = "READY", lambda: steps.Status("READY", "NONE", 0, 1000, "A", _NEW, 1)  # type: ignore[method-assign]
    update = _run(device)
    assert (update.verdict, update.reason) == (Verdict.FAILED, steps.STUCK)
