"""What a host has of a bench: two serial ports and time that passes.

Knows: bytes and microseconds of the host. Must not know: frames, real ports, emulated chips.
"""

from __future__ import annotations

from abc import ABC, abstractmethod


class Port(ABC):
    """One serial port. `name` is what a person calls it."""

    name: str

    @abstractmethod
    def send(self, data: bytes) -> None:
        """Hand over bytes; they leave as fast as the line takes them."""

    @abstractmethod
    def take(self) -> bytes:
        """What has arrived since the last call."""

    @abstractmethod
    def close(self) -> None:
        """Give the port back."""


class Table(ABC):
    """The rig board and, where one is connected, the device under test; `wait` is the only way for time to pass."""

    rig: Port
    device: Port | None

    @property
    @abstractmethod
    def now_us(self) -> int:
        """The host's clock, monotonic."""

    @abstractmethod
    def wait(self, until_us: int) -> None:
        """Let time pass until then, or until bytes have arrived, whichever is first."""

    def close(self) -> None:
        """Give both ports back."""
        self.rig.close()
        if self.device is not None:
            self.device.close()
