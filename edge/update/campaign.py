"""An update of several devices as a pure plan: who is next, which lanes are needed, when to stop, what to remember.

Knows: names, lanes, lines, verdicts. Must not know: clocks, what a device does, the journal.
One device of a line at a time, so that what it leaves free is enough; one device of a lane at a time, so that a lane
is never without both; and none is begun after one that went back or came to no end.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from edge.update.steps import Verdict

FORMAT = 1
_STOPPING = (Verdict.RETURNED, Verdict.FAILED)


@dataclass(slots=True)
class Member:
    """One device; `lane` is "" for a device of no lane, `slot_before` the slot that ran before the switch."""

    name: str
    line: str
    lane: str
    verdict: str = ""
    reason: str = ""
    detail: str = ""
    version_before: int = -1
    slot_before: str = ""
    has_begun: bool = False

    @property
    def is_over(self) -> bool:
        """Whether nothing more becomes of it."""
        return bool(self.verdict)


@dataclass(slots=True)
class Campaign:
    """`bundle` is the SHA-256 of the bundle; who asked and why stand beside it for whoever goes on after a restart."""

    bundle: str
    members: list[Member]
    user: str = ""
    uid: int = -1
    allow_older: int | None = None
    reason: str = ""
    stopped: str = ""  # why no further device is begun
    active: set[str] = field(default_factory=set)

    def startable(self) -> list[Member]:
        """Who may begin now; those that had begun in an earlier life of the hub first."""
        waiting = [member for member in self.members if not member.is_over and member.name not in self.active]
        if self.stopped:
            waiting = [member for member in waiting if member.slot_before]  # switched: its end is still to be seen
        busy = [member for member in self.members if member.name in self.active]
        lines, lanes = {member.line for member in busy}, {member.lane for member in busy} - {""}
        found = []
        for member in sorted(waiting, key=lambda member: not member.has_begun):
            if member.line not in lines and member.lane not in lanes:
                found.append(member)
                lines.add(member.line)
                lanes |= {member.lane} - {""}
        return found

    def begin(self, member: Member) -> None:
        """`member` is under way."""
        self.active.add(member.name)
        member.has_begun = True

    def end(self, member: Member, verdict: str, reason: str, detail: str) -> None:
        """What became of it."""
        self.active.discard(member.name)
        member.verdict, member.reason, member.detail = verdict, reason, detail
        if verdict in _STOPPING and not self.stopped:
            self.stopped = member.name

    def lanes(self) -> set[str]:
        """The lanes that are to be out of service: of who is under way, and of those it is one after another of."""
        begun = {member.lane for member in self.members if member.has_begun}
        open_ = {member.lane for member in self.members if not member.is_over and self._may_begin(member)}
        return (begun & open_) - {""}

    @property
    def is_over(self) -> bool:
        """Whether nothing is under way and nobody may begin."""
        return not self.active and not any(self._may_begin(member) for member in self.members if not member.is_over)

    def _may_begin(self, member: Member) -> bool:
        return not self.stopped or bool(member.slot_before) or member.name in self.active

    def save(self) -> dict[str, Any]:
        """As a JSON object; what is under way begins anew from what the device says."""
        data = asdict(self)
        del data["active"]
        return data | {"format": FORMAT}


def load_campaign(data: Mapping[str, Any]) -> Campaign:
    """What `save` gave. Raises ValueError for anything else."""
    try:
        if data["format"] != FORMAT:
            raise ValueError(f"format {data['format']}, expected {FORMAT}")
        members = [Member(**member) for member in data["members"]]
        values = {name: data[name] for name in ("bundle", "user", "uid", "allow_older", "reason", "stopped")}
        return Campaign(members=members, **values)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"no campaign ({error})") from None


def choose(
    devices: Sequence[tuple[str, str, str]], lane_of: Mapping[str, str], names: Sequence[str], role: str
) -> tuple[list[Member], list[str], list[str]]:
    """Members in the order of the site's `devices` (name, line, role); all of `role` without `names`.

    Beside them the names that are unknown, and those of another role.
    """
    known = {name: its_role for name, _, its_role in devices}
    unknown = [name for name in names if name not in known]
    others = [name for name in names if known.get(name, role) != role]
    chosen = [device for device in devices if device[2] == role and (not names or device[0] in names)]
    members = [Member(name, line, lane_of.get(name, "")) for name, line, _ in chosen]
    return members, unknown, others
