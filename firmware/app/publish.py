"""Status to registers: fills the image from the core, the settings and the device's own counters after every scan.

Knows addresses only through the role's generated map. Allocates nothing after construction.
"""

from firmware.app.changes import put_changes
from firmware.app.settings import Settings
from firmware.control.rows import make_row
from protocols.compat import const
from protocols.modbus.image import HOLDINGS, INPUTS, RegisterImage

_NOTHING_SEEN = const(-1)
# The points of the header that follow every scan: two of 32 bits, then those of 16.
HEADER = (
    "AT_UPTIME_S",
    "AT_EVENT_HEAD",
    "AT_HEALTH",
    "AT_REASONS",
    "AT_SCAN_LAST_US",
    "AT_SCAN_MAX_US",
    "AT_SCAN_OVERRUNS",
    "AT_CRC_ERRORS",
    "AT_FRAMES_SERVED",
    "AT_NONCE_EPOCH",
    "AT_NONCE_COUNTER",
    "AT_COMMAND_RESULT",
    "AT_COMMAND_OPCODE",
    "AT_COMMANDS_ACCEPTED",
    "AT_COMMANDS_REJECTED",
    "AT_HUB_AGE_MS",
    "AT_COMMAND_NONCE_DONE",
)
_WIDE_COUNT = const(2)


class Publisher:
    """Writes one role's image."""

    def __init__(  # type: ignore[no-untyped-def]  # regmap is a module
        self, regmap, image: RegisterImage, settings: Settings, input_count: int
    ) -> None:
        """`input_count` is the size of the core's input image."""
        self._map = regmap
        self._image = image
        self._settings = settings
        self._header_table = _table_of([getattr(regmap, name) for name in HEADER])
        # What the image shows; a new one shows zeros.
        self._header_seen = make_row(len(HEADER), 0)
        self._status_seen = make_row(regmap.STATUS_COUNT, 0)
        self._inputs_seen = [0] * input_count
        self._outputs_seen = [0] * regmap.OUT_COUNT
        self._settings_seen = _NOTHING_SEEN
        self._analogue = range(regmap.IN_COUNT, input_count)  # stand behind the digital ones, and in no register

    def put_identity(self, serial: int, key_id: int, firmware_version: int, reset_cause: int) -> None:
        """Fill in what does not change until the next start."""
        regmap = self._map
        image = self._image
        image.put_u16(INPUTS, regmap.AT_MAP_ID, regmap.MAP_ID)
        image.put_u16(INPUTS, regmap.AT_MAP_VERSION, regmap.MAP_VERSION)
        image.put_i32(INPUTS, regmap.AT_SERIAL_NUMBER, serial)
        image.put_i32(INPUTS, regmap.AT_KEY_ID, key_id)
        image.put_u16(INPUTS, regmap.AT_FIRMWARE_VERSION, firmware_version)
        image.put_u16(INPUTS, regmap.AT_BOOT_COUNT, self._settings.boot_count)
        image.put_u16(INPUTS, regmap.AT_RESET_CAUSE, reset_cause)
        image.put_u16(INPUTS, regmap.AT_EVENT_CAPACITY, regmap.RING_CAPACITY)
        image.put_u16(INPUTS, regmap.AT_SETTINGS_SOURCE, self._settings.source)

    def put_header(self, values: list[int]) -> None:
        """Fill the header points of HEADER, in its order, from a row; 16-bit ones take the low half of their value."""
        put_changes(values, self._header_seen, self._header_table, self._image.inputs)

    def put_role(self, status: list[int], inputs: list[int], outputs: list[int]) -> None:
        """Fill the role's status points, its inputs as wired and its outputs as driven.

        Most scans change nothing, and only what differs is written.
        """
        put_changes(status, self._status_seen, self._map.STATUS_TABLE, self._image.inputs)
        seen = self._inputs_seen
        for index in self._analogue:
            seen[index] = inputs[index]
        if inputs != seen:
            self._put_bits(self._map.IN_ADDRESS, inputs, seen)
        if outputs != self._outputs_seen:
            self._put_bits(self._map.OUT_ADDRESS, outputs, self._outputs_seen)

    def _put_bits(self, address: int, values: list[int], seen: list[int]) -> None:
        bits = self._image.discretes
        for index in range(len(seen)):
            value = values[index]
            if value != seen[index]:
                seen[index] = value
                bits[address + index] = 1 if value else 0

    def put_settings(self) -> None:
        """Fill the holding registers of all settings, unless they show this generation: most commands change none."""
        settings = self._settings
        if settings.generation == self._settings_seen:
            return
        self._settings_seen = settings.generation
        image = self._image
        for index in range(settings.count):
            if settings.width(index) == 1:
                image.put_u16(HOLDINGS, settings.address(index), settings.values[index])
            else:
                image.put_i32(HOLDINGS, settings.address(index), settings.values[index])
        image.put_u16(INPUTS, self._map.AT_SETTINGS_GENERATION, settings.generation)


def _table_of(addresses: list[int]) -> bytes:
    """Entries as those of the generated status tables."""
    table = bytearray()
    for index in range(len(addresses)):
        table += bytes((addresses[index] >> 8, addresses[index] & 0xFF, 2 if index < _WIDE_COUNT else 1, 0))
    return bytes(table)
