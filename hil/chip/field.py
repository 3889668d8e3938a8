"""The least field each role needs on an emulated chip: inputs of a healthy, idle post, for the barrier a boom, for the
weighbridge a converter, for the RFID reader the reader it talks to, for the charging post its bay.

Knows signal names. Must not know frames.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from firmware.boards.rp2 import wiring
from hil.chip.carrier import Carrier
from hil.chip.converter import Converter
from hil.chip.emulator import HIGH
from hil.rig.plants import STEP_US, BoomPlant, ChargingPlant, ReaderPlant
from sim_devices.devices.measuring_unit import MeasuringUnit

_CONVERSION_US = 100_000

# Energised while everything is well and nobody is there.
IDLE = {
    "barrier": ("STOP_CHAIN_OK", "LOOPS_OK", "DRIVE_OK", "MAINS_OK", "CURTAIN_CLEAR", "EDGE_OK", "ARM_INTACT"),
    "charging_post": ("STOP_CHAIN_OK", "STOP_BUTTON_OK", "PANEL_CLOSED"),
    "rfid": ("SEAL_CLOSED", "SEAL_BATTERY_OK"),
    "weighbridge": ("FRONT_CLEAR", "REAR_CLEAR", "SEAL_CLOSED"),
}
# What moves now and then at an idle post, so that scans have something to do; in a bay the plant moves enough.
LIVELY = {"barrier": "ENTRY_LOOP", "rfid": "PRESENCE_1", "weighbridge": "FRONT_CLEAR"}
# What happens while scans are counted, at so many permille of that time: a command, or a vehicle that comes and goes.
COMES, GOES = "a vehicle comes", "the vehicle goes"
HAPPENINGS = {
    "barrier": ((250, "OPEN"), (600, "CLOSE")),
    "charging_post": ((50, COMES), (75, "START"), (800, "RELEASE"), (980, GOES)),
    "rfid": ((500, "CLEAR_FAULTS"),),
    "weighbridge": ((250, "ZERO"), (600, "TARE")),
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


class BayField:
    """The rig's charging bay on a carrier; power module and measuring unit talk on the chip's second serial line."""

    def __init__(self, carrier: Carrier) -> None:
        self._carrier = carrier
        self._plant = ChargingPlant(random.Random(1), "")
        self._unit = MeasuringUnit()
        self._alarm = carrier.chip.create_alarm(self._step)
        carrier.chip.on_uart(wiring.LINE_UART, lambda byte: self._plant.receive(bytes([byte])))
        self._step()

    def turn(self, is_there: bool) -> None:
        """Have a vehicle that wants to be charged in the bay, or none."""
        self._plant.turn("vehicle", int(is_there))

    def _step(self) -> None:
        carrier = self._carrier
        self._plant.advance(_driven(carrier))
        measured = []
        for name, value in self._plant.inputs().items():
            if name in carrier.input_order:
                carrier.set_input(name, value)
            else:
                measured.append(value)
        carrier.line.put(self._unit.advance(carrier.chip.now_us // 1000, measured, self._plant.take()))
        self._alarm(STEP_US)


class ReaderField:
    """The rig's reader on the chip's second serial line, a character at a time, both ways; before it stands a tag."""

    def __init__(self, carrier: Carrier) -> None:
        self._line = carrier.line
        self._plant = ReaderPlant(random.Random(1), "")
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
        self._plant.advance(_driven(self._carrier))
        for name, value in self._plant.inputs().items():
            if name not in self._held:
                self._carrier.set_input(name, value)
        self._alarm(STEP_US)


def _driven(carrier: Carrier) -> Sequence[int]:
    return [int(carrier.output(name) == HIGH) for name in carrier.signal_order]
