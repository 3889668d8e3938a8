"""Reading a site file: bytes to a checked `SiteConfig`, or to every problem at once.

Knows: the order of the checks and the files a site file points at. Must not know: what the hub does with the site.
"""

from __future__ import annotations

import os
from dataclasses import MISSING, dataclass, fields, replace
from pathlib import Path

from edge.config import (
    KIND_RTU,
    MODBUS_PORT,
    MODBUS_TLS_PORT,
    DeviceConfig,
    JournalConfig,
    LaneConfig,
    LineConfig,
    LinkConfig,
    SiteConfig,
    UplinkConfig,
)
from edge.config_certificates import check_certificates
from edge.config_file import read_document
from edge.config_references import check_references
from edge.config_rules import SITE_PAGE, Check, Problem, Table, check_tables
from edge.config_table import show
from edge.key_text import KEY_SIZE, is_open, key_of, read_digits
from edge.lane.settings import LaneSettings
from edge.profile import Profile
from edge.profile_load import load_profile
from edge.provision.site_check import check_boards
from edge.southbound.camera import normalise_plate
from edge.words import tr
from protocols.registers import barrier_tags, charging_post_tags, rfid_tags, weighbridge_tags

_UPLINK_PLAIN = [item.name for item in fields(UplinkConfig) if item.default is not MISSING]  # as the file has them
MQTT_PORT, MQTT_TLS_PORT = 1883, 8883  # as IANA has them
MAP_VERSIONS: dict[str, tuple[int, ...]] = {
    tags.NAME: (tags.MAP_VERSION,) for tags in (barrier_tags, weighbridge_tags, rfid_tags, charging_post_tags)
}


@dataclass(frozen=True, slots=True)
class LoadResult:
    """`config` is None when there is an error. `messages` are whole sentences with file and line, in file order."""

    config: SiteConfig | None
    messages: tuple[str, ...]
    error_count: int


def load_site(path: Path, *, only_reads: bool = False) -> LoadResult:
    """Read and check the site file at `path`; never raises for anything a file can contain.

    Whoever `only_reads` what the hub has written may do so on a disk that cannot be written, and without the right to
    read secrets: keys are empty then, and neither they nor certificates are looked at.
    """
    document, lines, problem = read_document(path, tr("expected [site], [[line]] and [[device]]"), SITE_PAGE)
    if problem is not None:
        return _result(None, [problem], path)
    check = Check(document, lines, MAP_VERSIONS)
    check_tables(check)
    check_references(check)
    keys = {} if only_reads else _check_key_files(check, path.parent)
    update_key = _check_update_key(check, path.parent)
    profiles = _check_profiles(check, path.parent)
    if not only_reads:
        check_boards(check, path.parent, keys)
        check_certificates(check, path.parent)
    _check_data_dir(check, path.parent, os.R_OK if only_reads else os.W_OK)
    has_error = any(not problem.is_warning for problem in check.problems)
    return _result(None if has_error else _build(check, path, keys, profiles, update_key), check.problems, path)


def _result(config: SiteConfig | None, problems: list[Problem], path: Path) -> LoadResult:
    ordered = sorted(problems, key=lambda problem: (problem.file, problem.line))
    errors = sum(not problem.is_warning for problem in problems)
    return LoadResult(config, tuple(problem.sentence(str(path)) for problem in ordered), errors)


def _check_key_files(check: Check, folder: Path) -> dict[str, bytes]:
    """Keys by key_file; each problem stands at the key_file line of its device."""
    keys: dict[str, bytes] = {}
    for index, device in enumerate(check.tables["device"]):
        name = device.get("key_file")
        if name is None:
            continue
        at = ("device", index, "key_file")
        make = tr("restore it or provision the device again; gate run makes the keys a simulated site lacks")
        try:
            digits, mode = read_digits(folder / name)
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            check.error(
                at,
                tr("key_file {name} cannot be read: {reason}", name=show(name), reason=reason),
                tr("expected 64 hexadecimal digits"),
                make,
            )
            continue
        key = key_of(digits)
        if key is None:
            what = tr("key_file {name} does not hold a key ({count} characters)", name=show(name), count=len(digits))
            check.error(
                at,
                what,
                tr("expected {digits} hexadecimal digits ({key_size} bytes)", digits=2 * KEY_SIZE, key_size=KEY_SIZE),
                make,
            )
            continue
        if is_open(mode):
            what = tr("key_file {name} is open to other users (mode {mode:03o})", name=show(name), mode=mode)
            check.warn(at, what, tr("expected mode 600"), tr("run chmod 600 {name}", name=name))
        keys[name] = key
    return keys


def _check_update_key(check: Check, folder: Path) -> bytes:
    """The public key of updates; what the hub itself does needs none, so a fault is a warning."""
    name = check.tables["site"][0].get("update_key_file") if check.tables["site"] else None
    if name is None:
        return b""
    at, make = ("site", 0, "update_key_file"), tr("restore it, or make a pair of keys with gate bundle key")
    expected = tr("expected {digits} hexadecimal digits", digits=2 * KEY_SIZE)
    try:
        digits, _ = read_digits(folder / name)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        check.warn(
            at, tr("update_key_file {name} cannot be read: {reason}", name=show(name), reason=reason), expected, make
        )
        return b""
    key = key_of(digits)
    if key is None:
        check.warn(
            at,
            tr("update_key_file {name} does not hold a key ({count} characters)", name=show(name), count=len(digits)),
            expected,
            make,
        )
        return b""
    return key


def _check_profiles(check: Check, folder: Path) -> dict[str, Profile]:
    """Profiles by file; each file's problems stand at its own lines, once, however many devices use it."""
    profiles: dict[str, Profile] = {}
    seen: set[str] = set()
    for index, device in enumerate(check.tables["device"]):
        name = device.get("profile")
        if name is None or name in seen:
            continue
        seen.add(name)
        place = folder / name
        if not place.is_file():
            remedy = tr("restore the file or correct profile")
            check.error(
                ("device", index, "profile"),
                tr("profile {name} is no file", name=show(name)),
                tr("expected a profile"),
                remedy,
            )
            continue
        profile, problems = load_profile(place)
        check.problems += [replace(problem, file=str(place)) for problem in problems]
        if profile is not None:
            profiles[name] = profile
    return profiles


def _check_data_dir(check: Check, folder: Path, right: int) -> None:
    name = check.tables["site"][0].get("data_dir") if check.tables["site"] else None
    if name is None:
        return
    at = ("site", 0, "data_dir")
    wanted = folder / name
    # A missing folder is made by the hub, so its nearest existing ancestor decides.
    existing = next((path for path in (wanted, *wanted.absolute().parents) if os.path.exists(path)), Path("/"))
    if not existing.is_dir():
        check.error(
            at,
            tr("data_dir {name}: {existing} is not a folder", name=show(name), existing=existing),
            tr("expected a folder"),
            tr("name another one"),
        )
    elif not os.access(existing, right | os.X_OK):
        done, do = (tr("written"), tr("write")) if right & os.W_OK else (tr("read"), tr("read"))
        what = tr("data_dir {name}: {existing} cannot be {done}", name=show(name), existing=existing, done=done)
        check.error(
            at, what, tr("expected a folder this user may {do}", do=do), tr("change its owner or name another one")
        )


def _build(
    check: Check, path: Path, keys: dict[str, bytes], profiles: dict[str, Profile], update_key: bytes
) -> SiteConfig:
    tables = check.tables
    site = tables["site"][0]
    return SiteConfig(
        path=path,
        name=site["name"],
        data_dir=_place(path.parent, site["data_dir"]),
        http_port=site["http_port"],
        uplink=_build_uplink(tables, path.parent),
        lines=tuple(_build_line(line, path.parent) for line in tables["line"]),
        devices=tuple(_build_device(device, path.parent, keys, profiles) for device in tables["device"]),
        lanes=tuple(_build_lane(lane) for lane in tables["lane"]),
        journal=JournalConfig(**tables["journal"][0]) if tables["journal"] else JournalConfig(),
        update_key=update_key,
    )


def _place(folder: Path, name: str) -> Path:
    """A path of the site file, seen from its folder, as short as people expect to read it."""
    return Path(os.path.normpath(folder / name))


def _build_uplink(tables: dict[str, list[Table]], folder: Path) -> UplinkConfig | None:
    if not tables["uplink"]:
        return None
    site_name = tables["site"][0]["name"]
    uplink = {"sparkplug_node": site_name, **tables["uplink"][0]}
    return UplinkConfig(
        client_id=uplink.get("client_id", f"smartgate-{site_name}"),
        topic_root=uplink.get("topic_root", f"gate/{site_name}"),
        links=tuple(_build_link(link, folder) for link in tables["link"]),
        **{key: uplink[key] for key in _UPLINK_PLAIN if key in uplink},
    )


def _build_link(link: Table, folder: Path) -> LinkConfig:
    files = {key: _place(folder, link[key]) for key in ("ca_file", "cert_file", "key_file") if key in link}
    return LinkConfig(
        name=link["name"],
        host=link["host"],
        port=link.get("port", MQTT_TLS_PORT if files else MQTT_PORT),
        server_name=link.get("server_name", ""),
        bind_address=link.get("bind_address", ""),
        **files,
    )


def _build_line(line: Table, folder: Path) -> LineConfig:
    is_serial = line["kind"] == KIND_RTU
    files = {key: str(_place(folder, line[key])) for key in ("ca_file", "cert_file", "key_file") if key in line}
    return LineConfig(
        name=line["name"],
        kind=line["kind"],
        port=str(_place(folder, line["port"])) if is_serial else "",
        baud=line.get("baud", 0),
        parity=line.get("parity", ""),
        host=line.get("host", ""),
        tcp_port=0 if is_serial else line.get("port", MODBUS_TLS_PORT if files else MODBUS_PORT),
        timeout_ms=line["timeout_ms"],
        **files,
    )


def _build_device(device: Table, folder: Path, keys: dict[str, bytes], profiles: dict[str, Profile]) -> DeviceConfig:
    name, line, unit_id = device["name"], device["line"], device["unit_id"]
    if "profile" in device:
        return DeviceConfig(name, line, unit_id, "", 0, 0, b"", 0, profiles[device["profile"]])
    values = {key: device[key] for key in ("map", "map_version", "serial", "period_ms")}
    board = {key: device[key] for key in ("wiring", "line_protocol", "line_baud") if key in device}
    key_file = device["key_file"]
    return DeviceConfig(
        name, line, unit_id, key=keys.get(key_file, b""), key_file=_place(folder, key_file), **values, **board
    )


def _build_lane(lane: Table) -> LaneConfig:
    values = {item.name: lane[item.name] for item in fields(LaneSettings)}
    values["deny_plates"] = tuple(normalise_plate(plate) for plate in lane["deny_plates"])
    return LaneConfig(lane["name"], lane["barrier"], lane["weighbridge"], lane["camera"], LaneSettings(**values))
