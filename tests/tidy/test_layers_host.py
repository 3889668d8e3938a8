"""Imports follow the layer table, and the table catches those that do not."""

import ast
from collections.abc import Callable
from pathlib import Path

import pytest

from tools.tidy.files import Source
from tools.tidy.layers import ADAPTERS, LAYERS, check_file, check_layers

# Path, import, and what the message must say; every project module named here exists.
REFUSED = (
    (
        "protocols/crc.py",
        "import firmware.control.events",
        "imports firmware.control.events, but protocols/ may import",
    ),
    ("protocols/crc.py", "import os", "of the standard library protocols/ may import struct only; wire code is pure"),
    ("protocols/compat.py", "import protocols.crc", "protocols/compat.py may import nothing of the project only"),
    ("protocols/registers/barrier_tags.py", "import protocols.crc", "maps are data: put code that uses them"),
    ("protocols/registers/tag.py", "import protocols.crc", "maps are data: put code that uses them"),
    ("firmware/control/x.py", "from firmware.app import settings", "put I/O, clocks and storage into firmware/app/"),
    ("firmware/control/x.py", "import time", "firmware/control/ may import struct only; a control core is a pure scan"),
    ("firmware/ports.py", "import firmware.app.settings", "ports know no user: put the rest into firmware/app/"),
    (
        "firmware/app/x.py",
        "from firmware.boards import host",
        "comes through firmware/ports.py, and boards implement it",
    ),
    ("firmware/app/x.py", "import dataclasses", "of the standard library firmware/app/ may import array, binascii,"),
    ("firmware/boards/unix/x.py", "from firmware.boards import host", "boards do not know each other"),
    ("hil/mutants/x.py", "import tools.mutants.session", "measured through targets: put what breaks otherwise into"),
    ("hil/chip/x.py", "from firmware.boards import chip", "the carrier knows the board's wiring, not its program"),
    ("hil/board/x.py", "from firmware.roles.rig import engine", "a bench knows the wiring of both cards"),
    ("firmware/boards/fast/x.py", "import protocols.crc", "the fast forms are pure"),
    ("firmware/boards/rp2/x.py", "from firmware.boards.esp32 import wiring", "boards do not know each other"),
    ("firmware/boards/esp32/x.py", "from firmware.boards.rp2 import wiring", "boards do not know each other"),
    ("firmware/roles/rig/x.py", "import time", "the rig's core is pure"),
    ("firmware/roles/rig/main.py", "from firmware.boards import chip", "a rig knows no device"),
    ("firmware/roles/rig/shell.py", "from firmware.app import device", "a rig knows no device"),
    ("firmware/boards/host/x.py", "import sim_devices", "firmware/boards/host/ may import firmware.app,"),
    ("firmware/proofs/x.py", "import firmware.app.settings", "a proof knows its role's core and the model interface"),
    ("sim_devices/plants/x.py", "import protocols.crc", "plants know physics only: put wire forms into"),
    ("sim_devices/sensors/x.py", "from sim_devices import devices", "sensors see plants only"),
    (
        "sim_devices/buses/x.py",
        "from sim_devices import devices",
        "a bus carries bytes: put what they mean into devices/",
    ),
    ("sim_devices/devices/x.py", "import edge.model", "a simulator knows neither hub nor rig"),
    ("edge/lane/x.py", "import edge.model", "a lane is a pure machine: put I/O into edge/ shells"),
    ("edge/lane/x.py", "import asyncio", "edge/lane/ is pure: no I/O, clock or chance"),
    ("edge/poll/x.py", "from time import monotonic", "edge/poll/ is pure: no I/O, clock or chance"),
    ("edge/journal/x.py", "from edge import southbound", "the journal knows records only"),
    ("edge/southbound/x.py", "from edge import northbound", "join them in edge/hub.py"),
    ("edge/northbound/x.py", "from edge import southbound", "join them in edge/hub.py"),
    ("edge/boards/x.py", "import sim_devices", "a board gets what the deployment compiles"),
    ("edge/update/build.py", "import edge.lane", "a bundle is the compiled file set"),
    ("hil/faults/on_vm/x.py", "import hil.faults.life", "what runs on the VM asks the start alone"),
    ("edge/update/x.py", "import firmware.app.device", "of the firmware it knows version and layout"),
    ("edge/x.py", "import sim_devices", "the hub meets devices on the wire only"),
    ("hil/x.py", "import edge.model", "the rig sees the hub as a command"),
    ("hil/x.py", "import firmware.control.events", "the firmware as bytes or as the host board"),
    ("tools/x.py", "import protocols.crc", "tools read files as data"),
    ("tools/generate.py", "import edge.model", "it only runs the generators that lie beside their sources"),
    ("edge/words/x.py", "import edge.model", "words know nobody who says them"),
    ("edge/x.py", "import tests", "but edge/ may import"),
    ("edge/x.py", "from . import model", "relative import '.'; write the whole name"),
    ("edge/x.py", "import pymodbus.client", "it enters through edge/southbound/modbus_client.py only"),
    ("edge/x.py", "import requests", "imports the third-party library requests; it has no adapter"),
    ("edge/southbound/modbus_client.py", "import aiohttp", "imports the third-party library aiohttp"),
    ("plugins/x.py", "", "no layer for this path"),
)
TAKEN = (
    ("protocols/x.py", "import struct\nfrom protocols.compat import const"),
    ("protocols/compat.py", "from micropython import const"),
    ("firmware/control/x.py", "import struct\nfrom protocols.registers import barrier"),
    ("firmware/app/x.py", "import hashlib\nfrom firmware.ports import NullStore\nfrom firmware.control import events"),
    ("sim_devices/plants/x.py", "import math, random"),
    ("edge/southbound/modbus_client.py", "import pymodbus.client"),
    ("tests/x.py", "import hypothesis\nimport edge.model"),
)


def judge(path: str, text: str, root: Path) -> list[str]:
    return check_file(Source(path, text), ast.parse(text), root)


def test_every_import_is_allowed_by_the_layer_table(
    sources: list[Source], root: Path, expect_none: Callable[[list[str]], None]
) -> None:
    expect_none(check_layers(sources, root))


@pytest.mark.parametrize(("path", "text", "message"), REFUSED, ids=[f"{path}: {text}" for path, text, _ in REFUSED])
def test_a_forbidden_import_is_told_with_its_rule(path: str, text: str, message: str, root: Path) -> None:
    (finding,) = judge(path, text, root)
    assert finding.startswith(f"{path}:1: ")
    assert message in finding


@pytest.mark.parametrize(("path", "text"), TAKEN, ids=[path for path, _ in TAKEN])
def test_an_allowed_import_is_not_told(path: str, text: str, root: Path) -> None:
    assert judge(path, text, root) == []


def test_an_import_inside_a_function_is_seen(root: Path) -> None:
    text = "def late():\n    try:\n        import os\n    except ImportError:\n        pass\n"
    (finding,) = judge("protocols/x.py", text, root)
    assert finding.startswith("protocols/x.py:3: imports os")


def test_every_row_of_the_table_has_a_bad_sample() -> None:
    prefixes = {layer.prefix for layer in LAYERS}
    tried = {max((p for p in prefixes if path.startswith(p)), key=len, default="") for path, _, _ in REFUSED}
    free = {"tests/", "bench/", "firmware/", "firmware/boards/"}
    assert prefixes - free <= tried


def test_every_adapter_exists(root: Path) -> None:
    assert [path for path in ADAPTERS if not (root / path).is_file()] == []
