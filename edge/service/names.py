"""What the registers of an exchange are called: points, opcodes and events of our own devices, addresses of others.

Knows: the register maps, as generated. Must not know: ports, pairing, how a line is printed.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType

from edge.device_values import in_unit
from edge.model import Value
from protocols.command import BLOCK_SIZE, CommandBlock, decode_block
from protocols.events import SLOT_REGISTERS, SLOT_SIZE, read_slot
from protocols.modbus import pdu
from protocols.registers import barrier_tags, charging_post_tags, rfid_tags, weighbridge_tags
from protocols.registers.tag import Tag

MAPS: dict[int, ModuleType] = {
    module.MAP_ID: module for module in (barrier_tags, weighbridge_tags, rfid_tags, charging_post_tags)
}
ROLES: dict[str, ModuleType] = {module.NAME: module for module in MAPS.values()}
TABLES = {
    pdu.READ_COILS: "coil",
    pdu.READ_DISCRETE_INPUTS: "discrete_input",
    pdu.READ_HOLDING_REGISTERS: "holding_register",
    pdu.READ_INPUT_REGISTERS: "input_register",
}
_BIT_CODES = (pdu.READ_COILS, pdu.READ_DISCRETE_INPUTS)
MAP_ID_ADDRESS = 0
_SIGNED = ("int16", "int32")


def points_in(role: ModuleType, function_code: int, address: int, raw: bytes) -> Iterator[tuple[str, str]]:
    """Name and value in words of every point that lies whole in what was read from `address`."""
    table = TABLES[function_code]
    if function_code in _BIT_CODES:
        yield from _bits_in(role, table, address, raw)
        return
    if table == "input_register":
        yield from _events_in(role, address, raw)
    end = address + len(raw) // 2
    for tag in role.TAGS:
        if tag.table == table and tag.type != "block" and address <= tag.address and tag.address + tag.count <= end:
            at = 2 * (tag.address - address)
            value = int.from_bytes(raw[at : at + 2 * tag.count], "big", signed=tag.type in _SIGNED)
            yield tag.name, in_words(tag, value)


def in_words(tag: Tag, value: int) -> str:
    """A raw value with its symbol, or in its unit."""
    if tag.type == "enum16":
        return {number: word for word, number in tag.symbols}.get(value, str(value))
    if tag.type in ("bitfield16", "bits"):
        return "+".join(word for word, bit in tag.symbols if value >> bit & 1) or "none"
    number: Value = in_unit(value, tag.sf)
    return f"{number} {tag.units}".rstrip()


def command_in(role: ModuleType, address: int, raw: bytes) -> str:
    """The command that a write carries, "" when it is none; its tag is a secret's trace and not shown."""
    if address != role.COMMAND_ADDRESS or len(raw) != BLOCK_SIZE:
        return ""
    block = CommandBlock()
    decode_block(raw, 0, block)
    words = {code: word for word, code in role.OPCODES.items()}
    opcode = words.get(block.opcode, str(block.opcode))
    target = f" target {block.target}" if block.target else ""
    return f"command {opcode}{target} argument {block.argument} nonce {block.nonce_epoch}/{block.nonce_counter}"


def stretch(function_code: int, address: int, count: int) -> str:
    """What a read asks for."""
    table = TABLES[function_code].replace("_", " ")
    return f"{table} {address}" if count == 1 else f"{table}s {address}..{address + count - 1}"


def _bits_in(role: ModuleType, table: str, address: int, raw: bytes) -> Iterator[tuple[str, str]]:
    for tag in role.TAGS:
        if tag.table != table:
            continue
        for word, bit in tag.symbols:
            at = tag.address + bit - address
            if 0 <= at < 8 * len(raw):
                yield f"{tag.name}.{word}", "on" if raw[at >> 3] >> (at & 7) & 1 else "off"


def _events_in(role: ModuleType, address: int, raw: bytes) -> Iterator[tuple[str, str]]:
    """Slots of the event ring that lie whole in the read; a slot whose sequence is 0 holds none yet."""
    for slot in range(role.RING_CAPACITY):
        at = 2 * (role.RING_ADDRESS + slot * SLOT_REGISTERS - address)
        if not 0 <= at <= len(raw) - SLOT_SIZE:
            continue
        sequence, uptime_s, millisecond, code, argument = read_slot(raw, at)
        if sequence:
            yield f"event {sequence}", f"{_event_words(role, code, argument)} at {uptime_s}.{millisecond:03d} s"


def _event_words(role: ModuleType, code: int, argument: int) -> str:
    event = role.EVENTS.get(code)
    if event is None:
        return f"code {code} {argument}"
    tag = next((tag for tag in role.TAGS if tag.name == event.argument), None)
    return f"{event.name} {in_words(tag, argument) if tag else argument}"
