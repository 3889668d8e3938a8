"""One node in real time: a MicroPython VM process that runs a deployed file set, wired to its simulated field.

Knows: how the VM is started, provisioned and watched; that outputs live 300 ms from their last refresh and that a
watchdog that is not fed for 2 s resets the node. Must not know: what an input or output means, Modbus, the hub. What
the frames on stdin and stdout look like is in `field_link.py`.

A VM that ends, whatever the reason, is started again with backoff; meanwhile the field is in its safe state.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from sim_devices.child_end import kill_and_wait
from sim_devices.devices import field_link
from sim_devices.devices.output_card import OutputCard
from sim_devices.micropython import VM

REFRESH_US = 100_000  # inputs are told at least this often
WATCHDOG_US = 2_000_000
BOOT_GRACE_US = 5_000_000  # from the start of the process to its first frame
_STALL_US = 100_000  # a pump that comes so late: the rig stood still and could take no frame
_BACKLOG_SIZE_MAX = 64 * 1024  # a VM that does not read: the watchdog will see to it
_BACKOFF_FIRST_S = 0.1
_BACKOFF_LAST_S = 5.0
_RESET_POWER_ON, _RESET_WATCHDOG = 1, 2  # the map's reset_cause
_REFUSED = (2, 3)  # exit status of a VM that cannot use its provisioning or its field; it says why in one line
_LOG = "vm.log"
_WORDS_SIZE_MAX = 4096
_WORDS_S = 0.5
_BURY_S = 1.0
_LIVED_WELL_S = 10.0  # after so long a start counts as good and the backoff begins anew


class NodeField(Protocol):
    """The field as a node sees it (`field.LaneField`)."""

    def inputs_of(self, role: str) -> tuple[list[int], list[int]]: ...
    def apply_outputs(self, role: str, outputs: Sequence[int]) -> None: ...
    def drop_outputs(self, role: str) -> None: ...


class FieldLine(Protocol):
    """The other end of a node's field line."""

    def receive(self, data: bytes) -> None: ...
    def take(self) -> bytes: ...


@dataclass(frozen=True, slots=True)
class NodeSpec:
    """Identity of a node and where its serial port is; `key` is the 32-byte command key, `tcp_port` 0 for none.

    `site_key` is the public key of updates, b"" for none.
    `provision` is its whole provision file where it has one already, which says the same and more.
    """

    name: str
    role: str
    serial: int
    unit_id: int
    baud: int
    key: bytes
    tty: Path
    tcp_port: int = 0
    site_key: bytes = b""
    provision: str = ""

    def provision_text(self) -> str:
        """The provision file's key=value lines."""
        if self.provision:
            return self.provision
        lines = {
            "role": self.role,
            "serial": self.serial,
            "unit_id": self.unit_id,
            "baud": self.baud,
            "key": self.key.hex(),
            "mode": "real",
            "tty": self.tty,
        }
        if self.tcp_port:
            lines["tcp_port"] = self.tcp_port
        if self.site_key:
            lines["site_key"] = self.site_key.hex()
        return "".join(f"{key}={value}\n" for key, value in lines.items())


@dataclass(slots=True)
class NodeCounters:
    """Since the node was made: processes started, of those reset by the watchdog, killed on purpose; frames taken;
    frames that made no sense."""

    starts: int = 0
    watchdog_resets: int = 0
    kills: int = 0
    frames: int = 0
    link_errors: int = 0


class VmNode:
    """`run` keeps the VM alive until cancelled; `pump` must be called about every 10 ms.

    `state_dir` is the node's flash: provision file and settings, kept over restarts, and the program if it has slots.
    `on_start` is called just before every start, to empty the node's UART. `last_message` is the last line the VM said
    when it refused to run or failed. `line` is the instrument on its field line, None for none.
    """

    def __init__(
        self,
        spec: NodeSpec,
        field: NodeField,
        deploy_dir: Path,
        state_dir: Path,
        on_start: Callable[[], None],
        line: FieldLine | None = None,
    ) -> None:
        self.spec = spec
        self.counters = NodeCounters()
        self.card = OutputCard()
        self._field = field
        self._deploy_dir = deploy_dir
        self._state_dir = state_dir.resolve()
        self._on_start = on_start
        self._line = line
        self._process: asyncio.subprocess.Process | None = None
        self._told: tuple[tuple[int, ...], tuple[int, ...]] | None = None
        self._told_us = 0
        self._fed_by_us = 0
        self._pumped_us = 0
        self._reset_cause = _RESET_POWER_ON
        self.last_message = ""

    @property
    def pid(self) -> int:
        """Process id of the running VM, 0 when none runs."""
        return self._process.pid if self._process else 0

    async def run(self) -> None:
        """Start the VM again whenever it ends. Raises OSError when it cannot be started at all."""
        self._write_provision()
        backoff_s = _BACKOFF_FIRST_S
        while True:
            lived_s = await self._live_once()
            backoff_s = _BACKOFF_FIRST_S if lived_s >= _LIVED_WELL_S else min(backoff_s * 2.0, _BACKOFF_LAST_S)
            await asyncio.sleep(backoff_s)

    def kill(self) -> None:
        """Pull the node's power (SIGKILL); `run` starts it again."""
        if self._process and self._process.returncode is None:
            self.counters.kills += 1
            self._process.kill()

    def pump(self) -> None:
        """Tell the VM its inputs if they changed or are due, and watch output age and watchdog."""
        now_us = _now_us()
        self._excuse_stall(now_us)
        if self.card.has_expired(now_us):
            self._field.drop_outputs(self.spec.role)
        if self._process is None or self._process.returncode is not None:
            return
        if now_us >= self._fed_by_us:
            self._reset()
        else:
            self._tell_inputs(now_us)

    def _excuse_stall(self, now_us: int) -> None:
        """What the node said while the rig stood still waits to be taken: that time is not the node's."""
        late_us = now_us - self._pumped_us
        if self._pumped_us and late_us > _STALL_US:
            self._fed_by_us += late_us
        self._pumped_us = now_us

    def _reset(self) -> None:
        assert self._process is not None
        self.counters.watchdog_resets += 1
        self._reset_cause = _RESET_WATCHDOG
        self._process.kill()
        self._fed_by_us = _now_us() + WATCHDOG_US

    def _tell_inputs(self, now_us: int) -> None:
        values, qualities = self._field.inputs_of(self.spec.role)
        told = (tuple(values), tuple(qualities))
        assert self._process is not None
        assert self._process.stdin is not None
        if self._process.stdin.transport.get_write_buffer_size() > _BACKLOG_SIZE_MAX:
            return  # what the instrument says waits there
        said = self._line.take() if self._line is not None else b""
        if told == self._told and not said and now_us - self._told_us < REFRESH_US:
            return
        self._process.stdin.write(field_link.encode_field_frame(now_us, values, qualities, field_received=said))
        self._told, self._told_us = told, now_us

    async def _live_once(self) -> float:
        """One life of the process; how long it lasted, in seconds."""
        began_us = _now_us()
        self._on_start()
        process = await self._start()
        self._process, self._told = process, None
        self._fed_by_us = began_us + BOOT_GRACE_US
        try:
            await self._take_frames(process)
        finally:
            await self._end(process)
        return (_now_us() - began_us) / 1e6

    async def _start(self) -> asyncio.subprocess.Process:
        self.counters.starts += 1
        environment = os.environ | {"GATE_RESET_CAUSE": str(self._reset_cause)}
        self._reset_cause = _RESET_POWER_ON
        log = (self._state_dir / _LOG).open("ab")
        with log:
            return await asyncio.create_subprocess_exec(
                *vm_command(self._state_dir),
                cwd=self._program(),
                env=environment,
                start_new_session=True,  # a Ctrl-C in the terminal is for the rig, which then ends its nodes
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
            )

    def _program(self) -> Path:
        """Where the start lies: on the node's flash, or the file set that nodes without slots share."""
        has_slots = (self._state_dir / "slot.txt").exists()
        return self._state_dir if has_slots else self._deploy_dir

    async def _take_frames(self, process: asyncio.subprocess.Process) -> None:
        """Apply what the VM drives until its stdout ends or makes no sense."""
        assert process.stdout is not None
        with contextlib.suppress(asyncio.IncompleteReadError):
            while True:
                header = await process.stdout.readexactly(field_link.HEADER_SIZE)
                frame = field_link.decode_header(header)
                if frame is None:
                    self.counters.link_errors += 1
                    self._keep_words(header + await _read_words(process.stdout))
                    return
                body = await process.stdout.readexactly(frame.body_size)
                self._take(frame, list(body[: frame.output_count]))
                if self._line is not None and frame.field_size:
                    self._line.receive(body[-frame.field_size :])

    def _take(self, frame: field_link.DeviceHeader, outputs: list[int]) -> None:
        now_us = _now_us()
        self.counters.frames += 1
        if frame.watchdog_fed:
            self._fed_by_us = now_us + WATCHDOG_US
        self.card.refresh(now_us)
        self._field.apply_outputs(self.spec.role, outputs)

    async def _end(self, process: asyncio.subprocess.Process) -> None:
        self._process = None
        self.card.drop()
        self._field.drop_outputs(self.spec.role)
        await _bury(process)
        if process.returncode in _REFUSED:
            self.last_message = _last_line((self._state_dir / _LOG).read_bytes())

    def _keep_words(self, words: bytes) -> None:
        """MicroPython tells of a program error on stdout, in between the frames: keep it with the node's log."""
        with (self._state_dir / _LOG).open("ab") as log:
            log.write(words)
        self.last_message = _last_line(words)

    def _write_provision(self) -> None:
        self._state_dir.mkdir(parents=True, exist_ok=True)
        (self._state_dir / "provision.txt").write_text(self.spec.provision_text(), encoding="ascii")


async def _bury(process: asyncio.subprocess.Process) -> None:
    """Wait for the end of a process that closed its stdout; end any other at once."""
    assert process.stdout is not None
    try:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_BURY_S if process.stdout.at_eof() else 0.0):
                await process.wait()
    finally:
        await kill_and_wait(process)


async def _read_words(stream: asyncio.StreamReader) -> bytes:
    """What the VM still says before it ends."""
    words = b""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_WORDS_S):
            while len(words) < _WORDS_SIZE_MAX and not stream.at_eof():
                words += await stream.read(_WORDS_SIZE_MAX)
    return words


def _last_line(words: bytes) -> str:
    lines = words.decode("utf-8", "replace").splitlines()
    return lines[-1] if lines else ""


def vm_command(state_dir: Path) -> list[str]:
    """The command line that starts the VM of the node whose flash is `state_dir`."""
    return [str(VM), "-c", "import main", str(state_dir)]


def _now_us() -> int:
    return int(asyncio.get_running_loop().time() * 1e6)
