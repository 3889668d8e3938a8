"""Who a device is: the values given at provisioning, checked whole before anything starts.

Knows the provision keys every board shares. Must not know where they are kept; a board reads them and hands over a
dict of strings.
"""

from firmware.app.auth import KEY_SIZE
from protocols.compat import const

SERIAL_MAX = const(1073741823)
UNIT_ID_MAX = const(247)
BAUD_MIN = const(1200)
BAUD_MAX = const(1000000)
LINE_BAUD_DEFAULT = const(9600)
ROLES = ("barrier", "weighbridge", "rfid", "charging_post")
FIRMWARE_VERSION = const(1)  # major * 256 + minor

# int() takes signs, blanks and, on one interpreter or the other, underscores: a slip of the pen would be a number.
_DECIMAL = "0123456789"
_DIGITS_MAX = const(12)  # leading zeros included; more than any limit has
_HEXADECIMAL = "0123456789abcdefABCDEF"


class ProvisionError(ValueError):
    """The provisioning of this device is wrong; the text is one sentence for the technician."""


class Identity:
    """`role` (one of ROLES), `serial` (1..SERIAL_MAX), `unit_id` (1..247), `baud`, `key` (32 bytes).

    `site_key` is the public key that signs updates (32 bytes), b"" on a device that takes none.
    For a role with a serial instrument: `line_protocol` ("" for the role's default) and `line_baud`.
    """

    def __init__(self, provision: dict[str, str]) -> None:
        self.role = _required(provision, "role")
        if self.role not in ROLES:
            raise ProvisionError(
                "role is {!r}: expected one of {}; correct the provision file".format(self.role, ", ".join(ROLES))
            )
        self.serial = number(provision, "serial", 1, SERIAL_MAX)
        self.unit_id = number(provision, "unit_id", 1, UNIT_ID_MAX)
        self.baud = number(provision, "baud", BAUD_MIN, BAUD_MAX)
        self.key = _key(provision, "key")
        self.site_key = _key(provision, "site_key") if provision.get("site_key") else b""
        self.line_protocol = provision.get("line_protocol", "")
        self.line_baud = LINE_BAUD_DEFAULT
        if provision.get("line_baud"):
            self.line_baud = number(provision, "line_baud", BAUD_MIN, BAUD_MAX)


def number(provision: dict[str, str], name: str, low: int, high: int) -> int:
    """Return the integer under `name`, which must lie in low..high; raise ProvisionError otherwise."""
    text = _required(provision, name)
    value = int(text) if _count_of(_DECIMAL, text) == len(text) <= _DIGITS_MAX else low - 1
    if value < low or value > high:
        raise ProvisionError(
            "{} is {!r}: expected a number from {} to {}; correct the provision file".format(name, text, low, high)
        )
    return value


def _required(provision: dict[str, str], name: str) -> str:
    value = provision.get(name, "")
    if value == "":
        raise ProvisionError("{} is missing: add it to the provision file".format(name))
    return str(value)


def _key(provision: dict[str, str], name: str) -> bytes:
    text = _required(provision, name)
    digits = _count_of(_HEXADECIMAL, text)
    if len(text) != KEY_SIZE * 2 or digits != len(text):
        raise ProvisionError(
            "{} has {} characters, {} of them hexadecimal digits: expected {} hexadecimal digits; "
            "provision anew".format(name, len(text), digits, KEY_SIZE * 2)
        )
    return bytes([int(text[at : at + 2], 16) for at in range(0, len(text), 2)])


def _count_of(letters: str, text: str) -> int:
    """How many characters of `text` are one of `letters`."""
    return len([letter for letter in text if letter in letters])
