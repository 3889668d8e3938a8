"""Random walks over the weighbridge's inputs, commands and settings against the properties that must always hold.

Also walks with integers that refuse to leave 31 bits, the small integers of a 32-bit board: the MicroPython VM of the
test machine has 63 bits and would not notice.
"""

import random

import pytest

from firmware.control.stability import StabilityWindow
from firmware.control.weighbridge_front import IN_ADC_COUNTS, IN_ADC_SEQUENCE, INPUT_COUNT
from protocols import quality
from protocols.compat import ticks_add
from protocols.registers import weighbridge as regs
from tests.firmware.control.weighbridge_bench import SPAN_COUNTS, Bench

NO_WEIGHT = 1 << regs.FAULTS_ADC_SILENT | 1 << regs.FAULTS_ADC_SATURATED | 1 << regs.FAULTS_NOT_CALIBRATED
NO_REGISTER = NO_WEIGHT | (
    1 << regs.FAULTS_INPUT_BAD | 1 << regs.FAULTS_ZERO_DRIFT | 1 << regs.FAULTS_ZERO_OUT_OF_RANGE
)
LOADS = (0, 0, 0, 60, 95, 150, 250, -60, -150, 3500, 4100, -4100, 150000, 425670, 799000, 801900, 803000, 1500000)


class Walk:
    """A bench that is scanned step by step, with the properties checked after every scan."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.bench = Bench(start_ms=self.random.randrange(1 << 30), noise_counts=120, seed=seed, scan_ms=20)
        self.tracked: list[tuple[int, int]] = []
        self.filtered: list[tuple[int, int]] = []
        self.ring: list[int] = []
        self.elapsed_ms = 0
        self.registered = 0
        self.stable_seen = 0

    def act(self) -> None:
        bench, rng = self.bench, self.random
        kind = rng.randrange(15)
        if kind < 4:
            bench.load_kg_x10 = rng.choice(LOADS)
        elif kind < 7:
            bench.set_contacts(rng.random() < 0.8, rng.random() < 0.8, rng.random() < 0.9)
        elif kind == 7:
            bench.core.quality[rng.randrange(INPUT_COUNT)] = rng.choice((quality.BAD, quality.UNCERTAIN))
        elif kind == 8:
            for index in range(INPUT_COUNT):
                bench.core.quality[index] = quality.GOOD
        elif kind == 9:
            bench.converting = rng.random() < 0.8
            bench.raw_counts = rng.choice((None, None, None, 0x7FFFFF, -0x800000))
        elif kind == 10:
            bench.settings[regs.SET_STABILITY_WINDOW_MS] = rng.choice((1000, 1500, 3333))
        elif kind >= 12:
            self.calm(rng.choice((0, 425670)))
        else:
            bench.settings[regs.SET_ZERO_TRACKING] = rng.randrange(2)
        for _ in range(rng.choice((5, 50, 100, 250))):
            opcode = rng.choice((0,) * 30 + (regs.OP_REGISTER, regs.OP_REGISTER, regs.OP_ZERO, regs.OP_TARE))
            self.scan(opcode)

    def calm(self, load_kg_x10: int) -> None:
        """Everything in order for a while, so that the walk comes back from its faults."""
        self.bench.load_kg_x10 = load_kg_x10
        self.bench.set_contacts(1, 1, 1)
        self.bench.converting = True
        self.bench.raw_counts = None
        for index in range(INPUT_COUNT):
            self.bench.core.quality[index] = quality.GOOD
        for _ in range(250):
            self.scan(0)

    def scan(self, opcode: int) -> None:
        bench = self.bench
        before = list(bench.core.status)
        sequence = bench.core.inputs[IN_ADC_SEQUENCE]
        bench.core.request_opcode = opcode
        bench.core.request_argument = self.random.randrange(1, 4)
        bench.run(bench.scan_ms)
        self.elapsed_ms += bench.scan_ms
        self.check_registration(before)
        self.check_zero(before, opcode)
        self.check_status()
        self.check_stability(before)
        assert (bench.core.inputs[IN_ADC_SEQUENCE] - sequence) & 0xFFFF <= 1

    def check_registration(self, before: list[int]) -> None:
        bench = self.bench
        if bench.status(regs.ST_REGISTERED_COUNT) == before[regs.ST_REGISTERED_COUNT]:
            assert bench.status(regs.ST_REGISTERED_KG_X10) == before[regs.ST_REGISTERED_KG_X10]
            return
        self.registered += 1
        assert bench.state() == regs.STATE_STABLE
        assert bench.has_flag(regs.FLAGS_STABLE)
        assert bench.has_flag(regs.FLAGS_POSITION_OK)
        assert not bench.has_flag(regs.FLAGS_OVERLOAD)
        assert not bench.has_flag(regs.FLAGS_BELOW_MIN)
        assert not bench.status(regs.ST_FAULTS) & NO_REGISTER
        assert 4000 <= bench.status(regs.ST_REGISTERED_KG_X10) <= 801800
        assert abs(bench.status(regs.ST_REGISTERED_KG_X10) - bench.status(regs.ST_GROSS_KG_X10)) <= 400

    def check_zero(self, before: list[int], opcode: int) -> None:
        bench = self.bench
        offset = bench.status(regs.ST_ZERO_OFFSET_COUNTS)
        assert abs(offset) <= SPAN_COUNTS // 10 + SPAN_COUNTS // 50
        was_starting = before[regs.ST_STATE] == regs.STATE_STARTING
        if opcode == regs.OP_ZERO or was_starting or bench.state() == regs.STATE_STARTING:
            self.tracked.clear()
            return
        if bench.has_flag(regs.FLAGS_OCCUPIED) or bench.has_flag(regs.FLAGS_ZERO_FROZEN):
            assert offset == before[regs.ST_ZERO_OFFSET_COUNTS]
        self.tracked.append((self.elapsed_ms, offset))
        while self.tracked[0][0] <= self.elapsed_ms - 1000:
            self.tracked.pop(0)
        assert abs(offset - self.tracked[0][1]) <= 500

    def check_status(self) -> None:
        bench = self.bench
        state = bench.state()
        gross = bench.status(regs.ST_GROSS_KG_X10)
        assert bench.core.outputs[regs.OUT_READY_LAMP] == (state == regs.STATE_STABLE)
        assert gross % 200 == 0
        assert -4000 <= gross <= 801800
        if state in (regs.STATE_OVERLOAD, regs.STATE_UNDERLOAD, regs.STATE_FAULT):
            assert (gross, bench.status(regs.ST_NET_KG_X10)) == (0, 0)
        assert (state == regs.STATE_FAULT) == bool(bench.status(regs.ST_FAULTS) & NO_WEIGHT)
        assert not bench.has_flag(regs.FLAGS_LEGAL_FOR_TRADE) or bench.status(regs.ST_FAULTS) == 0
        assert bench.has_flag(regs.FLAGS_STABLE) or bench.status(regs.ST_STABLE_MS) == 0
        assert bench.core.health != regs.HEALTH_NORMAL or bench.core.reasons == 0
        assert (bench.core.next_wake_ms() == -1) == bench.has_fault(regs.FAULTS_ADC_SILENT)

    def check_stability(self, before: list[int]) -> None:
        """A stable weight also is one by a plain list of moving averages."""
        bench = self.bench
        if bench.status(regs.ST_ADC_SAMPLES) != before[regs.ST_ADC_SAMPLES]:
            self.ring = [*self.ring, bench.status(regs.ST_ADC_COUNTS)][-4:]
            self.filtered.append((self.elapsed_ms, sum(self.ring) // 4))
        if not bench.has_flag(regs.FLAGS_STABLE):
            return
        self.stable_seen += 1
        window_ms = bench.settings[regs.SET_STABILITY_WINDOW_MS]
        recent = [value for at_ms, value in self.filtered[-50:] if at_ms > self.filtered[-1][0] - window_ms]
        assert len(recent) >= 5
        assert max(recent) - min(recent) <= 1000 + 1


@pytest.mark.parametrize("seed", range(1, 4))
def test_random_walks_keep_every_property(seed: int) -> None:
    walk = Walk(seed)
    for _ in range(100):
        walk.act()
    assert walk.stable_seen > 1000
    assert walk.registered > 3


def test_the_walks_reach_registrations() -> None:
    walk = Walk(99)
    for _ in range(300):
        walk.scan(0)
    for _ in range(60):
        walk.bench.set_contacts(1, 1, 1)
        walk.bench.load_kg_x10 = 425670 if walk.bench.load_kg_x10 == 0 else 0
        for _ in range(400):
            walk.scan(0)
        walk.scan(regs.OP_REGISTER)
    assert walk.registered == 30


class Small(int):
    """An integer of a 32-bit MicroPython: leaving -2**30..2**30-1 would allocate, so it raises."""


def _checked(name: str) -> object:
    plain = getattr(int, name)

    def operation(self: int, *others: int) -> object:
        result = plain(self, *others)
        if result is NotImplemented or isinstance(result, bool):
            return result
        if not -(1 << 30) <= result < 1 << 30:
            raise OverflowError(f"{name}{(int(self), *map(int, others))} leaves the small integers")
        return Small(result)

    return operation


for _name in ("add", "sub", "mul", "floordiv", "mod", "lshift", "rshift", "and", "or", "xor"):
    setattr(Small, f"__{_name}__", _checked(f"__{_name}__"))
    setattr(Small, f"__r{_name}__", _checked(f"__r{_name}__"))
for _name in ("neg", "invert"):
    setattr(Small, f"__{_name}__", _checked(f"__{_name}__"))

EXTREMES = (
    {regs.SET_MAX_KG: 200000, regs.SET_E_KG: 100, regs.SET_ZERO_COUNTS: -8388608, regs.SET_SPAN_COUNTS: 8388607},
    {regs.SET_MAX_KG: 200000, regs.SET_E_KG: 100, regs.SET_ZERO_COUNTS: 8300000, regs.SET_SPAN_COUNTS: 20000},
    {regs.SET_MAX_KG: 50000, regs.SET_E_KG: 100, regs.SET_ZERO_COUNTS: 0, regs.SET_SPAN_COUNTS: 8388606},
    {regs.SET_MAX_KG: 10000, regs.SET_E_KG: 1, regs.SET_ZERO_COUNTS: -8000000, regs.SET_SPAN_COUNTS: 100000},
    {regs.SET_MAX_KG: 1000, regs.SET_E_KG: 100, regs.SET_ZERO_COUNTS: 8388607, regs.SET_SPAN_COUNTS: 8388607},
)


@pytest.mark.parametrize("settings", EXTREMES)
@pytest.mark.parametrize("window_ms", [1000, 5000])
def test_no_intermediate_leaves_the_small_integers(settings: dict[int, int], window_ms: int) -> None:
    bench = Bench(scan_ms=10)
    for index, value in (*settings.items(), (regs.SET_STABILITY_WINDOW_MS, window_ms), (regs.SET_ADC_TIMEOUT_MS, 5000)):
        bench.settings[index] = value
    bench.settings[:] = [Small(value) for value in bench.settings]
    core = bench.core
    now_ms = Small((1 << 30) - 3000)
    zero = settings[regs.SET_ZERO_COUNTS]
    top = min(zero + settings[regs.SET_SPAN_COUNTS], 0x7FFFFE)
    sequence = 0
    for counts in (zero, top, -0x7FFFFF, 0x7FFFFE, zero, 0x7FFFFF, top):
        for scan in range(800):
            if scan in (700, 750):
                core.request_opcode = Small(regs.OP_REGISTER if scan == 700 else regs.OP_ZERO)
                core.request_argument = Small(0x3FFFFFFF)
            sequence = (sequence + 1) & 0xFFFF
            core.inputs[IN_ADC_COUNTS] = Small(counts + scan % 3 if -8388600 < counts < 8388600 else counts)
            core.inputs[IN_ADC_SEQUENCE] = Small(sequence)
            core.step(now_ms)
            core.next_wake_ms()
            now_ms = Small(ticks_add(now_ms, 10))


def test_a_bucket_of_very_many_samples_stays_within_the_small_integers() -> None:
    window = StabilityWindow()
    window.configure(5000)
    for now_ms in range(6000):
        window.on_sample(Small(now_ms), Small(-0x7FFFFF), Small(1000))
    assert (window.stable, window.median()) == (1, -0x7FFFFF)


def test_the_small_integers_of_this_test_do_refuse() -> None:
    with pytest.raises(OverflowError, match="small integers"):
        Small(1 << 29) * 2
    with pytest.raises(OverflowError, match="small integers"):
        3 * Small(1 << 29)
    assert type(5 + Small(1)) is Small
