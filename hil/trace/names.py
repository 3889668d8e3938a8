"""What an event's value means, in the words of the register map: `OPENING`, `LOOP_FAULT`, `31400.0 kg`, `on`.

Knows: register maps, the form of event names. Must not know: what any value implies.
"""

from __future__ import annotations

from functools import cache

from hil.faults.catalogue import fault_named
from hil.scenarios.vocabulary import map_of, tag_of
from hil.trace.classes import argument_of, rule_of
from hil.trace.event import Trace, TraceEvent
from protocols import quality
from protocols.registers.tag import Tag

_QUALITIES = {quality.GOOD: "GOOD", quality.UNCERTAIN: "UNCERTAIN", quality.BAD: "BAD"}
_BITS_ARGUMENT = "bit number in "
_COMMAND_ARGUMENT = "opcode * 256 + command_result"
_HEALTH_ARGUMENT = "health * 65536 + reasons"


def value_text(trace: Trace, event: TraceEvent) -> str:
    """The value of one of the trace's events."""
    return text_of(trace.roles.get(event.source, ""), event.source, event.channel, event.value)


@cache
def text_of(role: str, source: str, channel: str, value: int) -> str:
    """A value of `source.channel` in words, as a number where the map has none; `role` is the source's, or ""."""
    head, _, name = channel.partition(".")
    if source == "command":
        return _symbol(tag_of("barrier", "command_result"), value)  # the header block is the same in every role
    if source == "fault":
        spec = fault_named(channel)
        return spec.describe(value) if spec is not None else str(value)
    if source == "script" and head == "set" and value in (0, 1):
        return ("off", "on")[value]
    if not role:
        return str(value)
    if head in ("in", "out"):
        return ("off", "on")[value] if value in (0, 1) else str(value)
    if head == "quality":
        return _QUALITIES.get(value, str(value))
    return _argument(role, name, value) if head == "event" else _symbol(tag_of(role, channel), value)


def moment(t_us: int) -> str:
    """An instant or a duration as people read it: `3.512 s`."""
    return f"{t_us / 1_000_000:.3f} s"


def _symbol(tag: Tag | None, value: int) -> str:
    if tag is None:
        return str(value)
    if tag.type == "bitfield16":
        return " + ".join(name for name, bit in tag.symbols if value >> bit & 1) or "none"
    if tag.symbols:
        return next((name for name, number in tag.symbols if number == value), str(value))
    return _quantity(value, tag.units, tag.sf)


def _quantity(value: int, units: str, sf: int) -> str:
    number = f"{value * 10**sf:.{-sf}f}" if sf < 0 else str(value * 10**sf)
    return number if units in ("", "count") else f"{number} {units}"


def _argument(role: str, name: str, value: int) -> str:
    argument = argument_of(role, name)
    if argument.startswith(_BITS_ARGUMENT):
        tag = tag_of(role, argument.removeprefix(_BITS_ARGUMENT))
        return next((symbol for symbol, bit in (tag.symbols if tag else ()) if bit == value), str(value))
    if argument == _COMMAND_ARGUMENT:
        return f"{_opcode(role, value >> 8)} {_symbol(tag_of(role, 'command_result'), value & 0xFF)}"
    if argument == _HEALTH_ARGUMENT:
        return f"{_symbol(tag_of(role, 'health'), value >> 16)}: {_symbol(tag_of(role, 'reasons'), value & 0xFFFF)}"
    rule = rule_of("", f"event.{name}", role)
    return _quantity(value, rule.units, rule.sf) if rule.units else _symbol(tag_of(role, argument), value)


def _opcode(role: str, number: int) -> str:
    return next((name for name, opcode in map_of(role).OPCODES.items() if opcode == number), str(number))
