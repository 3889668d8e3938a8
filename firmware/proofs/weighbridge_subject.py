"""The weighbridge's core with its samples abstracted, and what it remembers that can decide.

Host only; never deployed. Knows the core's parts. Must not know the search or a property.

Weights are told relative to the zero in force, and every state is kept as if that zero were the calibrated one: where
it has wandered to decides only whether it may move further, and that is chosen anew in every scan (`far`). Everything
behind filter and window is the real core.
"""

from __future__ import annotations

from typing import Any

from firmware.control.weighbridge import Weighbridge
from firmware.control.weighbridge_drafts import DRAFTS_MAX
from firmware.control.weighbridge_front import INPUT_COUNT
from firmware.control.weighbridge_memory import PENDING_RECORD, RECORD_SEQUENCE, WeighbridgeMemory
from firmware.proofs.weighbridge_classes import (
    D_COUNTS,
    E_KG,
    FAR,
    HEAVY,
    INPUTS,
    INPUTS_AGAIN,
    LIGHT,
    LINE_CHANGED,
    MAX_KG,
    MODE_CHANGED,
    NARROW,
    SPAN_COUNTS,
    TRACKS_MS,
    WIDE_ONLY,
    ZERO_COUNTS,
    AnySource,
    Asked,
    Seen,
    requests_in,
)
from hil.explore.halves import halves
from hil.explore.watch import SilentRing
from protocols.quality import BAD, GOOD
from protocols.registers import weighbridge as regs

_SHOWN = {
    "registered_count": regs.ST_REGISTERED_COUNT,
    "registered_kg_x10": regs.ST_REGISTERED_KG_X10,
    "registered_id": regs.ST_REGISTERED_ID,
    "registered_flags": regs.ST_REGISTERED_FLAGS,
    "alibi_newest": regs.ST_ALIBI_NEWEST,
}

# Set anew in every scan before it is read, or never asked when something is decided.
_FORGOTTEN = (
    "state", "faults", "is_blocked", "valid", "kg_x10", "max_kg", "e_kg", "zero_counts", "span_counts", "rules",
    "calibration_count", "registered_kg_x10", "registered_count", "registered_tare_kg_x10", "draft_sum_kg_x10",
    "draft_last_kg_x10", "draft_flags", "draft_group", "alibi_newest", "local", "local_tare_before",
    "local_zero_before", "local_register_before", "tare_kg_x10", "tare_is_preset", "zero_offset", "zero_initial",
    "zero_track_ms", "drift_ms",
)  # fmt: skip
KEPT_NAMES = tuple(name for name in vars(WeighbridgeMemory()) if name not in _FORGOTTEN) + (
    "saw_off", "came_off", "rested", "parted", "two",
)  # fmt: skip
_MULTI = 1 << regs.REGISTERED_FLAGS_MULTI_DRAFT


class WeighbridgeSubject:
    """Everything remembered lies in the core's memory object, so a state is what it holds.

    Besides, what was told is remembered without asking the core: `saw_off`, the empty deck was at rest beyond the limit
    of drift last; `came_off`, it was so when the deck was occupied; `rested`, a load was at rest in this occupation;
    `parted`, a photocell was interrupted since; `two`, the load was at rest with Min more after that.
    """

    def __init__(self) -> None:
        settings = [0] * regs.SETTING_COUNT
        settings[regs.SET_MAX_KG], settings[regs.SET_E_KG] = MAX_KG, E_KG
        settings[regs.SET_ZERO_COUNTS], settings[regs.SET_SPAN_COUNTS] = ZERO_COUNTS, SPAN_COUNTS
        settings[regs.SET_ZERO_TRACKING], settings[regs.SET_ZERO_DRIFT_LIMIT] = 1, 1
        self.settings = settings
        self.core: Any = Weighbridge(settings, SilentRing())  # type: ignore[arg-type]
        self.core.quality = [GOOD] * INPUT_COUNT
        self.source = AnySource()
        self.core._scale.sampler = self.core._scale.window = self.source
        self.memory = self.core.memory
        vars(self.memory).update(dict.fromkeys(_WITNESSES, 0))
        self._first, self._second = halves(Weighbridge.step, "faults = self._find_faults()")
        self.requests = [requests_in(mode) for mode in (0, 1)]
        self.before: dict[str, int] = {}  # memory half-way through the scan
        self.was_pending = 0
        self.pending_record: list[int] = []
        self.seen, self.asked = Seen(), Asked()
        self.committed_before_store = False
        self.zero_slipped = False
        self._whole: dict[Any, dict[str, int]] = {}
        self._halfway: dict[Any, tuple[dict[str, int], Seen, int, bool]] = {}

    def start(self) -> Any:
        """The state after power-up."""
        return self._keep()

    def inputs_of(self, state: Any) -> list[Seen]:
        """What may be seen from a state; how much heavier a load is counts only after a photocell was interrupted."""
        held = self._whole[state]
        return INPUTS_AGAIN if held["rested"] and held["parted"] else INPUTS

    def requests_of(self, half: Any) -> list[Asked]:
        """What may be asked of a half-way state."""
        return self.requests[self._halfway[half][0]["mode"]]

    def read(self, state: Any, choice: Seen) -> Any:
        """Settings, inputs, sample, weight, zero, occupation."""
        core, memory = self.core, self.memory
        held = self._whole[state]
        vars(memory).update(held)
        self._set_line(choice, held["mode"])
        memory.zero_initial = FAR if choice.far else 0
        if held["rest_kg_x10"]:
            memory.rest_kg_x10 = LIGHT if choice.more else HEAVY
        core.inputs[regs.IN_FRONT_CLEAR], core.inputs[regs.IN_REAR_CLEAR] = 1 - choice.blocked, 1
        self.source.tell(choice, self.settings[regs.SET_ZERO_COUNTS])
        self._first(core, 0)
        self._watch_entry(held, choice)
        self._watch_vehicles(choice)
        slipped = self._has_slipped(held, choice)
        source = self.source
        key = (decisive(vars(memory)), memory.zero_offset, memory.kg_x10, memory.valid, memory.is_blocked, slipped,
               source.stable, choice.middle, choice.spread,
               choice.lost, choice.change == LINE_CHANGED)  # fmt: skip
        if key not in self._halfway:
            self._halfway[key] = (dict(vars(memory)), choice, source.stable, slipped)
        return key

    def finish(self, half: Any, request: Asked) -> Any:
        """Faults, request, buttons, and what the application answers."""
        core, memory = self.core, self.memory
        self.before, self.seen, stable, self.zero_slipped = self._halfway[half]
        self.asked = request
        vars(memory).update(self.before)
        self._set_line(self.seen, memory.mode)
        self.source.tell(self.seen, self.settings[regs.SET_ZERO_COUNTS])
        self.source.stable = stable
        memory.zero_initial = memory.zero_offset + (FAR if request.far else 0)
        memory.local = request.local
        if request.full and memory.draft_count:
            memory.draft_count = DRAFTS_MAX - 1
            self.before = {**self.before, "draft_count": memory.draft_count}
        core.inputs[regs.IN_SEAL_CLOSED] = request.sealed
        core.quality[regs.IN_LOCAL_TARE] = BAD if request.bad else GOOD
        core._front.is_verified = request.verified
        for button in (regs.IN_LOCAL_ZERO, regs.IN_LOCAL_REGISTER):
            core.inputs[button] = 1 if button in request.buttons else 0
        core.request_opcode, core.request_argument = request.opcode, request.argument
        self._second(core)
        self._store(request)
        core.quality[regs.IN_LOCAL_TARE] = GOOD
        asked_zero = request.opcode == regs.OP_ZERO or regs.IN_LOCAL_ZERO in request.buttons
        if asked_zero and stable and memory.zero_offset == self.seen.middle and not self.before["on_deck"]:
            memory.saw_off = memory.came_off = 0
        return self._keep()

    def _set_line(self, choice: Seen, mode: int) -> None:
        """Settings of this scan; where the calibrated zero lies is told by nothing, so each scan begins on the same."""
        core, settings = self.core, self.settings
        calibration = core._scale.calibration
        if calibration.zero_counts != ZERO_COUNTS or not calibration.valid:
            calibration.apply(MAX_KG, E_KG, ZERO_COUNTS, SPAN_COUNTS)
        core._scale.is_axle_wise = mode
        settings[regs.SET_WEIGHING_MODE] = 1 - mode if choice.change == MODE_CHANGED else mode
        settings[regs.SET_ZERO_COUNTS] = ZERO_COUNTS + 1 if choice.change == LINE_CHANGED else ZERO_COUNTS

    def _watch_entry(self, held: dict[str, int], choice: Seen) -> None:
        """`saw_off` and `came_off`, from what was told."""
        memory = self.memory
        is_occupied = memory.is_blocked or memory.on_deck
        if choice.change == LINE_CHANGED or memory.zero_is_set != held["zero_is_set"]:
            memory.saw_off = memory.came_off = 0
        elif self.source.stable and choice.elapsed_ms and memory.zero_is_set and not is_occupied:
            memory.saw_off = 1 if 4 * abs(choice.middle - memory.zero_offset) > D_COUNTS else 0
        if not is_occupied:
            memory.came_off = 0
        elif not held["is_entered"]:
            memory.came_off = held["saw_off"] if choice.change != LINE_CHANGED else 0

    def _watch_vehicles(self, choice: Seen) -> None:
        """`rested`, `parted` and `two`, from what was told."""
        memory = self.memory
        if not choice.lost and not (memory.is_blocked or memory.on_deck):
            memory.rested = memory.parted = memory.two = 0
        if memory.is_blocked:
            memory.parted = 1
        elif not choice.lost and memory.on_deck and self.source.stable and not memory.mode:
            memory.two |= memory.rested & memory.parted & choice.more
            memory.rested, memory.parted = 1, 0

    def _has_slipped(self, held: dict[str, int], choice: Seen) -> bool:
        """The zero moved by itself where, or further than, it may."""
        memory = self.memory
        if not memory.zero_offset:
            return False
        if memory.is_blocked or choice.spread not in (0, NARROW) or choice.change:
            return True
        if not held["zero_is_set"]:
            return abs(choice.middle) >= 20 * D_COUNTS
        if (held["on_deck"] and memory.on_deck) or 2 * abs(choice.middle) > D_COUNTS or choice.far:
            return True
        return 10 * abs(memory.zero_offset) > D_COUNTS or choice.elapsed_ms < TRACKS_MS

    def _store(self, request: Asked) -> None:
        """What is shown as registered before the medium has answered is noted; then it answers."""
        core = self.core
        before = self.before
        shown = {name: core.status[place] for name, place in _SHOWN.items()}
        moved = any(
            getattr(self.memory, name) != before[name] or value != before[name] for name, value in shown.items()
        )
        self.committed_before_store = moved
        self.was_pending = core.pending()
        self.pending_record = list(core.record)
        if self.was_pending:
            if self.was_pending == PENDING_RECORD and request.stores:
                core.record[RECORD_SEQUENCE] = self.memory.alibi_newest + 1
            core.on_stored(regs.COMMAND_RESULT_ACCEPTED if request.stores else regs.COMMAND_RESULT_STORE_FAILED)

    def _keep(self) -> Any:
        key = decisive(vars(self.memory))
        if key not in self._whole:
            self._whole[key] = concrete(key, vars(self.memory))
        return key


def decisive(held: dict[str, int]) -> tuple[int, ...]:
    """What a later scan can decide by, of all that is remembered; numbers only by what is asked of them."""
    merged = dict(held)
    merged["rest_error"] = _is_off(held["rest_error"])
    merged["entry_error"] = _is_off(held["entry_error"]) if held["is_entered"] else 0
    merged["rest_kg_x10"] = 1 if held["rest_kg_x10"] else 0
    merged["registered_flags"] &= _MULTI
    if not held["registered_here"] and not merged["registered_flags"]:
        merged["registered_id"] = 0
    count = held["draft_count"]
    merged["draft_count"] = count if count in (0, DRAFTS_MAX) else 1
    if not count:
        merged["draft_id"] = 0
    return tuple([merged[name] for name in KEPT_NAMES])


def concrete(state: tuple[int, ...], like: dict[str, int]) -> dict[str, int]:
    """Memory for a state, on the calibrated zero; `like` gives what nobody asks for."""
    held = {**like, **dict(zip(KEPT_NAMES, state, strict=True)), **dict.fromkeys(_ZEROED, 0)}
    held["zero_counts"] = ZERO_COUNTS if held["is_started"] else 0
    held["rest_error"] *= WIDE_ONLY
    held["entry_error"] *= WIDE_ONLY
    return held


_WITNESSES = ("saw_off", "came_off", "rested", "parted", "two")
_ZEROED = (
    "registered_count", "registered_kg_x10", "registered_tare_kg_x10", "alibi_newest", "zero_offset", "zero_initial",
    "zero_track_ms", "drift_ms", "draft_sum_kg_x10", "draft_last_kg_x10", "draft_flags", "draft_group", "tare_kg_x10",
    "tare_is_preset", "local", "local_zero_before", "local_register_before", "calibration_count",
)  # fmt: skip


def _is_off(error: int) -> int:
    return 1 if 4 * abs(error) > D_COUNTS else 0
