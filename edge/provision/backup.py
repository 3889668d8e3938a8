"""What the hub keeps of each device for the day its board breaks: settings, map, identity, calibration, one file each.

Knows: the form of that file, and when it is written. Must not know: Modbus, boards. A file is replaced whole; the one
of the board before stays beside it (`NAME.before.json`), so a replacement that came up with defaults costs nothing.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge.config import DeviceConfig
from edge.durable import make_folder, write_whole
from edge.southbound.settings_copy import SettingsCopy
from edge.words import tr

FOLDER = "backups"
FORMAT = 1
RETRY_S = 30.0
_SIZE_MAX = 100_000
_log = logging.getLogger(__name__)


class BackupError(Exception):
    """There is no backup that could be used; one sentence."""


@dataclass(frozen=True, slots=True)
class Backup:
    """One device as it was at `time_ms`. `digest` is the SHA-256 of `content`, which is plain JSON."""

    time_ms: int
    digest: str
    content: Mapping[str, Any]

    @property
    def settings(self) -> dict[str, int]:
        """By the names of the map."""
        return dict(self.content["settings"])


def path_of(data_dir: Path, device: str) -> Path:
    """Where the backup of a device lies."""
    return data_dir / FOLDER / f"{device}.json"


def make_content(device: DeviceConfig, copy: SettingsCopy) -> dict[str, Any]:
    """What is kept of a device."""
    return {
        "format": FORMAT,
        "device": device.name,
        "map": device.map,
        "map_version": device.map_version,
        "serial": device.serial,
        "unit_id": device.unit_id,
        "line": device.line,
        "key_id": copy.key_id,
        "firmware_version": copy.firmware_version,
        "boot_count": copy.boot_count,
        "settings_generation": copy.generation,
        "calibration_count": copy.calibration_count,
        "settings": dict(sorted(copy.values.items())),
    }


def read_backup(path: Path, device: str) -> Backup:
    """The backup at `path`. Raises BackupError."""
    try:
        with path.open("rb") as file:
            fields = json.loads(file.read(_SIZE_MAX))
        backup = Backup(int(fields["time_ms"]), str(fields["sha256"]), dict(fields["content"]))
        is_sound = backup.digest == _digest(backup.content) and backup.content["format"] == FORMAT
        if is_sound and backup.content["device"] == device and isinstance(backup.content["settings"], dict):
            return backup
    except FileNotFoundError:
        raise BackupError(
            tr("there is no backup of {device}: the hub makes one once it has read the device", device=device)
        ) from None
    except OSError as error:
        why = os.strerror(error.errno or 0)
        raise BackupError(tr("{path} cannot be read ({why}): check its owner", path=path, why=why)) from None
    except (ValueError, KeyError, TypeError, RecursionError):
        pass
    raise BackupError(
        tr("{path} is damaged: its content is not what its hash says; move it away, the hub makes a new one", path=path)
    )


class BackupKeeper:
    """Writes what the lines hand it, newest first of each device; `run` must be a task of the hub's group."""

    def __init__(self, data_dir: Path, record: Callable[[str, str, Mapping[str, Any]], None]) -> None:
        """`record(kind, device, data)` journals."""
        self._data_dir = data_dir
        self._record = record
        self._waiting: dict[str, dict[str, Any]] = {}
        self._wake = asyncio.Event()
        self.reason = ""  # why backups cannot be written, "" while they can
        self.written = 0

    def take(self, device: DeviceConfig, copy: SettingsCopy) -> None:
        """Have a copy written soon."""
        self._waiting[device.name] = make_content(device, copy)
        self._wake.set()

    async def run(self) -> None:
        """Write until cancelled; what a disk refuses is tried again."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting:
                name, content = next(iter(self._waiting.items()))
                if not await self._write(name, content):
                    await asyncio.sleep(RETRY_S)
                elif self._waiting[name] is content:
                    del self._waiting[name]

    def status(self) -> dict[str, Any]:
        """For GET /status."""
        return {"written": self.written, "waiting": len(self._waiting), "reason": self.reason}

    async def _write(self, name: str, content: dict[str, Any]) -> bool:
        try:
            before = await asyncio.to_thread(self._replace, name, content)
        except OSError as error:
            self._tell(f"backup of {name} cannot be written ({os.strerror(error.errno or 0)}): check disk and rights")
            return False
        self._tell("")
        self.written += 1
        if before is not None and before.content["key_id"] != content["key_id"]:
            self._record("board_seen", name, _change(before, content))
        return True

    def _replace(self, name: str, content: dict[str, Any]) -> Backup | None:
        """Write the file; the backup before it."""
        path = path_of(self._data_dir, name)
        make_folder(path.parent)
        try:
            before = read_backup(path, name)
        except BackupError:
            before = None
        if before is not None and before.content["key_id"] != content["key_id"]:
            write_whole(path.with_suffix(".before.json"), path.read_bytes())
        fields = {"time_ms": time.time_ns() // 1_000_000, "sha256": _digest(content), "content": content}
        write_whole(path, json.dumps(fields, indent=1).encode() + b"\n")
        return before

    def _tell(self, reason: str) -> None:
        if reason and not self.reason:
            _log.error("%s", reason)
            self._record("attention", "", {"reason": "backup_failed", "detail": reason})
        self.reason = reason


def _change(before: Backup, content: Mapping[str, Any]) -> dict[str, Any]:
    """A board with another key is in the place: whether its settings are those of the one before."""
    old, new = before.settings, content["settings"]
    different = sorted(name for name in {*old, *new} if old.get(name) != new.get(name))
    return {
        "key_id": content["key_id"],
        "key_id_before": before.content["key_id"],
        "same_settings": not different,
        "different": different,
    }


def _digest(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
