"""Registering a weight: when it may be done, and the last one that was.

Knows the conditions for a registered weight and that a repeated request must not register twice. Must not know how a
weight comes about, nor the order of a scan.

An occupation is the time from a truck's first touch of a photocell or the deck until the deck is empty again, or the
weight is lost: one truck.
"""

import struct

from firmware.control.events import EventRing
from firmware.control.scale import Scale
from protocols.compat import const
from protocols.registers import weighbridge as regs

# Nothing may be registered with any fault but SEAL_OPEN, which takes the legality and not the weighing.
_FAULTS = const(0b1011111)

# Larger ids would leave the small integers.
_ID_MAX = const(0x3FFFFFFF)

_FORMAT = ">iiii"
SAVED_SIZE = const(16)


class Registration:
    """The last registered weight; `count` wraps at 2**16."""

    def __init__(self) -> None:
        self.kg_x10 = 0
        self.register_id = 0
        self.count = 0
        self._is_here = 0

    def end_occupation(self) -> None:
        """The truck on the deck may be another one now: the same id would register anew."""
        self._is_here = 0

    def register(self, register_id: int, faults: int, scale: Scale, ring: EventRing) -> int:
        """Take the weight at rest under `register_id` (1..2**30-1) and report it; return a COMMAND_RESULT.

        The same id again while the same truck is on the deck is accepted and changes nothing.
        """
        if register_id <= 0 or register_id > _ID_MAX:
            return regs.COMMAND_RESULT_OUT_OF_LIMITS
        if self._is_here and register_id == self.register_id:
            return regs.COMMAND_RESULT_ACCEPTED
        refusal = _find_refusal(faults, scale)
        if refusal != regs.COMMAND_RESULT_NONE:
            return refusal
        weight_kg_x10 = scale.median_kg_x10()
        if not _is_registrable(weight_kg_x10, scale):
            return regs.COMMAND_RESULT_OUT_OF_LIMITS
        self.kg_x10 = scale.calibration.round_to_e(weight_kg_x10)
        self.register_id = register_id
        self.count = (self.count + 1) & 0xFFFF
        self._is_here = 1
        ring.push(regs.EV_WEIGHT_REGISTERED, self.kg_x10)
        ring.push(regs.EV_REGISTERED_FOR, register_id)
        return regs.COMMAND_RESULT_ACCEPTED

    def save(self, buffer: bytearray | memoryview, offset: int) -> int:
        """Write the state at `offset`; return the offset behind it."""
        struct.pack_into(_FORMAT, buffer, offset, self.kg_x10, self.register_id, self.count, self._is_here)
        return offset + SAVED_SIZE

    def load(self, buffer: bytes | bytearray | memoryview, offset: int) -> int:
        """Take a saved state; return the offset behind it."""
        self.kg_x10, self.register_id, self.count, self._is_here = struct.unpack_from(_FORMAT, buffer, offset)
        return offset + SAVED_SIZE


def _find_refusal(faults: int, scale: Scale) -> int:
    """Why nothing may be registered now; COMMAND_RESULT_NONE if something may."""
    if faults & _FAULTS or not scale.has_weight():
        return regs.COMMAND_RESULT_REFUSED_STATE
    if scale.indication.overload or not _is_registrable(scale.indication.kg_x10, scale):
        return regs.COMMAND_RESULT_OUT_OF_LIMITS
    if scale.is_blocked:
        return regs.COMMAND_RESULT_REFUSED_INTERLOCK
    if not scale.is_at_rest():
        return regs.COMMAND_RESULT_REFUSED_STATE
    return regs.COMMAND_RESULT_NONE


def _is_registrable(kg_x10: int, scale: Scale) -> bool:
    """Return True from Min to Max + 9 e."""
    indication = scale.indication
    return not indication.is_below_min(kg_x10, scale.calibration) and not indication.is_over_limit(
        kg_x10, scale.calibration
    )
