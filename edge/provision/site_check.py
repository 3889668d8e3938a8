"""What the book of boards says against a site file: keys that were revoked, provisionings that were cut.

Knows: the book, key files, the checker's problems. Must not know: what the hub does with a site.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from edge.config_rules import Check
from edge.config_table import show
from edge.provision.book import BookError, read_book
from edge.provision.device_key import DeviceKey
from edge.provision.key_store import PENDING_SUFFIX
from edge.words import tr


def check_boards(check: Check, folder: Path, keys: Mapping[str, bytes]) -> None:
    """A key that was revoked is never taken again, unless the run that was to replace it was cut."""
    for index, device in enumerate(check.tables["device"]):
        name = device.get("key_file")
        if name is None or name not in keys:
            continue
        at = ("device", index, "key_file")
        again = tr("run gate provision or gate swap for {device} again", device=device.get("name", ""))
        if (folder / f"{name}{PENDING_SUFFIX}").exists():
            what = tr("a new key waits beside key_file {name}: a provisioning was cut", name=show(name))
            check.warn(at, what, tr("expected one key for hub and board"), again)
        elif DeviceKey(keys[name]).fingerprint in _revoked(check, folder):
            what = tr("key_file {name} holds a key that was revoked", name=show(name))
            check.error(at, what, tr("expected the key of the board that is there now"), again)


def _revoked(check: Check, folder: Path) -> Mapping[str, object]:
    data_dir = check.tables["site"][0].get("data_dir") if check.tables["site"] else None
    try:
        return read_book(folder / data_dir).revoked if data_dir else {}
    except BookError:
        return {}  # said by the hub's own watch, which goes on without
