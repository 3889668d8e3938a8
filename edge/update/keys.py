"""The pair of keys of a site's updates: the private one in a file, the public one anybody may have.

Knows: Ed25519 (RFC 8032), PKCS#8 in PEM, the two files. Must not know: what is signed. The public key is 32 bytes; its
file is one line of 64 hexadecimal digits, as devices keep it (`site_key` of their provision file).
"""

from __future__ import annotations

import os
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from edge.durable import write_new
from edge.key_text import is_open, key_of
from edge.words import tr

PUBLIC_SUFFIX = ".pub"
_FILE_SIZE_MAX = 10_000


class KeyFileError(Exception):
    """A key file cannot be made or used; the text names it, the fault and the remedy."""


class FileKey:
    """A private key of a file; it leaves this object as a signature only."""

    def __init__(self, path: Path) -> None:
        """Raises KeyFileError: not there, no such key, or readable by others."""
        self._key = _load_private(path)
        self.public = self._key.public_key().public_bytes_raw()

    def sign(self, message: bytes) -> bytes:
        """The signature of `message`, 64 bytes, the same every time."""
        return self._key.sign(message)


def make_key(path: Path) -> Path:
    """Make a pair: the private key in the new file `path` (mode 0600), the public one beside it; the latter's path.

    Neither file may be there already, but for a private key whose public half is missing: a run that was cut left it,
    and gets it now. Raises KeyFileError.
    """
    public = path.with_name(path.name + PUBLIC_SUFFIX)
    _refuse_taken(public)
    if not os.path.lexists(path):
        key = Ed25519PrivateKey.generate()
        _write(path, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), 0o600)
    elif not _is_private(path):
        raise _taken(path)
    write_public(public, FileKey(path).public)
    return public


def write_public(path: Path, public: bytes) -> None:
    """Make the new file `path` of a public key. Raises KeyFileError."""
    _refuse_taken(path)
    _write(path, f"{public.hex()}\n".encode(), 0o644)


def read_public(path: Path) -> bytes:
    """The public key in `path`. Raises KeyFileError."""
    key = key_of(_read(path).strip())
    if key is None:
        raise KeyFileError(
            tr(
                "{path} holds no public key: expected 64 hexadecimal digits; "
                "name the file ending in {suffix} that gate bundle key made",
                path=path,
                suffix=PUBLIC_SUFFIX,
            )
        )
    return key


def is_signed(message: bytes, signature: bytes, public: bytes) -> bool:
    """Whether `signature` is that of `public` over `message`; False too for what is no signature or no key."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def _load_private(path: Path) -> Ed25519PrivateKey:
    data = _read(path)
    if is_open(path.stat().st_mode):
        raise KeyFileError(
            tr("{path} can be read by others than its owner: whoever has it signs updates; chmod 600 it", path=path)
        )
    try:
        key = load_pem_private_key(data, None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyFileError(
            tr(
                "{path} holds no Ed25519 private key in PEM without password; name the file that gate bundle key made",
                path=path,
            )
        )
    return key


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_FILE_SIZE_MAX)
    except OSError as error:
        reason = os.strerror(error.errno or 0)
        raise KeyFileError(tr("{path} cannot be read: {reason}; check the name", path=path, reason=reason)) from None


def _is_private(path: Path) -> bool:
    """Whether it holds a private key that may be used."""
    try:
        _load_private(path)
    except KeyFileError:
        return False
    return True


def _refuse_taken(path: Path) -> None:
    if os.path.lexists(path):
        raise _taken(path)


def _taken(path: Path) -> KeyFileError:
    return KeyFileError(tr("{path} is there already; name a new file", path=path))


def _write(path: Path, data: bytes, mode: int) -> None:
    try:
        write_new(path, data, mode)
    except FileExistsError:
        raise _taken(path) from None
    except OSError as error:
        reason = os.strerror(error.errno or 0)
        raise KeyFileError(
            tr("{path} cannot be made: {reason}; name a file in a folder you may write to", path=path, reason=reason)
        ) from None
