"""The rules about what the tables of a site file say of each other: names, addresses, roles and map versions.

Knows: tables that passed edge/config_rules.py; a value found wrong there is missing here and is passed over.
Must not know: how the file was read, nor anything about running. All problems are collected, none ends the check.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from edge.config import KIND_RTU, MODBUS_PORT, MODBUS_TLS_PORT
from edge.config_rules import Check, Table, nearest
from edge.config_table import show

LINKS_MAX = 2  # the preferred one and the one that stands in


def check_references(check: Check) -> None:
    """Hold `check.tables` to every rule between tables; fills `check.problems`."""
    for cross_rule in _CROSS_RULES:
        cross_rule(check)


def _check_unique(check: Check, table: str, keys: tuple[str, ...], what: str, remedy: str, *, kind: str = "") -> None:
    """No two entries of `table` (of this `kind`) may have equal `keys`; of names, upper and lower case are one, as
    they are to many a platform. Entries that lack a key are judged elsewhere."""
    first: dict[tuple[Any, ...], int] = {}
    for index, entry in enumerate(check.tables[table]):
        if any(key not in entry for key in keys) or (kind and entry.get("kind") != kind):
            continue
        values = tuple(entry[key] for key in keys)
        folded = (values[0].lower(),) if keys == ("name",) else values
        if folded not in first:
            first[folded] = index
            continue
        shown = ", ".join(f"{key} = {show(value)}" for key, value in zip(keys, values, strict=True))
        before = check.lines.line(table, first[folded], keys[-1])
        check.error((table, index, keys[-1]), f"{shown} again", f"{what}, first given in line {before}", remedy)


def _check_names(check: Check) -> None:
    for table in ("link", "line", "device", "lane"):
        _check_unique(check, table, ("name",), f"every {table} needs its own name", "choose another name")


def _check_endpoints(check: Check) -> None:
    remedy = "put the devices on one line"
    _check_unique(check, "line", ("port",), "one serial port is one line", remedy, kind=KIND_RTU)
    first: dict[tuple[str, int], int] = {}
    for index, line in enumerate(check.tables["line"]):
        if "host" not in line:
            continue
        port = line.get("port", MODBUS_TLS_PORT if "ca_file" in line else MODBUS_PORT)
        if first.setdefault((line["host"], port), index) != index:
            before = check.lines.line("line", first[line["host"], port], "host")
            what = f"host = {show(line['host'])}, port = {port} again"
            check.error(
                ("line", index, "host"), what, f"one TCP address is one line, first given in line {before}", remedy
            )


def _check_line_files(check: Check) -> None:
    """TLS begins with ca_file; a certificate and its key belong together."""
    for index, line in enumerate(check.tables["line"]):
        for key, other in (("cert_file", "key_file"), ("key_file", "cert_file"), ("cert_file", "ca_file")):
            if key in line and other not in line:
                check.error(("line", index, key), f"{key} without {other}", f"expected {other} too", f"add {other}")


def _check_addresses(check: Check) -> None:
    _check_unique(check, "device", ("line", "unit_id"), "two devices of a line cannot share an address", "change one")
    _check_unique(check, "device", ("serial",), "every device has its own serial number", "read it off the device")


def _check_device_references(check: Check) -> None:
    lines = [entry["name"] for entry in check.tables["line"] if "name" in entry]
    for index, device in enumerate(check.tables["device"]):
        name = device.get("line")
        if name is not None and name not in lines:
            _note_unknown(check, ("device", index, "line"), "line", name, lines)
        _check_map(check, index, device)


def _note_unknown(check: Check, at: tuple[str, int, str], word: str, name: str, known: list[str]) -> None:
    listed = ", ".join(known) if known else "none is given"
    check.error(
        at,
        f"{at[2]} names {show(name)}, which is no {word} of this file{nearest(name, known)}",
        f"expected one of: {listed}",
        f"correct the name or add the [[{word}]]",
    )


def _check_map(check: Check, index: int, device: Table) -> None:
    name, version = device.get("map"), device.get("map_version")
    if name is None:
        return
    if name not in check.map_versions:
        known = sorted(check.map_versions)
        check.error(
            ("device", index, "map"),
            f"map is {show(name)}{nearest(name, known)}",
            "expected one of " + ", ".join(show(item) for item in known),
            "correct map",
        )
    elif version is not None and version not in check.map_versions[name]:
        known_versions = ", ".join(str(item) for item in check.map_versions[name])
        check.error(
            ("device", index, "map_version"),
            f"map_version is {version} for map {show(name)}",
            f"this hub knows version {known_versions}",
            "update the hub or the device's firmware, whichever is older",
        )


def _check_lane_devices(check: Check) -> None:
    devices = {entry["name"]: entry for entry in check.tables["device"] if "name" in entry}
    used: dict[str, str] = {}
    for index, lane in enumerate(check.tables["lane"]):
        for role in ("barrier", "weighbridge"):
            name = lane.get(role)
            if name is None:
                continue
            _check_lane_device(check, ("lane", index, role), role, name, devices)
            if used.setdefault(name, lane.get("name", "")) != lane.get("name", ""):
                check.error(
                    ("lane", index, role),
                    f"device {show(name)} already belongs to lane {show(used[name])}",
                    "expected a device of its own for every lane",
                    "name another device",
                )
    for index, device in enumerate(check.tables["device"]):
        is_ours = "profile" not in device
        if check.tables["lane"] and is_ours and device.get("name", "") not in used and "name" in device:
            check.warn(
                ("device", index, "name"),
                f"device {show(device['name'])} belongs to no lane",
                "it will be read and journalled only",
                "name it in a [[lane]] or remove it",
            )


def _check_lane_device(check: Check, at: tuple[str, int, str], role: str, name: str, devices: dict[str, Table]) -> None:
    if name not in devices:
        _note_unknown(check, at, "device", name, list(devices))
    elif "profile" in devices[name] or devices[name].get("map", role) != role:
        its = "profile" if "profile" in devices[name] else "map"
        check.error(
            at,
            f"{role} names {show(name)}, whose {its} is {show(devices[name][its])}",
            f"expected a device with map {show(role)}",
            "name another device",
        )


def _check_periods(check: Check) -> None:
    """A lane acts on nothing older than facts_max_age_ms; one lost poll must not make its facts too old."""
    periods = {device["name"]: device.get("period_ms", 0) for device in check.tables["device"] if "name" in device}
    for index, lane in enumerate(check.tables["lane"]):
        age_ms = lane.get("facts_max_age_ms")
        for name in (lane.get("barrier"), lane.get("weighbridge")):
            period_ms = periods.get(name, 0)
            if age_ms is not None and 2 * period_ms > age_ms:
                check.error(
                    ("lane", index, "facts_max_age_ms"),
                    f"facts_max_age_ms is {age_ms}, but device {show(name)} is read every {period_ms} ms",
                    "expected period_ms of at most half of facts_max_age_ms",
                    "change either",
                )


def _check_links(check: Check) -> None:
    links, at = check.tables["link"], ("link", 0, "")
    if check.tables["uplink"] and not check.document.get("link"):
        add = "add [[link]] with name and host of the broker"
        check.error(("uplink", 0, ""), "[uplink] without a [[link]]", "expected one or two", add)
    if links and "uplink" not in check.document:
        check.error(at, "[[link]] without an [uplink]", "expected [uplink], which says what is sent", "add [uplink]")
    for index in range(LINKS_MAX, len(links)):
        at = ("link", index, "")
        check.error(at, f"{len(links)} [[link]] tables", f"expected at most {LINKS_MAX}", "keep the best two")
    for index, link in enumerate(links):
        _check_link_files(check, index, link)
        before = [(other.get("host"), other.get("port"), other.get("bind_address")) for other in links[:index]]
        if "host" in link and (link["host"], link.get("port"), link.get("bind_address")) in before:
            what = f"host = {show(link['host'])} again"
            remedy = "name another broker or bind_address"
            check.error(("link", index, "host"), what, "two links cannot take the same way", remedy)


def _check_link_files(check: Check, index: int, link: Table) -> None:
    """TLS begins with ca_file; a certificate and its key belong together."""
    for key, other in (("cert_file", "key_file"), ("key_file", "cert_file"), ("server_name", "ca_file")):
        if key in link and other not in link:
            check.error(("link", index, key), f"{key} without {other}", "expected both or neither", f"add {other}")
    if "cert_file" in link and "key_file" in link and "ca_file" not in link:
        remedy = "add ca_file with the certificate that signed the broker's"
        check.error(("link", index, "cert_file"), "cert_file without ca_file", "expected TLS with a known CA", remedy)


def _check_cameras(check: Check) -> None:
    named = [entry for entry in check.tables["lane"] if entry.get("camera")]
    ids = [entry["camera"] for entry in named]
    for index, lane in enumerate(check.tables["lane"]):
        camera = lane.get("camera")
        if camera and ids.count(camera) > 1 and ids.index(camera) != named.index(lane):
            check.error(
                ("lane", index, "camera"),
                f"camera {show(camera)} already belongs to lane {show(named[ids.index(camera)].get('name', ''))}",
                "expected a camera of its own for every lane",
                "name another camera",
            )


_CROSS_RULES: tuple[Callable[[Check], None], ...] = (
    _check_names,
    _check_endpoints,
    _check_line_files,
    _check_addresses,
    _check_device_references,
    _check_lane_devices,
    _check_periods,
    _check_cameras,
    _check_links,
)
