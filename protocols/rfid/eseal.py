"""State of an electronic container seal in the terms of ISO 18185: sealed or opened, and its battery.

ISO 18185 seals are read-only and not reusable; they tell a status bit sealed or opened and the state of the battery
(reference standards.md 3.6). How a seal's radio frame is laid out is not known here: a seal reader hands the two states
over as contacts, without the times a seal keeps; this is how the product codes them.
"""

from protocols.compat import const

SEALED = const(0x01)
OPENED = const(0x02)
BATTERY_LOW = const(0x04)
UNKNOWN = const(0x08)
NOT_FITTED = const(0x00)


def pack_state(is_sealed: int, is_battery_ok: int, is_known: int) -> int:
    """Return the state byte; a seal whose contacts cannot be read is UNKNOWN, never sealed."""
    if not is_known:
        return UNKNOWN
    state = SEALED if is_sealed else OPENED
    return state if is_battery_ok else state | BATTERY_LOW


def is_opened(state: int) -> bool:
    """Tell whether the seal says that it was opened."""
    return state & OPENED != 0
