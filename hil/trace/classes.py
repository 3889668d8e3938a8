"""What an event is to a comparison, from its name and the register map of the role that speaks.

Knows: names of events, register maps. Must not know: traces, targets, bands.

Three classes. *Logical*: what a device decides and does, and what comes of it in the field; it must be the same on
every target. *Timed*: the instants of the logical events; they must lie within a band. *Informative*: everything else:
what the rig does to the device (inputs, script, faults), counters, measured values. A register's type and units and
the argument of an event's definition decide; no name of a point stands here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from hil.scenarios.vocabulary import BROKEN, map_of, tag_of
from hil.trace.causes import FIELD
from protocols.registers.tag import Tag

# The rig's master reads a level every 126 ms, so what it sees of a visit is up to a poll too long or too short. The
# firmware's times are whole seconds or well below one: nothing is meant to stay for about this long.
SETTLE_US = 1_500_000
FLASH_US = 750_000  # a lamp that stays for less flashes; half a period is 500 ms
# Firmware that is slow on one target and not on another says so; that is no decision.
OF_THE_TARGET = "SCAN_OVERRUN"
HEALTH, REASONS, NORMAL = "health", "reasons", 0  # of every role; a health that is that alone is normal to another

_LAMP = re.compile(r"LAMP|LIGHT")
_SOUND = re.compile(r"BUZZER|HORN")  # for people beside the lane: what makes it sound is told by events
_QUANTITY = re.compile(r"\bin (?:0\.(?P<tenth>1) )?(?P<units>kg|ms|counts)\b")


class Kind(StrEnum):
    """Kinds of channels; each logical kind has a band of its own. A reaction is an output that follows its cause at
    once."""

    REACTION = "reaction"
    OUTPUT = "output"
    LAMP = "lamp"
    LEVEL = "level"
    EVENT = "event"
    COMMAND = "command"
    FIELD = "field"
    INFORMATIVE = "informative"


@dataclass(frozen=True, slots=True)
class Rule:
    """How a channel is judged: visits shorter than `settle_us` do not count; of a quantity in `units` the value may
    differ by a band, its scale is 10**`sf`; `has_value` is False where only the happening counts."""

    kind: Kind
    settle_us: int = 0
    has_value: bool = True
    units: str = ""
    sf: int = 0

    @property
    def is_logical(self) -> bool:
        return self.kind is not Kind.INFORMATIVE


INFORMATIVE = Rule(Kind.INFORMATIVE)
_LEVEL = Rule(Kind.LEVEL, SETTLE_US)


@cache
def rule_of(source: str, channel: str, role: str) -> Rule:
    """The rule for `source.channel`; `role` is the source's role, "" when it is no device under test."""
    if source == "command":
        return Rule(Kind.COMMAND)
    if source == FIELD or f"{source}.{channel}" == BROKEN:
        return Rule(Kind.FIELD)
    head, _, rest = channel.partition(".")
    if not role or head in ("in", "quality", "line"):
        return INFORMATIVE
    if head == "out" and _SOUND.search(rest):
        return INFORMATIVE
    if head == "out":
        return Rule(Kind.LAMP, FLASH_US) if _LAMP.search(rest) else Rule(Kind.OUTPUT)
    return _event_rule(role, rest) if head == "event" else _level_rule(tag_of(role, channel))


def _level_rule(tag: Tag | None) -> Rule:
    """Enumerations, bitfields and identities are decisions; what has units is counted or measured."""
    return INFORMATIVE if tag is None or tag.units else _LEVEL


def _event_rule(role: str, name: str) -> Rule:
    """An event that repeats a whole bitfield is told by the bits; a quantity is judged within a band."""
    argument = argument_of(role, name)
    if name == OF_THE_TARGET or (name.endswith("_CHANGED") and argument_bits(role, name)):
        return INFORMATIVE
    if quantity := _QUANTITY.search(argument):
        return Rule(Kind.EVENT, units=quantity["units"], sf=-1 if quantity["tenth"] else 0)
    tag = tag_of(role, argument)
    if tag is not None and tag.units not in ("", "count"):
        return Rule(Kind.EVENT, units=tag.units, sf=tag.sf)
    return Rule(Kind.EVENT, has_value=not argument_bits(role, name))


@cache
def argument_of(role: str, name: str) -> str:
    """What the map says an event's argument is, "" when the role has no such event."""
    events = map_of(role).EVENTS.values()
    return next((event.argument for event in events if event.name == name), "")


def argument_bits(role: str, name: str) -> Tag | None:
    """The bitfield whose whole word an event's argument holds, or None."""
    for word in argument_of(role, name).split(" + "):
        tag = tag_of(role, word)
        if tag is not None and tag.type == "bitfield16":
            return tag
    return None


def bits_of(role: str, channel: str) -> Tag | None:
    """The bitfield that a level is, or None; its bits are channels of their own in a logical trace."""
    tag = tag_of(role, channel) if role else None
    return tag if tag is not None and tag.type == "bitfield16" else None


def is_told_apart_by_value(role: str, channel: str) -> bool:
    """Whether an event's argument is a bit number: several in one scan have no order, so each bit is a channel."""
    head, _, name = channel.partition(".")
    return head == "event" and bool(role) and argument_of(role, name).startswith("bit number")


def is_happening(source: str, channel: str) -> bool:
    """Whether it has no value but at its instant: events of devices, commands, deeds of the script, what happened."""
    return channel.startswith("event.") or source in (FIELD, "command", "bus", "script", "fault", "rig")


def is_wire(channel: str) -> bool:
    """Whether it is a digital input or output: on or off."""
    return channel.startswith(("in.", "out."))
