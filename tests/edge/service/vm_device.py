"""A device as it is deployed: the MicroPython VM behind a pty and a TCP port, its field kept alive, in threads."""

from __future__ import annotations

import contextlib
import os
import pty
import select
import subprocess
import threading
import tty
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hil.bench.children import free_ports
from protocols.registers import barrier
from sim_devices.devices import field_link
from sim_devices.micropython import VM

KEY = bytes(range(32)).hex()
SERIAL = 4711
UNIT_ID = 3
INPUTS = [1] * barrier.IN_COUNT
_FIELD_PERIOD_S = 0.1  # inputs live 300 ms
_DEADLINE_S = 20


@dataclass(frozen=True, slots=True)
class VmDevice:
    """Where it answers: a serial port's name and a port of the loopback. `inputs` may be changed in place."""

    tty: str
    tcp: str
    inputs: list[int]


@contextlib.contextmanager
def barrier_device(deploy_dir: Path, folder: Path) -> Iterator[VmDevice]:
    """A barrier that answers."""
    with contextlib.ExitStack() as stack:
        ours, theirs = _line(stack), _line(stack)
        (tcp_port,) = free_ports(1)
        lines = f"role=barrier\nserial={SERIAL}\nunit_id={UNIT_ID}\nbaud=115200\nkey={KEY}\n"
        (folder / "provision.txt").write_text(f"{lines}tty={os.ttyname(theirs[1])}\ntcp_port={tcp_port}\n")
        process = subprocess.Popen(
            [VM, "-c", "import main", folder], cwd=deploy_dir, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert process.stdin is not None
        assert process.stdout is not None
        inputs, ended, is_up = list(INPUTS), threading.Event(), threading.Event()
        sources = {process.stdout.fileno(): None, ours[0]: theirs[0], theirs[0]: ours[0]}
        thread = threading.Thread(target=_serve, args=(process, inputs, sources, ended, is_up))
        thread.start()
        try:
            assert is_up.wait(_DEADLINE_S), "the VM did not come up"
            yield VmDevice(os.ttyname(ours[1]), f"127.0.0.1:{tcp_port}", inputs)
        finally:
            ended.set()
            thread.join()
            process.stdin.close()
            process.wait(_DEADLINE_S)
            process.stdout.close()


def _line(stack: contextlib.ExitStack) -> tuple[int, int]:
    pair = pty.openpty()
    for end in pair:
        tty.setraw(end)
        stack.callback(os.close, end)
    return pair


def _serve(
    process: subprocess.Popen[bytes],
    inputs: list[int],
    sources: dict[int, int | None],
    ended: threading.Event,
    is_up: threading.Event,
) -> None:
    """Tell the field at its period, and carry bytes from one pty to the other."""
    assert process.stdin is not None
    while not ended.is_set():
        process.stdin.write(field_link.encode_field_frame(0, inputs, [0] * len(inputs)))
        process.stdin.flush()
        for source in select.select(list(sources), [], [], _FIELD_PERIOD_S)[0]:
            data = os.read(source, 4096)
            target = sources[source]
            if target is not None:
                os.write(target, data)
            elif data:
                is_up.set()
