"""Status to registers: fills the image from the core, the settings and the device's own counters after every scan.

Knows addresses only through the role's generated map. Allocates nothing after construction.
"""

from firmware.app.settings import Settings
from protocols.compat import const
from protocols.modbus.image import DISCRETES, HOLDINGS, INPUTS, RegisterImage

_U16_MAX = const(65535)
_STATUS_ENTRY = const(4)


class Publisher:
    """Writes one role's image."""

    def __init__(self, regmap, image: RegisterImage, settings: Settings) -> None:  # type: ignore[no-untyped-def]  # a module
        self._map = regmap
        self._image = image
        self._settings = settings
        self._status_count = len(regmap.STATUS_TABLE) // _STATUS_ENTRY

    def put_identity(self, serial: int, firmware_version: int, reset_cause: int) -> None:
        """Fill in what does not change until the next start."""
        regmap = self._map
        image = self._image
        image.put_u16(INPUTS, regmap.AT_MAP_ID, regmap.MAP_ID)
        image.put_u16(INPUTS, regmap.AT_MAP_VERSION, regmap.MAP_VERSION)
        image.put_i32(INPUTS, regmap.AT_SERIAL_NUMBER, serial)
        image.put_u16(INPUTS, regmap.AT_FIRMWARE_VERSION, firmware_version)
        image.put_u16(INPUTS, regmap.AT_BOOT_COUNT, self._settings.boot_count)
        image.put_u16(INPUTS, regmap.AT_RESET_CAUSE, reset_cause)
        image.put_u16(INPUTS, regmap.AT_EVENT_CAPACITY, regmap.RING_CAPACITY)
        image.put_u16(INPUTS, regmap.AT_SETTINGS_SOURCE, self._settings.source)

    def put_header(self, address: int, value: int) -> None:
        """Fill one 16-bit header point, saturating."""
        self._image.put_u16(INPUTS, address, value if value < _U16_MAX else _U16_MAX)

    def put_header_wide(self, address: int, value: int) -> None:
        """Fill one 32-bit header point."""
        self._image.put_i32(INPUTS, address, value)

    def put_role(self, status: list[int], inputs: list[int], outputs: list[int]) -> None:
        """Fill the role's status points, its inputs as wired and its outputs as driven."""
        regmap = self._map
        image = self._image
        table = regmap.STATUS_TABLE
        for index in range(self._status_count):
            at = index * _STATUS_ENTRY
            address = table[at] << 8 | table[at + 1]
            if table[at + 2] == 1:
                image.put_u16(INPUTS, address, status[index])
            else:
                image.put_i32(INPUTS, address, status[index])
        for index in range(regmap.IN_COUNT):
            image.put_bit(DISCRETES, regmap.IN_ADDRESS + index, inputs[index])
        for index in range(regmap.OUT_COUNT):
            image.put_bit(DISCRETES, regmap.OUT_ADDRESS + index, outputs[index])

    def put_settings(self) -> None:
        """Fill the holding registers of all settings and the points that tell where they came from."""
        settings = self._settings
        image = self._image
        for index in range(settings.count):
            if settings.width(index) == 1:
                image.put_u16(HOLDINGS, settings.address(index), settings.values[index])
            else:
                image.put_i32(HOLDINGS, settings.address(index), settings.values[index])
        image.put_u16(INPUTS, self._map.AT_SETTINGS_GENERATION, settings.generation)
