"""What `gate poke` is asked to write, judged by the device's map before anything is sent.

Knows: maps, limits, consequences. Must not know: arguments, devices' answers, printing.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from edge.device_values import in_unit
from edge.service.consequences import SHOWN, WARNINGS, moves
from edge.service.device_access import Command
from edge.service.names import ROLES, in_words
from edge.words import tr
from protocols.registers.tag import Tag

SET = "SET"


class WordsError(Exception):
    """The words ask for something there is not; the text says what there is."""


@dataclass(frozen=True, slots=True)
class Change:
    """What is to be written: `label` for people, `seen` the point it is seen by."""

    label: str
    command: Command
    seen: Tag | None
    asked: str
    limits: str
    moves: str
    warning: str


def setting_change(role: str, name: str, text: str) -> Change:
    """Setting `name` to `text`, a word of it or a number in its unit. Raises WordsError."""
    tag = find_tag(role, name)
    if tag.table != "holding_register" or tag.min is None:
        raise WordsError(tr("{name} is a value the device tells, no setting; poke read shows all", name=tag.name))
    value = _raw(tag, text)
    what = moves(role, tag.name)
    return Change(
        f"set {tag.name} {text}",
        Command(SET, tag.address, value),
        tag,
        in_words(tag, value),
        limits_of(tag),
        what,
        WARNINGS.get(tag.name, ""),
    )


def command_change(role: str, name: str, argument: str = "0") -> Change:
    """Command `name` with a whole number. Raises WordsError."""
    opcode = name.rpartition(".")[2].upper()
    opcodes = commands_of(role)
    if opcode not in opcodes:
        raise WordsError(
            tr(
                "'{name}' is no command of a {role}; expected one of {known}",
                name=name,
                role=role,
                known=", ".join(opcodes),
            )
        )
    if not re.fullmatch(r"-?[0-9]{1,9}", argument):
        raise WordsError(tr("'{value}' is no whole number; {name} takes one or none", value=argument, name=opcode))
    tags: dict[str, Tag] = {tag.name: tag for tag in ROLES[role].TAGS}
    label = f"command {opcode}" + (f" {argument}" if argument != "0" else "")
    command = Command(opcode, 0, int(argument))
    return Change(label, command, tags.get(SHOWN), "", "", moves(role, opcode), "")


def points_of(role: str) -> list[Tag]:
    """Every point of a role that has a value."""
    return [tag for tag in ROLES[role].TAGS if tag.type != "block"]


def commands_of(role: str) -> list[str]:
    """What can be commanded by hand; an update is a conversation and belongs to `gate update`."""
    return [word for word in ROLES[role].OPCODES if word != SET and not word.startswith("UPDATE_")]


def find_tag(role: str, name: str) -> Tag:
    """The point `name`, with or without the role before it. Raises WordsError."""
    other, dot, point = name.rpartition(".")
    if dot and other != role:
        said = tr("{name}: the device is a {role}, no {other}", name=name, role=role, other=other)
        raise WordsError(said)
    tags = {tag.name: tag for tag in points_of(role)}
    if point in tags:
        return tags[point]
    near = difflib.get_close_matches(point, tags, n=3, cutoff=0.5)
    said = tr("'{name}' is no register of a {role}", name=point, role=role)
    raise WordsError(
        f"{said}; " + (tr("did you mean {names}?", names=", ".join(near)) if near else tr("poke read shows all"))
    )


def _raw(tag: Tag, text: str) -> int:
    """The value as the device keeps it: a word of an enum, or a number in the point's unit."""
    symbols = dict(tag.symbols)
    raw = symbols[text.upper()] if text.upper() in symbols else _scaled(text, tag.sf)
    if raw is None or tag.min is None or tag.max is None or not tag.min <= raw <= tag.max:
        said = tr("{name} cannot be '{value}'; expected {limits}", name=tag.name, value=text, limits=limits_of(tag))
        raise WordsError(said)
    return raw


def _scaled(text: str, sf: int) -> int | None:
    """A number in the point's unit as a raw one, None for what is no number or finer than the point."""
    try:
        number = Decimal(text).scaleb(-sf)
        return int(number) if number == number.to_integral_value() and abs(number) < 2**31 else None
    except (InvalidOperation, ValueError, OverflowError):
        return None


def limits_of(tag: Tag) -> str:
    """What a setting may be, in its unit."""
    if tag.type == "enum16":
        return tr("one of {words}", words=", ".join(word for word, _ in tag.symbols))
    low, high = in_unit(tag.min or 0, tag.sf), in_unit(tag.max or 0, tag.sf)
    return tr("{low} to {high} {unit}", low=low, high=high, unit=tag.units).rstrip()
