"""One node in virtual time: a MicroPython VM process stepped frame by frame in lock-step with its field.

Knows: how the VM is started and that it answers every frame with exactly one. Must not know: what an input or output
means, Modbus, scenarios. What the frames look like is in `field_link.py`; the same node in real time is `vm_node.py`.
"""

from __future__ import annotations

import contextlib
import os
import select
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sim_devices.devices import field_link
from sim_devices.micropython import VM

_PROVISION_NAME = "provision.txt"
# A poll takes well under a millisecond; the worst, a start or a stored setting, waits for the disk.
_DEADLINE_S = 20.0


class VmLinkError(Exception):
    """The VM ended, does not answer, or answers with something that is no frame; the text says which."""


@dataclass(frozen=True, slots=True)
class VmReply:
    """What one step gave: outputs as driven, bytes sent on the line and the field line, and the frame's header."""

    outputs: tuple[int, ...]
    sent: bytes
    field_sent: bytes
    header: field_link.DeviceHeader


class VmLink:
    """A VM that runs the deployed file set of `deploy_dir` with its provision and settings in `device_dir`.

    `provision` is written to the provision file, always with mode=lockstep. The process starts with the first `step`
    and again with the first step after `kill`; `environment` and `arguments` are what it is started with, and
    `exit_status` is what the last one ended with.
    """

    def __init__(self, deploy_dir: Path, device_dir: Path, provision: Mapping[str, str]) -> None:
        self._deploy_dir = deploy_dir
        self._device_dir = device_dir
        self._process: subprocess.Popen[bytes] | None = None
        self.exit_status = 0
        self.environment: dict[str, str] = {}
        self.arguments = ["-c", "import main", str(device_dir.resolve())]
        device_dir.mkdir(parents=True, exist_ok=True)
        lines = {**provision, "mode": "lockstep"}
        text = "".join(f"{key}={value}\n" for key, value in lines.items())
        (device_dir / _PROVISION_NAME).write_text(text, encoding="ascii")

    @property
    def pid(self) -> int:
        """Process id of the running VM, 0 when none runs."""
        return self._process.pid if self._process else 0

    def step(
        self,
        now_us: int,
        inputs: Sequence[int],
        qualities: Sequence[int],
        received: bytes = b"",
        field_received: bytes = b"",
    ) -> VmReply:
        """Run the device's loop once at `now_us`. Raises VmLinkError; the process is then gone."""
        if self._process is None:
            self._process = self._start()
        frame = field_link.encode_field_frame(now_us, inputs, qualities, received, field_link.FLAG_STEP, field_received)
        try:
            return self._exchange(self._process, frame)
        except (OSError, VmLinkError) as error:
            raise VmLinkError(f"{error}{self._end()}") from None

    def kill(self) -> None:
        """SIGKILL: everything but what is on the disk is gone."""
        if self._process:
            self._process.kill()
            self._end()

    def quit(self) -> int:
        """Ask the VM to end; return its exit status."""
        if self._process is None:
            return 0
        assert self._process.stdin is not None
        self._process.stdin.write(field_link.encode_field_frame(0, (), (), b"", field_link.FLAG_QUIT))
        self._process.stdin.flush()
        status = self._process.wait(_DEADLINE_S)
        self._end()
        return status

    def close(self) -> None:
        """Release the process."""
        self.kill()

    def _start(self) -> subprocess.Popen[bytes]:
        with self._log_path().open("wb") as log:
            return subprocess.Popen(
                [str(VM), *self.arguments],
                cwd=self._deploy_dir,
                env={**os.environ, **self.environment},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
            )

    def _exchange(self, process: subprocess.Popen[bytes], frame: bytes) -> VmReply:
        assert process.stdin is not None
        process.stdin.write(frame)
        process.stdin.flush()
        deadline_s = time.monotonic() + _DEADLINE_S
        header = field_link.decode_header(self._read(process, field_link.HEADER_SIZE, deadline_s))
        if header is None:
            raise VmLinkError("the VM's answer is no frame")
        body = self._read(process, header.body_size, deadline_s)
        field_at = header.output_count + header.sent_size
        return VmReply(
            tuple(body[: header.output_count]), body[header.output_count : field_at], body[field_at:], header
        )

    def _read(self, process: subprocess.Popen[bytes], size: int, deadline_s: float) -> bytes:
        assert process.stdout is not None
        descriptor = process.stdout.fileno()
        data = b""
        while len(data) < size:
            ready, _, _ = select.select([descriptor], [], [], max(0.0, deadline_s - time.monotonic()))
            if not ready:
                raise VmLinkError(f"the VM did not answer within {_DEADLINE_S:.0f} s")
            part = os.read(descriptor, size - len(data))
            if not part:
                process.wait(_DEADLINE_S)
                raise VmLinkError("the VM ended")
            data += part
        return data

    def _end(self) -> str:
        """Take leave of the process; return what it said on stderr, for the message."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            self.exit_status = process.wait()
            for stream in (process.stdin, process.stdout):
                if stream is not None:
                    with contextlib.suppress(BrokenPipeError):
                        stream.close()
        said = self._log_path().read_text(encoding="utf-8", errors="replace").strip()
        return f": {said}" if said else ""

    def _log_path(self) -> Path:
        return self._device_dir / "stderr.log"
