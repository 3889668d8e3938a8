"""The rig's firmware as it lies on a board, and its hash as the board itself takes it.

Knows: the deployed set. Must not know: boards, ports.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from hil.targets.target import TargetError
from protocols.rig.messages import HASH_SIZE
from tools.deploy import RIG, RIG_BOARD, ROOT, DeployError, deploy


def rig_files(out: Path) -> dict[str, bytes]:
    """Everything a technician copies onto a rig board, compiled below `out`; raises TargetError."""
    try:
        file_set = deploy(ROOT, RIG, RIG_BOARD, out)
    except DeployError as error:
        raise TargetError(str(error)) from error
    return {file.path: (file_set.folder / file.path).read_bytes() for file in file_set.files}


def firmware_hash(files: Mapping[str, bytes]) -> bytes:
    """What a board with exactly these files answers to HELLO."""
    digest = hashlib.sha256()
    for path in sorted(files):
        digest.update(path.encode())
        digest.update(hashlib.sha256(files[path]).digest())
    return digest.digest()[:HASH_SIZE]
