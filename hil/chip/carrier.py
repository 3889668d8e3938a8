"""The carrier card around an emulated chip: input terminals, output terminals, the line to the hub.

Knows the card's pins from the board's wiring and the signal names from the role's map. Must not know a scenario.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path

from firmware.boards import card, terminals
from firmware.boards.rp2 import wiring
from hil.chip.emulator import FLOATING, HIGH, LOW, Chip
from hil.targets.target import Provision
from tools.deploy import ROOT, deploy

BOARD = "rp2"
_CHARACTER_BITS = 11
_GUARD_AT = 3


class Carrier:
    """A device on an emulated chip. `scans` are the instants its inputs were latched, `answer` the bytes it sent."""

    def __init__(self, uf2: Path, provision: Provision, out: Path, start: bytes | None = None) -> None:
        """Deploy the role below `out`; `start` takes the place of the deployed main.py."""
        files = deployed_files(provision, out)
        if start is not None:
            files["main.py"] = start
        self.provision = provision
        self.chip = Chip(uf2, files)
        regmap = importlib.import_module(f"protocols.registers.{provision.role}")
        self._inputs = _names(provision.role, regmap, "IN_", terminals.INPUTS, terminals.INPUT_TERMINALS)
        self.output_names = _names(provision.role, regmap, "OUT_", terminals.OUTPUTS, terminals.OUTPUT_TERMINALS)
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
        self._line = bytearray()
        self._feed = self.chip.create_alarm(self._feed_next)
        self.on_byte: Callable[[], None] | None = None
        self._connect()

    def advance(self, duration_us: int) -> None:
        """Let time pass."""
        self.chip.advance(duration_us)

    def set_input(self, name: str, value: int) -> None:
        """Energise a terminal or not, at this instant."""
        terminal = self._inputs[name]
        bit = 1 << (terminal & 7)
        at = terminal >> 3
        self._chain[at] = self._chain[at] | bit if value else self._chain[at] & ~bit

    def output(self, name: str) -> int:
        """HIGH, LOW or FLOATING."""
        return self.chip.level(self.pin_of(name))

    def pin_of(self, name: str) -> int:
        """The pin behind an output terminal."""
        return wiring.OUTPUTS[self.output_names[name]]

    def send(self, data: bytes) -> None:
        """Put bytes on the line, one character time apart."""
        idle = not self._line
        self._line += data
        if idle and data:
            self._feed(self.character_us)

    @property
    def character_us(self) -> int:
        """Time of one character on the line, rounded up."""
        return -(-_CHARACTER_BITS * 1_000_000 // self.provision.baud)

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
        self.answer.append(byte)
        self.answer_us.append(self.chip.now_us)
        if self.on_byte is not None:
            self.on_byte()

    def _feed_next(self) -> None:
        self.chip.feed_uart(wiring.BUS_UART, self._line[0])
        del self._line[0]
        if self._line:
            self._feed(self.character_us)


def deployed_files(provision: Provision, out: Path) -> dict[str, bytes]:
    """Everything a technician copies onto the board: the file set and the provision file."""
    file_set = deploy(ROOT, provision.role, BOARD, out)
    files = {file.path: (file_set.folder / file.path).read_bytes() for file in file_set.files}
    lines = [f"{key}={value}" for key, value in provision.settings().items() if key != "mode"]
    files["provision.txt"] = ("\n".join(lines) + "\n").encode()
    return files


def _names(role: str, regmap: object, prefix: str, table: dict[str, str], limit: int) -> dict[str, int]:
    """Signal -> terminal, counted from 0."""
    found = terminals.find_terminals(role, regmap, prefix, table, limit)
    names = (name.removeprefix(prefix) for name in dir(regmap) if name.startswith(prefix))
    return {name: found[getattr(regmap, prefix + name)] for name in names if name not in ("COUNT", "ADDRESS")}
