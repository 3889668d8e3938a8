"""An RP2040 that runs a MicroPython image, in time that only moves when it is told to.

Knows the emulator library and the file system library; both enter here alone, and both are optional. Must not know the
carrier card or a role. The library's own way to run lets simulated time race ahead while the host waits; here an alarm
of the simulated clock stops the processor at the instant asked for, so a run repeats to the microsecond.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from edge.boards.images import UF2_CACHE, UF2_SHA256, digest_of
from edge.words import tr
from hil.targets.target import BlockedError, TargetError, UsageError

EMULATOR = "rp2040py"
EMULATOR_VERSION = "1.0.0b1"

# A Pico's file system: the last 1408 KiB of 2 MiB of flash.
_FLASH_AT = 0xA0000
_BLOCK_SIZE = 4096
_BLOCK_COUNT = 352
_PAGE_SIZE = 256
_LITTLEFS_2_0 = 0x0002_0000  # the disk version every image above mounts

# RP2040 datasheet, 4.7.6: the watchdog's CTRL and its bits TRIGGER and ENABLE.
_WATCHDOG_CONTROL = 0x4005_8000
_WATCHDOG_TRIGGER = 1 << 31
_WATCHDOG_ENABLE = 1 << 30
_REGULATOR = 0x4006_4000
# 4.2.8: LCR_H with FEN, and RXIFLSEL of IFLS: an eighth of the 32 places of the FIFO, a quarter, ...
_UARTS = (0x4003_4000, 0x4003_8000)
_UART_LINE_CONTROL = 0x2C
_UART_FIFO_ON = 1 << 4
_UART_LEVELS = 0x34
_UART_LEVEL = (4, 8, 16, 24, 28)
# 2.6.3: the flash cache's CTRL without EN; bad writes still end in a fault. The emulator's cache holds no data and
# saves no time, but is asked at each access, a seventh of its work. Its memory is RAM then, which no image here uses.
_CACHE_CONTROL = 0x1400_0000
_CACHE_OFF = 2
_FLASH_SELECT = 1  # QSPI_SS among the pins of the flash; high, the command is over

# What the host's side of USB holds back until the chip takes it.
_HOST_QUEUE = 500
_HOST_TURN_US = 50

HIGH = 1
LOW = 0
FLOATING = -1


def find_uf2(path: Path | None) -> Path:
    """The image at `path`, or the first known one in the user's cache.

    Raises UsageError when `path` is no known image, BlockedError when the cache has none.
    """
    if path is None:
        for candidate in sorted(UF2_CACHE.glob("*.uf2")):
            if candidate.is_file() and digest_of(candidate) in UF2_SHA256:
                return candidate
        raise BlockedError(f"no known UF2 image in {UF2_CACHE}; name one with --uf2 PATH")
    try:
        digest = digest_of(path)
    except OSError as error:
        raise UsageError(
            tr("{file}: cannot be read ({why}); name a UF2 image with --uf2", file=path, why=error.strerror)
        ) from error
    if digest not in UF2_SHA256:
        said = tr(
            "{file}: SHA-256 {digest}... is no image this was tried with; take one of: {known}",
            file=path,
            digest=digest[:8],
            known=", ".join(UF2_SHA256.values()),
        )
        raise UsageError(said)
    return path


def _load(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        reason = "the emulated RP2040 is not installed; run: .venv/bin/python -m pip install --pre -e '.[emu]'"
        raise BlockedError(reason) from error


def build_image(files: Mapping[str, bytes]) -> bytes:
    """A file system with these files, as a technician's copying leaves it; raises BlockedError."""
    littlefs = _load("littlefs")
    file_system = littlefs.LittleFS(block_size=_BLOCK_SIZE, block_count=_BLOCK_COUNT, disk_version=_LITTLEFS_2_0)
    for name, data in sorted(files.items()):
        if "/" in name:
            file_system.makedirs(name.rpartition("/")[0], exist_ok=True)
        with file_system.open(name, "wb") as file:
            file.write(data)
    return bytes(file_system.context.buffer)


def read_files(image: bytes) -> dict[str, bytes]:
    """Every file of a file system; raises BlockedError, and TargetError when it cannot be mounted."""
    littlefs = _load("littlefs")
    file_system = littlefs.LittleFS(block_size=_BLOCK_SIZE, block_count=_BLOCK_COUNT, mount=False)
    file_system.context.buffer[:] = image
    try:
        file_system.mount()
    except littlefs.LittleFSError as error:
        raise TargetError(f"the file system cannot be mounted: {error}") from error
    files = {}
    for folder, _, names in file_system.walk("/"):
        for name in names:
            path = f"{folder.rstrip('/')}/{name}"
            with file_system.open(path, "rb") as file:
                files[path.lstrip("/")] = bytes(file.read())
    return files


class Chip:
    """One chip with `image` as its file system, at the instant power comes on.

    `resets` are the times of resets by the watchdog, which is also how a program resets its chip; `on_reset` is called
    at each. Raises BlockedError when the emulator is not installed.
    """

    def __init__(self, uf2: Path, image: bytes) -> None:
        rp2040 = _load(f"{EMULATOR}.rp2040")
        logging = _load(f"{EMULATOR}.utils.logging")
        self._reset_cause = _load(f"{EMULATOR}.reset_cause").ResetCause
        self._simulator = _load(f"{EMULATOR}.simulator").Simulator()
        self._mcu = self._simulator.rp2040
        self._mcu.load_bootrom(_load(f"{EMULATOR}.device.bootrom").BOOTROM_B1)
        self._mcu.logger = logging.ConsoleLogger(logging.LogLevel.ERROR)
        _load(f"{EMULATOR}.device.load_flash").load_uf2(uf2, self._mcu)
        self._mcu.flash[_FLASH_AT : _FLASH_AT + len(image)] = image
        self._console = _load(f"{EMULATOR}.usb.cdc").USBCDC(self._mcu.usb_ctrl)
        self.console = bytearray()
        self._console.on_serial_data = self.console.extend
        self._clock = self._simulator.clock
        self._stop_alarm = self._clock.create_alarm(self._stop)
        self._mcu.watchdog.on_watchdog_trigger = self._on_watchdog
        self.resets: list[int] = []
        self.on_reset: Callable[[], None] | None = None
        self._mcu.core.pc = rp2040.FLASH_START_ADDRESS

    @property
    def now_us(self) -> int:
        """Microseconds since power came on."""
        return int(self._clock.ticks + self._clock.rebased_ticks) // 16_000

    @property
    def clock_hz(self) -> int:
        """What the processor runs at now."""
        return int(self._mcu.clk_sys)

    @property
    def cycles(self) -> int:
        """Clock cycles the processor has worked since power came on; asleep it works none."""
        return int(self._mcu.core.cycles)

    @property
    def core_voltage_bits(self) -> int:
        """The voltage the program asks the core's regulator for: VSEL of the data sheet, 2.10.6."""
        return int(self._mcu.read_uint32(_REGULATOR)) >> 4 & 15

    def advance(self, duration_us: int) -> None:
        """Run for exactly `duration_us` of the chip's time."""
        self._mcu.write_uint32(_CACHE_CONTROL, _CACHE_OFF)  # each time: who writes to the flash switches it on again
        self._stop_alarm.schedule(duration_us * 1000)
        self._simulator.stopped = False
        while not self._simulator.stopped:
            self._simulator._execute_batch()

    def create_alarm(self, callback: Callable[[], None]) -> Callable[[int], None]:
        """A function that, given microseconds from now, has `callback` called then."""
        alarm = self._clock.create_alarm(callback)

        def schedule(delay_us: int) -> None:
            alarm.schedule(delay_us * 1000)

        return schedule

    def reset_by_watchdog(self) -> None:
        """Let the watchdog reset the chip now, as when nobody fed it; the flash stays.

        A watchdog that ran out has nothing left to count. This one was fed, and would count on through the next start,
        so it is switched off until the program starts it anew.
        """
        control = self._mcu.read_uint32(_WATCHDOG_CONTROL) & ~_WATCHDOG_ENABLE
        self._mcu.write_uint32(_WATCHDOG_CONTROL, control | _WATCHDOG_TRIGGER)

    def level(self, pin: int) -> int:
        """HIGH or LOW while the chip drives the pin, FLOATING otherwise."""
        return _to_level(int(self._mcu.gpio[pin].value))

    def drive(self, pin: int, level: int) -> None:
        """Put a level on an input pin."""
        self._mcu.gpio[pin].set_input_value(bool(level))

    def on_pin(self, pin: int, callback: Callable[[int], None]) -> None:
        """Have `callback` told every new level of the pin. A reset tells nobody: ask `level` after one."""
        self._mcu.gpio[pin].add_listener(lambda state, _: callback(_to_level(int(state))))

    def say(self, data: bytes) -> None:
        """Have the host say something on the USB console; time passes where the chip is slow to take it."""
        waiting = self._console.tx_fifo
        for byte in data:
            while waiting.item_count >= _HOST_QUEUE:
                self.advance(_HOST_TURN_US)
            self._console.send_serial_byte(byte)

    def on_spi(self, number: int, exchange: Callable[[int], int]) -> None:
        """Have `exchange` turn every byte the chip sends into the byte it receives."""
        spi = self._mcu.spi[number]
        spi.on_transmit = lambda byte: spi.complete_transmit(exchange(byte))

    def on_uart(self, number: int, callback: Callable[[int], None]) -> None:
        """Have `callback` told every byte that has left the UART."""
        self._mcu.uart[number].on_byte = callback

    def uart_level(self, number: int) -> int:
        """How many characters in the receiver's FIFO interrupt the program, as it has set it up."""
        base = _UARTS[number]
        if not self._mcu.read_uint32(base + _UART_LINE_CONTROL) & _UART_FIFO_ON:
            return 1
        selected = self._mcu.read_uint32(base + _UART_LEVELS) >> 3 & 7
        return _UART_LEVEL[min(selected, len(_UART_LEVEL) - 1)]

    def feed_uart(self, number: int, byte: int) -> None:
        """A byte has arrived."""
        self._mcu.uart[number].feed_byte(byte)

    def set_adc(self, channel: int, counts: int) -> None:
        """Have the converter's channel (0 is GP26) read `counts` of its 12 bits."""
        self._mcu.adc.channel_values[channel] = counts

    def file_system(self) -> bytes:
        """The file system as it is in flash now: what a power cut leaves."""
        return bytes(self._mcu.flash[_FLASH_AT : _FLASH_AT + _BLOCK_SIZE * _BLOCK_COUNT])

    def on_flash(self, callback: Callable[[int, bytes], None]) -> None:
        """Have `callback` told every erase and every page that changes the file system: where, and what is there now.

        The flash does each as the program lets go of it, so what a cut between two of them leaves is exact.
        """
        held = self.file_system()

        def look(level: int, _: object) -> None:
            nonlocal held
            now = self.file_system() if level == HIGH else held
            if now == held:
                return
            block = next(at for at in range(0, len(now), _BLOCK_SIZE) if _differ(held, now, at, _BLOCK_SIZE))
            at, size = block, _BLOCK_SIZE
            if now[block : block + _BLOCK_SIZE] != b"\xff" * _BLOCK_SIZE:
                at = next(at for at in range(block, block + size, _PAGE_SIZE) if _differ(held, now, at, _PAGE_SIZE))
                size = _PAGE_SIZE
            held = now
            callback(at, now[at : at + size])

        self._mcu.qspi[_FLASH_SELECT].add_listener(look)

    def read_file(self, name: str) -> bytes | None:
        """A file of the flash as it is now, None when there is none."""
        file_system = _load("littlefs").LittleFS(block_size=_BLOCK_SIZE, block_count=_BLOCK_COUNT, mount=False)
        file_system.context.buffer[:] = self.file_system()
        file_system.mount()
        try:
            with file_system.open(name, "rb") as file:
                return bytes(file.read())
        except FileNotFoundError:
            return None

    def check_alive(self) -> None:
        """Raise TargetError with what the device left behind when its program ended."""
        note = self.read_file("fault.txt")
        if note:
            raise TargetError(f"the device stopped with: {note.decode(errors='replace').strip()}")
        if b"smartgate: maintenance" in self.console:
            raise TargetError(f"the control did not start: {self.console.decode(errors='replace').strip()}")

    def _on_watchdog(self) -> None:
        self.resets.append(self.now_us)
        self._mcu.enter_reset(cause=self._reset_cause.WATCHDOG)
        if self.on_reset is not None:
            self.on_reset()
        self._mcu.leave_reset()

    def _stop(self) -> None:
        self._simulator.stopped = True


def _differ(one: bytes, other: bytes, at: int, size: int) -> bool:
    return one[at : at + size] != other[at : at + size]


def _to_level(state: int) -> int:
    return state if state in (LOW, HIGH) else FLOATING
