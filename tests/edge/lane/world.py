"""A lane small enough to reason about: one truck after another, a boom, a deck, and the machine under test.

Knows: rough physics in decimetres and 100 ms ticks. Must not know: the machine's inside beyond its public face.
Geometry along the lane: entry loop 10..30, deck 40..220, stop line 220, boom sensors 240..280, gone past 320.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from edge.lane.actions import SendCommand, WriteRecord
from edge.lane.facts import BarrierFacts, CommandOutcome, LaneFacts, OperatorRequest, PlateFact, WeighbridgeFacts
from edge.lane.machine import LaneMachine
from edge.lane.settings import LaneSettings
from protocols.registers import barrier as bar
from protocols.registers import weighbridge as wb

TICK_MS = 100
_TRAVEL_TICKS = 15
_BRIDGE_TICKS = 10
_SETTLE_TICKS = 12
SETTINGS = LaneSettings(name="A", max_gross_kg=48_000)
UNDER_BOOM = 1 << bar.PRESENCE_SAFETY_LOOP | 1 << bar.PRESENCE_LIGHT_CURTAIN


@dataclass
class Truck:
    """`front` is where its nose is. `plan` is what its driver does beside obeying the light; see `World._drive`."""

    plate: str = "29A12345"
    kg: int = 30_000
    length: int = 160
    plan: str = "pass"
    front: int = -50
    speed: int = 2
    gap: int = 10
    waited: int = 0
    is_reversing: bool = False
    is_moving: bool = False

    @property
    def tail(self) -> int:
        return self.front - self.length

    def covers(self, low: int, high: int) -> bool:
        return self.front > low and self.tail < high


@dataclass
class Boom:
    state: int = bar.STATE_CLOSED
    ticks: int = 0
    is_green: bool = False
    passes: int = 0
    boot: int = 1
    mode: int = bar.MODE_REMOTE
    health: int = bar.HEALTH_NORMAL
    was_under: bool = False
    bridge: int = 0
    refuse_next: int = 0

    def order(self, opcode: str) -> tuple[bool, str]:
        if self.refuse_next:
            self.refuse_next -= 1
            return False, "REFUSED_INTERLOCK"
        if opcode == "OPEN":
            self.is_green = not self.was_under
            if self.state != bar.STATE_OPEN:
                self.state, self.ticks = bar.STATE_OPENING, _TRAVEL_TICKS
            return True, ""
        if self.was_under or self.state not in (bar.STATE_OPEN, bar.STATE_STOPPED_MID):
            return False, "REFUSED_INTERLOCK"
        self.state, self.ticks, self.is_green = bar.STATE_CLOSING, _TRAVEL_TICKS, False
        return True, ""

    def tick(self, under: bool) -> None:
        if under:
            self.bridge = _BRIDGE_TICKS
            self.is_green = False
            if self.state == bar.STATE_CLOSING:
                self.state, self.ticks = bar.STATE_OPENING, _TRAVEL_TICKS
            self.was_under |= self.state == bar.STATE_OPEN
        elif self.bridge:
            self.bridge -= 1
        if not under and not self.bridge and self.was_under:
            self.was_under = False
            self.passes += 1
        if self.ticks:
            self.ticks -= 1
            if not self.ticks:
                self.state = bar.STATE_OPEN if self.state == bar.STATE_OPENING else bar.STATE_CLOSED

    def restart(self) -> None:
        is_shut = self.state == bar.STATE_CLOSED
        is_up = self.state == bar.STATE_OPEN
        self.boot += 1
        self.passes = 0
        self.was_under = self.is_green = False
        self.ticks = self.bridge = 0
        self.state = bar.STATE_CLOSED if is_shut else bar.STATE_OPEN if is_up else bar.STATE_UNKNOWN


@dataclass
class Deck:
    kg: int = 0
    still: int = 0
    registered: tuple[int, int, int] = (0, 0, 0)
    is_here: bool = False
    boot: int = 1
    starting: int = 0
    overload_kg: int = 80_000
    refuse_all: bool = False

    def tick(self, kg: int, is_moving: bool) -> None:
        self.still = 0 if is_moving or kg != self.kg else self.still + 1
        self.kg = kg
        self.starting = max(0, self.starting - 1)
        self.is_here &= kg > 0

    @property
    def state(self) -> int:
        if self.starting:
            return wb.STATE_STARTING
        if not self.kg:
            return wb.STATE_EMPTY
        if self.kg > self.overload_kg:
            return wb.STATE_OVERLOAD
        return wb.STATE_STABLE if self.still >= _SETTLE_TICKS else wb.STATE_OCCUPIED

    def register(self, number: int) -> tuple[bool, str]:
        if self.refuse_all or self.state != wb.STATE_STABLE:
            return False, "REFUSED_STATE"
        if not (self.is_here and self.registered[0] == number):
            self.registered = (number, self.kg * 10, self.registered[2] + 1)
            self.is_here = True
        return True, ""

    def restart(self) -> None:
        self.registered, self.is_here, self.starting, self.still = (0, 0, 0), False, 5, 0
        self.boot += 1


@dataclass
class World:
    """Runs the machine against the lane; `records`, `sent` and `violations` are what a test looks at."""

    settings: LaneSettings = SETTINGS
    now_ms: int = 1_000_000
    trucks: list[Truck] = field(default_factory=list)
    waiting: list[Truck] = field(default_factory=list)
    gone_forward: int = 0
    gone_back: int = 0
    boom: Boom = field(default_factory=Boom)
    deck: Deck = field(default_factory=Deck)
    records: list[WriteRecord] = field(default_factory=list)
    sent: list[SendCommand] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    lost: set[str] = field(default_factory=set)
    operator: OperatorRequest | None = None
    plate: PlateFact | None = None
    drop_next_command: bool = False
    is_withheld: bool = False
    _reads: int = 0
    _outcomes: list[CommandOutcome] = field(default_factory=list)
    _seen: dict[str, tuple[int, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.machine = LaneMachine(self.settings, None, self.now_ms)

    def run(self, ticks: int) -> World:
        for _ in range(ticks):
            self.tick()
        return self

    def run_until(self, state: str, ticks_max: int = 3000) -> World:
        for _ in range(ticks_max):
            if self.machine.state == state:
                return self
            self.tick()
        raise AssertionError(f"{state} not reached, the lane is {self.machine.state}: {self.kinds()}")

    def restart_hub(self) -> None:
        """The hub is killed after its last step and started again at once; outcomes on their way are lost."""
        text = json.dumps(self.machine.save())
        self.machine = LaneMachine(self.settings, json.loads(text), self.now_ms)
        self._outcomes.clear()

    def tick(self) -> None:
        self.now_ms += TICK_MS
        self._move()
        self.boom.tick(self._covered(240, 280))
        on_deck = [truck for truck in self.trucks if truck.covers(40, 220)]
        self.deck.tick(sum(truck.kg for truck in on_deck), is_moving=any(truck.is_moving for truck in on_deck))
        facts = self.facts()
        self.operator = None
        for action in self.machine.step(self.now_ms, facts):
            if isinstance(action, WriteRecord):
                self.records.append(action)
            else:
                self._carry_out(action, facts)

    def facts(self) -> LaneFacts:
        outcomes = tuple(self._outcomes)
        self._outcomes.clear()
        barrier = self._remember("barrier", self._barrier_facts())
        weighbridge = self._remember("weighbridge", self._weighbridge_facts())
        return LaneFacts(barrier, weighbridge, self.plate, outcomes, self.operator, self.is_withheld)

    def kinds(self) -> list[str]:
        """Kinds of the records so far, attentions with their cause; commands left out."""
        return [
            f"attention:{record.data['cause']}" if record.kind == "attention" else record.kind
            for record in self.records
            if record.kind != "command"
        ]

    def opcodes(self) -> list[str]:
        return [command.opcode for command in self.sent]

    def read_plate(self, plate: str, confidence: int = 95) -> None:
        self._reads += 1
        self.plate = PlateFact(f"read-{self._reads}", plate, confidence, self.now_ms)

    def _move(self) -> None:
        if self.waiting and not self.trucks and self.machine.state == "IDLE":
            self.trucks.append(self.waiting.pop(0))
        for truck in list(self.trucks):
            before = truck.front
            truck.front += self._drive(truck)
            truck.is_moving = truck.front != before
            if before <= 60 < truck.front and truck.plate:
                self.read_plate(truck.plate)
            if truck.tail > 320:
                self.trucks.remove(truck)
                self.gone_forward += 1
            elif truck.front < -60:
                self.trucks.remove(truck)
                self.gone_back += 1

    def _drive(self, truck: Truck) -> int:
        """How far the truck moves in this tick."""
        if truck.is_reversing or self._wants_back(truck):
            truck.is_reversing = True
            return -truck.speed
        if truck.plan == "follow" and self.trucks[0] is not truck:
            room = self.trucks[0].tail - truck.gap - truck.front
            return max(0, min(truck.speed, room))
        is_called = self._is_called() or truck.front < 220 or truck.front > 240
        if truck.plan in ("stop_under", "nose") and 250 <= truck.front < 255:
            truck.waited += 1
            if truck.plan == "nose" or truck.waited < 2000:
                return 0
        return truck.speed if is_called else 0

    def _is_called(self) -> bool:
        return self.boom.state == bar.STATE_OPEN and self.boom.is_green

    def _wants_back(self, truck: Truck) -> bool:
        is_refused = self.machine.state in ("REFUSED", "BACKING_OUT") and truck.front <= 240
        if truck.plan == "nose" and truck.waited > 20:
            return True
        turns = {"turn_at_entry": 35, "turn_on_deck": 150, "turn_at_stop": 220}
        if truck.plan == "turn_when_open" and truck.front >= 220 and self.boom.state == bar.STATE_OPEN:
            return True
        return is_refused or truck.front >= turns.get(truck.plan, 10_000)

    def _covered(self, low: int, high: int) -> bool:
        return any(truck.covers(low, high) for truck in self.trucks)

    def _remember(self, name: str, now: Any) -> Any:
        if name not in self.lost:
            self._seen[name] = (self.now_ms, now)
        return self._seen[name][1]

    def _barrier_facts(self) -> BarrierFacts:
        presence = (1 << bar.PRESENCE_ENTRY_LOOP) * self._covered(10, 30)
        if self._covered(240, 280):
            presence |= UNDER_BOOM
        elif self.boom.bridge:
            presence |= 1 << bar.PRESENCE_BRIDGED
        return BarrierFacts(
            online=True,
            seen_ms=self.now_ms,
            quality="good",
            state=self.boom.state,
            mode=self.boom.mode,
            presence=presence,
            lights=bar.LIGHTS_GREEN if self.boom.is_green and self.boom.state == bar.STATE_OPEN else bar.LIGHTS_RED,
            health=self.boom.health,
            passes=self.boom.passes,
            boot=self.boom.boot,
        )

    def _weighbridge_facts(self) -> WeighbridgeFacts:
        number, kg_x10, count = self.deck.registered
        return WeighbridgeFacts(
            online=True,
            seen_ms=self.now_ms,
            quality="good",
            state=self.deck.state,
            gross_kg_x10=self.deck.kg * 10,
            registered_kg_x10=kg_x10,
            registered_id=number,
            registered_count=count,
            boot=self.deck.boot,
        )

    def _carry_out(self, command: SendCommand, facts: LaneFacts) -> None:
        self.sent.append(command)
        self._judge(command, facts)
        if self.drop_next_command:
            self.drop_next_command = False
            return
        if command.role in self.lost:
            self._outcomes.append(CommandOutcome(command.token, False, "lost"))
            return
        if command.role == "weighbridge":
            ok, reason = self.deck.register(command.argument)
        else:
            ok, reason = self.boom.order(command.opcode)
        self._outcomes.append(CommandOutcome(command.token, ok, reason))

    def _judge(self, command: SendCommand, facts: LaneFacts) -> None:
        """The promises of the lane, asked at every command."""
        if command.opcode == "OPEN":
            decisions = [record.data for record in self.records if record.kind == "decided"]
            opened = [record.data for record in self.records if record.kind == "transaction_opened"]
            is_allowed = bool(decisions) and decisions[-1]["decision"] == "allow"
            is_mine = is_allowed and opened[-1]["transaction"] == decisions[-1]["transaction"]
            if not is_mine and not self._is_operator_open:
                self.violations.append(f"OPEN without a decision at {self.now_ms}")
        if command.opcode == "CLOSE" and facts.barrier.presence & ~(1 << bar.PRESENCE_ENTRY_LOOP):
            self.violations.append(f"CLOSE with presence {facts.barrier.presence} at {self.now_ms}")
        for role, device in (("barrier", facts.barrier), ("weighbridge", facts.weighbridge)):
            if self.now_ms - device.seen_ms > self.settings.facts_max_age_ms:
                self.violations.append(f"{command.opcode} on stale {role} at {self.now_ms}")

    _is_operator_open: bool = False

    def ask(self, request: str) -> None:
        """The operator asks; shown to the machine in the next tick."""
        self.operator = OperatorRequest(request, "an", 1000, "seen by eye")
        self._is_operator_open |= request == "open"


def check_commands(world: World) -> None:
    """Every command that left has exactly one record, but for the one that is under way."""
    pending = world.machine.commander.pending
    sent = [command.token for command in world.sent if pending is None or command.token != pending.token]
    assert [record.data["token"] for record in world.records if record.kind == "command"] == sent
