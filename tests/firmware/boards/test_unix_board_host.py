"""The deployed file set on the MicroPython VM: same bytes as the host board, no allocation, nothing lost by SIGKILL."""

import os
import pty
import select
import signal
import socket
import subprocess
import time
import tty
from pathlib import Path

import pytest

from hil.bench.children import free_ports
from protocols.registers import barrier as regs
from sim_devices.devices import field_link
from sim_devices.devices.vm_link import VmLinkError
from sim_devices.micropython import VM

ROOT = Path(__file__).parents[3]
INPUTS = [1] * regs.IN_COUNT
DEADLINE_S = 20
KEY = bytes(range(32)).hex()
PROVISION = f"role=barrier\nserial=4711\nunit_id=3\nbaud=19200\nkey={KEY}\n"


def converse(bench, blocks):
    """A conversation of everything a hub and a nuisance would say."""
    bench.run(2_000_000)
    for function_code, count in ((1, 1), (2, 38), (3, 74), (4, 125), (5, 1), (6, 1), (7, 1), (15, 1), (22, 1), (43, 1)):
        bench.request(bytes([function_code, 0, 0, 0, count]))
    for address in (0, 64, 256, 381, 500, 65535):
        bench.request(bytes([4]) + address.to_bytes(2, "big") + bytes([0, 12]))
    bench.request(bytes([43, 14, 1, 0]))
    bench.command(regs.OP_OPEN)
    bench.run(700_000)
    bench.inputs[regs.IN_LIMIT_CLOSED] = 0
    bench.run(2_000_000)
    bench.inputs[regs.IN_LIMIT_OPEN] = 1
    bench.run(500_000)
    bench.command(regs.OP_CLOSE)
    bench.command(regs.OP_SET, 66, 3000)
    bench.write_block(blocks(regs.OP_SET, 66, 4000, (9, 9)))
    bench.write_block(blocks(regs.OP_STOP, 0, 0, bench.nonce(), bytes(32)))
    bench.run(4_000_000)
    bench.events()
    bench.read(0, 78)


def test_same_conversation_gives_the_same_bytes_on_host_board_and_vm(host, vm, blocks):
    host, vm = host[0], vm[0]
    converse(host, blocks)
    converse(vm, blocks)
    assert len(host.trace) > 50
    assert vm.trace == host.trace


def test_sigkill_keeps_settings_and_never_repeats_a_nonce(vm):
    bench, link = vm
    nonces = set()
    for boot_count in range(1, 7):
        assert bench.read(regs.AT_BOOT_COUNT) == [boot_count]
        nonce = bench.nonce()
        assert nonce not in nonces
        nonces.add(nonce)
        if boot_count > 1:
            assert bench.read(66, 1, 3) == [2000 + boot_count - 1]
        assert bench.command(regs.OP_SET, 66, 2000 + boot_count) == regs.COMMAND_RESULT_ACCEPTED
        assert bench.read(regs.AT_SETTINGS_GENERATION) == [boot_count]
        link.kill()


def test_sigkill_while_a_setting_is_stored_leaves_the_old_or_the_new_set(deploy_dir, tmp_path, frames, blocks):
    (tmp_path / "provision.txt").write_text(PROVISION + "mode=lockstep\n")
    epochs = set()
    value = 2000
    for round_number in range(12):
        with StepByHand(deploy_dir, tmp_path) as node:
            node.step(0)
            state = node.ask(frames(bytes([4, 0, regs.AT_NONCE_EPOCH, 0, 2])))[3:7]
            found = int.from_bytes(node.ask(frames(bytes([3, 0, 66, 0, 1])))[3:5], "big")
            assert found in (value, 2000 + round_number)
            value = found
            nonce = int.from_bytes(state[:2], "big"), int.from_bytes(state[2:], "big")
            assert nonce[0] not in epochs
            epochs.add(nonce[0])
            block = blocks(regs.OP_SET, 66, 2001 + round_number, nonce)
            node.step(1_000_000, frames(bytes([16, 0, 0, 0, 10, 20]) + block))
            node.post(1_010_000)  # the silence after the frame: now the block is judged and stored
            select.select([node.process.stdout], [], [], 0.0002 * round_number)


class StepByHand:
    """A lock-step VM that can be killed while it works on a frame, which it is at the end of the with block."""

    def __init__(self, deploy_dir, device_dir):
        self.process = subprocess.Popen(
            [VM, "-c", "import main", device_dir], cwd=deploy_dir, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self._now_us = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait(DEADLINE_S)
        self.process.stdin.close()
        self.process.stdout.close()

    def post(self, now_us, received=b""):
        """Send a frame and do not wait."""
        self._now_us = now_us
        self.process.stdin.write(field_link.encode_field_frame(now_us, INPUTS, [0] * regs.IN_COUNT, received, 1))
        self.process.stdin.flush()

    def step(self, now_us, received=b""):
        """Send a frame, return the serial bytes of the answer."""
        self.post(now_us, received)
        header = field_link.decode_header(self.process.stdout.read(field_link.HEADER_SIZE))
        assert header is not None
        return self.process.stdout.read(header.body_size)[header.output_count :]

    def ask(self, request):
        """Send a request, let the silence pass, return the answer."""
        self.step(self._now_us + 10_000, request)
        return self.step(self._now_us + 10_000)


def test_two_thousand_polls_with_traffic_allocate_nothing(vm):
    bench, link = vm
    bench.run(100_000)
    scans = link.step(bench.now_us, bench.inputs, [0] * regs.IN_COUNT).header.scan_count
    for index in range(200):
        bench.inputs[regs.IN_ENTRY_LOOP] = index & 1
        bench.read(0, 100)
    reply = link.step(bench.now_us, bench.inputs, [0] * regs.IN_COUNT)
    assert reply.header.scan_count - scans >= 2000


def test_heap_guard_is_on_and_ends_a_scan_that_allocates(tmp_path):
    (tmp_path / "provision.txt").write_text(PROVISION + "mode=lockstep\n")
    program = (
        "from firmware.app.publish import Publisher\n"
        "put_role = Publisher.put_role\n"
        "def allocate(self, status, inputs, outputs):\n"
        "    self.rubbish = [0] * 8\n"
        "    put_role(self, status, inputs, outputs)\n"
        "Publisher.put_role = allocate\n"
        "import sys\n"
        "from firmware.boards.unix.process import main\n"
        "main(sys.argv[1], '')\n"
    )
    result = subprocess.run(
        [VM, "-c", program, tmp_path],
        cwd=ROOT,
        env={**os.environ, "MICROPYPATH": str(ROOT)},
        input=field_link.encode_field_frame(0, INPUTS, [0] * regs.IN_COUNT),
        capture_output=True,
        timeout=DEADLINE_S,
        check=False,
    )
    assert result.returncode == 1
    assert b"MemoryError" in result.stderr
    assert result.stdout == b""


@pytest.mark.parametrize(
    ("provision", "sent", "status", "said"),
    [
        ("role=barrier\n", b"", 2, "serial is missing: add it to the provision file\n"),
        ("roll=barrier\n", b"", 2, "provision.txt:1: 'roll' is not understood"),
        (PROVISION + "mode=fast\n", b"", 2, "mode is 'fast': expected real or lockstep"),
        (PROVISION + "tty=/dev/nowhere\n", b"", 2, "tty /dev/nowhere cannot be opened"),
        (PROVISION + "tcp_port=70000\n", b"", 2, "tcp_port is '70000': expected a number from 1 to 65535"),
        (PROVISION + "wiring=pico-hx711\n", b"", 2, "wiring is 'pico-hx711': this board is made for vm; fit the right"),
        (PROVISION + "wiring=vm\nmode=lockstep\n", b"", 0, ""),
        (PROVISION + "mode=lockstep\n", b"", 0, ""),
        (PROVISION + "mode=lockstep\n", b"not a frame at all", 3, "no field frame for 17 inputs"),
        (PROVISION + "mode=lockstep\n", field_link.encode_field_frame(0, [1], [0]), 3, "no field frame for 17 inputs"),
        (PROVISION + "mode=lockstep\n", field_link.encode_field_frame(0, [], [], b"", 2), 0, ""),
        (PROVISION, b"", 0, ""),
    ],
)
def test_start_and_end_have_one_sentence_and_the_right_status(deploy_dir, tmp_path, provision, sent, status, said):
    (tmp_path / "provision.txt").write_text(provision)
    result = start_and_wait(deploy_dir, tmp_path, sent)
    assert result.returncode == status
    assert said in result.stderr.decode()
    assert result.stderr.count(b"\n") == (1 if said else 0)


def test_missing_provision_file_is_one_sentence(deploy_dir, tmp_path):
    result = start_and_wait(deploy_dir, tmp_path, b"")
    assert result.returncode == 2
    assert b"provision.txt cannot be read: provision the device first" in result.stderr


def test_tcp_port_in_use_is_one_sentence(deploy_dir, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        (tmp_path / "provision.txt").write_text(PROVISION + f"tcp_port={port}\n")
        result = start_and_wait(deploy_dir, tmp_path, b"")
    assert result.returncode == 2
    assert f"tcp_port {port} is in use".encode() in result.stderr


def test_vm_that_ends_is_told_with_its_last_words(vm):
    bench, link = vm
    with pytest.raises(VmLinkError, match="no field frame for 17 inputs"):
        link.step(0, [1], [0])
    assert link.pid == 0
    assert bench.read(regs.AT_MAP_ID) == [regs.MAP_ID]


def test_reset_cause_comes_from_the_environment(vm):
    bench, link = vm
    link.environment["GATE_RESET_CAUSE"] = str(regs.RESET_CAUSE_WATCHDOG)
    assert bench.read(regs.AT_RESET_CAUSE) == [regs.RESET_CAUSE_WATCHDOG]


def start_and_wait(deploy_dir, device_dir, sent):
    return subprocess.run(
        [VM, "-c", "import main", device_dir],
        cwd=deploy_dir,
        input=sent,
        capture_output=True,
        timeout=DEADLINE_S,
        check=False,
    )


class RealNode:
    """A VM in real mode on a pty, its field refreshed whenever the test waits for something."""

    def __init__(self, deploy_dir, device_dir, tty_link=None):
        tty_path = self._open_line()
        if tty_link is not None:
            tty_link.symlink_to(tty_path)
            tty_path = tty_link
        (self.tcp_port,) = free_ports(1)
        lines = PROVISION + f"tty={tty_path}\ntcp_port={self.tcp_port}\n"
        (device_dir / "provision.txt").write_text(lines)
        self.process = subprocess.Popen(
            [VM, "-c", "import main", device_dir],
            cwd=deploy_dir,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self.frames = b""
        self.inputs = INPUTS
        self.wait_for(lambda: len(self.frames) >= field_link.HEADER_SIZE)

    def _open_line(self):
        self.master, self._slave = pty.openpty()
        tty.setraw(self.master)
        tty.setraw(self._slave)
        return os.ttyname(self._slave)

    def replace_line(self, tty_link):
        """Take the line away, and put a new pty under the same name."""
        os.close(self.master)
        os.close(self._slave)
        tty_link.unlink()
        tty_link.symlink_to(self._open_line())

    def wait_for(self, is_done, *sources):
        """Keep the field alive until `is_done`, reading the given descriptors into their buffers."""
        end_s = time.monotonic() + DEADLINE_S
        told_s = 0.0
        while not is_done():
            assert time.monotonic() < end_s, "nothing came"
            if time.monotonic() - told_s > 0.1:
                told_s = time.monotonic()
                self.process.stdin.write(field_link.encode_field_frame(0, self.inputs, [0] * len(self.inputs)))
                self.process.stdin.flush()
            descriptors = {self.process.stdout.fileno(): None, **dict(sources)}
            for descriptor in select.select(list(descriptors), [], [], 0.05)[0]:
                data = os.read(descriptor, 4096)
                if descriptors[descriptor] is None:
                    assert data, self.process.stderr.read().decode()
                    self.frames += data
                else:
                    descriptors[descriptor].extend(data)

    def ask(self, descriptor, request, size):
        """Write a request and wait for `size` bytes of answer."""
        answer = bytearray()
        os.write(descriptor, request)
        self.wait_for(lambda: len(answer) >= size, (descriptor, answer))
        return bytes(answer)

    def close(self):
        self.process.stdin.close()
        status = self.process.wait(DEADLINE_S)
        said = self.process.stderr.read().decode()
        self.process.stdout.close()
        self.process.stderr.close()
        os.close(self.master)
        os.close(self._slave)
        assert (status, said) == (0, "")


@pytest.fixture
def real(deploy_dir, tmp_path):
    node = RealNode(deploy_dir, tmp_path)
    yield node
    node.close()


def test_lost_pty_is_opened_again_by_its_path(deploy_dir, tmp_path, frames):
    link = tmp_path / "line"
    node = RealNode(deploy_dir, tmp_path, link)
    read = frames(bytes([4, 0, 0, 0, 2]))
    answer = node.ask(node.master, read, 9)
    node.replace_line(link)
    again = bytearray()
    asked_s = [0.0]

    def is_answered():
        if time.monotonic() - asked_s[0] > 0.5:  # the hub's time-out and its next poll
            asked_s[0] = time.monotonic()
            os.write(node.master, read)
        return len(again) >= 9

    node.wait_for(is_answered, (node.master, again))
    assert bytes(again[:9]) == answer
    node.close()


def events_of(real, frames, code):
    """Arguments of all events of this code; ring not yet wrapped."""
    head = int.from_bytes(real.ask(real.master, frames(bytes([4, 0, regs.AT_EVENT_HEAD, 0, 2])), 9)[3:7], "big")
    found = []
    for index in range(head):
        address = (regs.RING_ADDRESS + 8 * index).to_bytes(2, "big")
        slot = real.ask(real.master, frames(bytes([4]) + address + bytes([0, 8])), 21)[3:19]
        if int.from_bytes(slot[10:12], "big") == code:
            found.append(int.from_bytes(slot[12:16], "big"))
    return found


def stop_and_queue(real, inputs, count):
    """Queue `count` frames of `inputs` and a last one of INPUTS while the process is stopped, then let it go on."""
    os.kill(real.process.pid, signal.SIGSTOP)
    os.waitpid(real.process.pid, os.WUNTRACED)
    real.process.stdin.write(field_link.encode_field_frame(0, inputs, [0] * len(inputs)) * count)
    real.process.stdin.write(field_link.encode_field_frame(0, INPUTS, [0] * regs.IN_COUNT))
    real.process.stdin.flush()
    time.sleep(0.02)  # the length of the stop: two scan periods, so that a scan is due when it ends
    os.kill(real.process.pid, signal.SIGCONT)


def test_process_that_was_stopped_acts_on_the_last_frame_only(real, frames):
    before = events_of(real, frames, regs.EV_PRESENCE_CHANGED)
    assert before
    stop_and_queue(real, [0] * regs.IN_COUNT, 500)
    assert events_of(real, frames, regs.EV_PRESENCE_CHANGED) == before


def test_frames_without_inputs_do_not_keep_old_inputs_alive(real, frames):
    read = frames(bytes([4, 0, regs.AT_REASONS, 0, 1]))
    assert not real.ask(real.master, read, 7)[4] >> regs.REASONS_INPUT_BAD & 1
    real.inputs = []
    end_s = time.monotonic() + DEADLINE_S
    while not real.ask(real.master, read, 7)[4] >> regs.REASONS_INPUT_BAD & 1:
        assert time.monotonic() < end_s, "the inputs stayed good"


def test_real_mode_serves_the_pty_and_tcp_and_feeds_the_watchdog(real, frames):
    read = bytes([4, 0, 0, 0, 2])
    answer = bytes([4, 4, 0, regs.MAP_ID, 0, regs.MAP_VERSION])
    for _ in range(20):
        assert real.ask(real.master, frames(read), 9) == frames(answer)
    for transaction in range(3):  # the newest session wins
        with socket.create_connection(("127.0.0.1", real.tcp_port), DEADLINE_S) as session:
            header = bytes([0, transaction, 0, 0, 0])
            assert real.ask(session.fileno(), header + bytes([6, 255]) + read, 13) == header + bytes([7, 255]) + answer
    header = field_link.decode_header(real.frames[: field_link.HEADER_SIZE])
    assert header is not None
    assert header.output_count == regs.OUT_COUNT
    seen = len(real.frames)
    size = field_link.HEADER_SIZE + regs.OUT_COUNT
    real.wait_for(lambda: len(real.frames) >= seen + 5 * size)
    last = field_link.decode_header(real.frames[-(len(real.frames) % size) - size :][: field_link.HEADER_SIZE])
    assert last is not None
    assert last.watchdog_fed
