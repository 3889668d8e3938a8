"""What a target is to a rig: a device under test that can be stepped in scenario time.

Knows: the shape of one step. Must not know: how the firmware is run.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, TypeVar

_Result = TypeVar("_Result")


class BlockedError(Exception):
    """The target cannot be had here; the message says what is missing. A blocked run is neither passed nor failed."""


class UsageError(Exception):
    """What the user named is not what it must be (image, port, wiring); the message is one sentence. Exit code 2."""


class TargetError(Exception):
    """The firmware cannot be built or broke down while it ran; the message says where and how. The run has failed."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the user says of targets: the image of the emulated chip, the ports of rig board and device under test."""

    uf2: Path | None = None
    rig_port: str = ""
    dut_port: str = ""


@dataclass(frozen=True, slots=True)
class Provision:
    """Identity of a device, its field line's protocol and speed, the settings in which it differs from a new one."""

    role: str
    serial: int
    unit_id: int
    baud: int
    key: bytes
    line_protocol: str = ""
    parameters: tuple[tuple[str, int], ...] = ()
    line_baud: int = 9600
    site_key: bytes = b""

    def settings(self) -> dict[str, str]:
        """As the key=value lines of a provision file."""
        lines = {
            "role": self.role,
            "serial": str(self.serial),
            "unit_id": str(self.unit_id),
            "baud": str(self.baud),
            "key": self.key.hex(),
            "mode": "lockstep",
            "line_baud": str(self.line_baud),
        }
        chosen = {"line_protocol": self.line_protocol, "site_key": self.site_key.hex()}
        return lines | {key: value for key, value in chosen.items() if value}


UNDRIVEN: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class StepResult:
    """Outputs as driven (0/1), bytes sent on bus and field line, and how long nothing new can happen without input.

    `outputs` is UNDRIVEN while nobody drives them. `fed`: the device has fed its watchdog; always True where the target
    has a watchdog of its own. `changes` are the outputs on the way here, each with its instant, where they are known.
    """

    outputs: tuple[int, ...]
    sent: bytes
    wait_us: int
    field_sent: bytes = b""
    fed: bool = True
    changes: tuple[tuple[int, tuple[int, ...]], ...] = ()


class Device(ABC):
    """One device under test."""

    @abstractmethod
    def step(
        self,
        now_us: int,
        inputs: Sequence[int],
        qualities: Sequence[int],
        received: bytes,
        field_received: bytes = b"",
    ) -> StepResult:
        """Run the device's loop once at `now_us`; raises TargetError."""

    @abstractmethod
    def kill(self) -> None:
        """Power cut: everything but the settings store is gone. The next step starts the device anew."""

    @abstractmethod
    def reset(self) -> None:
        """The watchdog resets it: like `kill`, but the supply stays and the device is told so."""

    @abstractmethod
    def close(self) -> None:
        """Release what the device holds."""


class WrappedDevice(Device):
    """A device with something around it: `step` is the wrapper's, the rest is the device's own."""

    def __init__(self, device: Device) -> None:
        self._device = device

    def kill(self) -> None:
        self._device.kill()

    def reset(self) -> None:
        self._device.reset()

    def close(self) -> None:
        self._device.close()


class ContinuousDevice(Device):
    """A device with a clock of its own, which lives from one step to the next.

    `step` brings it to `now_us`; the inputs given are those in force since the last step, the bytes those that arrived
    since then, and they arrive in it one after another. It takes its own time to start, and has its own watchdog.
    """

    takes_bursts: ClassVar[bool] = False
    """Whether bytes are handed over when the line is quiet, and not each as it arrives."""

    starts_at_once: ClassVar[bool] = False
    """Whether its start takes hardly any time, so that the rig must wait for it as long as a board takes."""

    def pass_time(self, now_us: int) -> None:  # in virtual time it passes by itself
        """The rig goes on to `now_us`, where it may step the device or not; raises BlockedError and TargetError."""

    @abstractmethod
    def hang(self, until_us: int) -> None:
        """Its loop stands still until then, or until its watchdog bites; a time that is over ends it."""


class Target(ABC):
    """A way to run the firmware. Making one touches nothing; values of it can be pickled before `start`."""

    name: str

    @abstractmethod
    def lacks(self) -> Mapping[str, str]:
        """The capabilities of `hil.targets.ledger` that it does not have, each with the reason.

        A reason goes on after "needs X, but ...".
        """

    def prepare(self, roles: Sequence[str], directory: Path) -> None:  # noqa: B027  # not every target has something to make
        """Make once, below `directory`, what all runs of these roles share.

        Raises BlockedError, TargetError and UsageError. Without it each run makes it for itself.
        """

    def run_apart(self, work: Callable[[], _Result]) -> _Result:
        """What `work` returns, a whole run: done in a copy of this process where that spares runs that begin alike."""
        return work()

    @property
    def is_one_bench(self) -> bool:
        """Whether all runs need the same piece of hardware, and so come one after the other."""
        return False

    def identity(self) -> Mapping[str, str]:
        """What exactly it runs (hashes of firmware and image, versions), once it is prepared.

        Two runs of a scenario with the same seed and identity are the same.
        """
        return {}


class SteppedTarget(Target):
    """A way in which a rig steps each device itself."""

    @abstractmethod
    def start(self, provision: Provision, directory: Path) -> Device:
        """Start one device with its settings in `directory`; raises BlockedError, TargetError and UsageError."""
