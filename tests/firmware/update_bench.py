"""Signed bundles of invented file sets, boards with slots to take them, and a hub that follows `update_want`."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from edge.update.manifest import encode_manifest
from firmware.boards import slots
from protocols import bundle
from protocols.registers import barrier as regs

SITE_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC_KEY = SITE_KEY.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
MPY = 6 | 3 << 8  # an interpreter without machine code, .mpy version 6.3
NOTHING = 0xFFFFFFFF
DATA_SIZE = 236


def a_manifest(files: Mapping[str, bytes], version: int = 1, **changes: object) -> bytes:
    head = bundle.Manifest()
    values = {
        "role": "barrier",
        "board": "host",
        "radio": 0,
        "version": version,
        "abi": "6.0",
        "map": regs.MAP_VERSION,
        "minimum": 1,
    }
    for name, value in {**values, **changes}.items():
        setattr(head, name, value)
    return encode_manifest(head, [(path, len(data), hashlib.sha256(data).hexdigest()) for path, data in files.items()])


def a_bundle(files: Mapping[str, bytes], manifest: bytes, key: Ed25519PrivateKey = SITE_KEY) -> bytes:
    signature = key.sign(bundle.signed_message(hashlib.sha256(manifest).digest()))
    parts = [bundle.encode_head(len(manifest)), manifest, signature, *(data for _, data in sorted(files.items()))]
    return b"".join(part + b"\0" * (len(part) & 1) for part in parts)


def put_slot(root: Path, slot: str, files: Mapping[str, bytes], manifest: bytes) -> str:
    """A whole slot; returns the SHA-256 of its manifest."""
    for path, data in {**files, "manifest.txt": manifest}.items():
        (root / slot / path).parent.mkdir(parents=True, exist_ok=True)
        (root / slot / path).write_bytes(data)
    return hashlib.sha256(manifest).hexdigest()


def new_board(root: Path, files: Mapping[str, bytes]) -> None:
    """Slot a, confirmed."""
    digest = put_slot(root, "a", files, a_manifest(files))
    assert slots.write_pointer(str(root), slots.Pointer("a", slots.CONFIRMED, digest, ""))


class Hub:
    """Speaks to a device through `read(address, count)`, `request(pdu)`, `command(opcode, target, argument)` and
    `run(duration_us)` of a bench; `sent` is how many bytes of a bundle it has sent.
    """

    def __init__(self, bench: object) -> None:
        self.bench = bench
        self.sent = 0
        self.read: Callable[..., list[int]] = bench.read  # type: ignore[attr-defined]

    def status(self) -> tuple[int, int]:
        """State and reason."""
        state, reason = self.read(regs.AT_UPDATE_STATE, 2)
        return state, reason

    def write(self, offset: int, data: bytes) -> int:
        """One write to the window; 0 or the exception code."""
        payload = offset.to_bytes(4, "big") + data
        head = regs.UPDATE_WINDOW_ADDRESS.to_bytes(2, "big") + (len(payload) // 2).to_bytes(2, "big")
        answer = self.bench.request(bytes([16]) + head + bytes([len(payload)]) + payload)  # type: ignore[attr-defined]
        return 0 if answer[0] == 16 else answer[1]

    def push(self, data: bytes, most: int = 1 << 30) -> tuple[int, int]:
        """Begin, and send what is wanted until nothing is wanted any more; returns state and reason."""
        assert self.bench.command(regs.OP_UPDATE_BEGIN, 0, len(data)) == regs.COMMAND_RESULT_ACCEPTED  # type: ignore[attr-defined]
        return self.go_on(data, most)

    def go_on(self, data: bytes, most: int = 1 << 30) -> tuple[int, int]:
        for _ in range(20_000):
            high, low = self.read(regs.AT_UPDATE_WANT, 2)
            want = high << 16 | low
            state = self.status()
            under_way = (regs.UPDATE_STATE_READY, regs.UPDATE_STATE_FAILED, regs.UPDATE_STATE_IDLE)
            if state[0] in under_way or self.sent >= most:
                return state
            if want == NOTHING:
                self.bench.run(20_000)  # type: ignore[attr-defined]
                continue
            part = data[want : want + DATA_SIZE]
            if not self.write(want, part):
                self.sent += len(part)
        raise AssertionError("the update never ended")
