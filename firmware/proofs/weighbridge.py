"""What is proven of the weighbridge: the properties of its core, each with its clause, over every class of sample.

Host only; never deployed. Knows the meaning of the core's memory and of the classes. Must not know how the search
works. docs/explorer.md tells how to read and extend this.
"""

from __future__ import annotations

from functools import partial

from firmware.control.weighbridge_memory import (
    PENDING_RECORD,
    RECORD_FLAGS,
    RECORD_GROSS,
)
from firmware.proofs.weighbridge_subject import (
    LIMIT_KG_X10,
    MIN_KG_X10,
    QUIET,
    TRUCK,
    ZERO,
    Asked,
    Seen,
    WeighbridgeSubject,
)
from hil.explore.claims import Reduction
from hil.explore.explicit import Check, Explicit, Way
from protocols.registers import weighbridge as regs

_LEGAL = 1 << regs.REGISTERED_FLAGS_LEGAL_FOR_TRADE
_MULTI = 1 << regs.REGISTERED_FLAGS_MULTI_DRAFT


def build() -> list[Explicit]:
    """One search per weighing mode: what a mode remembers of the other is forgotten when it begins."""
    return [
        Explicit("weighbridge", partial(WeighbridgeSubject, mode), _CHECKS, _WAYS, _REDUCTIONS)
        for mode in (regs.WEIGHING_MODE_SINGLE_DRAFT, regs.WEIGHING_MODE_MULTI_DRAFT)
    ]


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
    return not scan.memory.faults & unsound and scan.memory.zero_is_set == 1


def _is_single(scan: WeighbridgeSubject) -> bool:
    return not _is_registering(scan) or not (scan.before["second_vehicle"] or scan.before["is_blocked"])


def _is_stored_first(scan: WeighbridgeSubject) -> bool:
    return not scan.committed_before_store


def _is_counted_as_stored(scan: WeighbridgeSubject) -> bool:
    moved = scan.memory.registered_count - scan.before["registered_count"]
    return moved == (1 if scan.was_pending == PENDING_RECORD and scan.asked.stores else 0)


def _zero_is_frozen(scan: WeighbridgeSubject) -> bool:
    """The zero moves by itself only on an empty deck, by request only on one that is empty in this scan."""
    held, before = scan.held, scan.before
    if scan.memory.zero_offset == held["zero_offset"] or not held["zero_is_set"]:
        return True
    by_itself = before["zero_offset"] != held["zero_offset"]
    return not (before["is_blocked"] or (held["on_deck"] and before["on_deck"] if by_itself else before["on_deck"]))


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
    Check("zero-frozen", "While the deck is occupied the zero does not move (R 76-1 4.5.7: only at zero).", _zero_is_frozen),
    Check("legal", "Legal for trade is never shown or recorded with a fault, axle-wise (NIST Handbook 44 UR.3.3), or from an unverified indicator; "
          "nor shown after a second vehicle.", _is_legal_rightly),
    Check("lamp", "READY is lit only over a stable weight within the range with clear photocells.", _lamp_is_right),
]  # fmt: skip


def _registers(scan: WeighbridgeSubject) -> bool:
    return scan.memory.registered_count != scan.before["registered_count"]


def _site_helps(seen: Seen) -> bool:
    return seen.rest == QUIET and seen.weight in (ZERO, TRUCK) and not seen.local


def _hub_helps(asked: Asked) -> bool:
    return bool(asked.sealed and not asked.bad and asked.stores and asked.button < 0)


_WAYS = [
    Way("weighed-again", "From every reachable state a weight can be registered when the site helps: deck empty or loaded "
        "at rest, no bad input, remote commands only.", _registers, _site_helps, _hub_helps),
]  # fmt: skip

_REDUCTIONS = [
    Reduction("Filter and stability window are a source that says anything: seven classes of weight, at rest or not, its "
              "middle 0.9 e lower, equal or higher, new or not, or no weight at all.", "The real ones can do only some of "
              "this (sampler.py, stability.py); each limit the core compares with has a class on both sides of it."),
    Reduction("The errors of the zero count by the limits they are compared with.", "Scale._is_drift is their only reader "
              "that decides; entry_drift_counts only shows one."),
    Reduction("Time between samples is 2.5 s: drift takes two of them, tracking one.", "Only sums of it are compared with "
              "5 s and 200 ms."),
    Reduction("Settings are those delivered; the weighing mode is fixed in each of the two searches.", "Not covered: "
              "what a change of settings does between two scans, which test_weighbridge*.py show."),
    Reduction("Tare commands and buttons, calibration and READ_ALIBI are left out.", "No condition of registering reads a "
              "tare (test_weighbridge_model_host.py); calibration needs the key and ends in a change of settings."),
    Reduction("Results and counters are left out of the state.", "They are read in the scan that writes them."),
]  # fmt: skip
