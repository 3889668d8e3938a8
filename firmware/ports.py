"""The hardware contract: what a board gives the application, in prose and as null implementations.

A board is an object with the attributes of `NullBoard`. The application calls nothing else of the hardware, so a
board is complete when it passes the tests of this contract. Knows no role, no register and no bus.

Every call is non-blocking and allocates nothing unless its text says otherwise; none raises for a field condition.
Ticks are 30-bit counters that wrap (protocols.compat).
"""

from protocols.compat import const

# An output that the scan has not refreshed for this long is driven safe by the board: thirty default scan periods,
# and well below the second in which a truck moves a metre.
OUTPUT_AGE_MAX_MS = const(300)

STORE_ABSENT = const(-1)
STORE_FAILED = const(-2)

RESET_UNKNOWN = const(0)
RESET_POWER_ON = const(1)
RESET_WATCHDOG = const(2)
RESET_SOFT = const(3)


class NullClock:
    """Free running ticks of 30 bits; both count from the same oscillator."""

    def now_ms(self) -> int:
        """Return milliseconds."""
        return 0

    def now_us(self) -> int:
        """Return microseconds; used to measure durations below a second."""
        return 0


class NullInputs:
    """Field inputs in the order of the role's input image."""

    def read_into(self, values: list[int], quality: list[int]) -> None:
        """Fill both lists: `values` with 0/1 or counts, `quality` with GOOD, UNCERTAIN or BAD.

        An input that cannot be read keeps its value and gets BAD; nothing is ever invented.
        """


class NullOutputs:
    """Field outputs, 0/1, in the order of the role's output image.

    The board drives the safe values from power-on until the first `write`, and again whenever the last write is older
    than OUTPUT_AGE_MAX_MS, by means that do not depend on the scan.
    """

    def define_safe(self, values: list[int]) -> None:
        """Take a copy of the values that hurt nobody, and drive them now. May allocate; called once at start."""

    def write(self, values: list[int], now_ms: int) -> bool:
        """Drive `values`; False when the hardware did not take them."""
        return True

    def expire(self, now_ms: int) -> bool:
        """Drive the safe values if the last write is too old; True while they are driven for that reason."""
        return False


class NullUart:
    """One half-duplex serial line. `timed` is 1 when `read_into` is called close enough to the wire to see t1.5.

    A port that only sees bytes in batches sets it to 0; pauses inside a frame then mean nothing. `silence_us` is for
    how long nothing came after what `read_into` moved last, as far as the port knows.
    """

    def __init__(self) -> None:
        self.timed = 0
        self.silence_us = 0

    def read_into(self, buffer: bytearray) -> int:
        """Move received bytes to the start of `buffer`; return how many, 0 for none."""
        return 0

    def write(self, buffer: bytearray, size: int) -> int:
        """Send the first `size` bytes; return `size`, or 0 when the port cannot take all of them now."""
        return size


class NullSessions:
    """Modbus TCP: at most one session at a time, the newest wins. Accepting is the board's work, outside the scan.

    `generation` moves with every new session, so that the reader forgets half a frame of the old one.
    """

    def __init__(self) -> None:
        self.generation = 0

    def read_into(self, buffer: bytearray) -> int:
        """Move received bytes to the start of `buffer`; return how many, 0 for none or no session."""
        return 0

    def write(self, buffer: bytearray, size: int) -> int:
        """Send the first `size` bytes; return how many were taken."""
        return size

    def close(self) -> None:
        """End the session; it broke the protocol or was idle too long."""


class NullStore:
    """Named records of at most a few hundred bytes on a medium that survives power loss. May allocate and block.

    A write that is cut short may leave any part of the record; no other record is touched.
    """

    def read(self, name: str, buffer: bytearray) -> int:
        """Fill `buffer` from the record; return its size, STORE_ABSENT, or STORE_FAILED when the medium failed."""
        return STORE_ABSENT

    def write(self, name: str, buffer: bytearray, size: int) -> bool:
        """Replace the record by the first `size` bytes; True only when they are flushed to the medium."""
        return True


# The two names of a slot's manifest: one that is whole, and one that is being received.
MANIFEST_FILE = "manifest.txt"
MANIFEST_NEW = "manifest.new"


class NullSlots:
    """Two slots for the program. A board without them has `running` "", and is asked for nothing else but `state`.

    May allocate and block; called outside of scans while nothing moves. What opens, creates, removes or renames raises
    OSError. A file that was closed is on the medium, whole or as it was before, whatever happens to the power.
    """

    def __init__(self) -> None:
        self.running = ""
        self.mpy = 0  # sys.implementation._mpy: which compiled files it loads

    def state(self) -> str:
        """Return the pointer's word for the running slot: "trying", "returned", others or none."""
        return ""

    def other_version(self) -> int:
        """Return major * 256 + minor of the other slot, 0 when it is not whole."""
        return 0

    def open_running(self, path: str):  # type: ignore[no-untyped-def]  # a file
        """Open a file of the running slot for reading."""
        raise OSError

    def open(self, path: str):  # type: ignore[no-untyped-def]  # a file
        """Open a file of the other slot for reading."""
        raise OSError

    def create(self, path: str):  # type: ignore[no-untyped-def]  # a file
        """Open a new file of the other slot for writing."""
        raise OSError

    def remove(self, path: str) -> None:
        """Remove a file of the other slot, if it is there."""

    def rename(self, path: str, fresh: str) -> None:
        """Rename a file of the other slot."""

    def walk(self):  # type: ignore[no-untyped-def]  # an iterator of str
        """Give the path of each file of the other slot; one that was given may be removed before the next."""
        return iter(())

    def begin_trial(self) -> bool:
        """Have the next start try the other slot; False when that could not be stored."""
        return False

    def confirm(self) -> bool:
        """Keep the running slot after its trial; False when that could not be stored."""
        return False

    def reset(self) -> None:
        """Start the board anew; does not return on a board that has slots."""


class NullWatchdog:
    """Resets the board when it is not fed for the watchdog time."""

    def feed(self) -> None:
        """Start the watchdog time anew."""


class NullHeap:
    """The guard that proves a scan allocates nothing. On an interpreter without one, nothing happens.

    Calls nest. Code that must allocate on a rare path calls `unlock`, and `lock` again whatever happened.
    """

    def lock(self) -> None:
        """Make every allocation a MemoryError."""

    def unlock(self) -> None:
        """Undo one `lock`."""


class NullEntropy:
    """Unpredictable numbers, needed only when both settings copies are lost."""

    def read_u15(self) -> int:
        """Return 0 to 32767. May allocate."""
        return 0


class NullBoard:
    """A board with nothing attached: the attributes every board has."""

    def __init__(self) -> None:
        self.clock = NullClock()
        self.input_port = NullInputs()
        self.output_port = NullOutputs()
        self.uart = NullUart()
        self.field_line = NullUart()  # to a serial instrument, for roles that have one; its bytes carry no timing
        self.sessions = NullSessions()
        self.store = NullStore()
        self.slots = NullSlots()
        self.watchdog = NullWatchdog()
        self.heap = NullHeap()
        self.entropy = NullEntropy()
        self.reset_cause = RESET_UNKNOWN
