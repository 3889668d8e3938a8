"""An update over the line on the host board: what is taken, what is refused and why, and the switch."""

import os
import shutil
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from firmware.boards import slots
from firmware.boards.slot_files import SlotFiles
from protocols.registers import barrier as regs
from tests.firmware.conftest import PROVISION, Bench
from tests.firmware.update_bench import Hub, a_bundle, a_manifest, new_board
from tests.firmware.update_board import NEW, OLD, READY, Board, switch


def test_a_good_bundle_makes_the_other_slot_whole(board: Board, good: bytes) -> None:
    hub = board.hub
    assert hub.push(good) == READY
    assert board.files("b") == {**NEW, "manifest.txt": a_manifest(NEW, 0x102)}
    assert board.files("a") == {**OLD, "manifest.txt": a_manifest(OLD)}
    assert hub.sent < len(good) - 1000, "an unchanged file was asked for"
    assert board.bench.read(regs.AT_RUNNING_SLOT, 2) == [regs.RUNNING_SLOT_A, 0x102]
    assert slots.read_pointer(str(board.root)).slot == "a"


def refused(board: Board, data: bytes) -> int:
    """The reason, when nothing of the other slot came to stand."""
    state, reason = board.hub.push(data)
    assert state == regs.UPDATE_STATE_FAILED
    assert "manifest.txt" not in board.files("b")
    assert board.bench.command(regs.OP_UPDATE_SWITCH) == regs.COMMAND_RESULT_REFUSED_STATE
    return reason


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"role": "weighbridge"}, regs.UPDATE_REASON_WRONG_ROLE),
        ({"board": "rp2"}, regs.UPDATE_REASON_WRONG_BOARD),
        ({"radio": 1}, regs.UPDATE_REASON_WRONG_BOARD),
        ({"abi": "5.0"}, regs.UPDATE_REASON_WRONG_ABI),
        ({"abi": "6.3.armv6m"}, regs.UPDATE_REASON_WRONG_ABI),
        ({"map": regs.MAP_VERSION + 1}, regs.UPDATE_REASON_WRONG_MAP),
        ({"version": 0}, regs.UPDATE_REASON_OLDER_VERSION),
        ({"minimum": 2}, regs.UPDATE_REASON_BELOW_MINIMUM),
    ],
)
def test_what_is_not_for_this_device_is_refused_with_the_reason(
    board: Board, changes: dict[str, object], reason: int
) -> None:
    data = a_bundle(NEW, a_manifest(NEW, **changes))
    hub = board.hub
    assert refused(board, data) == reason
    assert hub.read(regs.AT_UPDATE_WANT, 2) == [0xFFFF, 0xFFFF]
    assert (regs.EV_UPDATE_CHANGED, regs.UPDATE_STATE_FAILED * 65536 + reason) in board.bench.events()


def test_no_file_is_asked_for_before_the_manifest_is_judged(board: Board) -> None:
    files = {"big.mpy": bytes(5000)}
    hub = board.hub
    hub.push(a_bundle(files, a_manifest(files, role="weighbridge")))
    assert hub.sent < 1000


@pytest.mark.parametrize("damage", ["other key", "signature", "manifest"])
def test_a_signature_that_is_not_of_the_sites_key_is_refused(board: Board, good: bytes, damage: str) -> None:
    manifest = a_manifest(NEW, 0x102)
    data = bytearray(good)
    if damage == "other key":
        data[:] = a_bundle(NEW, manifest, Ed25519PrivateKey.from_private_bytes(bytes(32)))
    elif damage == "signature":
        data[12 + len(manifest) + (len(manifest) & 1) + 5] ^= 1
    else:
        data[12 + manifest.index(b"map ") + 4] ^= 1
    assert refused(board, bytes(data)) == regs.UPDATE_REASON_BAD_SIGNATURE


def test_a_file_that_is_not_the_manifests_is_refused_and_the_next_try_keeps_the_others(
    board: Board, good: bytes
) -> None:
    data = bytearray(good)
    data[-3] ^= 1
    assert refused(board, bytes(data)) == regs.UPDATE_REASON_HASH_MISMATCH
    assert board.hub.push(good) == READY


@pytest.mark.parametrize("cut", [2, 300])
def test_a_bundle_whose_size_is_not_its_manifests_is_refused(board: Board, good: bytes, cut: int) -> None:
    assert refused(board, good[:-cut]) == regs.UPDATE_REASON_BAD_FORMAT
    assert refused(board, good + bytes(cut)) == regs.UPDATE_REASON_BAD_FORMAT


def test_what_is_no_bundle_is_refused(board: Board, good: bytes) -> None:
    assert refused(board, b"X" + good[1:]) == regs.UPDATE_REASON_BAD_FORMAT
    assert refused(board, bytes(400)) == regs.UPDATE_REASON_BAD_FORMAT
    signed_nonsense = b"smartgate-bundle 1\nrole barrier\n" + b"x" * 300
    assert refused(board, a_bundle({}, signed_nonsense) + bytes(10)) == regs.UPDATE_REASON_BAD_FORMAT


@pytest.mark.parametrize("size", [-2, 0, 236, 1001, 2097152, 2**30])
def test_an_impossible_size_is_refused(board: Board, size: int) -> None:
    assert board.bench.command(regs.OP_UPDATE_BEGIN, 0, size) == regs.COMMAND_RESULT_OUT_OF_LIMITS


def test_without_a_site_key_no_update_is_taken(tmp_path: Path) -> None:
    new_board(tmp_path, OLD)
    board = Board(tmp_path, PROVISION)
    assert board.bench.command(regs.OP_UPDATE_BEGIN, 0, 1000) == regs.COMMAND_RESULT_REFUSED_STATE
    assert board.hub.status() == (regs.UPDATE_STATE_IDLE, regs.UPDATE_REASON_NO_SITE_KEY)


def test_a_board_without_slots_says_so(host: tuple[Bench, object]) -> None:
    bench = host[0]
    assert bench.command(regs.OP_UPDATE_BEGIN, 0, 1000) == regs.COMMAND_RESULT_REFUSED_STATE
    assert Hub(bench).status() == (regs.UPDATE_STATE_IDLE, regs.UPDATE_REASON_NO_SLOTS)
    assert bench.read(regs.AT_RUNNING_SLOT) == [regs.RUNNING_SLOT_NONE]


def test_an_older_version_wants_a_permission_that_is_used_once(board: Board) -> None:
    older = a_bundle(NEW, a_manifest(NEW, 0))
    for allowed in (0x102, 5):
        board.bench.command(regs.OP_UPDATE_ALLOW_OLDER, 0, allowed)
        assert refused(board, older) == regs.UPDATE_REASON_OLDER_VERSION
    files = a_bundle(NEW, a_manifest(NEW, 0))
    assert board.bench.command(regs.OP_UPDATE_ALLOW_OLDER, 0, 70_000) == regs.COMMAND_RESULT_OUT_OF_LIMITS
    assert refused(board, files) == regs.UPDATE_REASON_OLDER_VERSION


def test_the_permission_survives_a_restart_and_is_gone_with_the_switch(
    board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("firmware.app.update_work.FIRMWARE_VERSION", 0x200)
    older = a_bundle(NEW, a_manifest(NEW, 0x102))
    assert refused(board, older) == regs.UPDATE_REASON_OLDER_VERSION
    assert board.bench.command(regs.OP_UPDATE_ALLOW_OLDER, 0, 0x102) == regs.COMMAND_RESULT_ACCEPTED
    board.start()
    assert board.hub.push(older) == READY
    switch(board)
    assert board.running == "b"
    board.start()  # the trial ends
    assert board.running == "a"
    assert refused_again(board, older) == regs.UPDATE_REASON_OLDER_VERSION


def test_what_is_given_up_takes_its_permission_along(board: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("firmware.app.update_work.FIRMWARE_VERSION", 0x200)
    older = a_bundle(NEW, a_manifest(NEW, 0x102))
    board.bench.command(regs.OP_UPDATE_ALLOW_OLDER, 0, 0x102)
    board.hub.push(older, most=1500)
    assert board.bench.command(regs.OP_UPDATE_ABORT) == regs.COMMAND_RESULT_ACCEPTED
    assert board.device.update.permission() == 0
    assert refused(board, older) == regs.UPDATE_REASON_OLDER_VERSION
    board.bench.command(regs.OP_UPDATE_ALLOW_OLDER, 0, 0x102)
    with monkeypatch.context() as patch:
        patch.setattr(board.board.store, "write", lambda *_: False)
        assert board.bench.command(regs.OP_UPDATE_ABORT) == regs.COMMAND_RESULT_STORE_FAILED
    assert board.hub.status() == (regs.UPDATE_STATE_IDLE, regs.UPDATE_REASON_ABORTED)


def refused_again(board: Board, data: bytes) -> int:
    state, reason = board.hub.push(data)
    assert state == regs.UPDATE_STATE_FAILED
    return reason


def test_the_window_takes_only_what_is_wanted(board: Board, good: bytes) -> None:
    hub = board.hub
    assert hub.write(0, good[:236]) == 2
    board.bench.command(regs.OP_UPDATE_BEGIN, 0, len(good))
    assert hub.write(2, good[2:200]) == 3
    assert hub.write(0x10000, good[:200]) == 3
    assert hub.write(0xFFFF0000, good[:200]) == 3
    assert hub.write(0, b"") == 3
    assert hub.write(0, good[:2]) == 0
    assert hub.write(0, good[:2]) == 3
    assert hub.write(2, good[2:238]) == 0
    assert board.bench.request(bytes([3, 4, 0, 0, 2])) == bytes([0x83, 2])
    assert hub.go_on(good) == READY


def test_an_update_goes_on_where_it_was_interrupted(board: Board, good: bytes) -> None:
    hub = board.hub
    hub.push(good, most=1500)
    board.start()
    assert hub.status() == (regs.UPDATE_STATE_IDLE, regs.UPDATE_REASON_NONE)
    assert hub.push(good) == READY
    hub = board.hub
    assert hub.push(good) == READY
    assert hub.sent < 1000, "a file that was there already was asked for"


def test_an_update_can_be_given_up(board: Board, good: bytes) -> None:
    hub = board.hub
    hub.push(good, most=1500)
    assert board.bench.command(regs.OP_UPDATE_ABORT) == regs.COMMAND_RESULT_ACCEPTED
    assert hub.status() == (regs.UPDATE_STATE_IDLE, regs.UPDATE_REASON_ABORTED)
    assert hub.write(0, good[:236]) == 2
    assert board.bench.command(regs.OP_UPDATE_SWITCH) == regs.COMMAND_RESULT_REFUSED_STATE
    assert hub.push(good) == READY


def test_nothing_is_written_while_the_boom_moves(board: Board, good: bytes) -> None:
    hub = board.hub
    hub.push(good, most=1500)
    assert board.bench.command(regs.OP_OPEN) == regs.COMMAND_RESULT_ACCEPTED
    board.bench.run(700_000)
    assert board.bench.outputs[regs.OUT_MOTOR_OPEN]
    before = board.files("b")
    high, low = hub.read(regs.AT_UPDATE_WANT, 2)
    want = high << 16 | low
    assert hub.write(want, good[want : want + 236]) == 0  # one fits into memory
    assert hub.write(want + 236, good[want + 236 : want + 472]) == 6
    assert board.files("b") == before
    assert board.bench.command(regs.OP_UPDATE_BEGIN, 0, len(good)) == regs.COMMAND_RESULT_REFUSED_STATE


def test_a_barrier_switches_only_when_it_is_closed_and_nobody_is_there(board: Board, good: bytes) -> None:
    board.hub.push(good)
    board.bench.inputs[regs.IN_ENTRY_LOOP] = 1
    board.bench.run(500_000)
    assert switch(board) == regs.COMMAND_RESULT_REFUSED_STATE
    assert board.hub.status() == (regs.UPDATE_STATE_READY, regs.UPDATE_REASON_NOT_AT_REST)
    board.bench.inputs[regs.IN_ENTRY_LOOP] = 0
    board.bench.run(5_000_000)
    assert board.bench.command(regs.OP_UPDATE_SWITCH) == regs.COMMAND_RESULT_ACCEPTED
    board.bench.inputs[regs.IN_ENTRY_LOOP] = 1  # a truck comes before the reset
    board.bench.run(1_000_000)
    assert (board.restarts, board.running) == (0, "a")
    assert board.hub.status() == (regs.UPDATE_STATE_READY, regs.UPDATE_REASON_NOT_AT_REST)
    board.bench.inputs[regs.IN_ENTRY_LOOP] = 0
    board.bench.run(5_000_000)
    switch(board)
    assert board.running == "b"


def test_a_store_that_fails_ends_the_update_with_its_reason(
    board: Board, good: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number, reason in ((28, regs.UPDATE_REASON_STORE_FULL), (5, regs.UPDATE_REASON_STORE_FAILED)):

        def create(self: SlotFiles, path: str, number: int = number) -> None:
            raise OSError(number, os.strerror(number))

        with monkeypatch.context() as patch:
            patch.setattr(SlotFiles, "create", create)
            assert refused(board, good) == reason
    assert board.hub.push(good) == READY


@pytest.mark.parametrize("at", ["import", "slice"])
def test_a_heap_that_is_too_full_ends_the_update_and_not_the_device(
    board: Board, good: bytes, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    """The modules of the work are the largest piece that is wanted at once; their import is what fails first."""

    def full(*_: object) -> None:
        raise MemoryError

    with monkeypatch.context() as patch:
        if at == "import":
            patch.setattr("firmware.app.update_work.receive", full)
        else:
            patch.setattr("firmware.app.update_work._take_manifest", full)
        assert refused(board, good) == regs.UPDATE_REASON_STORE_FULL
    assert board.restarts == 0
    assert board.hub.push(good) == READY


def test_a_pointer_that_cannot_be_written_changes_nothing(board: Board, good: bytes) -> None:
    board.hub.push(good)
    (board.root / "slot.new").mkdir()
    switch(board)
    assert (board.restarts, board.hub.status()) == (0, (regs.UPDATE_STATE_READY, regs.UPDATE_REASON_STORE_FAILED))
    shutil.rmtree(board.root / "slot.new")
    switch(board)
    assert board.running == "b"
