"""Random lives of a barrier against sentences of docs/roles/barrier.md that hold at every moment of every life."""

from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from protocols.registers import barrier as reg
from tests.firmware.control.barrier_bench import SCAN_MS, BarrierBench

TEST_OUTPUTS = (reg.OUT_CURTAIN_TEST, reg.OUT_EDGE_TEST, reg.OUT_LOOP_TEST)
OPENING_STATES = (reg.STATE_OPENING, reg.STATE_HOMING)
OPEN_STATES = (reg.STATE_OPEN, reg.STATE_HOLD_OPEN)
POWER_RETURN_MS = 5000
LEAST_MS = 1000  # two thirds of the least a learned time can be, half of travel_open_ms
COMMANDS = (reg.OP_OPEN, reg.OP_CLOSE, reg.OP_STOP, reg.OP_HOLD_OPEN, reg.OP_RELEASE, reg.OP_CLEAR_FAULTS)
INPUTS = (reg.IN_LOCAL_MODE, reg.IN_LOCAL_OPEN, reg.IN_LOCAL_CLOSE, reg.IN_MAINS_OK, reg.IN_STOP_CHAIN_OK)
ANSWERS = ("curtain_answers", "edge_answers", "loop_answers", "curtain_blocked", "edge_pressed", "limit_open_sticks")

commands = st.tuples(st.just("command"), st.sampled_from(COMMANDS))
inputs = st.tuples(st.just("input"), st.sampled_from(INPUTS))
devices = st.tuples(st.just("device"), st.sampled_from(ANSWERS))
vehicles = st.tuples(st.just("vehicle"), st.integers(1, 3))
steps = st.tuples(
    st.one_of(commands, vehicles, commands, inputs, devices), st.sampled_from((10, 60, 200, 600, 2100, 5100))
)
lives = st.lists(steps, min_size=4, max_size=16)
sites = st.fixed_dictionaries(
    {
        reg.SET_PREFLASH_MS: st.sampled_from((0, 500)),
        reg.SET_AUTO_CLOSE_MS: st.sampled_from((0, 1000)),
        reg.SET_ANTI_TAILGATE: st.integers(0, 1),
        reg.SET_POWER_RETURN_ACTION: st.integers(0, 2),
        reg.SET_LOCAL_OPEN: st.integers(0, 1),
        reg.SET_EDGE_MONITORING: st.integers(0, 2),
        reg.SET_LOOP_MONITORING: st.integers(0, 1),
        reg.SET_GAP_BRIDGE_MS: st.sampled_from((500, 2000)),
    }
)


class Observer:
    """Looks at one barrier from the outside after every scan and holds the sentences against it."""

    def __init__(self, bench: BarrierBench) -> None:
        self.bench = bench
        self.tested: set[int] = set()
        self.clear_ms = 0
        self.mains_ms = 0
        self.asked_since_mains = True
        self.opens_for_button = False
        self.motors = "-"
        self.left_lower_ms = -1

    def look(self) -> None:
        self._look_at_tests()
        self._look_at_path()
        self._look_at_power_return()
        self._look_at_button()
        self._look_at_limit()
        self.motors = self.bench.motors()

    def _look_at_tests(self) -> None:
        """The motor closes when all monitored devices were tested in this closing; nobody closes past a masked one."""
        core, motors = self.bench.core, self.bench.motors()
        running = {output for output in TEST_OUTPUTS if core.outputs[output]}
        assert len(running) < 2
        assert not (running and motors == "close")
        if core.status[reg.ST_STATE] != reg.STATE_CLOSING and not running:
            self.tested = set()
        self.tested |= running
        if motors == "close" and self.motors != "close":
            site = self.bench.settings
            due = {reg.OUT_CURTAIN_TEST}
            if site[reg.SET_EDGE_MONITORING] == reg.EDGE_MONITORING_TESTED:
                due.add(reg.OUT_EDGE_TEST)
            if site[reg.SET_LOOP_MONITORING] == reg.LOOP_MONITORING_TESTED:
                due.add(reg.OUT_LOOP_TEST)
            assert self.tested == due

    def _look_at_path(self) -> None:
        """Presence is held for gap_bridge_ms after the sensors clear, anti-tailgating or not."""
        if self.bench.loop_occupied or self.bench.curtain_blocked:
            self.clear_ms = self.bench.now_ms
        if self.bench.motors() == "close":
            assert self.bench.now_ms - self.clear_ms >= self.bench.settings[reg.SET_GAP_BRIDGE_MS]

    def _look_at_power_return(self) -> None:
        """After a return of the mains nothing moves for 5 s unless a person or the hub asks."""
        inputs = self.bench.core.inputs
        if not inputs[reg.IN_MAINS_OK]:
            self.mains_ms = self.bench.now_ms
            self.asked_since_mains = False
        if self.bench.motors() != "-" and not self.asked_since_mains:
            assert self.bench.now_ms - self.mains_ms >= POWER_RETURN_MS
            assert self.bench.settings[reg.SET_POWER_RETURN_ACTION] != reg.POWER_RETURN_ACTION_HOLD

    def _look_at_button(self) -> None:
        """A held opening runs while the key is on local and the button is held, not one scan longer."""
        core = self.bench.core
        held = core.inputs[reg.IN_LOCAL_MODE] and core.inputs[reg.IN_LOCAL_OPEN]
        if self.opens_for_button and core.status[reg.ST_STATE] in OPENING_STATES:
            assert held
        else:
            self.opens_for_button = False

    def _look_at_limit(self) -> None:
        """From its lower limit no boom is open sooner than it can be, whatever its upper limit says."""
        bench = self.bench
        if bench.motors() == "open" and self.motors != "open":
            self.left_lower_ms = bench.now_ms if bench.core.inputs[reg.IN_LIMIT_CLOSED] else -1
        if bench.state() in OPEN_STATES and self.motors == "open" and self.left_lower_ms >= 0:
            assert bench.now_ms - self.left_lower_ms >= LEAST_MS

    def note_asked(self, by_button: bool, before: int) -> None:
        """Somebody has just commanded or pressed; `before` is the state it met."""
        self.asked_since_mains = True
        if not by_button:
            self.opens_for_button = False
        elif self.bench.settings[reg.SET_LOCAL_OPEN] == reg.LOCAL_OPEN_HOLD_TO_RUN:
            started = before not in OPENING_STATES and self.bench.state() in OPENING_STATES
            self.opens_for_button = self.opens_for_button or started


def act(observer: Observer, kind: str, what: int | str) -> None:
    """One thing happens to the barrier."""
    bench = observer.bench
    before = bench.state()
    if kind == "command":
        bench.command(int(what))
        observer.note_asked(False, before)
    elif kind == "device":
        setattr(bench, str(what), not getattr(bench, str(what)))
        if what == "edge_pressed":
            bench.put(reg.IN_EDGE_OK, 0 if bench.edge_pressed else 1)
    elif kind == "vehicle":
        bench.loop_occupied = not bench.loop_occupied
        if not bench.core.outputs[reg.OUT_LOOP_TEST]:
            bench.put(reg.IN_SAFETY_LOOP, int(bench.loop_occupied))
    else:
        bench.put(int(what), 1 - bench.core.inputs[int(what)])
        if what in (reg.IN_LOCAL_OPEN, reg.IN_LOCAL_CLOSE):
            observer.note_asked(what == reg.IN_LOCAL_OPEN, before)


# A life is short enough to read as it is: shrinking one would take minutes.
@settings(
    max_examples=40,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.too_slow],
)
@example(
    site={reg.SET_GAP_BRIDGE_MS: 500},
    life=[(("command", reg.OP_OPEN), 600), (("device", "limit_open_sticks"), 600), (("command", reg.OP_STOP), 600)],
    position_ms=0,
)
@given(site=sites, life=lives, position_ms=st.sampled_from((0, 900, 2000)))
def test_no_random_life_breaks_a_sentence(
    site: dict[int, int], life: list[tuple[tuple[str, int | str], int]], position_ms: int
) -> None:
    bench = BarrierBench(position_ms)
    for index, value in site.items():
        bench.settings[index] = value
    bench.run(site[reg.SET_GAP_BRIDGE_MS])
    observer = Observer(bench)
    observer.clear_ms = -2000
    for (kind, what), wait_ms in life:
        act(observer, kind, what)
        observer.look()
        for _ in range(wait_ms // SCAN_MS):
            bench.run(SCAN_MS)
            observer.look()
