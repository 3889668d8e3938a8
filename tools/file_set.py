"""Which files one role on one board needs: the imports of the board's main.py, followed to their end.

Knows that the shell finds roles through one table (so a role's control core and register module are added here, and the
table's other roles left out) and what must never reach a device. Must not know the compiler or the disk of a device.
"""

import ast
from dataclasses import dataclass
from pathlib import Path

from tools.imports import PROJECT_FOLDERS, find_module, find_packages, read_imports

# The one file that names every role and imports the one it is asked for.
ROLE_TABLE = "firmware/app/roles.py"
# The rig board's firmware is no role: it has no register map, and its start names all it needs.
RIG = "rig"
RIG_BOARD = "rp2"
# What chooses the slot lies beside main.py as slots.mpy, and under this name in each slot.
CHOICE = "firmware.boards.slots"
# What a board's start needs besides, in the same way.
BESIDE_START = {"rp2": ("firmware.boards.rp2.clock",)}
# Folders whose files may run on a device.
DEVICE_FOLDERS = ("protocols", "firmware")
# Boards whose port starts main.py itself and no compiled main: it is deployed as it is written.
TEXT_STARTED = frozenset({"rp2", "esp32"})
# Modules a microcontroller has in a faster form of its own: the same functions, written in Viper.
FAST = {
    "firmware.app.changes": "firmware/boards/fast/changes.py",
    "firmware.control.buckets": "firmware/boards/fast/buckets.py",
    "firmware.control.deadlines": "firmware/boards/fast/deadlines.py",
    "firmware.control.rows": "firmware/boards/fast/rows.py",
    "protocols.compat": "firmware/boards/fast/compat.py",
    "protocols.copying": "firmware/boards/fast/copying.py",
    "protocols.crc": "firmware/boards/fast/crc.py",
    "protocols.rfid.gen2": "firmware/boards/fast/gen2.py",
    "protocols.scaling": "firmware/boards/fast/scaling.py",
}
# Drivers that only some sets need. A board imports one where role, wiring or provision file ask for it, and a set that
# cannot be asked does without.
ROLE_DRIVERS = {
    "firmware.boards.ads1232": "weighbridge",
    "firmware.boards.hx711": "weighbridge",
    "firmware.boards.load_cell_adc": "weighbridge",
    "firmware.boards.measured_line": "charging_post",
    "firmware.boards.pulses": "rfid",
}
NETWORK_DRIVER = "firmware.boards.wifi"
# Boards that have a radio, and those that are also made with one.
RADIO_ALWAYS = frozenset({"esp32"})
RADIO_OPTIONAL = frozenset({"rp2"})
# Modules a MicroPython board brings along; anything else would only fail on the device, at night.
BOARD_MODULES = frozenset(
    {
        "array",
        "binascii",
        "clock",  # beside main.py, see BESIDE_START
        "errno",
        "gc",
        "hashlib",
        "io",
        "machine",
        "micropython",
        "network",
        "os",
        "select",
        "slots",  # beside main.py, see CHOICE
        "socket",
        "struct",
        "sys",
        "termios",
        "time",
        "vfs",
    }
)


class DeployError(Exception):
    """The file set cannot be made; each line of the text is one reason with its remedy."""


@dataclass(frozen=True)
class Order:
    """The file set that is asked for; `radio` for a board of RADIO_OPTIONAL that has one."""

    root: Path
    role: str
    board: str
    radio: bool = False

    @property
    def name(self) -> str:
        """What the set is called, on disk and in the budget."""
        return f"{self.role}-{self.board}" + ("-wifi" if self.radio else "")

    @property
    def main_module(self) -> str:
        """Where the board starts."""
        return f"firmware.roles.{RIG}.main" if self.role == RIG else f"firmware.boards.{self.board}.main"

    @property
    def starts(self) -> tuple[str, ...]:
        """Modules whose imports lead to all others."""
        if self.role == RIG:
            return (self.main_module,)
        beside = (CHOICE, *BESIDE_START.get(self.board, ()))
        return (self.main_module, *beside, f"firmware.control.{self.role}", f"protocols.registers.{self.role}")


@dataclass(frozen=True)
class Need:
    """A module the set needs, and who imports it."""

    module: str
    importer: str
    line: int

    @property
    def where(self) -> str:
        """File and line for a message."""
        return f"{self.importer}:{self.line}" if self.line else self.importer


def find_roles(root: Path) -> list[str]:
    """Roles that have a register map."""
    return sorted(path.stem for path in (root / "protocols/registers").glob("*.toml") if path.stem != "header")


def find_boards(root: Path) -> list[str]:
    """Boards that start by themselves."""
    return sorted(path.parent.name for path in (root / "firmware/boards").glob("*/main.py"))


def collect_modules(order: Order) -> dict[str, Path]:
    """Path in the file set (with suffix) -> source file, for everything the role needs on the board."""
    waiting = [Need(name, "tools/deploy.py", 0) for name in order.starts]
    found: dict[str, Path] = {}
    reasons: set[str] = set()
    while waiting:
        need = waiting.pop()
        if need.module in found or (need.importer == ROLE_TABLE and _other_role(need.module, order)):
            continue
        if _is_needless(need.module, order):
            continue
        path = find_module(need.module, order.root)
        reason = _refuse(need.module, order)
        if path is None:
            reasons.add(f"{need.where}: module {need.module} does not exist; write it or correct the import")
        elif reason:
            reasons.add(f"{need.where}: imports {need.module}, {reason}")
        else:
            found[need.module] = path
            if need.module != order.main_module:  # main lies on top of the set, outside its package
                found.update(find_packages(need.module, order.root))
            waiting += _read_needs(path, order.root, reasons)
    if reasons:
        raise DeployError("\n".join(sorted(reasons)))
    if order.board in TEXT_STARTED:
        found.update({name: order.root / FAST[name] for name in FAST if name in found})
    return {_target(name, path, order): path for name, path in found.items()}


def _is_needless(name: str, order: Order) -> bool:
    """Whether it is the driver of something this role or board does not have."""
    if name == NETWORK_DRIVER:
        return not order.radio and order.board not in RADIO_ALWAYS
    return ROLE_DRIVERS.get(name, order.role) != order.role


def _refuse(name: str, order: Order) -> str:
    """Why a project module may not stand in the file set, with the remedy; '' when it may."""
    parts = name.split(".")
    if parts[0] not in DEVICE_FOLDERS:
        return f"which runs on hosts only; a device needs what is in {' and '.join(DEVICE_FOLDERS)}"
    if parts[:2] == ["protocols", "registers"] and (parts[-1] == "tag" or parts[-1].endswith("_tags")):
        return "which is for hosts only; use the device's register module"
    is_board = len(parts) > 2 and (order.root / "firmware/boards" / parts[2]).is_dir()
    if parts[:2] == ["firmware", "boards"] and is_board and parts[2] != order.board:
        return f"which is of board {parts[2]}; keep boards apart"
    other = _other_role(name, order)
    return f"which is of role {other}; the shell is handed its role by {ROLE_TABLE}" if other else ""


def _other_role(name: str, order: Order) -> str:
    """The other role a module belongs to, '' when it is this role's or anyone's."""
    parts = name.split(".")
    if len(parts) > 2 and parts[:2] in (["protocols", "registers"], ["firmware", "control"], ["firmware", "app"]):
        for other in find_roles(order.root):
            if other != order.role and (parts[2] == other or parts[2].startswith(f"{other}_")):
                return other
    return ""


def _read_needs(path: Path, root: Path, reasons: set[str]) -> list[Need]:
    importer = path.relative_to(root).as_posix()
    needs = []
    for item in read_imports(ast.parse(path.read_text(encoding="utf-8")), root):
        if item.top in PROJECT_FOLDERS:
            needs.append(Need(item.module, importer, item.line))
        elif item.module not in BOARD_MODULES:
            remedy = "use what MicroPython has, or name it in BOARD_MODULES of tools/file_set.py"
            reasons.add(f"{importer}:{item.line}: imports {item.module}, which no board brings along; {remedy}")
    return needs


def _target(name: str, path: Path, order: Order) -> str:
    if name == order.main_module:
        return "main.py" if order.board in TEXT_STARTED else "main.mpy"
    return name.replace(".", "/") + ("/__init__.mpy" if path.name == "__init__.py" else ".mpy")
