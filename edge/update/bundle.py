"""A bundle in a file: what it says of itself, its parts, and whether they are whole.

Knows: the layout (protocols/bundle.py), hashes. Must not know: keys, devices, how a file set is compiled.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from edge.update.manifest import describe, read_manifest
from edge.words import tr
from protocols.bundle import (
    FILE_MAX,
    FILES_MAX,
    HEAD_SIZE,
    MANIFEST_MAX,
    SIGNATURE_SIZE,
    BundleError,
    encode_head,
    parse_head,
    payload_offset,
    signature_offset,
    signed_message,
)

SUFFIX = ".gate"
SIZE_MAX = HEAD_SIZE + MANIFEST_MAX + SIGNATURE_SIZE + FILES_MAX * FILE_MAX
_PAD = b"\0"


class BundleFileError(Exception):
    """It is no bundle, or not a whole one; the text names it and says why."""


@dataclass(frozen=True, slots=True)
class Part:
    """One file of a bundle; `offset` is where in the bundle it begins."""

    path: str
    size: int
    sha256: str
    offset: int


@dataclass(frozen=True, slots=True)
class Bundle:
    """A whole bundle: every file has the SHA-256 that the manifest says. Versions are major * 256 + minor.

    Whose signature it is has not been looked at.
    """

    data: bytes
    role: str
    board: str
    radio: bool
    version: int
    abi: str
    map_version: int
    minimum: int
    parts: tuple[Part, ...]
    manifest: bytes

    @property
    def signature(self) -> bytes:
        """The 64 bytes of the signature."""
        at = signature_offset(len(self.manifest))
        return self.data[at : at + SIGNATURE_SIZE]

    @property
    def message(self) -> bytes:
        """What the signature is over."""
        return message_of(self.manifest)

    @property
    def ends(self) -> tuple[int, ...]:
        """Where each part ends, its pad included: head, manifest, signature, every file."""
        size = len(self.manifest)
        files = (part.offset + part.size + part.size % 2 for part in self.parts)
        return (HEAD_SIZE, signature_offset(size), payload_offset(size), *files)

    @property
    def sha256(self) -> str:
        """Of the whole file, which it is known by."""
        return hashlib.sha256(self.data).hexdigest()


def parse_version(text: str) -> int:
    """0x0102 for `1.2`. Raises ValueError with a sentence."""
    major, dot, minor = text.partition(".")
    numbers = [int(part) for part in (major, minor) if part.isascii() and part.isdigit()]
    if not dot or len(numbers) != 2 or max(numbers) > 255:
        raise ValueError(tr("version '{version}' is not MAJOR.MINOR, each 0 to 255, such as 1.2", version=text))
    return numbers[0] << 8 | numbers[1]


def message_of(manifest: bytes) -> bytes:
    """What a signature of `manifest` is over."""
    return signed_message(hashlib.sha256(manifest).digest())


def assemble(manifest: bytes, signature: bytes, contents: Mapping[str, bytes]) -> bytes:
    """The bytes of a bundle; `contents` are the files of `manifest` by path."""
    parts = [encode_head(len(manifest)), _padded(manifest), signature]
    return b"".join([*parts, *(_padded(contents[path]) for path, *_ in read_manifest(manifest)[1])])


def read_bundle(path: Path) -> Bundle:
    """The bundle in `path`. Raises BundleFileError."""
    try:
        with path.open("rb") as file:
            data = file.read(SIZE_MAX + 1)
    except OSError as error:
        reason = os.strerror(error.errno or 0)
        raise BundleFileError(tr("{path} cannot be read: {reason}", path=path, reason=reason)) from None
    try:
        return parse_bundle(data)
    except (BundleFileError, BundleError) as error:
        reason = describe(error) if isinstance(error, BundleError) else str(error)
        raise BundleFileError(
            tr("{path} is no whole bundle: {reason}; build or copy it anew", path=path, reason=reason)
        ) from None


def parse_bundle(data: bytes) -> Bundle:
    """The bundle `data`. Raises BundleError for its manifest, BundleFileError for the rest."""
    size = parse_head(data[:HEAD_SIZE])
    manifest = data[HEAD_SIZE : HEAD_SIZE + size]
    head, files = read_manifest(manifest)
    parts = [Part(path, size, digest, payload_offset(len(manifest)) + offset) for path, size, digest, offset in files]
    expected = payload_offset(size) + head.payload_size
    if len(data) != expected:
        raise BundleFileError(
            tr("it has {found} bytes, its manifest says {expected}", found=len(data), expected=expected)
        )
    _check_files(data, parts)
    return Bundle(
        data=data,
        role=head.role,
        board=head.board,
        radio=bool(head.radio),
        version=head.version,
        abi=head.abi,
        map_version=head.map,
        minimum=head.minimum,
        parts=tuple(parts),
        manifest=manifest,
    )


def _check_files(data: bytes, parts: list[Part]) -> None:
    for part in parts:
        content = data[part.offset : part.offset + part.size]
        if hashlib.sha256(content).hexdigest() != part.sha256:
            raise BundleFileError(tr("file {path} is not the one its manifest names", path=part.path))


def _padded(part: bytes) -> bytes:
    return part + _PAD if len(part) % 2 else part
