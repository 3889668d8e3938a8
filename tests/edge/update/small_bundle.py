"""A bundle of two small files, for tests that look at bundles and compile none."""

import hashlib

from edge.update.bundle import assemble
from edge.update.manifest import encode_manifest
from protocols.bundle import Manifest

CONTENTS = {"a.mpy": b"M\x06\x00\x1f" + b"a" * 5, "b/c.mpy": b"M\x06\x00\x1f"}


def make_small(signature: bytes = bytes(64), **head: object) -> bytes:
    """For a barrier on unix, version 1.2, unless `head` says otherwise."""
    manifest = Manifest()
    values = {"role": "barrier", "board": "unix", "radio": 0, "version": 258, "abi": "6.0", "map": 3, "minimum": 1}
    for name, value in (values | head).items():
        setattr(manifest, name, value)
    files = [(path, len(data), hashlib.sha256(data).hexdigest()) for path, data in CONTENTS.items()]
    return assemble(encode_manifest(manifest, files), signature, CONTENTS)
