"""Sites for benches: a lane of two stubs for records and commands, and counting devices for telemetry.

Knows: the site file, the profile file, the farm's spec. Must not know: what is measured.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from protocols.registers import barrier, barrier_tags, weighbridge, weighbridge_tags

LANE = "L1"
BARRIER, WEIGHBRIDGE = "barrier", "weighbridge"
COUNT_POINT = "r0"  # register 0 of a counting device, which counts its reads
_SERIALS = {BARRIER: 2001, WEIGHBRIDGE: 2002}
_UNIT_IDS = {BARRIER: 246, WEIGHBRIDGE: 247}  # behind those of the counting devices
_MAPS = {BARRIER: barrier_tags, WEIGHBRIDGE: weighbridge_tags}
_STATES = {BARRIER: barrier.STATE_CLOSED, WEIGHBRIDGE: weighbridge.STATE_EMPTY}
_FACTS_MAX_AGE_MS = 10_000
_STUB_PERIOD_MS = 1000  # on a line that is full of others


def stub_specs(events_per_s: float) -> list[dict[str, Any]]:
    """The farm's two stubs, at rest, the barrier with events."""
    specs: list[dict[str, Any]] = []
    for name, serial in _SERIALS.items():
        state = next(tag.address for tag in _MAPS[name].TAGS if tag.name == "state")
        values = {str(state): _STATES[name]}
        specs.append({"name": name, "kind": name, "serial": serial, "unit_id": _UNIT_IDS[name], "values": values})
    specs[0]["events_per_s"] = events_per_s
    return specs


def head(name: str, data_dir: str, http_port: int, link_port: int, topic_root: str) -> str:
    """The tables of the site itself and of its one link."""
    return (
        f'[site]\nname = "{name}"\ndata_dir = "{data_dir}"\nhttp_port = {http_port}\n\n'
        f'[uplink]\ntopic_root = "{topic_root}"\n\n'
        f'[[link]]\nname = "link1"\nhost = "127.0.0.1"\nport = {link_port}\n'
    )


def lane_tables(folder: Path, ports: Sequence[int], *, period_ms: int) -> str:
    """The two stubs on TCP lines of their own, polled every `period_ms`, and their lane; their key goes to `folder`."""
    _write_key(folder)
    parts = [
        f'{_line(name, port)}\n[[device]]\nname = "{name}"\nline = "{name}"\nunit_id = {_UNIT_IDS[name]}\n'
        + _role_keys(name, period_ms)
        for name, port in zip(_SERIALS, ports, strict=True)
    ]
    return "\n".join([*parts, _lane()])


def line_site(folder: Path, specs: Sequence[dict[str, Any]], *, baud: int, period_ms: int, http_port: int) -> str:
    """All devices of a farm's spec on one serial line, folder/line, asked as often as `period_ms`; no uplink."""
    counting = [spec for spec in specs if spec["name"] not in _SERIALS]
    (folder / "counting.toml").write_text(_profile(counting[0]["size"], period_ms), encoding="utf-8")
    _write_key(folder)
    parts = [f'[site]\nname = "line"\ndata_dir = "data"\nhttp_port = {http_port}\n']
    parts.append(f'[[line]]\nname = "line"\nkind = "rtu"\nport = "line"\nbaud = {baud}\n')
    for spec in specs:
        parts.append(f'[[device]]\nname = "{spec["name"]}"\nline = "line"\nunit_id = {spec["unit_id"]}')
        if spec in counting:
            parts.append('profile = "counting.toml"\n')
        else:
            parts.append(_role_keys(spec["name"], _STUB_PERIOD_MS))
    return "\n".join([*parts, _lane()])


def counting_tables(folder: Path, ports: Sequence[int], unit_ids: Sequence[int], registers: int, period_ms: int) -> str:
    """Counting devices on TCP lines of their own; their one profile goes to `folder`."""
    (folder / "counting.toml").write_text(_profile(registers, period_ms), encoding="utf-8")
    return "\n".join(
        f'{_line(f"dev{number}", port)}\n[[device]]\nname = "dev{number}"\nline = "dev{number}"\nunit_id = {unit_id}\n'
        'profile = "counting.toml"\n'
        for number, (port, unit_id) in enumerate(zip(ports, unit_ids, strict=True))
    )


def _write_key(folder: Path) -> None:
    key = folder / "stub.key"
    key.touch(mode=0o600)
    key.write_text(secrets.token_hex(32), encoding="ascii")


def _role_keys(name: str, period_ms: int) -> str:
    return (
        f'map = "{name}"\nmap_version = {_MAPS[name].MAP_VERSION}\nserial = {_SERIALS[name]}\n'
        f'key_file = "stub.key"\nperiod_ms = {period_ms}\n'
    )


def _lane() -> str:
    return (
        f'[[lane]]\nname = "{LANE}"\nbarrier = "{BARRIER}"\nweighbridge = "{WEIGHBRIDGE}"\nmax_gross_kg = 48000\n'
        f"facts_max_age_ms = {_FACTS_MAX_AGE_MS}\n"
    )


def _line(name: str, port: int) -> str:
    return f'[[line]]\nname = "{name}"\nkind = "tcp"\nhost = "127.0.0.1"\nport = {port}\n'


def _profile(registers: int, period_ms: int) -> str:
    parts = [f'[profile]\nname = "counting"\nperiod_ms = {period_ms}\n']
    parts += [
        f'[[point]]\nname = "r{address}"\ntable = "input_register"\naddress = {address}\ntype = "uint16"\n'
        for address in range(registers)
    ]
    return "\n".join(parts)
