"""Wiring of the host board: ports over plain attributes, and a store over two files.

The caller sets `inputs` and `quality`, appends to `rx`, calls `Device.poll` with its own time, and looks at `outputs`,
`tx` and `watchdog_feeds`. Nothing here knows real time.
"""

import os
from collections.abc import Callable
from pathlib import Path

from firmware.app.device import Device
from firmware.app.identity import Identity
from firmware.app.roles import load_role
from firmware.app.settings import Settings
from firmware.boards.latch import OutputLatch
from firmware.ports import (
    RESET_POWER_ON,
    STORE_ABSENT,
    STORE_FAILED,
    NullBoard,
    NullEntropy,
    NullInputs,
    NullSessions,
    NullStore,
    NullUart,
    NullWatchdog,
)
from protocols import quality


class HostInputs(NullInputs):
    """Field values the caller set; what it has not wired yet is 0 and bad."""

    def __init__(self) -> None:
        self.values: list[int] = []
        self.quality: list[int] = []

    def resize(self, count: int) -> None:
        """Take `count` inputs, all bad until the caller says otherwise."""
        self.values = [0] * count
        self.quality = [quality.BAD] * count

    def read_into(self, values: list[int], quality: list[int]) -> None:
        """Copy both lists."""
        values[:] = self.values
        quality[:] = self.quality


class HostUart(NullUart):
    """A line whose bytes arrive exactly when the caller polls, so that pauses mean what they mean on the wire."""

    def __init__(self) -> None:
        self.timed = 1
        self.silence_us = 0
        self.rx = bytearray()
        self.tx = bytearray()

    def read_into(self, buffer: bytearray) -> int:
        """Move what was fed."""
        count = min(len(self.rx), len(buffer))
        buffer[:count] = self.rx[:count]
        del self.rx[:count]
        return count

    def write(self, buffer: bytearray, size: int) -> int:
        """Keep what was sent until the caller takes it."""
        self.tx += buffer[:size]
        return size


class HostSessions(NullSessions):
    """One session fed and drained by the caller; `connect` starts a new one."""

    def __init__(self) -> None:
        self.generation = 0
        self.is_open = False
        self.rx = bytearray()
        self.tx = bytearray()

    def connect(self) -> None:
        """Replace the session."""
        self.generation += 1
        self.is_open = True
        self.rx.clear()
        self.tx.clear()

    def read_into(self, buffer: bytearray) -> int:
        """Move what was fed."""
        count = min(len(self.rx), len(buffer))
        buffer[:count] = self.rx[:count]
        del self.rx[:count]
        return count

    def write(self, buffer: bytearray, size: int) -> int:
        """Keep what was sent until the caller takes it."""
        self.tx += buffer[:size]
        return size

    def close(self) -> None:
        """End the session and drop what it still holds."""
        self.is_open = False
        self.rx.clear()


class FileStore(NullStore):
    """Records as files of one directory."""

    def __init__(self, directory: str | os.PathLike[str]) -> None:
        self._directory = Path(directory)

    def read(self, name: str, buffer: bytearray) -> int:
        """Fill `buffer` from the file."""
        try:
            data = (self._directory / name).read_bytes()[: len(buffer)]
        except FileNotFoundError:
            return STORE_ABSENT
        except OSError:
            return STORE_FAILED
        buffer[: len(data)] = data
        return len(data)

    def write(self, name: str, buffer: bytearray, size: int) -> bool:
        """Replace the file and flush it to the disk."""
        try:
            with (self._directory / name).open("wb") as file:
                file.write(buffer[:size])
                file.flush()
                os.fsync(file.fileno())
        except OSError:
            return False
        return True


class HostWatchdog(NullWatchdog):
    """Counts feeds."""

    def __init__(self) -> None:
        self.feeds = 0

    def feed(self) -> None:
        """Count."""
        self.feeds += 1


class HostEntropy(NullEntropy):
    """A number the caller chose, so that runs repeat."""

    def __init__(self) -> None:
        self.value = 12345

    def read_u15(self) -> int:
        """Return it."""
        return self.value


class HostBoard(NullBoard):
    """A board in memory. `inputs` and `quality` are lists to set in place, `outputs` is the list as driven.

    Append received bytes to `rx`; sent bytes gather in `tx`, which the caller clears. `tcp` does the same for Modbus
    TCP, after `tcp.connect()`, and `instrument` for the field line. Only these and `dog.feeds` are for the caller; the
    `*_port` attributes are the device's.
    """

    def __init__(self, directory: str | os.PathLike[str], reset_cause: int = RESET_POWER_ON) -> None:
        super().__init__()
        self.field = HostInputs()
        self.latch = OutputLatch()
        self.line = HostUart()
        self.instrument = HostUart()
        self.tcp = HostSessions()
        self.dog = HostWatchdog()
        self.input_port = self.field
        self.output_port = self.latch
        self.uart = self.line
        self.field_line = self.instrument
        self.sessions = self.tcp
        self.store = FileStore(directory)
        self.watchdog = self.dog
        self.entropy = HostEntropy()
        self.reset_cause = reset_cause

    @property
    def inputs(self) -> list[int]:
        """Field values in the order of the role's input image."""
        return self.field.values

    @property
    def quality(self) -> list[int]:
        """Their quality; BAD until set."""
        return self.field.quality

    @property
    def outputs(self) -> list[int]:
        """Outputs as driven now."""
        return self.latch.values

    @property
    def rx(self) -> bytearray:
        """Bytes on their way to the device."""
        return self.line.rx

    @property
    def tx(self) -> bytearray:
        """Bytes the device sent."""
        return self.line.tx


def build_device(
    role: str,
    provision: dict[str, str],
    directory: str | os.PathLike[str],
    reset_cause: int = RESET_POWER_ON,
    prepare: Callable[[HostBoard], None] | None = None,
) -> tuple[HostBoard, Device]:
    """Start a device of `role` whose settings live in `directory`; it is told why it starts.
    `prepare` may put other ports in the board's place before anything is read or driven.

    `provision` has the keys of a provision file; `role` wins over the one in it. Raises ProvisionError, a sentence for
    the technician, when a value is missing or wrong.
    """
    identity = Identity({**provision, "role": role})
    board = HostBoard(directory, reset_cause)
    if prepare is not None:
        prepare(board)
    device = Device(board, load_role(role), identity)
    board.field.resize(len(device.core.inputs))
    return board, device


def store_settings(role: str, changes: dict[str, int], directory: str | os.PathLike[str]) -> None:
    """Leave a device's settings in `directory` as if they had been set at commissioning, by their names in the map.

    Nothing is written without changes: the device is then new. Values must lie within their limits.
    """
    if not changes:
        return
    loaded = load_role(role)
    regmap = loaded.regmap
    settings = Settings(regmap.MAP_ID, regmap.MAP_VERSION, regmap.SETTINGS_TABLE)
    settings.load(FileStore(directory), NullEntropy())
    for name, value in changes.items():
        index = getattr(regmap, f"SET_{name.upper()}")
        settings.change(index, value, index in loaded.sealed)
