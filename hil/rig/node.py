"""A device under test at its place on the line: when it acts next, who feeds its watchdog, who drives its outputs.

Knows: how long a watchdog waits and a start takes. Must not know: how the firmware is run, what an output moves.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from hil.targets.target import ContinuousDevice, Device, Provision, StepResult
from sim_devices.buses.rs485 import Station
from sim_devices.devices.output_card import MAX_AGE_US, OutputCard

# A board's way from power-on to its first scan, where the device takes no time for it; an RP2040 takes 1.5 to 2.2 s.
RESTART_US = 1_300_000
WATCHDOG_US = 2_000_000  # the default of every board
NEVER_US = 1 << 60


@dataclass(slots=True)
class Node:
    """`due_us` is when its loop next has something to do.

    *Hung*: the loop stands still, and the watchdog waits for it. *Off*: without supply, or starting. *Broken*: its
    program has ended with an error, in a sentence; it stays so, whatever it is told, until its power is cut.
    """

    provision: Provision
    device: Device
    station: Station
    card: OutputCard = field(default_factory=OutputCard)
    due_us: int = 0
    is_hung: bool = False
    is_off: bool = False
    broken: str = ""
    is_continuous: bool = field(init=False)
    _fed_us: int = 0
    _stepped_us: int = 0

    def __post_init__(self) -> None:
        self.is_continuous = isinstance(self.device, ContinuousDevice)

    @property
    def role(self) -> str:
        return self.provision.role

    @property
    def asleep(self) -> bool:
        """It does nothing before `due_us`, whatever is heard."""
        return self.is_off or (self.is_hung and not self.is_continuous)

    @property
    def wake_us(self) -> int:
        """When something about it next changes by itself."""
        expires_us = self._stepped_us + MAX_AGE_US if self.card.alive else NEVER_US
        bites_us = self._fed_us + WATCHDOG_US if self.is_hung else NEVER_US
        return min(self.due_us, expires_us, bites_us)

    def hang(self, until_us: int) -> None:
        """The loop stands still until then, or until the watchdog bites."""
        self.is_hung = True
        if isinstance(self.device, ContinuousDevice):
            self.device.hang(until_us)
        else:
            self.due_us = until_us

    def start(self, at_us: int) -> None:
        """Supply or reset has ended what it did; from `at_us` on it starts."""
        takes_time = isinstance(self.device, ContinuousDevice) and not self.device.starts_at_once
        at_us += 0 if takes_time else RESTART_US
        self.is_hung, self.is_off, self.due_us, self._fed_us = False, True, at_us, at_us
        self.broken = ""
        self.card.drop()

    def break_down(self, sentence: str) -> None:
        """Its program has ended."""
        self.broken, self.is_off, self.due_us = sentence, True, NEVER_US
        self.card.drop()

    def note(self, now_us: int, result: StepResult) -> None:
        """Its loop has run."""
        self.is_hung = self.is_hung and self.is_continuous
        self.is_off = False
        self.due_us = now_us + max(1, result.wait_us)
        self._stepped_us = now_us
        self.card.refresh(now_us)
        if result.fed:
            self._fed_us = now_us

    def is_bitten(self, now_us: int) -> bool:
        """The watchdog has waited long enough for a loop that runs without feeding it, or hangs."""
        return not self.is_off and now_us - self._fed_us >= WATCHDOG_US
