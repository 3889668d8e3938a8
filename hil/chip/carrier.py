"""The carrier card around an emulated chip: input terminals, output terminals, the line to the hub, the instrument's.

Knows the card's pins from the board's wiring and the signal names from the role's map. Must not know a scenario.
"""

from __future__ import annotations

import importlib
import textwrap
from collections.abc import Callable, Mapping
from pathlib import Path

from edge.update.board_layout import fresh_board
from firmware.boards import card, terminals
from firmware.boards.rp2 import wiring
from hil.chip.emulator import FLOATING, HIGH, LOW, Chip, build_image
from hil.chip.wire import Wire
from hil.targets.target import Provision
from tools.deploy import ROOT, FileSet, deploy

BOARD = "rp2"
_CHARACTER_BITS = 11
_LINE_CHARACTER_BITS = 10  # one stop bit
_GUARD_AT = 3


class Carrier:
    """A device on an emulated chip. `scans` are the instants its inputs were latched, `answer` the bytes it sent."""

    def __init__(self, chip: Chip, provision: Provision) -> None:
        """`chip` has the files of `provision`'s role in its flash."""
        self.provision = provision
        self.chip = chip
        regmap = importlib.import_module(f"protocols.registers.{provision.role}")
        self._inputs = _names(provision.role, regmap, "IN_", terminals.INPUTS, terminals.INPUT_TERMINALS)
        self.output_names = _names(provision.role, regmap, "OUT_", terminals.OUTPUTS, terminals.OUTPUT_TERMINALS)
        self.input_order = sorted(self._inputs, key=lambda name: int(getattr(regmap, "IN_" + name)))
        self.signal_order = sorted(self.output_names, key=lambda name: int(getattr(regmap, "OUT_" + name)))
        self._chain = bytearray(4)
        self._chain[_GUARD_AT] = card.GUARD
        self._shifted = bytes(4)
        self._at = 0
        self.scans: list[int] = []
        self.answer = bytearray()
        self.answer_us: list[int] = []
        self.direction: list[tuple[int, int]] = []
        self.output_changes: list[tuple[int, str, int]] = []
        self.bus = Wire(chip, wiring.BUS_UART, _CHARACTER_BITS, provision.baud)
        self.line = Wire(chip, wiring.LINE_UART, _LINE_CHARACTER_BITS, provision.line_baud)
        self.on_byte: Callable[[], None] | None = None
        self._connect()

    @classmethod
    def deployed(cls, uf2: Path, provision: Provision, out: Path, start: bytes | None = None) -> Carrier:
        """Deploy the role below `out`, copy it onto a new chip; `start` takes the place of the deployed main.py."""
        files = deployed_files(provision, out)
        if start is not None:
            files["main.py"] = start
        return cls(Chip(uf2, build_image(files)), provision)

    def advance(self, duration_us: int) -> None:
        """Let time pass."""
        self.chip.advance(duration_us)

    def set_input(self, name: str, value: int) -> None:
        """Energise the terminal of a signal or not, at this instant."""
        self.set_terminal(self._inputs[name], value)

    def set_terminal(self, terminal: int, value: int) -> None:
        """Energise a terminal, counted from 0, or not."""
        bit = 1 << (terminal & 7)
        at = terminal >> 3
        self._chain[at] = self._chain[at] | bit if value else self._chain[at] & ~bit

    def set_plugged(self, is_plugged: bool) -> None:
        """Have the input card's plug in place or not: without it the guard is not what it must be."""
        self._chain[_GUARD_AT] = card.GUARD if is_plugged else card.GUARD ^ 0xFF

    def output(self, name: str) -> int:
        """HIGH, LOW or FLOATING."""
        return self.chip.level(self.pin_of(name))

    def pin_of(self, name: str) -> int:
        """The pin behind an output terminal."""
        return wiring.OUTPUTS[self.output_names[name]]

    def _connect(self) -> None:
        chip = self.chip
        chip.on_spi(wiring.CARD_SPI, self._shift)
        chip.on_pin(wiring.CARD_LOAD, self._on_load)
        chip.on_uart(wiring.BUS_UART, self._on_sent)
        chip.on_pin(wiring.BUS_ENABLE, lambda level: self.direction.append((chip.now_us, level)))
        for name in self.output_names:
            chip.on_pin(self.pin_of(name), lambda level, name=name: self._on_output(name, level))  # type: ignore[misc]
        chip.drive(wiring.MAINTENANCE, HIGH)
        chip.drive(wiring.LINE_RX, HIGH)  # no conversion waits, and no start bit

    def _on_output(self, name: str, level: int) -> None:
        if level != FLOATING:
            self.output_changes.append((self.chip.now_us, name, level))

    def _on_load(self, level: int) -> None:
        if level == LOW:
            self._shifted = bytes(self._chain)
            self._at = 0
            self.scans.append(self.chip.now_us)

    def _shift(self, sent: int) -> int:
        byte = self._shifted[self._at] if self._at < len(self._shifted) else 0
        self._at += 1
        return byte

    def _on_sent(self, byte: int) -> None:
        if self.chip.level(wiring.BUS_ENABLE) != HIGH:
            return  # the driver is off: nobody hears it
        self.answer.append(byte)
        self.answer_us.append(self.chip.now_us)
        if self.on_byte is not None:
            self.on_byte()


def deployed_files(provision: Provision, out: Path) -> dict[str, bytes]:
    """Everything a technician copies onto the board: the file set, compiled below `out`, and the provision file."""
    return copied_files(deploy(ROOT, provision.role, BOARD, out), provision)


def copied_files(file_set: FileSet, provision: Provision) -> dict[str, bytes]:
    """A finished file set as it lies on a new board, and the provision file."""
    files = {file.path: (file_set.folder / file.path).read_bytes() for file in file_set.files}
    return {**fresh_board(provision.role, BOARD, False, files), "provision.txt": provision_file(provision)}


def provision_file(provision: Provision) -> bytes:
    """The file of a board that is flashed: how a program is run in lock-step is not in it."""
    lines = [f"{key}={value}\n" for key, value in provision.settings().items() if key != "mode"]
    return "".join(lines).encode()


def extended_start(files: Mapping[str, bytes], more: str) -> bytes:
    """The deployed start with `more` once outputs are off and the slot is chosen."""
    text = files["main.py"].decode()
    first_import = text.index("        from firmware.boards.chip import run")
    return (text[:first_import] + textwrap.indent(more, " " * 8) + text[first_import:]).encode()


def _names(role: str, regmap: object, prefix: str, table: dict[str, str], limit: int) -> dict[str, int]:
    """Signal -> terminal, counted from 0."""
    found = terminals.find_terminals(role, regmap, prefix, table, limit)
    names = (name.removeprefix(prefix) for name in dir(regmap) if name.startswith(prefix))
    return {name: found[getattr(regmap, prefix + name)] for name in names if name not in ("COUNT", "ADDRESS")}
