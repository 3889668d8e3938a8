"""The gate transaction of one lane as a pure machine: facts in, actions out; no clock, no I/O.

Knows: the order of a step, the life of a transaction, saving and loading. Must not know: how facts are read, how
commands travel, where records are stored. What each state looks for is in edge/lane/handlers.py, the table of states in
edge/lane/states.py.

The shell writes the records of a step and `save()` in one database transaction and only then sends its commands. So a
hub killed at any moment comes back with a machine that agrees with the journal, at worst without a command it wanted
to send.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from edge.lane import effects, handlers, sight, states
from edge.lane.actions import ROLE_BARRIER, ROLE_WEIGHBRIDGE, Action, WriteRecord
from edge.lane.commander import Commander
from edge.lane.facts import LaneFacts
from edge.lane.settings import LaneSettings
from edge.lane.tracker import Tracker
from edge.lane.transaction import BY_POLICY, Transaction, load_transaction

SAVE_VERSION = 1
# Longest chain of events one set of facts can justify (recover, arrive, ... close) with room to spare.
_EVENTS_PER_STEP_MAX = 16
# Where ATTENTION and RECOVERING go back to, when that is not simply the state before.
# These hold a lane in ATTENTION; once it has left that state they are history.
_HOLDING_CAUSES = {event for (_, event), target in states.TRANSITIONS.items() if target == states.ATTENTION}
_REMEMBER_INSTEAD = {"weight_changed": states.WEIGHING, "boom_closed": states.OPENING}


class LaneStateError(ValueError):
    """A saved machine that this version cannot continue from."""


class LaneMachine:
    """One lane. A new or loaded machine starts in RECOVERING and acts on nothing but facts read since then."""

    def __init__(
        self, settings: LaneSettings, state: Mapping[str, Any] | None = None, now_ms: int = 0, *, away_ms: int = 0
    ) -> None:
        """`state` was saved `away_ms` ago."""
        self.settings = settings
        self.facts: LaneFacts = LaneFacts()
        self.now_ms = now_ms
        self.loaded_ms = now_ms
        self.state = states.RECOVERING
        self.resumed = states.IDLE
        self.remembered = states.IDLE
        self.entered_ms = now_ms
        self.cause = ""
        self.transaction = Transaction()
        self.tracker = Tracker()
        self.commander = Commander()
        self.last_read_id = ""
        self.last_plate = ""
        self.closed_ms: int | None = None
        self.is_barrier_restarted = False
        self._bridge_boot = -1
        self._lost: list[str] = []
        self._seen_since_ms: int | None = None
        self._clear_since_ms: int | None = None
        self._overload_since_ms: int | None = None
        self._stable_since_ms: int | None = None
        self._actions: list[Action] = []
        self.operator_refusal = ""  # why the operator's request of the last step was not carried out
        if state is not None:
            self._load(state, now_ms - away_ms)

    def step(self, now_ms: int, facts: LaneFacts) -> list[Action]:
        """Take in `facts` and return what is to be done. `now_ms` is the hub's monotonic clock and never goes back."""
        self.now_ms = now_ms
        self.facts = facts
        self._actions = []
        self.operator_refusal = ""
        self._take_outcome()
        if not self._are_devices_usable():
            self._take_operator()
            if self.state == states.RECOVERING:
                self._check_timeout()
            return self._actions
        self._look()
        self._take_operator()
        self._run_handlers()
        self._check_timeout()
        return self._actions

    def save(self) -> dict[str, Any]:
        """The machine as of the last step, as a JSON object; times are ages."""
        is_recovering = self.state == states.RECOVERING
        return {
            "version": SAVE_VERSION,
            "state": self.resumed if is_recovering else self.state,
            "remembered": self.remembered,
            "cause": self.cause,
            "transaction": self.transaction.save(self.now_ms),
            "tracker": self.tracker.save(),
            "last_token": self.commander.last_token,
            "pending": self.commander.save(),
            "last_read_id": self.last_read_id,
            "last_plate": self.last_plate,
            "closed_age_ms": None if self.closed_ms is None else self.now_ms - self.closed_ms,
            "is_barrier_restarted": self.is_barrier_restarted,
            "bridge_boot": self._bridge_boot,
        }

    def memory(self) -> tuple[object, ...]:
        """What a hub killed now would miss most: it saves again when this differs, records or not."""
        return (self.state, self.is_barrier_restarted, self._bridge_boot, *self.tracker.save().values())

    def view(self) -> dict[str, Any]:
        """What a person wants to see of the lane now, as a JSON object."""
        truck = self.transaction
        return {
            "state": self.state,
            "since_ms": self.now_ms - self.entered_ms,
            "transaction": self.transaction_id() if truck.is_open else "",
            "plate": truck.plate if truck.is_open else "",
            "gross_kg_x10": truck.gross_kg_x10 if truck.is_open and truck.gross_kg_x10 >= 0 else None,
            "decision": truck.verdict if truck.is_open else "",
            "reason": truck.reason if truck.is_open else "",
            "attention": [*self._lost, *self._open_causes()],
            "transactions": truck.number,
        }

    def _open_causes(self) -> list[str]:
        held_by = self.cause if self.state == states.ATTENTION else ""
        return [cause for cause in self.transaction.causes if cause not in _HOLDING_CAUSES or cause == held_by]

    # What handlers use.

    def transaction_id(self) -> str:
        """`<lane>-000001`."""
        return f"{self.settings.name}-{self.transaction.number:06d}"

    def record(self, kind: str, **data: Any) -> None:
        """Journal a fact of the transaction under way."""
        transaction = self.transaction_id() if self.transaction.is_open else ""
        self._actions.append(WriteRecord(kind, {"transaction": transaction, **data}))

    def attend(self, cause: str, **data: Any) -> None:
        """Call for a person, once per cause and transaction."""
        if cause not in self.transaction.causes:
            self.transaction.causes.append(cause)
            self.record("attention", cause=cause, state=self.state, **data)

    def forget(self, cause: str) -> None:
        """The cause is gone; should it come again it is news."""
        if cause in self.transaction.causes:
            self.transaction.causes.remove(cause)

    def command(self, role: str, opcode: str, argument: int = 0, by: str = BY_POLICY) -> None:
        """Send a command, unless one is under way or a pause after the last runs."""
        if self.commander.can_send(self.now_ms):
            timeout_ms = self.settings.command_timeout_ms
            send = self.commander.send(self.now_ms, role, opcode, argument=argument, timeout_ms=timeout_ms, by=by)
            self._actions.append(send)

    def seen_ms(self) -> int:
        """For how long a vehicle was seen without interruption; -1 when none is."""
        return -1 if self._seen_since_ms is None else self.now_ms - self._seen_since_ms

    def clear_ms(self) -> int:
        """For how long the whole lane was known to be empty; -1 when it is not."""
        return -1 if self._clear_since_ms is None else self.now_ms - self._clear_since_ms

    def overload_ms(self) -> int:
        """For how long the deck was overloaded without interruption; -1 when it is not."""
        return -1 if self._overload_since_ms is None else self.now_ms - self._overload_since_ms

    def is_deck_newly_stable(self) -> bool:
        """Whether the weight came to rest since this state began."""
        return self._stable_since_ms is not None and self._stable_since_ms >= self.entered_ms

    def open_transaction(self, cause: str) -> None:
        """Give the next truck its number."""
        arrival_ms = self.now_ms - max(0, self.seen_ms())
        self.transaction = Transaction(number=self.transaction.number + 1, is_open=True, arrival_ms=arrival_ms)
        self.is_barrier_restarted = False
        self.record("transaction_opened", number=self.transaction.number, cause=cause)

    def close_transaction(self) -> None:
        """End the transaction; every one ends here, once."""
        self.record("transaction_closed", outcome=self.transaction.outcome)
        self.transaction.is_open = False
        self.transaction.causes.clear()
        self.last_plate = self.transaction.plate
        self.closed_ms = self.now_ms

    def account_tailgater(self, evidence: str) -> None:
        """Another vehicle went through before the boom was down: it gets a transaction of its own."""
        self.close_transaction()
        self.open_transaction("tailgating")
        effects.identify(self)  # its plate may have been read; the next truck must not be taken for it
        self.attend("passed_without_decision")
        self.transaction.outcome = "passed"
        self.tracker.count_off(self.facts)
        self.record("passed", evidence=evidence)
        self.entered_ms = self.now_ms

    # The order of a step.

    def _take_outcome(self) -> None:
        done = self.commander.take(self.now_ms, self.facts.outcomes)
        if done is not None:
            sent = done.command
            self.record(
                "command",
                token=sent.token,
                role=sent.role,
                opcode=sent.opcode,
                argument=sent.argument,
                by=done.by,
                ok=done.ok,
                reason=done.reason,
                latency_ms=done.latency_ms,
            )

    def _take_operator(self) -> None:
        """Journal what a person asks, carried out or not, and do it."""
        asked = self.facts.operator
        if asked is None:
            return
        if self._lost:
            event, refusal = "", f"the {self._lost[0]} does not answer"
        else:
            event, refusal = handlers.operator_event(self, asked.request)
        self.operator_refusal = refusal
        self.record(
            "override",
            request=asked.request,
            user=asked.user,
            uid=asked.uid,
            reason=asked.reason,
            state=self.state,
            ok=not refusal,
            refusal=refusal,
        )
        self._fire(event)

    def _are_devices_usable(self) -> bool:
        """Both devices fresh. Journals each loss and return once and gives the state its time anew."""
        for role, device in ((ROLE_BARRIER, self.facts.barrier), (ROLE_WEIGHBRIDGE, self.facts.weighbridge)):
            fresh = sight.is_fresh(device, self.now_ms, self.settings.facts_max_age_ms)
            if fresh and role in self._lost:
                self._lost.remove(role)
                self.entered_ms = self.now_ms
            elif not fresh and role not in self._lost:
                self._lost.append(role)
                self._seen_since_ms = self._clear_since_ms = None
                self._overload_since_ms = self._stable_since_ms = None
                if self.state not in (states.RECOVERING, states.OUT_OF_SERVICE):
                    self.record("attention", cause="device_lost", state=self.state, role=role)
        return not self._lost

    def _look(self) -> None:
        if self.state == states.RECOVERING:
            return
        if self._bridge_boot != self.facts.weighbridge.boot:
            # A restarted weighbridge counts its registrations from zero.
            self._bridge_boot = self.facts.weighbridge.boot
            self.transaction.registered_base = 0
        is_restarted = self.tracker.boot != self.facts.barrier.boot
        if self.transaction.is_open:
            self.is_barrier_restarted |= is_restarted
            is_released = self.state in (states.OPENING, states.PASSING, states.CLOSING)
            self.tracker.look(self.facts, is_released)
        else:
            self.tracker.reset(self.facts)
        self._seen_since_ms = self._since(self._seen_since_ms, sight.is_vehicle_seen(self.facts))
        self._clear_since_ms = self._since(self._clear_since_ms, sight.is_clear(self.facts))
        self._overload_since_ms = self._since(self._overload_since_ms, sight.is_deck_overloaded(self.facts))
        self._stable_since_ms = self._since(self._stable_since_ms, sight.is_deck_stable(self.facts))

    def _since(self, since_ms: int | None, holds: bool) -> int | None:
        if not holds:
            return None
        return self.now_ms if since_ms is None else since_ms

    def _run_handlers(self) -> None:
        for _ in range(_EVENTS_PER_STEP_MAX):
            event = handlers.HANDLERS[self.state](self)
            if not event:
                return
            self._fire(event)

    def _check_timeout(self) -> None:
        setting, event = states.TIMEOUTS.get(self.state, ("", ""))
        if not setting or self.now_ms - self.entered_ms < getattr(self.settings, setting):
            return
        if event:
            self._fire(handlers.timeout_event(self, event))
        else:
            self.attend(f"{self.state.lower()}_timeout")

    def _fire(self, event: str) -> None:
        if not event:
            return
        before = self.state
        target = states.TRANSITIONS[before, event]
        effect = effects.EFFECTS.get(event)
        if effect is not None:
            effect(self)
        if target == states.ATTENTION:
            self.remembered = _REMEMBER_INSTEAD.get(event, before)
            self.cause = event
        if target == states.REMEMBERED:
            target = self.resumed if before == states.RECOVERING else self.remembered
        self.state = target
        self.entered_ms = self.now_ms
        if self.state == states.OPENING:
            self.is_barrier_restarted = False
        self.commander.restart()
        if before == states.RECOVERING:
            self.forget("recovering_timeout")
            self._look()

    def _load(self, state: Mapping[str, Any], saved_ms: int) -> None:
        if state.get("version") != SAVE_VERSION:
            raise LaneStateError(
                f"lane {self.settings.name}: saved state has version {state.get('version')}, expected {SAVE_VERSION}"
            )
        try:
            self.resumed = _known_state(state["state"])
            self.remembered = _known_state(state["remembered"])
            self.cause = state["cause"]
            self.transaction = load_transaction(state["transaction"], saved_ms)
            self.tracker = Tracker(**state["tracker"])
            self.commander = Commander(state["last_token"], state.get("pending"))
            self.last_read_id = state["last_read_id"]
            self.last_plate = state["last_plate"]
            age_ms = state["closed_age_ms"]
            self.closed_ms = None if age_ms is None else saved_ms - age_ms
            self.is_barrier_restarted = state["is_barrier_restarted"]
            self._bridge_boot = state["bridge_boot"]
        except (KeyError, TypeError, ValueError) as error:
            raise LaneStateError(f"lane {self.settings.name}: saved state is not usable ({error})") from None


def _known_state(name: str) -> str:
    if name not in states.STATES or name == states.RECOVERING:
        raise ValueError(f"unknown state {name}")
    return name
