"""What the tests of updates share: new firmware, bundles of it, boards with slots, a VM without a gate around it."""

import asyncio
import contextlib
import os
import pty
import random
import shutil
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from edge.update.board_layout import fresh_board
from edge.update.build import build
from edge.update.bundle import assemble, message_of
from edge.update.keys import FileKey
from edge.update.manifest import encode_manifest, read_manifest
from hil.bench.children import free_ports
from sim_devices.devices.field import LaneField
from sim_devices.devices.vm_node import NodeSpec, VmNode
from tests.e2e.gate_site import ROOT

NEW_VERSION = 3
KEY = bytes(range(32))


def changed_sources(
    folder: Path, edits: Mapping[str, tuple[str, str]] | None = None, *, version: int = NEW_VERSION, trial_ms: int = 500
) -> Path:
    """A copy of what is compiled that calls itself `version` and is on trial for `trial_ms`; `edits` are (old, new)."""
    for name in ("protocols", "firmware"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    quick = ("TRIAL_HEALTHY_MS = const(10000)", f"TRIAL_HEALTHY_MS = const({trial_ms})")
    versioned = ("FIRMWARE_VERSION = const(1)", f"FIRMWARE_VERSION = const({version})")
    all_edits = {"firmware/app/identity.py": versioned, "firmware/app/update.py": quick, **(edits or {})}
    for path, (old, new) in all_edits.items():
        text = (folder / path).read_text()
        assert text.count(old) == 1, f"{path} has not one {old}"
        (folder / path).write_text(text.replace(old, new))
    return folder


class NewFirmware:
    """The file set of a barrier on unix, from changed sources, and bundles of it."""

    def __init__(self, root: Path) -> None:
        self.manifest, self.contents = build("barrier", "unix", radio=False, root=root)

    def bundle(self, path: Path, key: Path, **head: Any) -> Path:
        """`path`, with what `head` says in its manifest, signed with `key`."""
        values, files = read_manifest(self.manifest)
        for name, value in head.items():
            setattr(values, name, value)
        manifest = encode_manifest(values, [(name, size, digest) for name, size, digest, _ in files])
        path.write_bytes(assemble(manifest, FileKey(key).sign(message_of(manifest)), self.contents))
        return path


def give_slots(board: Path, deploy_dir: Path) -> None:
    """The flash of a new barrier: `deploy_dir` has the compiled set."""
    folder = deploy_dir / "barrier-unix"
    found = (path for path in folder.rglob("*") if path.suffix in (".mpy", ".py"))
    files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}
    for path, data in fresh_board("barrier", "unix", False, files).items():
        (board / path).parent.mkdir(parents=True, exist_ok=True)
        (board / path).write_bytes(data)


@contextlib.asynccontextmanager
async def running_barrier(board: Path, deploy_dir: Path, site_key: bytes) -> AsyncIterator[tuple[VmNode, int]]:
    """A barrier with slots on the VM that drives its outputs, its field at rest; the node and its TCP port."""
    (port,) = free_ports(1)
    spec = NodeSpec("barrier", "barrier", 77, 1, 115_200, KEY, board / "tty", port)
    spec = replace(spec, site_key=site_key)
    field = LaneField(random.Random(1))
    master, slave = _make_line(spec.tty)
    node = VmNode(spec, field, deploy_dir / "barrier-unix", board, lambda: None)
    tasks = [asyncio.create_task(node.run()), asyncio.create_task(_pump(node, field))]
    try:
        async with asyncio.timeout(60):
            while not node.counters.frames:  # noqa: ASYNC110  # a counter tells nobody
                await asyncio.sleep(0.05)
        yield node, port
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        master.close()
        slave.close()


async def _pump(node: VmNode, field: LaneField) -> None:
    loop = asyncio.get_running_loop()
    started_s = loop.time()
    while True:
        field.advance_to(int((loop.time() - started_s) * 1e6))
        node.pump()
        await asyncio.sleep(0.01)


def _make_line(tty: Path) -> Any:
    master, slave = pty.openpty()
    tty.parent.mkdir(parents=True, exist_ok=True)
    tty.symlink_to(os.ttyname(slave))
    return os.fdopen(master, "rb", buffering=0), os.fdopen(slave, "rb", buffering=0)
