"""The gate's own key: what it signs with, and how anybody checks a signature. The only file that knows cryptography.

Knows: Ed25519, the key file. Must not know: what is signed. A key is 32 bytes as 64 hexadecimal digits; the public half
is what an auditor is given.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from edge.durable import write_new

_DIGITS = re.compile(r"[0-9a-f]{64}")


class KeyFileError(Exception):
    """The key file cannot be used; the text names it, the fault and the remedy."""


class GateKey:
    """A private key."""

    def __init__(self, seed: bytes) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self.public = self._key.public_key().public_bytes_raw().hex()

    def sign(self, text: str) -> str:
        """The signature of `text` in hexadecimal digits."""
        return self._key.sign(text.encode()).hex()


def is_signed(text: str, signature: str, public: str) -> bool:
    """Whether `signature` is that of `public` over `text`; False too for what is no signature or no key."""
    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(public)).verify(bytes.fromhex(signature), text.encode())
    except (InvalidSignature, ValueError, UnicodeEncodeError):
        return False
    return True


def load_key(path: Path) -> GateKey:
    """The key in `path`. Raises KeyFileError."""
    try:
        text = path.read_text(encoding="ascii").strip()
    except (OSError, ValueError) as error:
        raise KeyFileError(
            f"{path}: the journal's key cannot be read ({error}); restore it from your copy, or start the hub of this "
            "site, which makes a new one when there is none"
        ) from error
    if not _DIGITS.fullmatch(text):
        raise KeyFileError(
            f"{path} does not hold a key ({len(text)} characters), expected 64 hexadecimal digits; restore it from "
            "your copy, or move it away: a new key is made, and checkpoints signed by the old one then need its --key"
        )
    return GateKey(bytes.fromhex(text))


def load_or_make_key(path: Path) -> GateKey:
    """The key in `path`, made there on first use, readable by its owner alone. Raises KeyFileError."""
    if not path.exists():
        try:
            write_new(path, os.urandom(32).hex().encode() + b"\n")
        except FileExistsError:
            pass  # somebody was quicker: his key is the one
        except OSError as error:
            raise KeyFileError(
                f"{path}: the journal's key cannot be made ({error}); check the disk and rights"
            ) from error
    return load_key(path)
