"""The least field each role needs on an emulated chip: inputs of a healthy, idle post, for the barrier a boom, for the
weighbridge a converter, for the RFID reader and the charging post the instrument they talk to.

Knows signal names. Must not know frames.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from firmware.boards.rp2 import wiring
from hil.chip.carrier import Carrier
from hil.chip.converter import Converter
from hil.chip.emulator import HIGH
from hil.rig.plants import STEP_US, BoomPlant, ChargingPlant, Plant, ReaderPlant

_CONVERSION_US = 100_000

# Energised while everything is well and nobody is there.
IDLE = {
    "barrier": ("STOP_CHAIN_OK", "LOOPS_OK", "DRIVE_OK", "MAINS_OK", "CURTAIN_CLEAR", "EDGE_OK", "ARM_INTACT"),
    "charging_post": ("STOP_CHAIN_OK", "STOP_BUTTON_OK", "PANEL_CLOSED", "ARM_RETRACTED", "IMD_READY", "IMD_OK"),
    "rfid": ("SEAL_CLOSED", "SEAL_BATTERY_OK"),
    "weighbridge": ("FRONT_CLEAR", "REAR_CLEAR", "SEAL_CLOSED"),
}
# What moves now and then at an idle post, so that scans have something to do.
LIVELY = {
    "barrier": "ENTRY_LOOP",
    "charging_post": "VEHICLE_PRESENT",
    "rfid": "PRESENCE_1",
    "weighbridge": "FRONT_CLEAR",
}


def wire_idle(carrier: Carrier) -> None:
    """Energise what is energised at rest."""
    for name in IDLE[carrier.provision.role]:
        carrier.set_input(name, 1)


class ConverterField:
    """A converter beside a carrier: a conversion of 0 ten times a second."""

    def __init__(self, carrier: Carrier) -> None:
        self._converter = Converter(carrier.chip)
        self._alarm = carrier.chip.create_alarm(self._convert)
        self._convert()

    def _convert(self) -> None:
        self._converter.offer(0)
        self._alarm(_CONVERSION_US)


class InstrumentField:
    """The rig's instrument of a role on the chip's second serial line, a character at a time, both ways.

    Before the reader stands a tag, so every question is answered with one; of the charging bay only the module is here.
    """

    def __init__(self, carrier: Carrier) -> None:
        self._line = carrier.line
        self._plant: Plant = ReaderPlant(random.Random(1), "")
        if carrier.provision.role == "charging_post":
            self._plant = ChargingPlant(random.Random(1), "")
        else:
            self._plant.turn("tag", 1)
        self._outputs = [0] * len(carrier.signal_order)
        self._alarm = carrier.chip.create_alarm(self._step)
        carrier.chip.on_uart(wiring.LINE_UART, lambda byte: self._plant.receive(bytes([byte])))
        self._step()

    def _step(self) -> None:
        self._plant.advance(self._outputs)
        self._line.put(self._plant.take())
        self._alarm(STEP_US)


class BoomField:
    """The rig's boom on a carrier, moved by the chip's own clock. `hold` keeps an input from the boom's hands."""

    def __init__(self, carrier: Carrier) -> None:
        self._carrier = carrier
        self._plant = BoomPlant(random.Random(1), "")
        self._held: set[str] = set()
        self._alarm = carrier.chip.create_alarm(self._step)
        self._step()

    def hold(self, name: str, value: int) -> None:
        """Set one input for good, at this instant."""
        self._held.add(name)
        self._carrier.set_input(name, value)

    def _step(self) -> None:
        self._plant.advance(self._outputs())
        for name, value in self._plant.inputs().items():
            if name not in self._held:
                self._carrier.set_input(name, value)
        self._alarm(STEP_US)

    def _outputs(self) -> Sequence[int]:
        return [int(self._carrier.output(name) == HIGH) for name in self._carrier.signal_order]
