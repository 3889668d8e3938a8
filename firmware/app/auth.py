"""HMAC-SHA256 (RFC 2104) for the command path. Allocates; must never run inside a locked scan.

Knows keys and digests, not commands. The comparison that takes the same time whatever differs is
`protocols.command.is_tag_equal`.
"""

import hashlib

from protocols.compat import const

KEY_SIZE = const(32)
_BLOCK_SIZE = const(64)
_INNER = const(0x36)
_OUTER = const(0x5C)
# What is hashed under a key to name it: says which key it is, and nothing about the key.
_KEY_NAME = b"smartgate key id"


class Authenticator:
    """Holds the two padded forms of one key of KEY_SIZE bytes."""

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_SIZE:
            raise ValueError("key of {} bytes: a device key has 32 bytes".format(len(key)))
        self._inner = _padded(key, _INNER)
        self._outer = _padded(key, _OUTER)

    def digest(self, message: bytes | bytearray) -> bytes:
        """Return the 32 bytes of HMAC-SHA256 over `message`."""
        inner = hashlib.sha256(self._inner)
        inner.update(message)
        outer = hashlib.sha256(self._outer)
        outer.update(inner.digest())
        return outer.digest()


def find_key_id(key: bytes) -> int:
    """Return the public name of a key, 30 bits (a small integer)."""
    name = Authenticator(key).digest(_KEY_NAME)
    return (name[0] & 0x3F) << 24 | name[1] << 16 | name[2] << 8 | name[3]


def _padded(key: bytes, pattern: int) -> bytes:
    block = bytearray(_BLOCK_SIZE)
    for index in range(_BLOCK_SIZE):
        block[index] = pattern ^ (key[index] if index < len(key) else 0)
    return bytes(block)
