"""The site file as the rig needs it: what to simulate and where. The hub has checked the file before.

Knows: the tables of the site file and [simulation]. Must not know: how anything is simulated.
"""

from __future__ import annotations

import secrets
import tomllib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from sim_devices.devices.vm_node import NodeSpec
from sim_devices.traffic import TrafficMix
from sim_devices.world import LaneSpec, LineSpec

_KEY_SIZE = 32
_BROKER_HOSTS = ("127.0.0.1", "localhost")
_SEED_MAX = 2**63 - 1
_PORT_MAX = 65_535


class SiteError(Exception):
    """The site cannot be run; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class RigSite:
    """A site with paths resolved. `traffic` and `seed` come from [simulation]; so does `modbus_tcp_port`, on which the
    first device also serves Modbus TCP, the next ones on the ports after it."""

    path: Path
    name: str
    data_dir: Path
    http_port: int
    broker_host: str
    broker_port: int
    topic_root: str
    sparkplug: str  # group/node
    lines: tuple[LineSpec, ...]
    lanes: tuple[LaneSpec, ...]
    traffic: TrafficMix
    seed: int


def read_tables(path: Path) -> dict[str, Any]:
    """The tables of a site file, unchecked; raises SiteError when it is no TOML file."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SiteError(f"{path}: cannot be read ({error.strerror}); name a site file") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SiteError(f"{path}: not a TOML file ({error}); mend the line it names") from error


def refuse_real_ports(path: Path, tables: dict[str, Any]) -> None:
    """Raise SiteError if the port of a line is something a pty must not replace, before anything is made."""
    for line in _items(tables, "line"):
        name = line.get("port")
        if not isinstance(name, str):
            continue
        port = (path.parent / name).absolute()
        # A run that was killed leaves a symlink behind: to nothing, or to a pty that has a new owner by now.
        is_free = not port.exists() or port.resolve().is_relative_to("/dev/pts")
        if not is_free or port.is_relative_to("/dev"):
            raise SiteError(
                f"{path}: port {name} of a line is a real port or file, which a pty would replace; "
                "name a path that does not exist, or run the hub alone with gate hub"
            )


def make_missing_keys(tables: dict[str, Any], folder: Path) -> None:
    """Give every simulated device that has no command key yet a new random one."""
    for device in _items(tables, "device"):
        name = device.get("key_file")
        if not isinstance(name, str) or (folder / name).exists():
            continue
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(secrets.token_hex(_KEY_SIZE) + "\n", encoding="ascii")


def build_site(path: Path, tables: dict[str, Any], seed: int | None) -> RigSite:
    """The site to run, from tables the hub's check has passed; raises SiteError for what the rig cannot simulate."""
    folder = path.parent
    site, uplink, simulation = tables["site"], tables.get("uplink"), _simulation(path, tables)
    if uplink is None or not site.get("http_port"):
        raise SiteError(f"{path}: a simulated site needs [uplink] and a site.http_port; add them")
    link = _link(path, tables)
    if not _items(tables, "lane"):
        raise SiteError(f"{path}: a simulated site needs at least one [[lane]]; add it")
    lines = {line["name"]: _line(path, line) for line in _items(tables, "line")}
    devices = {device["name"]: device for device in _items(tables, "device")}
    _refuse_profiles(path, devices)
    own_seed = _whole(path, simulation, "seed", 1, _SEED_MAX)
    first_port = _whole(path, simulation, "modbus_tcp_port", 0, _PORT_MAX - len(devices))
    ports = {name: first_port + n if first_port else 0 for n, name in enumerate(devices)}
    site_key = _site_key(tables, folder)
    nodes = {name: _node(device, lines, folder, ports[name], site_key) for name, device in devices.items()}
    lanes = tuple(_lane(lane, nodes, devices) for lane in _items(tables, "lane"))
    return RigSite(
        path=path,
        name=site["name"],
        data_dir=(folder / site["data_dir"]).resolve(),
        http_port=site["http_port"],
        broker_host=link["host"],
        broker_port=link.get("port", 1883),
        topic_root=uplink.get("topic_root", f"gate/{site['name']}"),
        sparkplug=f"{uplink.get('sparkplug_group', 'gate')}/{uplink.get('sparkplug_node', site['name'])}",
        lines=tuple(lines.values()),
        lanes=lanes,
        traffic=_traffic(path, simulation, tables),
        seed=own_seed if seed is None else seed,
    )


def _link(path: Path, tables: dict[str, Any]) -> dict[str, Any]:
    """The one link of the site: the rig starts one broker, without TLS."""
    links = _items(tables, "link")
    if len(links) != 1 or "ca_file" in links[0]:
        raise SiteError(
            f"{path}: a simulated site needs one [[link]] without ca_file, as the rig starts one plain broker; "
            "leave the rest out, or run the hub alone with gate hub"
        )
    if links[0]["host"] not in _BROKER_HOSTS:
        raise SiteError(
            f"{path}: link.host is '{links[0]['host']}', where simulated trucks must never be told of; "
            f"name {_BROKER_HOSTS[0]}, or run the hub alone with gate hub"
        )
    return links[0]


def _simulation(path: Path, tables: dict[str, Any]) -> dict[str, Any]:
    """A copy of [simulation], which the hub's check has not looked at."""
    simulation = tables.get("simulation", {})
    if not isinstance(simulation, dict):
        raise SiteError(f"{path}: simulation is {simulation!r}; write it as a table [simulation]")
    return dict(simulation)


def _whole(path: Path, simulation: dict[str, Any], key: str, default: int, high: int) -> int:
    """Take a whole number out of [simulation]."""
    value = simulation.pop(key, default)
    if type(value) is int and 0 <= value <= high:
        return value
    raise SiteError(f"{path}: [simulation] {key} is {value!r}; a whole number from 0 to {high} is expected")


def _items(tables: dict[str, Any], name: str) -> list[dict[str, Any]]:
    value = tables.get(name, [])
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _line(path: Path, line: dict[str, Any]) -> LineSpec:
    if line["kind"] != "rtu":
        raise SiteError(
            f"{path}: line '{line['name']}' is {line['kind']}; only rtu lines can be simulated, change its kind"
        )
    return LineSpec(line["name"], (path.parent / line["port"]).absolute(), line["baud"])


def _lane(lane: dict[str, Any], nodes: dict[str, NodeSpec], devices: dict[str, dict[str, Any]]) -> LaneSpec:
    barrier, weighbridge = lane["barrier"], lane["weighbridge"]
    return LaneSpec(
        name=lane["name"],
        camera=lane.get("camera", ""),
        barrier=nodes[barrier],
        barrier_line=devices[barrier]["line"],
        weighbridge=nodes[weighbridge],
        weighbridge_line=devices[weighbridge]["line"],
    )


def _refuse_profiles(path: Path, devices: dict[str, dict[str, Any]]) -> None:
    for name, device in devices.items():
        if "profile" in device:
            raise SiteError(
                f"{path}: device '{name}' has a profile; only devices with a map can be simulated, leave it out or run "
                "the hub alone with gate hub"
            )


def _site_key(tables: dict[str, Any], folder: Path) -> bytes:
    """The public key of updates that devices are given; the hub's check has said what is wrong with its file."""
    name = tables["site"].get("update_key_file")
    if name is None or not (folder / name).is_file():
        return b""
    return bytes.fromhex((folder / name).read_text(encoding="ascii").strip())


def _node(device: dict[str, Any], lines: dict[str, LineSpec], folder: Path, tcp_port: int, site_key: bytes) -> NodeSpec:
    line = lines[device["line"]]
    return NodeSpec(
        name=device["name"],
        role=device["map"],
        serial=device["serial"],
        unit_id=device["unit_id"],
        baud=line.baud,
        key=bytes.fromhex((folder / device["key_file"]).read_text(encoding="ascii").strip()),
        tty=line.tty_of(device["name"]),
        tcp_port=tcp_port,
        site_key=site_key,
    )


def _traffic(path: Path, simulation: dict[str, Any], tables: dict[str, Any]) -> TrafficMix:
    known = {field.name for field in fields(TrafficMix)}
    unknown = sorted(set(simulation) - known)
    if unknown:
        raise SiteError(
            f"{path}: [simulation] knows no '{unknown[0]}'; expected seed, modbus_tcp_port, {', '.join(sorted(known))}"
        )
    limits = [lane["max_gross_kg"] for lane in _items(tables, "lane")]
    try:
        return TrafficMix(**{"max_gross_kg": float(min(limits)), **simulation})
    except ValueError as error:
        raise SiteError(f"{path}: [simulation] {error}") from error
