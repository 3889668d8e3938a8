"""The authenticated command block: its ten registers, and the text its tag is made over.

Block, big-endian, 20 bytes: opcode u16, target u16, argument i32, nonce_epoch u16, nonce_counter u16,
tag 8 bytes. Message, 18 bytes: map_id u16, serial u32, opcode u16, target u16, argument i32, nonce_epoch u16,
nonce_counter u16. The tag is the first 8 bytes of HMAC-SHA256(key, message): bound to one device by map and
serial number, and to one moment by the nonce. Keys and hashing are the shells' business, not known here.
"""

from protocols.bigendian import get_i32, get_u16, put_i32, put_u16
from protocols.compat import const

MESSAGE_SIZE = const(18)
BLOCK_SIZE = const(20)
BLOCK_REGISTERS = const(10)
TAG_SIZE = const(8)
# On offer while a device has no epoch that it could store: no block that carries it is ever carried out.
NO_EPOCH = const(0)
_TAG_AT = const(12)


class CommandBlock:
    """A decoded command block, filled in place by `decode_block`."""

    def __init__(self) -> None:
        self.opcode = 0
        self.target = 0
        self.argument = 0
        self.nonce_epoch = 0
        self.nonce_counter = 0
        self.tag = bytearray(8)


def pack_message_into(
    buffer: bytearray, map_id: int, serial: int, opcode: int, target: int, argument: int, epoch: int, counter: int
) -> int:
    """Write the text the tag is made over at the start of `buffer`; return its size, 18."""
    put_u16(buffer, 0, map_id)
    put_i32(buffer, 2, serial)
    put_u16(buffer, 6, opcode)
    put_u16(buffer, 8, target)
    put_i32(buffer, 10, argument)
    put_u16(buffer, 14, epoch)
    put_u16(buffer, 16, counter)
    return MESSAGE_SIZE


def encode_block_into(
    buffer: bytearray, offset: int, opcode: int, target: int, argument: int, epoch: int, counter: int, tag: bytes
) -> int:
    """Write the ten registers of a command at byte `offset`; return their size, 20.

    `tag` has at least 8 bytes; only the first 8 are used, so a whole HMAC digest may be given.
    """
    put_u16(buffer, offset, opcode)
    put_u16(buffer, offset + 2, target)
    put_i32(buffer, offset + 4, argument)
    put_u16(buffer, offset + 8, epoch)
    put_u16(buffer, offset + 10, counter)
    for index in range(TAG_SIZE):
        buffer[offset + _TAG_AT + index] = tag[index]
    return BLOCK_SIZE


def decode_block(buffer: bytes | bytearray | memoryview, offset: int, block: CommandBlock) -> None:
    """Fill `block` from the 20 bytes of `buffer` at byte `offset`. Every bit pattern is a block: nothing to refuse."""
    block.opcode = get_u16(buffer, offset)
    block.target = get_u16(buffer, offset + 2)
    block.argument = get_i32(buffer, offset + 4)
    block.nonce_epoch = get_u16(buffer, offset + 8)
    block.nonce_counter = get_u16(buffer, offset + 10)
    for index in range(TAG_SIZE):
        block.tag[index] = buffer[offset + _TAG_AT + index]


def is_tag_equal(tag: bytearray, digest: bytes) -> bool:
    """Tell whether the 8 bytes of `tag` are the first 8 of `digest`, in the same time whatever differs."""
    difference = 0
    for index in range(TAG_SIZE):
        difference |= tag[index] ^ digest[index]
    return difference == 0
