"""A site on disk and boards that are folders, whose Python runs on the real VM; the power can go at any change."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

from edge.boards.files import BoardError
from edge.config import SiteConfig
from edge.config_load import load_site
from edge.provision.key_store import KeyFile
from edge.provision.steps import Place
from sim_devices.micropython import VM

SITE = """[site]
name = "north"
data_dir = "data"
update_key_file = "update.pub"
[[line]]
name = "bus"
kind = "rtu"
port = "bus"
baud = 19200
[[device]]
name = "boom"
line = "bus"
unit_id = 1
map = "barrier"
map_version = {map_version}
serial = 1001
key_file = "keys/boom.key"
wiring = "vm"
[[device]]
name = "boom2"
line = "bus"
unit_id = 3
map = "barrier"
map_version = {map_version}
serial = 1003
key_file = "keys/boom2.key"
[[device]]
name = "scale"
line = "bus"
unit_id = 2
map = "weighbridge"
map_version = {map_version}
serial = 1002
key_file = "keys/scale.key"
line_protocol = "converter"
[[lane]]
name = "L1"
barrier = "boom"
weighbridge = "scale"
camera = "cam1"
max_gross_kg = 48000
"""
UPDATE_KEY = "5a" * 32


class Cut(BaseException):
    """The power goes, or somebody ends the tool."""


class FolderBoard:
    """A board whose flash is `folder`. `on_change` is called before each change of it, with its name, and after."""

    def __init__(self, folder: Path, chip: str = "", on_change: Callable[[str], None] = lambda name: None) -> None:
        self.where = str(folder)
        self.folder = folder
        self.resets = 0
        self._chip = chip
        self._on_change = on_change

    def read(self, path: str) -> bytes | None:
        try:
            return (self.folder / path).read_bytes()
        except FileNotFoundError:
            return None

    def replace(self, path: str, data: bytes) -> None:
        self._on_change(f"write {path}")
        (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / f"{path}.new").write_bytes(data)
        os.replace(self.folder / f"{path}.new", self.folder / path)
        self._on_change(f"wrote {path}")

    def remove(self, path: str) -> None:
        self._on_change(f"remove {path}")
        (self.folder / path).unlink(missing_ok=True)
        self._on_change(f"removed {path}")

    def names(self, folder: str) -> list[str]:
        place = self.folder / folder
        return sorted(path.name + "/" * path.is_dir() for path in place.iterdir()) if place.is_dir() else []

    def unique_id(self) -> str:
        return self._chip

    def run(self, code: str) -> str:
        done = subprocess.run(
            [VM, "-c", code], cwd=self.folder, capture_output=True, text=True, timeout=20, check=False
        )
        if done.returncode:
            raise BoardError((done.stdout + done.stderr).strip().splitlines()[-1])
        return done.stdout

    def release(self) -> bool:
        return True

    def reset(self) -> None:
        self.resets += 1

    def close(self) -> None:
        pass


def make_site(folder: Path, map_version: int) -> Path:
    """A site file with its public key of updates."""
    (folder / "site.toml").write_text(SITE.format(map_version=map_version))
    (folder / "update.pub").write_text(UPDATE_KEY + "\n")
    return folder / "site.toml"


def site_at(path: Path) -> SiteConfig:
    """The site, as the commands load it."""
    result = load_site(path, only_reads=True)
    assert result.config is not None, result.messages
    return result.config


def place_at(path: Path, name: str) -> Place:
    """A device of the site."""
    site = site_at(path)
    device = site.device(name)
    assert device.key_file is not None
    return Place(site, device, KeyFile(device.key_file))
