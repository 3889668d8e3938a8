"""The weighbridge's core with its samples abstracted: what one scan may see, and what it remembers that can decide.

Host only; never deployed. Knows the core's parts and the classes of a sample. Must not know the search or a property.

In the place of converter filter and stability window stands a source that says at every scan whatever it likes: any
class of weight, at rest or not, a sample or none. The real ones can do less. Everything behind them is the real core.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from typing import Any

from firmware.control import weighbridge as module
from firmware.control.sampler import SAMPLE_NEW, SAMPLE_NONE
from firmware.control.weighbridge import Weighbridge
from firmware.control.weighbridge_front import INPUT_COUNT
from firmware.control.weighbridge_memory import PENDING_RECORD, RECORD_SEQUENCE, WeighbridgeMemory
from hil.explore.watch import SilentRing
from protocols.quality import BAD, GOOD
from protocols.registers import weighbridge as regs

# Max 80 t, e 20 kg and the delivered line: 1000 counts are one e.
MAX_KG, E_KG, ZERO_COUNTS, SPAN_COUNTS, D_COUNTS = 80000, 20, 100000, 4000000, 1000
MIN_KG_X10, LIMIT_KG_X10 = 20 * E_KG * 10, (MAX_KG + 9 * E_KG) * 10

# Filtered weight over the calibrated zero, in thousandths of e: each side of every limit the core asks about.
UNDER, ZERO, DRIFT, MIN, TRUCK, LIMIT, OVER = (
    -21000, 0, 400, 20000, 1000000, 4009000, 4010000,
)  # fmt: skip
UNREST, QUIET, LOW, HIGH = "unrest", "quiet", "low", "high"  # the window: moving; at rest with its middle where
_SHIFT = {UNREST: 0, QUIET: 0, LOW: -900, HIGH: 900}
_SHOWN = {
    "registered_count": regs.ST_REGISTERED_COUNT,
    "registered_kg_x10": regs.ST_REGISTERED_KG_X10,
    "registered_id": regs.ST_REGISTERED_ID,
    "registered_flags": regs.ST_REGISTERED_FLAGS,
    "alibi_newest": regs.ST_ALIBI_NEWEST,
}
_ELAPSED_MS = 2500  # between samples; half of what drift needs, more than a step of the tracking does

_FORGOTTEN = (
    "state", "faults", "is_blocked", "valid", "kg_x10", "max_kg", "e_kg", "zero_counts", "span_counts", "rules",
    "calibration_count", "registered_kg_x10", "registered_count", "registered_tare_kg_x10", "draft_sum_kg_x10",
    "draft_last_kg_x10", "draft_flags", "alibi_newest", "local", "local_tare_before", "local_zero_before",
)  # fmt: skip
_KEPT = tuple(name for name in vars(WeighbridgeMemory()) if name not in _FORGOTTEN)
REMEMBERED = tuple(vars(WeighbridgeMemory()))
_ERRORS = (_KEPT.index("rest_error"), _KEPT.index("entry_error"))
_INITIAL, _REST, _RESULT = (_KEPT.index(name) for name in ("zero_initial", "rest_kg_x10", "registered_flags"))
WEIGHTS = (UNDER, ZERO, DRIFT, MIN, TRUCK, LIMIT, OVER)


@dataclass(frozen=True)
class Seen:
    """What the inputs of one scan are. `weight` is None without a usable weight."""

    weight: int | None = ZERO
    rest: str = UNREST
    is_new: bool = True
    blocked: int = 0
    local: int = 0


@dataclass(frozen=True)
class Asked:
    """What is asked in one scan, with the faults and the settings that stand then."""

    opcode: int = 0
    argument: int = 0
    button: int = -1
    sealed: int = 1
    bad: int = 0
    verified: int = 1
    stores: int = 1


class AnySource:
    """Stands for sampler and window both; `tell` says what they say in the next scan."""

    def __init__(self) -> None:
        self.timeout_ms = 0
        self.counts = self.samples = self.filtered = 0
        self.ready = self.silent = self.saturated = self.stale = self.broken = 0
        self.stable = self.stable_ms = self.mean = self.spread = 0
        self.elapsed_ms = _ELAPSED_MS
        self._middle = 0
        self._next = Seen()

    def tell(self, seen: Seen) -> None:
        """Take what the next step() will find."""
        self._next = seen
        self.ready = 0 if seen.weight is None else 1
        self.silent = 1 - self.ready
        self.broken = self.silent
        self.filtered = ZERO_COUNTS + (seen.weight or 0)
        self.stable = int(seen.rest != UNREST and self.ready)
        self.mean = self._middle = self.filtered + _SHIFT[seen.rest]
        self.spread = D_COUNTS if _SHIFT[seen.rest] else 0

    def step(self, value: int, sequence: int, is_good: bool) -> int:
        """A sample, or none."""
        return SAMPLE_NEW if self._next.is_new and self.ready else SAMPLE_NONE

    def start(self) -> None:
        """Waiting for the first sample: nothing to do."""

    def configure(self, window_ms: int) -> bool:
        """The window has no length."""
        return False

    def reset(self) -> None:
        """Not at rest."""
        self.stable = 0

    def on_sample(self, now_ms: int, counts: int, d_counts: int) -> None:
        """What it says was told already."""

    def median(self) -> int:
        """The middle of the window."""
        return self._middle


def halves(step: Callable[..., None], cut: str) -> tuple[Callable[[Any, int], None], Callable[[Any], None]]:
    """The statements of a step() before the one that begins with `cut`, and those from it on."""
    function = ast.parse(textwrap.dedent(inspect.getsource(step))).body[0]
    assert isinstance(function, ast.FunctionDef)
    place = next(n for n, each in enumerate(function.body) if ast.unparse(each).startswith(cut))
    found: list[Any] = []
    for header, body in (("(self, now_ms)", function.body[:place]), ("(self)", function.body[place:])):
        piece = ast.parse(f"def half{header}: pass").body[0]
        assert isinstance(piece, ast.FunctionDef)
        piece.body = body
        names: dict[str, Any] = {}
        exec(compile(ast.fix_missing_locations(ast.Module([piece], [])), "<half>", "exec"), vars(module), names)
        found.append(names["half"])
    return found[0], found[1]


class WeighbridgeSubject:
    """One weighing mode; everything remembered lies in the core's memory object, so a state is what it holds."""

    def __init__(self, mode: int) -> None:
        settings = [0] * regs.SETTING_COUNT
        settings[regs.SET_MAX_KG], settings[regs.SET_E_KG] = MAX_KG, E_KG
        settings[regs.SET_ZERO_COUNTS], settings[regs.SET_SPAN_COUNTS] = ZERO_COUNTS, SPAN_COUNTS
        settings[regs.SET_ZERO_TRACKING], settings[regs.SET_ZERO_DRIFT_LIMIT] = 1, 1
        settings[regs.SET_WEIGHING_MODE] = mode
        self.core: Any = Weighbridge(settings, SilentRing())  # type: ignore[arg-type]
        self.core.quality = [GOOD] * INPUT_COUNT
        self.source = AnySource()
        self.core._scale.sampler = self.core._scale.window = self.source  # type: ignore[assignment]
        self.memory = self.core.memory
        self._first, self._second = halves(Weighbridge.step, "faults = self._find_faults()")
        self.inputs = _inputs()
        self.requests = _requests(mode)
        self.before: dict[str, int] = {}  # memory half-way through the scan
        self.held: dict[str, int] = {}  # and at its beginning
        self.was_pending = 0
        self.pending_record: list[int] = []
        self.seen, self.asked = Seen(), Asked()
        self.committed_before_store = False
        self._reading: Any = None
        self._whole: dict[Any, dict[str, int]] = {}
        self._halfway: dict[Any, tuple[dict[str, int], Seen, dict[str, int]]] = {}

    def start(self) -> Any:
        """The state after power-up."""
        return self._keep()

    def read(self, state: Any, choice: Seen) -> Any:
        """Inputs, sample, weight, zero, occupation."""
        core = self.core
        if state is not self._reading:  # the half-way states of another one have had their requests
            self._reading = state
            self._halfway.clear()
        vars(self.memory).update(self._whole[state])
        core.inputs[regs.IN_FRONT_CLEAR], core.inputs[regs.IN_REAR_CLEAR] = 1 - choice.blocked, 1
        core.inputs[regs.IN_LOCAL_MODE] = choice.local
        self.source.tell(choice)
        self._first(core, 0)
        shown = vars(self.memory)
        held = self._whole[state]
        key = (_decisive(shown), shown["kg_x10"], shown["valid"], shown["is_blocked"], shown["local"], choice.rest,
               self.source.stable, choice.weight, held["zero_offset"], held["on_deck"], held["zero_is_set"])  # fmt: skip
        if key not in self._halfway:
            self._halfway[key] = (dict(shown), choice, held)
        return key

    def finish(self, half: Any, request: Asked) -> Any:
        """Faults, request, buttons, and what the application answers."""
        core = self.core
        self.before, self.seen, self.held = self._halfway[half]
        self.asked = request
        vars(self.memory).update(self.before)
        self.source.tell(self.seen)
        self.source.stable = half[6]
        core.inputs[regs.IN_SEAL_CLOSED] = request.sealed
        core.quality[regs.IN_LOCAL_TARE] = BAD if request.bad else GOOD
        core._front.is_verified = request.verified
        core.inputs[regs.IN_LOCAL_REGISTER] = 1 if request.button == regs.IN_LOCAL_REGISTER else 0
        core.request_opcode, core.request_argument = request.opcode, request.argument
        self._second(core)
        self._store(request)
        core.quality[regs.IN_LOCAL_TARE] = GOOD
        return self._keep()

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
        held = dict(vars(self.memory))
        held["registered_count"] = held["alibi_newest"] = 0
        key = _decisive(held)
        self._whole.setdefault(key, held)
        return key


def _decisive(held: dict[str, int]) -> tuple[int, ...]:
    """What a later scan can decide by; errors of the zero only by the limits they are compared with."""
    found = [held[name] for name in _KEPT]
    for place in _ERRORS:
        size = abs(found[place])
        found[place] = (4 * size > D_COUNTS) + (8 * size > D_COUNTS)
    found[_RESULT] &= 1 << regs.REGISTERED_FLAGS_MULTI_DRAFT
    found[_INITIAL] = _bits([abs(weight - held["zero_initial"]) * 50 <= SPAN_COUNTS for weight in WEIGHTS])
    rest = held["rest_kg_x10"]
    if rest:  # which weight would be Min more
        offset = held["zero_offset"]
        found[_REST] = 1 + _bits([(weight - offset) * E_KG * 10 // D_COUNTS - rest >= MIN_KG_X10 for weight in WEIGHTS])
    return tuple(found)


def _bits(flags: list[bool]) -> int:
    return sum(flag << place for place, flag in enumerate(flags))


def _inputs() -> list[Seen]:
    found = [
        Seen(weight, rest, new, blocked, local)
        for weight, rest, new, blocked, local in product(
            WEIGHTS, (UNREST, QUIET, LOW, HIGH), (True, False), (0, 1), (0, 1)
        )
    ]
    return found + [Seen(None, UNREST, False, blocked, local) for blocked, local in product((0, 1), (0, 1))]


def _requests(mode: int) -> list[Asked]:
    found = []
    for sealed, bad in ((1, 0), (0, 0), (1, 1)):
        here = {"sealed": sealed, "bad": bad}
        found += [Asked(**here), Asked(regs.OP_ZERO, **here)]
        found += [Asked(regs.OP_REGISTER, 1, verified=ok, **here) for ok in (1, 0)]
        found += [Asked(regs.OP_REGISTER, 2, **here), Asked(regs.OP_REGISTER, 2, stores=0, **here)]
        found += [Asked(button=regs.IN_LOCAL_REGISTER, **here)]
        if mode:
            found += [Asked(regs.OP_DRAFT, 1, **here), Asked(regs.OP_CANCEL_DRAFTS, **here)]
            found += [Asked(regs.OP_FINISH_DRAFTS, 1, stores=stores, **here) for stores in (1, 0)]
    return found
