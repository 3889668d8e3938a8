"""What the tool asks of the hub about updates, as a JSON object: begin one, stop it, or tell how it is.

Knows: the forms, both ways. Must not know: sockets, what the hub does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

BEGIN, STOP, STATUS = "begin", "stop", "status"
QUEUED, LANE = "queued", "lane"  # phases of a device before the first of edge/update/steps.py
_DEVICES_MAX = 1000
_PATH_SIZE_MAX = 4096


@dataclass(frozen=True, slots=True)
class BeginRequest:
    """`devices` none: all of the bundle's role. `allow_older` is the version that may be older than what runs."""

    path: str
    devices: tuple[str, ...] = ()
    allow_older: int | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class UpdateRequest:
    """`what` is one of the words above; `begin` is there for BEGIN."""

    what: str
    begin: BeginRequest | None = None

    def encode(self) -> dict[str, Any]:
        """As a JSON object."""
        return {"what": self.what} | (asdict(self.begin) if self.begin else {})


def decode_request(fields: Any) -> UpdateRequest | None:
    """The request, None for what is none."""
    if not isinstance(fields, Mapping) or fields.get("what") not in (BEGIN, STOP, STATUS):
        return None
    if fields["what"] != BEGIN:
        return UpdateRequest(fields["what"])
    path, devices, older, reason = (fields.get(name) for name in ("path", "devices", "allow_older", "reason"))
    is_list = isinstance(devices, list) and len(devices) <= _DEVICES_MAX
    if not is_list or not all(isinstance(name, str) for name in devices or ()):
        return None
    if not isinstance(path, str) or not 0 < len(path) <= _PATH_SIZE_MAX or "\0" in path:
        return None
    is_version = older is None or (type(older) is int and 0 <= older <= 0xFFFF)
    if not is_version or not isinstance(reason, str):
        return None
    return UpdateRequest(BEGIN, BeginRequest(path, tuple(devices or ()), older, reason))
