"""Axle-wise weighing: drafts of one vehicle, their sum, and the limits of axle groups.

Knows what a draft is and that a sum of drafts is never legal for trade (NIST Handbook 44 UR.3.3 lets a vehicle be
weighed for trade as a single draft only). Must not know how a weight comes about, nor the medium.

The limits are those of Thong tu 39/2024/TT-BGTVT art. 14, as settings.
"""

from firmware.control.events import EventRing
from firmware.control.registration import ID_MAX, Registration
from firmware.control.weighbridge_memory import WeighbridgeMemory
from protocols.compat import const
from protocols.registers import weighbridge as regs

# A combination of more axles than any on the road; keeps the sum far inside the small integers.
DRAFTS_MAX = const(12)

GROUP_NONE = const(0)
GROUP_LAST = const(6)  # groups 1 to 6 stand in the order of the six limits


class Drafts:
    """Sums the loads at rest that are taken under one id."""

    def __init__(self, memory: WeighbridgeMemory, registration: Registration, settings: list[int]) -> None:
        self.memory = memory
        self.registration = registration
        self.settings = settings

    def watch(self) -> None:
        """A load that moved is another draft."""
        if not self.registration.scale.window.stable:
            self.memory.draft_here = 0

    def set_group(self, group: int) -> int:
        """Say which axle group the next draft is; returns COMMAND_RESULT_*."""
        if group < GROUP_NONE or group > GROUP_LAST:
            return regs.COMMAND_RESULT_OUT_OF_LIMITS
        self.memory.draft_group = group
        return regs.COMMAND_RESULT_ACCEPTED

    def take(self, draft_id: int, faults: int, ring: EventRing) -> int:
        """Add the load at rest to the sum of `draft_id`; asked again before it moved, nothing changes."""
        memory = self.memory
        scale = self.registration.scale
        if draft_id <= 0 or draft_id > ID_MAX:
            return regs.COMMAND_RESULT_OUT_OF_LIMITS
        if not scale.is_axle_wise or (memory.draft_count and draft_id != memory.draft_id):
            return regs.COMMAND_RESULT_REFUSED_STATE
        if memory.draft_here:
            return regs.COMMAND_RESULT_ACCEPTED if memory.draft_count else regs.COMMAND_RESULT_REFUSED_STATE
        refusal = self.registration.find_refusal(faults)
        if refusal != regs.COMMAND_RESULT_NONE:
            return refusal
        weight_kg_x10 = scale.median_kg_x10()
        if memory.draft_count >= DRAFTS_MAX or not self.registration.is_registrable(weight_kg_x10):
            return regs.COMMAND_RESULT_OUT_OF_LIMITS
        self._add(draft_id, scale.calibration.round_to_e(weight_kg_x10))
        ring.push(regs.EV_DRAFT_TAKEN, memory.draft_last_kg_x10)
        return regs.COMMAND_RESULT_ACCEPTED

    def finish(self, draft_id: int) -> int:
        """Put the sum into the record; COMMAND_RESULT_NONE if it is to be stored now. A repetition changes nothing."""
        memory = self.memory
        multi = 1 << regs.REGISTERED_FLAGS_MULTI_DRAFT
        if not memory.draft_count:
            is_done = draft_id == memory.registered_id and memory.registered_flags & multi
            return regs.COMMAND_RESULT_ACCEPTED if is_done else regs.COMMAND_RESULT_REFUSED_STATE
        if draft_id != memory.draft_id:
            return regs.COMMAND_RESULT_REFUSED_STATE
        self.registration.fill(draft_id, memory.draft_sum_kg_x10, multi)
        return regs.COMMAND_RESULT_NONE

    def clear(self) -> None:
        """Forget the sum. A load that was taken stays taken until it moves."""
        memory = self.memory
        memory.draft_count = 0
        memory.draft_sum_kg_x10 = 0
        memory.draft_last_kg_x10 = 0
        memory.draft_flags = 0
        memory.draft_group = GROUP_NONE

    def _add(self, draft_id: int, kg_x10: int) -> None:
        memory = self.memory
        memory.draft_id = draft_id
        memory.draft_here = 1
        memory.draft_count += 1
        memory.draft_last_kg_x10 = kg_x10
        memory.draft_sum_kg_x10 += kg_x10
        flags = memory.draft_flags & ~(1 << regs.DRAFT_FLAGS_LAST_OVER_GROUP_LIMIT)
        if self._is_over_limit(kg_x10):
            flags |= 1 << regs.DRAFT_FLAGS_OVER_GROUP_LIMIT | 1 << regs.DRAFT_FLAGS_LAST_OVER_GROUP_LIMIT
        memory.draft_flags = flags
        memory.draft_group = GROUP_NONE

    def _is_over_limit(self, kg_x10: int) -> bool:
        group = self.memory.draft_group
        return group != GROUP_NONE and kg_x10 > 10 * self.settings[regs.SET_LIMIT_SINGLE_KG + group - 1]
