"""The trial of an update on the host board: what confirms it, and what ends it and goes back."""

import pytest

from firmware.app.update import TRIAL_HEALTHY_MS, TRIAL_LIMIT_MS
from firmware.boards import slots
from protocols.registers import barrier as regs
from tests.firmware.update_bench import a_manifest
from tests.firmware.update_board import OLD, READY, Board, switch


def test_the_new_slot_is_tried_and_confirmed_once_it_was_healthy_and_heard(board: Board, good: bytes) -> None:
    board.hub.push(good)
    assert switch(board) == regs.COMMAND_RESULT_ACCEPTED
    assert (board.running, board.restarts) == ("b", 1)
    assert board.hub.status() == (regs.UPDATE_STATE_TRIAL, regs.UPDATE_REASON_NONE)
    assert board.bench.read(regs.AT_RUNNING_SLOT) == [regs.RUNNING_SLOT_B]
    board.bench.run((TRIAL_HEALTHY_MS - 500) * 1000)
    assert slots.read_pointer(str(board.root)).state == slots.TRYING
    board.bench.run(1_000_000)
    assert slots.read_pointer(str(board.root)).state == slots.CONFIRMED
    assert board.hub.status() == (regs.UPDATE_STATE_IDLE, regs.UPDATE_REASON_NONE)
    board.start()
    assert board.running == "b"


def test_a_trial_that_no_hub_speaks_to_goes_back(board: Board, good: bytes) -> None:
    board.hub.push(good)
    switch(board)
    board.bench.run((TRIAL_LIMIT_MS - 1000) * 1000)
    assert board.running == "b"
    board.bench.run(2_000_000)
    assert (board.running, board.restarts) == ("a", 2)
    assert board.hub.status() == (regs.UPDATE_STATE_FAILED, regs.UPDATE_REASON_TRIAL_FAILED)
    assert board.bench.read(regs.AT_OTHER_VERSION) == [0x102]


def test_a_trial_that_is_not_healthy_goes_back_although_the_hub_speaks(board: Board, good: bytes) -> None:
    board.hub.push(good)
    switch(board)
    board.bench.inputs[regs.IN_DRIVE_OK] = 0
    board.bench.inputs[regs.IN_ARM_INTACT] = 0
    board.bench.run(1_000_000)
    assert board.bench.read(regs.AT_HEALTH) == [regs.HEALTH_FAILURE]
    for _ in range(TRIAL_LIMIT_MS // 10_000 + 1):
        board.bench.run(10_000_000)
        board.hub.status()
    assert (board.running, board.restarts) == ("a", 2)


def test_time_in_which_nobody_looked_is_no_healthy_time(
    board: Board, good: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    board.hub.push(good)
    switch(board)
    board.hub.status()
    board.bench.run(2_000_000)
    with monkeypatch.context() as patch:  # something moves, and nothing is tended
        patch.setattr(board.device._role, "is_moving", lambda outputs: True)
        board.bench.run(60_000_000)
    board.bench.run((TRIAL_HEALTHY_MS - 4000) * 1000)
    assert slots.read_pointer(str(board.root)).state == slots.TRYING
    board.bench.run(4_000_000)
    assert slots.read_pointer(str(board.root)).state == slots.CONFIRMED


def test_any_restart_during_a_trial_goes_back(board: Board, good: bytes) -> None:
    board.hub.push(good)
    switch(board)
    board.hub.status()
    board.bench.run(5_000_000)
    board.start()
    assert board.running == "a"
    assert board.hub.status() == (regs.UPDATE_STATE_FAILED, regs.UPDATE_REASON_TRIAL_FAILED)
    assert board.hub.push(good) == READY


def test_the_way_back_is_never_written_over(board: Board, good: bytes) -> None:
    board.hub.push(good)
    switch(board)
    for opcode, argument in (
        (regs.OP_UPDATE_BEGIN, len(good)),
        (regs.OP_UPDATE_SWITCH, 0),
        (regs.OP_UPDATE_ABORT, 0),
        (regs.OP_UPDATE_ALLOW_OLDER, 1),
    ):
        assert board.bench.command(opcode, 0, argument) == regs.COMMAND_RESULT_REFUSED_STATE
    assert board.files("a") == {**OLD, "manifest.txt": a_manifest(OLD)}
