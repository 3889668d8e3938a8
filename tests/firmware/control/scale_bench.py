"""A scale alone on the bench: conversions of a given size and distance, without noise, registers or commands.

Dual-run. Loads are in counts above the calibrated zero, 1000 counts being 1 e = 20 kg.
"""

from firmware.control.scale import Scale
from firmware.control.timer import TimerBank
from firmware.control.weighbridge_front import KIND_COUNTS, FrontEnd
from firmware.control.weighbridge_memory import TIMER_COUNT, WeighbridgeMemory

MAX_KG = 80000
E_KG = 20
ZERO = 100000
SPAN = 4000000
D = 1000  # counts per e
SAMPLE_MS = 100
# The filter has 4 samples, the window 10: what stood this long is all they know.
LONG = 16


class Deck:
    """A scale under constant conversions, `zero` counts without a load; every sample 100 ms after the last."""

    def __init__(self, kind=KIND_COUNTS, zero=ZERO, span=SPAN):
        self.zero = zero
        self.memory = WeighbridgeMemory()
        self.memory.is_blocked = 0
        self.timers = TimerBank(TIMER_COUNT)
        self.front = FrontEnd(kind)
        self.sample = self.front.sample
        self.scale = Scale(self.memory, self.timers, self.front)
        self.scale.sampler.timeout_ms = 1000
        self.scale.window.configure(1000)
        self.now_ms = 0
        self.scale.configure(MAX_KG, E_KG, zero, span)

    def scan(self, elapsed_ms=0):
        self.now_ms += elapsed_ms
        self.timers.advance(self.now_ms)
        self.scale.step(self.now_ms, self.sample)

    def put(self, counts, samples=LONG, scans=1):
        """`samples` conversions of `counts` above the calibrated zero, each looked at in `scans` scans."""
        for _ in range(samples):
            self.sample.value = self.zero + counts
            self.sample.sequence += 1
            for _ in range(scans):
                self.scan(SAMPLE_MS // scans)

    def swing(self, counts):
        """A filtered signal that goes up and down evenly between 0 and `counts`: at rest, with that spread."""
        for _ in range(5):
            self.put(counts, 4)
            self.put(0, 4)

    def set_blocked(self, is_blocked):
        self.memory.is_blocked = is_blocked
        self.scan()


def zeroed(counts=0):
    deck = Deck()
    deck.put(counts, 25)
    assert deck.memory.zero_is_set
    return deck


def off_zero(counts, samples):
    """A deck that stands `counts` off its zero, and did so for `samples` samples when the limit is a quarter of e."""
    deck = zeroed()
    deck.scale.drift_quarters = 7
    deck.put(counts)
    deck.scale.drift_quarters = 1
    deck.put(counts, samples)
    return deck
