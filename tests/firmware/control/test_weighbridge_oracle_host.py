"""Registration against an oracle that knows the load, the noise-free past and the rules, and none of the core's code.

One life of a weighbridge: an empty deck that may stand off zero, a truck that comes, what is wrong in the moment of the
command. Loads, e, Max and converter vary. The oracle stays away from the edges of each rule by what filtering and
rounding may do; what lies on the edges is in the tests of the single rules.
"""

from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from protocols import quality
from protocols.registers import weighbridge as regs
from tests.firmware.control.weighbridge_bench import ZERO_COUNTS, Bench

SCALES = ((80000, 20), (60000, 10), (100000, 50), (30000, 20), (20000, 2), (60000, 100))
TROUBLES = ("", "", "", "front", "rear", "moving", "silent", "saturated", "bad_input", "seal", "second", "axle_wise")
SPAN_COUNTS = 4_000_000
MIN_E100 = 2000
SECOND_E100 = 2100


@dataclass(frozen=True)
class Life:
    """What happens; loads in hundredths of e."""

    scale: tuple[int, int]
    off_e100: int
    limit_quarters: int
    load_e100: int
    trouble: str
    tare: bool

    @property
    def e_kg_x10(self) -> int:
        return self.scale[1] * 10

    @property
    def first_e100(self) -> int:
        """What stands on the deck when the truck has come."""
        return self.load_e100 + self.off_e100

    @property
    def weight_e100(self) -> int:
        """What stands on the deck in the moment of the command."""
        return self.first_e100 + (SECOND_E100 if self.trouble == "second" else 0)

    @property
    def max_e100(self) -> int:
        return self.scale[0] * 100 // self.scale[1]

    def kg_x10(self, e100: int) -> float:
        return e100 * self.e_kg_x10 / 100


class RealBench(Bench):
    """A bench whose load is a real number of kilograms."""

    def counts_of(self, load_kg_x10: float) -> int:
        return ZERO_COUNTS + round(load_kg_x10 * SPAN_COUNTS / (self.settings[regs.SET_MAX_KG] * 10))


def is_near(value: int, edge: int) -> bool:
    return abs(value - edge) < 10


def allowed(life: Life) -> bool | None:
    """Whether the truck may be registered; None on an edge.

    What comes first and weighs less than Min is no vehicle: it stands on an empty deck, which is off zero by that.
    """
    is_first_light = life.trouble == "second" and life.first_e100 < MIN_E100
    drift = abs(life.first_e100 if is_first_light else life.off_e100)
    weight = life.weight_e100
    edges = (is_near(drift, 25 * life.limit_quarters), is_near(weight, MIN_E100), is_near(life.first_e100, MIN_E100))
    if any(edges) or is_near(weight, life.max_e100 + 900):
        return None
    if not is_first_light and life.trouble not in ("", "seal"):
        return False
    return drift < 25 * life.limit_quarters and MIN_E100 < weight < life.max_e100 + 900


def begin(life: Life) -> RealBench:
    bench = RealBench(noise_counts=0, scan_ms=50)
    bench.settings[regs.SET_MAX_KG], bench.settings[regs.SET_E_KG] = life.scale
    bench.settings[regs.SET_SPAN_COUNTS] = SPAN_COUNTS
    bench.settings[regs.SET_ZERO_TRACKING] = 0
    bench.settings[regs.SET_ZERO_DRIFT_LIMIT] = life.limit_quarters
    bench.start()
    bench.load_kg_x10 = life.kg_x10(life.off_e100)
    bench.run(2500)
    return bench


def come(bench: RealBench, life: Life) -> None:
    """The truck comes onto the deck, on top of what stands there."""
    bench.set_contacts(0, 1, 1)
    bench.run(500)
    bench.load_kg_x10 = life.kg_x10(life.first_e100)
    bench.run(500)
    bench.set_contacts(1, 1, 1)
    bench.run(3000)


def spoil(bench: RealBench, life: Life) -> None:
    trouble = life.trouble
    if trouble in ("front", "rear"):
        bench.set_contacts(trouble != "front", trouble != "rear", 1)
        bench.run(20)
    elif trouble == "moving":
        bench.load_kg_x10 += life.kg_x10(300)
        bench.run(300)
    elif trouble == "silent":
        bench.converting = False
        bench.run(1500)
    elif trouble == "saturated":
        bench.raw_counts = 0x7FFFFF
        bench.run(200)
    elif trouble == "bad_input":
        bench.core.quality[regs.IN_LOCAL_ZERO] = quality.UNCERTAIN
        bench.run(20)
    elif trouble == "seal":
        bench.set_contacts(1, 1, 0)
        bench.run(20)
    elif trouble == "second":
        bench.set_contacts(0, 1, 1)
        bench.run(300)
        bench.load_kg_x10 += life.kg_x10(SECOND_E100)
        bench.set_contacts(1, 1, 1)
        bench.run(3000)
    elif trouble == "axle_wise":
        bench.settings[regs.SET_WEIGHING_MODE] = regs.WEIGHING_MODE_MULTI_DRAFT
        bench.run(3000)


LOADS = st.one_of(
    st.integers(1500, 2500),
    st.integers(0, 100_000),
    st.integers(-200, 200).map(lambda near: ("max", near)),
)


@st.composite
def lives(draw: st.DrawFn) -> Life:
    scale = draw(st.sampled_from(SCALES))
    load = draw(LOADS)
    if isinstance(load, tuple):
        load = scale[0] * 100 // scale[1] + 900 + load[1]
    return Life(
        scale,
        draw(st.one_of(st.just(0), st.integers(-150, 150))),
        draw(st.integers(1, 4)),
        load,
        draw(st.sampled_from(TROUBLES)),
        draw(st.booleans()),
    )


@given(life=lives())
@settings(max_examples=120)
def test_exactly_what_the_rules_allow_is_registered_and_it_weighs_what_it_weighs(life: Life) -> None:
    expected = allowed(life)
    bench = begin(life)
    come(bench, life)
    spoil(bench, life)
    if life.tare:
        bench.request(regs.OP_PRESET_TARE, life.e_kg_x10 * 25)
    result = bench.request(regs.OP_REGISTER, 7)
    count = bench.status(regs.ST_REGISTERED_COUNT)
    assert count == (result == regs.COMMAND_RESULT_ACCEPTED)
    if expected is not None:
        assert count == int(expected), (life, result)
    if not count:
        return
    weight = bench.status(regs.ST_REGISTERED_KG_X10)
    assert weight % life.e_kg_x10 == 0
    assert abs(weight - life.kg_x10(life.weight_e100)) <= life.e_kg_x10 * 0.52
    flags = bench.status(regs.ST_REGISTERED_FLAGS)
    assert bool(flags >> regs.REGISTERED_FLAGS_LEGAL_FOR_TRADE & 1) == (life.trouble != "seal")
    assert bool(flags >> regs.REGISTERED_FLAGS_PRESET_TARE & 1) == life.tare


@given(
    max_kg=st.integers(1000, 200_000),
    e_kg=st.integers(1, 100),
    span=st.integers(1000, 0x7FFFFF),
    zero=st.integers(-0x800000, 0x7FFFFF),
)
@settings(max_examples=300)
def test_settings_no_class_iii_instrument_can_have_are_a_fault_and_show_no_weight(
    max_kg: int, e_kg: int, span: int, zero: int
) -> None:
    digits = str(e_kg).rstrip("0")
    is_right = digits in ("1", "2", "5") and 500 <= max_kg / e_kg <= 10000
    is_right = is_right and zero + span <= 0x7FFFFE and span * e_kg // max_kg >= 10
    bench = Bench()
    for index, value in (
        (regs.SET_MAX_KG, max_kg),
        (regs.SET_E_KG, e_kg),
        (regs.SET_SPAN_COUNTS, span),
        (regs.SET_ZERO_COUNTS, zero),
    ):
        bench.settings[index] = value
    bench.run(50)
    assert bench.has_fault(regs.FAULTS_NOT_CALIBRATED) == (not is_right)
    if not is_right:
        assert bench.state() == regs.STATE_FAULT
        assert bench.core.health == regs.HEALTH_FAILURE
        assert not bench.has_flag(regs.FLAGS_LEGAL_FOR_TRADE)
        assert bench.request(regs.OP_REGISTER, 1) == regs.COMMAND_RESULT_REFUSED_STATE
