"""Commands over the line, on the host board and on the VM: who is obeyed, who is not, and what is seen of it."""

import pytest

from firmware.boards.host.board import FileStore
from protocols.registers import barrier as regs

SET_ADDRESS = 66  # gap_bridge_ms, 500..10000
WRONG_KEY = bytes(32)


def test_setting_is_changed_stored_and_seen(bench):
    assert bench.command(regs.OP_SET, SET_ADDRESS, 2500) == regs.COMMAND_RESULT_ACCEPTED
    assert bench.read(SET_ADDRESS, 1, 3) == [2500]
    assert (regs.EV_SETTING_CHANGED, SET_ADDRESS) in bench.events()
    bench.restart()
    assert bench.read(SET_ADDRESS, 1, 3) == [2500]
    assert bench.read(regs.AT_SETTINGS_SOURCE) == [regs.SETTINGS_SOURCE_BOTH_COPIES]
    assert bench.read(regs.AT_SETTINGS_GENERATION) == [1]


def test_replayed_block_changes_nothing_and_is_counted(bench, blocks):
    block = blocks(regs.OP_SET, SET_ADDRESS, 2500, bench.nonce())
    bench.write_block(block)
    assert bench.command(regs.OP_SET, SET_ADDRESS, 3000) == regs.COMMAND_RESULT_ACCEPTED
    bench.write_block(block)
    assert bench.read(regs.AT_COMMAND_RESULT) == [regs.COMMAND_RESULT_STALE_NONCE]
    assert bench.read(SET_ADDRESS, 1, 3) == [3000]
    assert bench.read(regs.AT_COMMANDS_ACCEPTED, 2) == [2, 1]


def test_block_under_another_key_changes_nothing_and_is_counted(bench, blocks):
    nonce = bench.nonce()
    bench.write_block(blocks(regs.OP_SET, SET_ADDRESS, 2500, nonce, WRONG_KEY))
    assert bench.read(regs.AT_COMMAND_RESULT) == [regs.COMMAND_RESULT_BAD_TAG]
    assert bench.read(SET_ADDRESS, 1, 3) == [2000]
    assert bench.read(regs.AT_COMMANDS_ACCEPTED, 2) == [0, 1]
    assert bench.nonce() == nonce
    assert (regs.EV_COMMAND_REJECTED, regs.COMMAND_RESULT_BAD_TAG) in bench.events()


def test_block_with_a_flipped_bit_changes_nothing(bench, blocks):
    block = blocks(regs.OP_SET, SET_ADDRESS, 2500, bench.nonce())
    for bit in range(0, 160, 7):
        forged = bytearray(block)
        forged[bit // 8] ^= 1 << bit % 8
        bench.write_block(bytes(forged))
        assert bench.read(regs.AT_COMMAND_RESULT) == [regs.COMMAND_RESULT_BAD_TAG]
    assert bench.read(SET_ADDRESS, 1, 3) == [2000]


def test_half_a_block_is_refused_on_the_wire(bench, blocks):
    block = blocks(regs.OP_SET, SET_ADDRESS, 2500, bench.nonce())
    assert bench.write_block(block, 9) == bytes([0x90, 2])
    assert bench.read(regs.AT_COMMAND_RESULT) == [regs.COMMAND_RESULT_NONE]
    assert bench.read(regs.AT_COMMANDS_ACCEPTED, 2) == [0, 0]


def test_setting_cannot_be_written_around_the_command(bench):
    answer = bench.request(bytes([6, 0, SET_ADDRESS, 9, 0xC4]))
    assert answer == bytes([0x86, 2])
    assert bench.read(SET_ADDRESS, 1, 3) == [2000]


@pytest.mark.parametrize(
    ("target", "argument"), [(SET_ADDRESS, 499), (SET_ADDRESS, 10001), (SET_ADDRESS, -1), (63, 1), (65535, 1)]
)
def test_value_or_target_outside_limits_is_refused(host, target, argument):
    bench, _ = host
    assert bench.command(regs.OP_SET, target, argument) == regs.COMMAND_RESULT_OUT_OF_LIMITS
    assert bench.read(regs.AT_SETTINGS_GENERATION) == [0]


def test_command_of_the_role_reaches_the_core(bench):
    bench.run(3_000_000)
    assert bench.command(regs.OP_HOLD_OPEN) == regs.COMMAND_RESULT_ACCEPTED
    assert bench.read(regs.AT_COMMAND_OPCODE) == [regs.OP_HOLD_OPEN]
    done = regs.OP_HOLD_OPEN * 256 + regs.COMMAND_RESULT_ACCEPTED
    assert (regs.EV_COMMAND_DONE, done) in bench.events()


@pytest.mark.parametrize("opcode", [0, 7, 65535])
def test_unknown_opcode_is_answered_so(host, opcode):
    bench, _ = host
    assert bench.command(opcode) == regs.COMMAND_RESULT_UNKNOWN_OPCODE


def test_commands_without_tag_are_taken_only_while_auth_is_off_and_that_shows(bench, blocks):
    assert bench.command(regs.OP_SET, 33, 0) == regs.COMMAND_RESULT_ACCEPTED
    bench.run(20_000)
    health, reasons = bench.read(regs.AT_HEALTH, 2)
    assert health in (regs.HEALTH_FAILURE, regs.HEALTH_CHECK_FUNCTION)
    assert reasons >> regs.REASONS_AUTH_OFF & 1
    bench.write_block(blocks(regs.OP_SET, SET_ADDRESS, 2500, (0, 0), WRONG_KEY))
    assert bench.read(SET_ADDRESS, 1, 3) == [2500]
    bench.write_block(blocks(regs.OP_SET, 33, 1, (0, 0), WRONG_KEY))
    bench.write_block(blocks(regs.OP_SET, SET_ADDRESS, 2600, (0, 0), WRONG_KEY))
    assert bench.read(SET_ADDRESS, 1, 3) == [2500]


def test_nonce_never_repeats_over_restarts(bench, blocks):
    seen = set()
    block = blocks(regs.OP_SET, SET_ADDRESS, 2500, bench.nonce())
    bench.write_block(block)
    for _ in range(5):
        bench.restart()
        nonce = bench.nonce()
        assert nonce not in seen
        seen.add(nonce)
        bench.write_block(block)
        assert bench.read(regs.AT_COMMAND_RESULT) == [regs.COMMAND_RESULT_STALE_NONCE]


@pytest.mark.parametrize("is_new", [True, False])
def test_a_block_refused_because_the_store_fails_is_never_right_later(host, blocks, tmp_path, monkeypatch, is_new):
    bench, _ = host
    if is_new:
        for file in tmp_path.iterdir():
            file.unlink()
    monkeypatch.setattr(FileStore, "write", lambda store, name, data, size: False)
    bench.restart()
    recorded = [blocks(regs.OP_SET, SET_ADDRESS, 2600, bench.nonce()) for _ in range(2)]
    for block in recorded:
        bench.write_block(block)
        assert bench.read(regs.AT_COMMAND_RESULT) == [regs.COMMAND_RESULT_STORE_FAILED]
    monkeypatch.undo()
    for _ in range(3):
        bench.restart()
        for block in recorded:
            bench.write_block(block)
            assert bench.read(regs.AT_COMMAND_RESULT) == [regs.COMMAND_RESULT_STALE_NONCE]
        assert bench.read(SET_ADDRESS, 1, 3) != [2600]
    assert bench.command(regs.OP_SET, SET_ADDRESS, 2600) == regs.COMMAND_RESULT_ACCEPTED


def test_epoch_moves_before_the_counter_ends(host):
    bench, target = host
    epoch, _ = bench.nonce()
    target.device.commands.counter = 65533
    assert bench.command(regs.OP_SET, SET_ADDRESS, 2500) == regs.COMMAND_RESULT_ACCEPTED
    bench.run(20_000)
    assert bench.nonce() == (epoch, 65534)
    assert bench.command(regs.OP_SET, SET_ADDRESS, 2600) == regs.COMMAND_RESULT_ACCEPTED
    bench.run(20_000)
    assert bench.nonce() == (epoch + 1, 0)
    bench.restart()
    assert bench.nonce() == (epoch + 2, 0)


def test_noise_on_the_bus_cannot_wash_the_event_ring(host, blocks):
    bench, _ = host
    forged = blocks(regs.OP_OPEN, 0, 0, bench.nonce(), WRONG_KEY)
    before = bench.read(regs.AT_EVENT_HEAD, 2)[1]
    for _ in range(20):
        bench.write_block(forged)
    assert bench.read(regs.AT_COMMANDS_REJECTED) == [20]
    assert bench.read(regs.AT_EVENT_HEAD, 2)[1] - before <= 6


def test_setting_is_not_stored_while_the_boom_moves(host):
    """The store may block, and nothing watches the path while it does."""
    bench, _ = host
    bench.run(100_000)
    assert bench.command(regs.OP_OPEN) == regs.COMMAND_RESULT_ACCEPTED
    bench.run(200_000)
    assert bench.outputs[regs.OUT_MOTOR_OPEN] == 1
    assert bench.command(regs.OP_SET, SET_ADDRESS, 2500) == regs.COMMAND_RESULT_REFUSED_STATE
    assert bench.read(SET_ADDRESS, 1, 3) == [2000]
    assert bench.command(regs.OP_STOP) == regs.COMMAND_RESULT_ACCEPTED
    assert bench.command(regs.OP_SET, SET_ADDRESS, 2500) == regs.COMMAND_RESULT_ACCEPTED


def test_core_judges_the_inputs_as_they_are_after_the_store(host, monkeypatch):
    bench, target = host
    bench.run(100_000)
    write = target.board.store.write
    step = target.device.core.step
    judged = []

    def write_while_someone_presses_stop(name, buffer, size):
        target.board.inputs[regs.IN_STOP_CHAIN_OK] = 0
        return write(name, buffer, size)

    def note_and_step(now_ms):
        judged.append(target.device.core.inputs[regs.IN_STOP_CHAIN_OK])
        step(now_ms)

    monkeypatch.setattr(target.board.store, "write", write_while_someone_presses_stop)
    monkeypatch.setattr(target.device.core, "step", note_and_step)
    bench.command(regs.OP_SET, SET_ADDRESS, 2500)
    assert 0 in judged
