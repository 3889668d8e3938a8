"""The one command a lane may have under way: its token, its deadline, and how long to wait before another.

Knows: tokens, outcomes and backoff. Must not know: which command is right when (edge/lane/handlers.py).
A command under way is not taken up again after a restart of the hub, the facts decide anew; but it was saved before it
left, so that its record says then that nobody knows what became of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from edge.lane.actions import SendCommand
from edge.lane.facts import CommandOutcome

# First pause after a refusal, doubled up to the last; a trailer gap or a settling deck takes about a second.
_BACKOFF_FIRST_MS = 500
_BACKOFF_LAST_MS = 8_000
# An accepted command shows in the facts within this time, or is sent again.
_EFFECT_MS = 3_000
# The shell gives a command up at its deadline; its word may take a little longer to arrive.
_WORD_LATE_MS = 2_000
NO_ANSWER = "no_answer"
HUB_RESTARTED = "hub_restarted"


@dataclass(frozen=True, slots=True)
class Finished:
    """A command and what became of it. `latency_ms` is None when the hub was not there for the end."""

    command: SendCommand
    by: str
    ok: bool
    reason: str
    latency_ms: int | None


class Commander:
    """Sends at most one command at a time and spaces repetitions out."""

    def __init__(self, last_token: int = 0, pending: Mapping[str, Any] | None = None) -> None:
        """`pending` is what `save` gave in the hub's life before."""
        self.last_token = last_token
        self.pending: SendCommand | None = None
        self._orphan = _orphan(pending) if pending else None
        self._by = ""
        self._sent_ms = 0
        self._failures = 0
        self._pause_until_ms: int | None = None

    def restart(self) -> None:
        """A new state begins: the next command may go at once, if none is under way."""
        self._failures = 0
        self._pause_until_ms = None

    def can_send(self, now_ms: int) -> bool:
        """Whether no command is under way and no pause runs."""
        return self.pending is None and (self._pause_until_ms is None or now_ms >= self._pause_until_ms)

    def send(self, now_ms: int, role: str, opcode: str, *, argument: int, timeout_ms: int, by: str) -> SendCommand:
        """A new command with a token of its own; the caller asked `can_send` first."""
        self.last_token += 1
        self.pending = SendCommand(self.last_token, role, opcode, argument, now_ms + timeout_ms)
        self._by = by
        self._sent_ms = now_ms
        return self.pending

    def save(self) -> dict[str, Any] | None:
        """The command under way as a JSON object, None when there is none."""
        sent, by = self.pending, self._by
        if self._orphan is not None:  # loaded, and killed again before the first step
            sent, by = self._orphan.command, self._orphan.by
        if sent is None:
            return None
        return {"token": sent.token, "role": sent.role, "opcode": sent.opcode, "argument": sent.argument, "by": by}

    def take(self, now_ms: int, outcomes: tuple[CommandOutcome, ...]) -> Finished | None:
        """What became of the command under way, or None; outcomes of other tokens belong to an earlier life."""
        if self._orphan is not None:
            orphan, self._orphan = self._orphan, None
            return orphan
        if self.pending is None:
            return None
        for outcome in outcomes:
            if outcome.token == self.pending.token:
                return self._finish(now_ms, outcome.ok, outcome.reason)
        if now_ms > self.pending.deadline_ms + _WORD_LATE_MS:
            return self._finish(now_ms, False, NO_ANSWER)
        return None

    def _finish(self, now_ms: int, ok: bool, reason: str) -> Finished:
        assert self.pending is not None
        done = Finished(self.pending, self._by, ok, reason, now_ms - self._sent_ms)
        self.pending = None
        pause_ms = _EFFECT_MS if ok else min(_BACKOFF_FIRST_MS << min(self._failures, 8), _BACKOFF_LAST_MS)
        self._failures = 0 if ok else self._failures + 1
        self._pause_until_ms = now_ms + pause_ms
        return done


def _orphan(pending: Mapping[str, Any]) -> Finished:
    command = SendCommand(pending["token"], pending["role"], pending["opcode"], pending["argument"], 0)
    return Finished(command, pending["by"], False, HUB_RESTARTED, None)
