"""What is proven of the weighbridge: the properties of its core, each with its clause, over every class of sample.

Host only; never deployed. Knows the meaning of the core's memory and of the classes. Must not know how the search
works. docs/explorer.md tells how to read and extend this.
"""

from __future__ import annotations

from firmware.control.weighbridge_memory import (
    PENDING_RECORD,
    RECORD_FLAGS,
    RECORD_GROSS,
)
from firmware.proofs.weighbridge_classes import (
    KEPT,
    LIMIT_KG_X10,
    MIN_KG_X10,
    NARROW,
    TRUCK,
    ZERO,
    Asked,
    Seen,
)
from firmware.proofs.weighbridge_export import as_scenario
from firmware.proofs.weighbridge_subject import WeighbridgeSubject
from hil.explore.claims import Reduction
from hil.explore.explicit import Check, Explicit, Way
from protocols.registers import weighbridge as regs

_LEGAL = 1 << regs.REGISTERED_FLAGS_LEGAL_FOR_TRADE
_MULTI = 1 << regs.REGISTERED_FLAGS_MULTI_DRAFT


def build() -> list[Explicit]:
    """One search; both weighing modes are part of it."""
    return [Explicit("weighbridge", WeighbridgeSubject, _CHECKS, _WAYS, _REDUCTIONS, as_scenario)]


def _is_registering(scan: WeighbridgeSubject) -> bool:
    """This scan hands a weight of one draft to the medium."""
    return scan.was_pending == PENDING_RECORD and not scan.pending_record[RECORD_FLAGS] & _MULTI


def _takes_draft(scan: WeighbridgeSubject) -> bool:
    return scan.memory.draft_count > scan.before["draft_count"]


def _rests(scan: WeighbridgeSubject) -> bool:
    return not (_is_registering(scan) or _takes_draft(scan)) or scan.source.stable == 1


def _is_within(scan: WeighbridgeSubject) -> bool:
    if _is_registering(scan) and not MIN_KG_X10 <= scan.pending_record[RECORD_GROSS] <= LIMIT_KG_X10:
        return False
    return not _takes_draft(scan) or MIN_KG_X10 <= scan.memory.draft_last_kg_x10 <= LIMIT_KG_X10


def _has_sound_zero(scan: WeighbridgeSubject) -> bool:
    if not (_is_registering(scan) or _takes_draft(scan)):
        return True
    unsound = 1 << regs.FAULTS_ZERO_DRIFT | 1 << regs.FAULTS_ZERO_OUT_OF_RANGE | 1 << regs.FAULTS_INPUT_BAD
    return not scan.memory.faults & unsound and scan.memory.zero_is_set == 1 and not scan.before["came_off"]


def _is_single(scan: WeighbridgeSubject) -> bool:
    if not _is_registering(scan):
        return True
    return not (scan.before["second_vehicle"] or scan.before["two"] or scan.before["is_blocked"])


def _is_stored_first(scan: WeighbridgeSubject) -> bool:
    return not scan.committed_before_store


def _is_counted_as_stored(scan: WeighbridgeSubject) -> bool:
    moved = scan.memory.registered_count - scan.before["registered_count"]
    return moved == (1 if scan.was_pending == PENDING_RECORD and scan.asked.stores else 0)


def _zero_is_frozen(scan: WeighbridgeSubject) -> bool:
    """By itself the zero moves on a quiet empty deck only and in small steps, by request on one empty in this scan."""
    before = scan.before
    if scan.memory.zero_offset == before["zero_offset"] or not before["zero_is_set"]:
        return not scan.zero_slipped
    return not (scan.zero_slipped or before["is_blocked"] or before["on_deck"])


def _is_legal_rightly(scan: WeighbridgeSubject) -> bool:
    memory, status = scan.memory, scan.core.status
    ok = memory.faults == 0 and scan.asked.verified and not memory.mode
    if status[regs.ST_FLAGS] & 1 << regs.FLAGS_LEGAL_FOR_TRADE and not (ok and not memory.second_vehicle):
        return False
    return scan.was_pending != PENDING_RECORD or not scan.pending_record[RECORD_FLAGS] & _LEGAL or bool(ok)


def _lamp_is_right(scan: WeighbridgeSubject) -> bool:
    if not scan.core.outputs[regs.OUT_READY_LAMP]:
        return True
    memory = scan.memory
    blocked = memory.is_blocked and not memory.mode
    return scan.source.stable == 1 and memory.valid == 1 and not (memory.overload or memory.underload or blocked)


_CHECKS = [
    Check("rest", "Nothing is registered, nor taken as a draft, unless it is stable in that scan (role page: REGISTER).", _rests),
    Check("limits", "Nothing is registered, nor taken as a draft, under Min = 20 e or over Max + 9 e (standards 2.1).", _is_within),
    Check("sound-zero", "Nothing is registered without a zero that was set, with one out of range or off by more than the "
          "limit of drift when the deck was entered, or with a bad input.", _has_sound_zero),
    Check("one-vehicle", "Nothing is registered with a photocell covered or after a second vehicle came.", _is_single),
    Check("stored-first", "Nothing is remembered or shown as registered before its alibi record is stored (role page: alibi records).",
          _is_stored_first),
    Check("stored-counts", "Exactly what was stored counts as registered, and once.", _is_counted_as_stored),
    Check("zero-frozen", "While the deck is occupied the zero does not move; by itself it is taken below Min only, and followed from within "
          "half of d by a tenth of d at a time (R 76-1 4.5.7).", _zero_is_frozen),
    Check("legal", "Legal for trade is never shown or recorded with a fault, axle-wise (NIST Handbook 44 UR.3.3), or from an unverified indicator; "
          "nor shown after a second vehicle.", _is_legal_rightly),
    Check("lamp", "READY is lit only over a stable weight within the range with clear photocells.", _lamp_is_right),
]  # fmt: skip


def _registers(scan: WeighbridgeSubject) -> bool:
    return scan.memory.registered_count != scan.before["registered_count"]


def _site_helps(seen: Seen) -> bool:
    clean = seen.spread < 0 or (seen.spread == NARROW and seen.middle == seen.weight)
    return (
        clean and not seen.lost and seen.weight in (ZERO, TRUCK) and seen.change == KEPT and not (seen.far or seen.more)
    )


def _hub_helps(asked: Asked) -> bool:
    return bool(asked.sealed and not asked.bad and asked.stores and not (asked.local or asked.far or asked.full))


_WAYS = [
    Way("weighed-again", "From every reachable state a weight can be registered when the site helps: deck empty or loaded "
        "at rest, no bad input, remote commands only.", _registers, _site_helps, _hub_helps),
]  # fmt: skip

_REDUCTIONS = [
    Reduction("Filter and stability window are a source that says anything: nine classes of weight, at rest or not, the middle "
              "of the window beside the weight, its width up to half of d or up to d, a new sample or none, or no weight at "
              "all.", "The real ones can do only some of this (sampler.py, stability.py); each limit the core compares with "
              "has a class on both sides of it. test_weighbridge_model_host.py finds every scan of walks of the real core "
              "among those of the search."),
    Reduction("Weights are told relative to the zero in force, and a state is kept as if that were the calibrated zero. "
              "Whether the zero may move further is chosen anew in every scan.", "How far it has wandered is asked by the "
              "range of zero setting only (Zero.is_in_range), and both answers are tried; this adds ways, none is lost."),
    Reduction("What stood at rest before is known or not; with a photocell interrupted since, a load is Min heavier or is "
              "not, as the scan likes.", "Registration.watch asks nothing else of it; both answers are tried."),
    Reduction("The errors of the zero count by the limit they are compared with.", "Scale._is_drift is their only reader "
              "that decides, and with half the limit it is asked only of what was measured in the same scan."),
    Reduction("Time between samples is 1 ms, a step of the tracking, or what drift takes; of times that run nothing is kept.",
              "Only sums are compared with 200 ms and 5 s: one that is half full may or may not end with the next sample, and "
              "so may one that is empty here."),
    Reduction("Drafts are none, some or as many as may be; ids of requests are 1 and 2.", "Their number is compared with 0 and "
              "DRAFTS_MAX only, some may be one less than these in every scan; ids are compared with each other only."),
    Reduction("A button that is asked for is pressed anew.", "A press that begins is what can do something; that a button "
              "was held before only takes ways away."),
    Reduction("A scan may begin with a changed weighing mode or a changed calibrated zero; the rest of the settings are those "
              "delivered.", "Every change of Max, e, zero or span ends in the same restart. Not covered: settings that no class "
              "III instrument can have, where nothing has a weight, and changes of window, tracking or limit of drift."),
    Reduction("Tare commands, CALIBRATE_ZERO and _SPAN and READ_ALIBI are left out.", "No condition of registering reads a tare "
              "(test_weighbridge_model_host.py); a calibration ends in a change of settings."),
    Reduction("The front end is the converter; `is_verified` of an indicator is either.", "Not covered: the zero of an "
              "indicator, which only the indicator moves, and samples that are unfit; its weights pass the same registration."),
    Reduction("Results and counters are left out of the state.", "They are read in the scan that writes them."),
]  # fmt: skip
