"""State of an electronic container seal in the terms of ISO 18185: sealed or opened, battery, when it happened.

ISO 18185 seals are read-only and not reusable; they tell a status bit sealed or opened, the state of the battery, and
date and time of sealing and opening as CCYYMMDDHHMM in UTC (reference standards.md 3.6). How a seal's radio frame is
laid out is not known here: a seal reader hands the two states over as contacts; this is how the product codes them.
"""

from protocols.compat import const

SEALED = const(0x01)
OPENED = const(0x02)
BATTERY_LOW = const(0x04)
UNKNOWN = const(0x08)
NOT_FITTED = const(0x00)

TIME_SIZE = const(12)
_DAYS = b"\x1f\x1d\x1f\x1e\x1f\x1e\x1f\x1f\x1e\x1f\x1e\x1f"
_DIGIT_ZERO = const(0x30)


def pack_state(is_sealed: int, is_battery_ok: int, is_known: int) -> int:
    """Return the state byte; a seal whose contacts cannot be read is UNKNOWN, never sealed."""
    if not is_known:
        return UNKNOWN
    state = SEALED if is_sealed else OPENED
    return state if is_battery_ok else state | BATTERY_LOW


def is_opened(state: int) -> bool:
    """Tell whether the seal says that it was opened."""
    return state & OPENED != 0


def put_time(buffer: bytearray, at: int, year: int, month: int, day: int, hour: int, minute: int) -> int:
    """Write CCYYMMDDHHMM (UTC, ASCII digits) at `at`; return the index behind it, or `at` when it is no such time."""
    if not _is_time(year, month, day, hour, minute):
        return at
    at = _put_digits(buffer, at, year, 4)
    at = _put_digits(buffer, at, month, 2)
    at = _put_digits(buffer, at, day, 2)
    at = _put_digits(buffer, at, hour, 2)
    return _put_digits(buffer, at, minute, 2)


def get_time(buffer: bytes | bytearray, at: int, fields: list[int]) -> bool:
    """Fill year, month, day, hour, minute from the 12 digits at `at`; False when they are no time."""
    if len(buffer) < at + TIME_SIZE:
        return False
    for index in range(at, at + TIME_SIZE):
        if buffer[index] < _DIGIT_ZERO or buffer[index] > _DIGIT_ZERO + 9:
            return False
    fields[0] = _get_digits(buffer, at, 4)
    for index in range(4):
        fields[1 + index] = _get_digits(buffer, at + 4 + 2 * index, 2)
    return _is_time(fields[0], fields[1], fields[2], fields[3], fields[4])


def _is_time(year: int, month: int, day: int, hour: int, minute: int) -> bool:
    if not (0 <= year <= 9999 and 1 <= month <= 12 and 0 <= hour <= 23 and 0 <= minute <= 59):
        return False
    if month == 2 and day == 29:
        return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return 1 <= day <= _DAYS[month - 1] and not (month == 2 and day > 28)


def _put_digits(buffer: bytearray, at: int, value: int, count: int) -> int:
    for index in range(at + count - 1, at - 1, -1):
        buffer[index] = _DIGIT_ZERO + value % 10
        value //= 10
    return at + count


def _get_digits(buffer: bytes | bytearray, at: int, count: int) -> int:
    value = 0
    for index in range(at, at + count):
        value = value * 10 + buffer[index] - _DIGIT_ZERO
    return value
