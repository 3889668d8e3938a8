"""A device's command key, and the two public names of it. The secret is never part of a text.

Knows: keys. Must not know: files, boards. A name says which key it is and nothing about the key: HMAC-SHA256 under it
over a fixed text (`firmware/app/auth.py` makes the same).
"""

from __future__ import annotations

import hashlib
import hmac
import secrets

from edge.key_text import KEY_SIZE

_KEY_NAME = b"smartgate key id"
_FINGERPRINT_DIGITS = 32
_KEY_ID_MASK = 2**30 - 1  # what a device publishes stays in MicroPython's small integers


class DeviceKey:
    """One key of KEY_SIZE bytes. Shown, it is its fingerprint."""

    __slots__ = ("fingerprint", "secret")

    def __init__(self, secret: bytes) -> None:
        if len(secret) != KEY_SIZE:
            raise ValueError("a device key has 32 bytes")  # which bytes these are is nobody's business
        self.secret = secret
        self.fingerprint = hmac.new(secret, _KEY_NAME, hashlib.sha256).hexdigest()[:_FINGERPRINT_DIGITS]

    @property
    def key_id(self) -> int:
        """What the device with this key shows in the register `key_id`."""
        return key_id_of(self.fingerprint)

    def is_same(self, other: DeviceKey) -> bool:
        """Whether both are one key."""
        return hmac.compare_digest(self.secret, other.secret)

    def __repr__(self) -> str:
        return f"DeviceKey({self.fingerprint})"


def new_key() -> DeviceKey:
    """32 bytes of the operating system's."""
    return DeviceKey(secrets.token_bytes(KEY_SIZE))


def key_id_of(fingerprint: str) -> int:
    """The short name in the long one."""
    return int(fingerprint[:8], 16) & _KEY_ID_MASK
