"""`gate devices`: what hangs on USB, and what a site's devices say, through its hub or asked here.

Knows: who is asked, and how the answers are told. Must not know: frames, REPLs.
"""

from __future__ import annotations

import argparse
import contextlib
import json
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any

from edge.boards.look import UsbFound, look
from edge.boards.usb import usb_ports
from edge.cli_common import EXIT_BAD_INPUT, EXIT_DONE, EXIT_NOBODY, load, reason_of
from edge.cli_status import NoAnswerError, ask_hub
from edge.config import DeviceConfig, LineConfig, SiteConfig
from edge.operator_words import hear
from edge.service.asker import Asker, SerialAsker, TcpAsker
from edge.service.probe import Found, probe
from edge.service.serial_port import PortError, SerialPort
from edge.update.manifest import version_text
from edge.words import tr

_TIMEOUT_S = 0.2
_PORTS_AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class BusDevice:
    """A device of the site. `seen_ms_ago` is None for one never seen, `state` the device's word or a sentence."""

    name: str
    role: str
    unit_id: int
    line: str
    online: bool
    serial: int
    firmware: str
    health: str
    state: str
    seen_ms_ago: int | None


def run(arguments: argparse.Namespace) -> int:
    """Do what the words of `gate devices` say; returns the exit code."""
    config = None
    if arguments.site:
        config = load(arguments.site, only_reads=True)
        if config is None:
            return EXIT_BAD_INPUT
    with ThreadPoolExecutor(_PORTS_AT_ONCE) as pool:
        on_usb = list(pool.map(look, usb_ports()))
    on_bus, source = _on_bus(config) if config else ([], "")
    if arguments.json:
        members = {"usb": [asdict(found) for found in on_usb], "bus": [asdict(found) for found in on_bus]}
        print(json.dumps(members | ({"from": source} if config else {}), ensure_ascii=False))
    else:
        print("\n".join([*_usb_lines(on_usb), *_bus_lines(on_bus, source, config)]))
    return EXIT_DONE if on_usb or any(device.online for device in on_bus) else EXIT_NOBODY


def _on_bus(config: SiteConfig) -> tuple[list[BusDevice], str]:
    """The devices of the site, and who told: `hub` or `asked`."""
    try:
        status = ask_hub(config)
    except NoAnswerError:
        return [found for line in config.lines for found in _asked(config, line)], "asked"
    return [_told(device, status["devices"].get(device.name, {})) for device in config.devices], "hub"


def _told(device: DeviceConfig, told: Mapping[str, Any]) -> BusDevice:
    version = told.get("firmware_version")
    return BusDevice(
        device.name,
        device.map or "profile",
        device.unit_id,
        device.line,
        bool(told.get("online")),
        device.serial,
        "" if version is None else version_text(int(version)),
        str(told.get("health") or ""),
        str(told.get("state") or "") if told.get("online") else hear(str(told.get("reason", ""))),
        told.get("seen_ms_ago"),
    )


def _asked(config: SiteConfig, line: LineConfig) -> Iterator[BusDevice]:
    devices = [device for device in config.devices if device.line == line.name]
    try:
        with _asker(line) as asker:
            for device in devices:
                yield _answered(device, probe(asker, device.unit_id, _TIMEOUT_S))
    except (PortError, OSError) as error:
        for device in devices:
            yield _silent(device, reason_of(error))


@contextlib.contextmanager
def _asker(line: LineConfig) -> Iterator[Asker]:
    if line.kind == "rtu":
        with SerialPort(line.port, line.baud, line.parity) as port:
            yield SerialAsker(port, line.baud)
    elif line.ca_file:
        raise OSError(tr("the line speaks TLS: its hub alone can ask"))
    else:
        with contextlib.closing(TcpAsker(line.host, line.tcp_port, _TIMEOUT_S)) as asker:
            yield asker


def _answered(device: DeviceConfig, found: Found | None) -> BusDevice:
    if found is None:
        return _silent(device, tr("does not answer"))
    if found.garbled:
        return _silent(device, tr("answers, but garbled"))
    state = "" if (found.role, found.serial) == (device.map, device.serial) or not device.map else _other(found)
    return BusDevice(
        device.name,
        found.role or "profile",
        device.unit_id,
        device.line,
        True,
        found.serial,
        found.firmware,
        "",
        state,
        0,
    )


def _other(found: Found) -> str:
    return tr(
        "is another device: {what}", what=f"{found.role} {found.serial}" if found.role else " ".join(found.identity)
    )


def _silent(device: DeviceConfig, why: str) -> BusDevice:
    return BusDevice(
        device.name, device.map or "profile", device.unit_id, device.line, False, device.serial, "", "", why, None
    )


def _usb_lines(found: list[UsbFound]) -> list[str]:
    if not found:
        return [tr("USB: no board")]
    lines = []
    for port in found:
        program = " ".join(part for part in (port.role, port.serial, port.firmware) if part)
        machine = f"MicroPython {port.micropython}, {port.machine}" if port.answers else port.product
        lines.append("  ".join(part for part in (port.port, program, machine, port.chip_serial, port.state) if part))
    return lines


def _bus_lines(found: list[BusDevice], source: str, config: SiteConfig | None) -> list[str]:
    if config is None:
        return []
    by_hub, here = (
        tr("site {name}, as its hub tells:", name=config.name),
        tr("site {name}, no hub answers, asked here:", name=config.name),
    )
    return [by_hub if source == "hub" else here, *(f"  {_bus_line(device)}" for device in found)]


def _bus_line(device: BusDevice) -> str:
    seen = "" if device.seen_ms_ago is None else tr("seen {s} s ago", s=f"{device.seen_ms_ago / 1000:.1f}")
    firmware = device.firmware and tr("firmware {version}", version=device.firmware)
    word = tr("online") if device.online else tr("offline")
    parts = [f"{device.name}:", device.role, str(device.serial or ""), firmware]
    parts += [f"{device.line}/{device.unit_id}", word, device.health, device.state, seen]
    return "  ".join(part for part in parts if part)
