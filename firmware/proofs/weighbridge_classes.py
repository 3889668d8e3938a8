"""What one scan of the weighbridge may see and what may be asked in it: classes instead of samples.

Host only; never deployed. Knows the limits the core compares with. Must not know the core's parts or a property.

In the place of converter filter and stability window stands a source that says at every scan whatever it likes: any
class of weight, at rest or not, a sample or none. The real ones can do less.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product

from firmware.control.sampler import SAMPLE_NEW, SAMPLE_NONE
from protocols.registers import weighbridge as regs

# Max 80 t, e 20 kg and the delivered line: 1000 counts are one e.
MAX_KG, E_KG, ZERO_COUNTS, SPAN_COUNTS, D_COUNTS = 80000, 20, 100000, 4000000, 1000
MIN_KG_X10, LIMIT_KG_X10 = 20 * E_KG * 10, (MAX_KG + 9 * E_KG) * 10

# Filtered weight over the zero in force, in thousandths of e: one on each side of every limit the core asks about.
# Under -20 e, up to -19 e, empty, something small, from 18 e to Min, Min, a truck, above Max + 8 e, above Max + 9 e.
UNDER, NEARLY_UNDER, ZERO, SMALL, HELD, MIN, TRUCK, LIMIT, OVER = (
    -20200, -19600, 0, 10000, 19800, 20000, 1000000, 4009000, 4010000,
)  # fmt: skip
# The common ones first: of ways of one length the first one found is told.
WEIGHTS = (ZERO, TRUCK, SMALL, MIN, LIMIT, HELD, OVER, UNDER, NEARLY_UNDER)
# Where the middle of a window may lie besides: on the other side of a limit near by. Twice as far if it is a wide one.
_BESIDE = {UNDER: 450, NEARLY_UNDER: -450, HELD: 450, MIN: -450, LIMIT: 450}
# Off zero: not at all; less than the limit of drift and more than half of it; the same after one step of tracking;
# more than the limit even then. A window wider than half of d allows more than tracking follows.
NEAR = (0, 200, 300, 400)
WIDE_ONLY = 900
NARROW, WIDE = D_COUNTS // 2, D_COUNTS

# Time between samples: too short for anything, for a step of the tracking, for drift as well.
SHORT_MS, TRACKS_MS, DRIFTS_MS = 1, 200, 5000
# Where the initial zero lies for a zero that must not move further, and rests that are less or more than Min lighter.
FAR = 1_000_000
LIGHT, HEAVY = -10_000_000, 10_000_000

# Why there is no weight: the converter settles, is silent, or saturated.
SETTLING, SILENT, SATURATED = "settling", "silent", "saturated"
# What became of the settings before this scan.
KEPT, MODE_CHANGED, LINE_CHANGED = "", "mode", "line"


@dataclass(frozen=True)
class Seen:
    """What the inputs of one scan are.

    `lost` says why there is no usable weight, "" if there is one. The window is at rest if `spread` is not -1, its
    middle lies at `middle`. `elapsed_ms` is the time since the sample before, 0 without a new one. `far`: the zero must
    not move further. `more`: the load is Min heavier than what stood at rest before.
    """

    weight: int = ZERO
    spread: int = -1
    middle: int = ZERO
    elapsed_ms: int = SHORT_MS
    blocked: int = 0
    lost: str = ""
    change: str = KEPT
    far: int = 0
    more: int = 0


@dataclass(frozen=True)
class Asked:
    """What is asked in one scan, with the key, the faults and the settings that stand then."""

    opcode: int = 0
    argument: int = 0
    local: int = 0
    buttons: tuple[int, ...] = ()
    sealed: int = 1
    bad: int = 0
    verified: int = 1
    stores: int = 1
    far: int = 0
    full: int = 0


class AnySource:
    """Stands for sampler and window both; `tell` says what they say in the next scan."""

    def __init__(self) -> None:
        self.timeout_ms = 0
        self.counts = self.samples = self.filtered = 0
        self.ready = self.silent = self.saturated = self.stale = self.broken = 0
        self.stable = self.stable_ms = self.mean = self.spread = 0
        self.elapsed_ms = 0

    def tell(self, seen: Seen, zero_counts: int) -> None:
        """Take what the next step() will find."""
        self.ready = 0 if seen.lost else 1
        self.silent = 1 if seen.lost == SILENT else 0
        self.saturated = 1 if seen.lost == SATURATED else 0
        self.broken = 1 - self.ready
        self.filtered = zero_counts + seen.weight
        self.stable = 1 if seen.spread >= 0 and self.ready else 0
        self.mean = zero_counts + seen.middle
        self.spread = seen.spread
        self.elapsed_ms = seen.elapsed_ms

    def step(self, value: int, sequence: int, is_good: bool) -> int:
        """A sample, or none."""
        return SAMPLE_NEW if self.elapsed_ms and self.ready else SAMPLE_NONE

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
        return self.mean


def _inputs() -> list[Seen]:
    found = [Seen(weight, middle=weight, blocked=b, change=c) for weight, b, c in product(WEIGHTS, (0, 1), _CHANGES)]
    found += [Seen(blocked=b, lost=lost, change=c) for lost, b, c in product(_LOSSES, (0, 1), _CHANGES)]
    found += [Seen(weight, middle=weight, elapsed_ms=0, blocked=b) for weight, b in product(WEIGHTS, (0, 1))]
    for weight, blocked in product(WEIGHTS, (0, 1)):
        near = NEAR if weight == ZERO else (weight, weight + _BESIDE.get(weight, 0))
        times = (0, SHORT_MS, TRACKS_MS, DRIFTS_MS) if weight == ZERO else (0, SHORT_MS, DRIFTS_MS)
        wide = (*near, WIDE_ONLY) if weight == ZERO else (weight, weight + 2 * _BESIDE.get(weight, 0))
        places = [(NARROW, middle) for middle in near] + [(WIDE, middle) for middle in wide]
        for (spread, middle), elapsed_ms in product(places, times):
            found.append(Seen(weight, spread, middle, elapsed_ms, blocked))
            if weight == ZERO and spread == NARROW and elapsed_ms >= TRACKS_MS and not blocked:
                found.append(Seen(weight, spread, middle, elapsed_ms, blocked, far=1))
    return list(dict.fromkeys(found))


def requests_in(mode: int) -> list[Asked]:
    """Faults reach a request through Registration.find_refusal and prepare only, so they vary with what asks these."""
    faults = ({}, {"sealed": 0}, {"bad": 1})
    found = [Asked(**here) for here in faults]
    found += [Asked(regs.OP_ZERO), Asked(regs.OP_ZERO, far=1)]
    found += [Asked(regs.OP_REGISTER, 1, **here) for here in faults]
    found += [Asked(regs.OP_REGISTER, 1, verified=0), Asked(regs.OP_REGISTER, 2), Asked(regs.OP_REGISTER, 2, stores=0)]
    zero, register = regs.IN_LOCAL_ZERO, regs.IN_LOCAL_REGISTER
    for buttons in ((), (zero,), (register,), (zero, register)):
        found.append(Asked(local=1, buttons=buttons))
    found += [Asked(local=1, buttons=(register,), **here) for here in faults[1:]]
    found += [Asked(local=1, buttons=(zero,), far=1), Asked(local=1, buttons=(register,), stores=0)]
    if mode:
        found += [Asked(regs.OP_DRAFT, 1, **here) for here in faults]
        found += [Asked(regs.OP_DRAFT, 1, full=1), Asked(regs.OP_DRAFT, 2), Asked(regs.OP_CANCEL_DRAFTS)]
        found += [Asked(regs.OP_FINISH_DRAFTS, draft_id, stores=stores) for draft_id in (1, 2) for stores in (1, 0)]
        found += [Asked(regs.OP_FINISH_DRAFTS, 1, **here) for here in faults[1:]]
    return found


_CHANGES = (KEPT, MODE_CHANGED, LINE_CHANGED)
_LOSSES = (SETTLING, SILENT, SATURATED)
INPUTS = _inputs()
# After a photocell was interrupted it counts how much heavier a load is.
INPUTS_AGAIN = INPUTS + [replace(each, more=1) for each in INPUTS if each.weight >= HELD and each.spread >= 0]
