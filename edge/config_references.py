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
from edge.words import tr

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
        check.error(
            (table, index, keys[-1]),
            tr("{shown} again", shown=shown),
            tr("{what}, first given in line {before}", what=what, before=before),
            remedy,
        )


def _check_names(check: Check) -> None:
    for table in ("link", "line", "device", "lane"):
        _check_unique(
            check, table, ("name",), tr("every {table} needs its own name", table=table), tr("choose another name")
        )


def _check_endpoints(check: Check) -> None:
    remedy = tr("put the devices on one line")
    _check_unique(check, "line", ("port",), tr("one serial port is one line"), remedy, kind=KIND_RTU)
    first: dict[tuple[str, int], int] = {}
    for index, line in enumerate(check.tables["line"]):
        if "host" not in line:
            continue
        port = line.get("port", MODBUS_TLS_PORT if "ca_file" in line else MODBUS_PORT)
        if first.setdefault((line["host"], port), index) != index:
            before = check.lines.line("line", first[line["host"], port], "host")
            what = tr("host = {host}, port = {port} again", host=show(line["host"]), port=port)
            check.error(
                ("line", index, "host"),
                what,
                tr("one TCP address is one line, first given in line {before}", before=before),
                remedy,
            )


def _check_line_files(check: Check) -> None:
    """TLS begins with ca_file; a certificate and its key belong together."""
    for index, line in enumerate(check.tables["line"]):
        for key, other in (("cert_file", "key_file"), ("key_file", "cert_file"), ("cert_file", "ca_file")):
            if key in line and other not in line:
                check.error(
                    ("line", index, key),
                    tr("{key} without {other}", key=key, other=other),
                    tr("expected {other} too", other=other),
                    tr("add {other}", other=other),
                )


def _check_addresses(check: Check) -> None:
    _check_unique(
        check, "device", ("line", "unit_id"), tr("two devices of a line cannot share an address"), tr("change one")
    )
    _check_unique(
        check, "device", ("serial",), tr("every device has its own serial number"), tr("read it off the device")
    )


def _check_device_references(check: Check) -> None:
    lines = [entry["name"] for entry in check.tables["line"] if "name" in entry]
    for index, device in enumerate(check.tables["device"]):
        name = device.get("line")
        if name is not None and name not in lines:
            _note_unknown(check, ("device", index, "line"), "line", name, lines)
        _check_map(check, index, device)


def _note_unknown(check: Check, at: tuple[str, int, str], word: str, name: str, known: list[str]) -> None:
    listed = ", ".join(known) if known else tr("none is given")
    check.error(
        at,
        tr(
            "{key} names {name}, which is no {word} of this file{hint}",
            key=at[2],
            name=show(name),
            word=word,
            hint=nearest(name, known),
        ),
        tr("expected one of: {listed}", listed=listed),
        tr("correct the name or add the [[{word}]]", word=word),
    )


def _check_map(check: Check, index: int, device: Table) -> None:
    name, version = device.get("map"), device.get("map_version")
    if name is None:
        return
    if name not in check.map_versions:
        known = sorted(check.map_versions)
        check.error(
            ("device", index, "map"),
            tr("map is {name}{hint}", name=show(name), hint=nearest(name, known)),
            tr("expected one of: {listed}", listed=", ".join(show(item) for item in known)),
            tr("correct map"),
        )
    elif version is not None and version not in check.map_versions[name]:
        known_versions = ", ".join(str(item) for item in check.map_versions[name])
        check.error(
            ("device", index, "map_version"),
            tr("map_version is {version} for map {name}", version=version, name=show(name)),
            tr("this hub knows version {known_versions}", known_versions=known_versions),
            tr("update the hub or the device's firmware, whichever is older"),
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
                    tr("device {name} already belongs to lane {used}", name=show(name), used=show(used[name])),
                    tr("expected a device of its own for every lane"),
                    tr("name another device"),
                )
    for index, device in enumerate(check.tables["device"]):
        is_ours = "profile" not in device
        if check.tables["lane"] and is_ours and device.get("name", "") not in used and "name" in device:
            check.warn(
                ("device", index, "name"),
                tr("device {name} belongs to no lane", name=show(device["name"])),
                tr("it will be read and journalled only"),
                tr("name it in a [[lane]] or remove it"),
            )


def _check_lane_device(check: Check, at: tuple[str, int, str], role: str, name: str, devices: dict[str, Table]) -> None:
    if name not in devices:
        _note_unknown(check, at, "device", name, list(devices))
    elif "profile" in devices[name] or devices[name].get("map", role) != role:
        its = "profile" if "profile" in devices[name] else "map"
        check.error(
            at,
            tr(
                "{role} names {name}, whose {its} is {devices}",
                role=role,
                name=show(name),
                its=its,
                devices=show(devices[name][its]),
            ),
            tr("expected a device with map {role}", role=show(role)),
            tr("name another device"),
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
                    tr(
                        "facts_max_age_ms is {age_ms}, but device {name} is read every {period_ms} ms",
                        age_ms=age_ms,
                        name=show(name),
                        period_ms=period_ms,
                    ),
                    tr("expected period_ms of at most half of facts_max_age_ms"),
                    tr("change either"),
                )


def _check_links(check: Check) -> None:
    links, at = check.tables["link"], ("link", 0, "")
    if check.tables["uplink"] and not check.document.get("link"):
        add = tr("add [[link]] with name and host of the broker")
        check.error(("uplink", 0, ""), tr("[uplink] without a [[link]]"), tr("expected one or two"), add)
    if links and "uplink" not in check.document:
        check.error(
            at, tr("[[link]] without an [uplink]"), tr("expected [uplink], which says what is sent"), tr("add [uplink]")
        )
    for index in range(LINKS_MAX, len(links)):
        at = ("link", index, "")
        check.error(
            at,
            tr("{count} [[link]] tables", count=len(links)),
            tr("expected at most {links_max}", links_max=LINKS_MAX),
            tr("keep the best two"),
        )
    for index, link in enumerate(links):
        _check_link_files(check, index, link)
        before = [(other.get("host"), other.get("port"), other.get("bind_address")) for other in links[:index]]
        if "host" in link and (link["host"], link.get("port"), link.get("bind_address")) in before:
            what = tr("host = {host} again", host=show(link["host"]))
            remedy = tr("name another broker or bind_address")
            check.error(("link", index, "host"), what, tr("two links cannot take the same way"), remedy)


def _check_link_files(check: Check, index: int, link: Table) -> None:
    """TLS begins with ca_file; a certificate and its key belong together."""
    for key, other in (("cert_file", "key_file"), ("key_file", "cert_file"), ("server_name", "ca_file")):
        if key in link and other not in link:
            check.error(
                ("link", index, key),
                tr("{key} without {other}", key=key, other=other),
                tr("expected both or neither"),
                tr("add {other}", other=other),
            )
    if "cert_file" in link and "key_file" in link and "ca_file" not in link:
        remedy = tr("add ca_file with the certificate that signed the broker's")
        check.error(
            ("link", index, "cert_file"), tr("cert_file without ca_file"), tr("expected TLS with a known CA"), remedy
        )


def _check_cameras(check: Check) -> None:
    named = [entry for entry in check.tables["lane"] if entry.get("camera")]
    ids = [entry["camera"] for entry in named]
    for index, lane in enumerate(check.tables["lane"]):
        camera = lane.get("camera")
        if camera and ids.count(camera) > 1 and ids.index(camera) != named.index(lane):
            check.error(
                ("lane", index, "camera"),
                tr(
                    "camera {camera} already belongs to lane {name}",
                    camera=show(camera),
                    name=show(named[ids.index(camera)].get("name", "")),
                ),
                tr("expected a camera of its own for every lane"),
                tr("name another camera"),
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
