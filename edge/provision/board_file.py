"""`provision.txt`, the file that says who a board is: its text, and what stands in one.

Knows: the keys that are the site's to say. Must not know: boards, the key store. What else a board's file says (its
watchdog, its Wi-Fi) stays as it is there. `firmware/boards/provision.py` reads it.
"""

from __future__ import annotations

from collections.abc import Mapping

from edge.config import KIND_RTU, DeviceConfig, LineConfig, SiteConfig
from edge.key_text import key_of
from edge.provision.device_key import DeviceKey

_BAUD_WITHOUT_A_LINE = 19200  # of a device that the hub reaches over TCP: its RS-485 connector stays usable
# Keys the site file decides; one that it does not give is not on the board either.
_OF_THE_SITE = ("role", "serial", "unit_id", "baud", "wiring", "line_protocol", "line_baud", "key", "site_key")


def board_text(site: SiteConfig, device: DeviceConfig, key: DeviceKey, kept: Mapping[str, str]) -> bytes:
    """The whole file for the board of `device`; of `kept` what is not the site's to say."""
    line = next(line for line in site.lines if line.name == device.line)
    says = {
        "role": device.map,
        "serial": device.serial,
        "unit_id": device.unit_id,
        "baud": baud_of(line),
        "wiring": device.wiring,
        "line_protocol": device.line_protocol,
        "line_baud": device.line_baud or "",
        "key": key.secret.hex(),
        "site_key": site.update_key.hex(),
    }
    lines = [f"{name}={value}\n" for name, value in says.items() if value != ""]
    lines += own_text(kept).decode().splitlines(keepends=True)
    return f"# {device.name} of site {site.name}; key is a secret\n".encode() + "".join(lines).encode()


def own_text(kept: Mapping[str, str]) -> bytes:
    """A file with what of `kept` is the board's own, and no identity: with it a board stays in maintenance."""
    own = {name: value for name, value in kept.items() if name not in _OF_THE_SITE}
    return "".join(f"{name}={value}\n" for name, value in own.items()).encode()


def baud_of(line: LineConfig) -> int:
    """The speed of the board's RS-485 line."""
    return line.baud if line.kind == KIND_RTU else _BAUD_WITHOUT_A_LINE


def key_in(says: Mapping[str, str]) -> DeviceKey | None:
    """The key of a file, None where there is none."""
    key = key_of(says.get("key", "").encode())
    return None if key is None else DeviceKey(key)
