"""Dense = sparse for every role: a scan at every tick shows the same as scans at next_wake_ms and at changes alone.

One script of input, quality, hub and command changes, drawn by hypothesis, is played to two cores of one role. The
dense one scans every millisecond, the sparse one when something changes and when it asked to. At every millisecond both
show the same outputs; at every scan of the sparse one they show the same of everything, and in the end the same events
with the same times. A new role is covered by its row in tests/firmware/role_rows.py.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from firmware.app.identity import ROLES
from firmware.app.roles import load_role
from firmware.app.settings import Settings
from firmware.control.events import EventRing
from firmware.ports import RESET_POWER_ON, NullEntropy
from protocols.compat import ticks_add
from protocols.events import SLOT_SIZE, read_slot
from tests.firmware.fuzz.fuzzed import Store
from tests.firmware.role_rows import row_of

RING_CAPACITY = 256
CONVERSION_MS = 100  # inputs that move by themselves are changes too: both scan then
WAITS_MS = (0, 1, 9, 99, 100, 400, 777, 2500, 6000)
ANALOGUE = (0, 1, 250, 500, 100_000, 1_100_000, -50_000)
LIFE_MS_MAX = 15_000

Change = tuple[str, int, int]


@dataclass
class Played:
    """A core with a clock of its own and what it has shown."""

    role: str
    start_ms: int
    elapsed_ms: int = 0
    core: Any = field(init=False)
    has_new_settings: bool = False  # what was stored after the last scan is an input of the next

    def __post_init__(self) -> None:
        loaded = load_role(self.role)
        self.regmap = loaded.regmap
        self.row = row_of(self.role)
        self.ring = EventRing(bytearray(RING_CAPACITY * SLOT_SIZE), RING_CAPACITY)
        stored = Settings(self.regmap.MAP_ID, self.regmap.MAP_VERSION, self.regmap.SETTINGS_TABLE)
        store = Store()
        stored.load(store, NullEntropy())
        self.settings = stored
        self.core = loaded.make_core(stored.values, self.ring, loaded.choose_protocol(""))
        self.keeper = loaded.make_keeper(store, stored, self.ring, bytes(32))
        if self.keeper is not None:
            self.keeper.start(self.core, RESET_POWER_ON)
        self.core.hub_alive = 1
        self.row.quiet(self.regmap, self.core.inputs, self.core.quality)
        self.buffer = bytearray(256)

    def scan(self) -> None:
        self.ring.uptime_s, self.ring.millisecond = divmod(self.elapsed_ms, 1000)
        generation = self.settings.generation
        self.core.step(ticks_add(self.start_ms, self.elapsed_ms))
        if self.keeper is not None and self.core.pending():
            self.keeper.serve(self.core)
        if self.core.line is not None:
            self.core.line.transmit(self.buffer)
        self.has_new_settings = self.settings.generation != generation

    def change(self, changes: list[Change]) -> None:
        core = self.core
        for what, index, value in changes:
            if what == "input":
                digital = index % len(core.inputs) < self.regmap.IN_COUNT
                core.inputs[index % len(core.inputs)] = value & 1 if digital else ANALOGUE[value % len(ANALOGUE)]
            elif what == "quality":
                core.quality[index % len(core.quality)] = value % 3
            elif what == "hub":
                core.hub_alive = value & 1
            elif what == "calm":
                self.row.quiet(self.regmap, core.inputs, core.quality)
            else:
                opcodes = _opcodes(self.role)
                core.request_opcode, core.request_argument = opcodes[index % len(opcodes)], value

    @property
    def shown(self) -> tuple[Any, ...]:
        core = self.core
        return (list(core.outputs), list(core.status), core.health, core.reasons, core.request_result, self.ring.head)

    @property
    def events(self) -> list[tuple[int, ...]]:
        count = min(self.ring.head, RING_CAPACITY)
        return [tuple(read_slot(self.ring.data, index * SLOT_SIZE)) for index in range(count)]


def _opcodes(role: str) -> list[int]:
    """What the shell hands on to the core of the role."""
    shell = ("OP_SET", "OP_UPDATE_")
    named = vars(load_role(role).regmap).items()
    return [value for name, value in named if name.startswith("OP_") and not name.startswith(shell)]


_change = st.tuples(
    st.sampled_from(["input", "input", "input", "quality", "hub", "command", "command", "calm"]),
    st.integers(0, 63),
    st.integers(0, 63),
)
_script = st.lists(
    st.tuples(st.lists(_change, min_size=1, max_size=3), st.sampled_from(WAITS_MS)), min_size=1, max_size=10
)


def play(role: str, script: list[tuple[list[Change], int]], start_ms: int) -> Played:
    """Play the script to both cores; return the sparse one."""
    dense, sparse = Played(role, start_ms), Played(role, start_ms)
    moving = dense.row.feed is not row_of("barrier").feed
    wake_at = 0
    for changes, wait_ms in [([], 3500), *script]:
        for each in (dense, sparse):
            each.change(changes)
        wake_at = sparse.elapsed_ms
        for _ in range(max(wait_ms, 1)):
            now_ms = dense.elapsed_ms
            fed = moving and now_ms % CONVERSION_MS == 0
            if fed:
                for each in (dense, sparse):
                    each.row.feed(each.regmap, each.core.inputs, now_ms)
            dense.scan()
            if fed or now_ms == wake_at:
                sparse.scan()
                assert sparse.shown == dense.shown, f"at {now_ms} ms"
                wake_ms = sparse.core.next_wake_ms()
                assert wake_ms != 0, "a scan must not ask to be repeated at once"
                wake_at = -1 if wake_ms < 0 else now_ms + wake_ms
                if sparse.has_new_settings:
                    wake_at = now_ms + 1
            assert sparse.core.outputs == dense.core.outputs, f"at {now_ms} ms the sparse core slept over a change"
            dense.elapsed_ms += 1
            sparse.elapsed_ms += 1
            if dense.elapsed_ms > LIFE_MS_MAX:
                break
    assert sparse.events == dense.events
    return sparse


@pytest.mark.parametrize("role", ROLES)
def test_dense_and_sparse_scans_show_the_same(role: str) -> None:
    seen = 0

    @settings(max_examples=15, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(_script, st.sampled_from([0, 2**30 - 2000, 2**30 - 7777]))
    def run(script: list[tuple[list[Change], int]], start_ms: int) -> None:
        nonlocal seen
        seen += play(role, script, start_ms).ring.head

    run()
    assert seen > 15, "the lives were empty"


@pytest.mark.long
@pytest.mark.parametrize("role", ROLES)
@settings(max_examples=1000, suppress_health_check=list(HealthCheck))
@given(_script, st.sampled_from([0, 2**30 - 2000, 2**30 - 7777]))
def test_dense_and_sparse_scans_show_the_same_in_many_lives(
    role: str, script: list[tuple[list[Change], int]], start_ms: int
) -> None:
    play(role, script, start_ms)
