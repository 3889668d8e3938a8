"""Registering a weight: when it may be done, and the last one that was.

Knows the conditions for a registered weight, that a repeated request must not register twice, and how two vehicles on
the deck give themselves away. Must not know how a weight comes about, the order of a scan, or the medium.

An occupation is the time from a truck's first touch of a photocell or the deck until the deck is empty again, or the
weight is lost: one truck.
"""

from firmware.control.events import EventRing
from firmware.control.scale import Scale
from firmware.control.weighbridge_memory import (
    RECORD_BOOT,
    RECORD_CALIBRATION,
    RECORD_E_KG,
    RECORD_FLAGS,
    RECORD_GROSS,
    RECORD_ID,
    RECORD_SEQUENCE,
    RECORD_TARE,
    RECORD_UPTIME_S,
    WeighbridgeMemory,
)
from protocols.compat import const
from protocols.registers import weighbridge as regs

# SEAL_OPEN takes the legality and not the weighing; with any other fault nothing may be registered.
_HARMLESS = 1 << regs.FAULTS_SEAL_OPEN

# Larger ids would leave the small integers. The button at the scale registers under no id.
ID_MAX = const(0x3FFFFFFF)
ID_LOCAL = const(0)


class Registration:
    """The last registered weight. `record` is filled before a weight is stored, and put in force by `commit`."""

    def __init__(self, memory: WeighbridgeMemory, scale: Scale, record: list[int]) -> None:
        self.memory = memory
        self.scale = scale
        self.record = record

    def watch(self) -> None:
        """Follow the occupation, once per scan.

        A load that was at rest and, after a photocell was interrupted, is at rest again with at least Min more, is two
        vehicles, or one of which only a part was weighed before. Neither may be registered until the deck was empty.
        """
        memory = self.memory
        scale = self.scale
        if memory.valid and not scale.is_occupied():
            memory.rest_kg_x10 = 0
            memory.beam_broken = 0
            memory.second_vehicle = 0
        if not memory.valid or not scale.is_occupied():
            memory.registered_here = 0
        if memory.is_blocked:
            memory.beam_broken = 1
        elif memory.valid and memory.on_deck and scale.window.stable and not scale.is_axle_wise:
            grown_kg_x10 = memory.kg_x10 - memory.rest_kg_x10
            is_more = not scale.indication.is_below_min(grown_kg_x10, scale.calibration)
            if memory.rest_kg_x10 and memory.beam_broken and is_more:
                memory.second_vehicle = 1
            memory.rest_kg_x10 = memory.kg_x10
            memory.beam_broken = 0

    def forget(self) -> None:
        """The settings changed: what stands on the deck is as unknown as after a start."""
        self.memory.registered_here = 0

    def find_refusal(self, faults: int) -> int:
        """Why the load at rest may not be taken now; COMMAND_RESULT_NONE if it may."""
        memory = self.memory
        scale = self.scale
        if faults & ~_HARMLESS or not scale.has_weight():
            return regs.COMMAND_RESULT_REFUSED_STATE
        if memory.overload or not self.is_registrable(memory.kg_x10):
            return regs.COMMAND_RESULT_OUT_OF_LIMITS
        if (memory.is_blocked and not scale.is_axle_wise) or memory.second_vehicle:
            return regs.COMMAND_RESULT_REFUSED_INTERLOCK
        if not scale.is_at_rest():
            return regs.COMMAND_RESULT_REFUSED_STATE
        return regs.COMMAND_RESULT_NONE

    def is_registrable(self, kg_x10: int) -> bool:
        """Return True from Min to Max + 9 e."""
        indication = self.scale.indication
        calibration = self.scale.calibration
        return not indication.is_below_min(kg_x10, calibration) and not indication.is_over_limit(kg_x10, calibration)

    def prepare(self, register_id: int, faults: int, flags: int) -> int:
        """Put the weight at rest into `record` under `register_id` (1..2**30-1, or ID_LOCAL by the button).

        Return COMMAND_RESULT_NONE if the record is to be stored now. The same id again while the same truck is on the
        deck is accepted and changes nothing.
        """
        memory = self.memory
        scale = self.scale
        if memory.registered_here and register_id == memory.registered_id:
            return regs.COMMAND_RESULT_ACCEPTED
        if scale.is_axle_wise:
            return regs.COMMAND_RESULT_REFUSED_STATE
        refusal = self.find_refusal(faults)
        if refusal != regs.COMMAND_RESULT_NONE:
            return refusal
        weight_kg_x10 = scale.median_kg_x10()
        if not self.is_registrable(weight_kg_x10):
            return regs.COMMAND_RESULT_OUT_OF_LIMITS
        if faults == 0 and scale.front.is_verified:
            flags |= 1 << regs.REGISTERED_FLAGS_LEGAL_FOR_TRADE
        self.fill(register_id, scale.calibration.round_to_e(weight_kg_x10), flags)
        return regs.COMMAND_RESULT_NONE

    def fill(self, register_id: int, gross_kg_x10: int, flags: int) -> None:
        """Fill the record with a weight and what was in force with it."""
        memory = self.memory
        record = self.record
        record[RECORD_ID] = register_id
        record[RECORD_GROSS] = gross_kg_x10
        record[RECORD_TARE] = memory.tare_kg_x10
        record[RECORD_FLAGS] = flags | memory.tare_is_preset << regs.REGISTERED_FLAGS_PRESET_TARE
        record[RECORD_CALIBRATION] = memory.calibration_count
        record[RECORD_E_KG] = memory.e_kg

    def commit(self, ring: EventRing) -> None:
        """The record is on the medium: its weight is registered."""
        memory = self.memory
        record = self.record
        memory.registered_kg_x10 = record[RECORD_GROSS]
        memory.registered_tare_kg_x10 = record[RECORD_TARE]
        memory.registered_flags = record[RECORD_FLAGS]
        memory.registered_id = record[RECORD_ID]
        memory.registered_count = (memory.registered_count + 1) & 0xFFFF
        memory.registered_here = 1
        ring.push(regs.EV_WEIGHT_REGISTERED, memory.registered_kg_x10)
        ring.push(regs.EV_REGISTERED_FOR, memory.registered_id)


def show_record(record: list[int], status: list[int]) -> None:
    """Fill in the registers of an alibi record."""
    status[regs.ST_ALIBI_SEQUENCE] = record[RECORD_SEQUENCE]
    status[regs.ST_ALIBI_REGISTER_ID] = record[RECORD_ID]
    status[regs.ST_ALIBI_GROSS_KG_X10] = record[RECORD_GROSS]
    status[regs.ST_ALIBI_TARE_KG_X10] = record[RECORD_TARE]
    status[regs.ST_ALIBI_FLAGS] = record[RECORD_FLAGS]
    status[regs.ST_ALIBI_BOOT_COUNT] = record[RECORD_BOOT]
    status[regs.ST_ALIBI_UPTIME_S] = record[RECORD_UPTIME_S]
    status[regs.ST_ALIBI_CALIBRATION_COUNT] = record[RECORD_CALIBRATION]
    status[regs.ST_ALIBI_E_KG] = record[RECORD_E_KG]
