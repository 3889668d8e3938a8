"""A core of a few lines with the shape of a real one: a lamp that may burn for a while after its button was pressed."""

from __future__ import annotations

from typing import Any

from firmware.control.timer import TimerBank
from hil.explore.model import Leads, Model, Property


class Memory:
    def __init__(self) -> None:
        self.state = 0  # 0 dark, 1 lit, 2 broken
        self.presses = 0  # counted, never asked
        self.marks = 0  # a word: bit 0 pressed once, bit 1 pressed while lit


class Toy:
    """`mutant` seeds a fault: the lamp stays lit when its time is over."""

    def __init__(self, mutant: bool = False) -> None:
        self.memory = Memory()
        self.timers = TimerBank(1)
        self.button = 0
        self.outputs = [0]
        self.mutant = mutant

    def step(self, now_ms: int) -> None:
        self.timers.advance(now_ms)
        self.press()
        self.burn()
        self.outputs[0] = 1 if self.memory.state == 1 else 0

    def press(self) -> None:
        if self.button:
            self.memory.presses += 1
            self.memory.marks |= 2 if self.memory.state == 1 else 1
            self.memory.state = 1
            self.timers.start(0, 1000)

    def burn(self) -> None:
        if self.timers.is_done(0) and not self.mutant:
            self.memory.state = 0
            self.timers.stop(0)


def _timed(scan: Any) -> bool:
    return not scan.core.outputs[0] or bool(scan.core.timers.is_running(0))


def _counts(scan: Any) -> bool:
    return not scan.core.memory.marks & 2 or bool(scan.core.memory.marks & 1)


def _lit(scan: Any) -> bool:
    return bool(scan.core.outputs[0])


def _anything(scan: Any) -> bool:
    return True


def _no_button(scan: Any) -> bool:
    return not scan.before("in.button")


def build(mutant: bool = False) -> Model:
    model = Model("toy")
    core: Any = Toy(mutant)
    model.core, model.step = core, Toy.step
    model.memory(core.memory, words={"marks": 2}, unwatched=("presses",))
    model.inputs(core, {"button": (0, 1)})
    model.timers(core.timers, ("burn",))
    core.outputs = model.scan_list("out", 1)
    model.properties = [
        Property("timed", "Lit only while the time runs.", _timed),
        Property("order", "Pressed while lit means pressed before.", _counts),
    ]
    model.liveness = [Leads("can-light", "Can always be lit.", _lit, _anything)]
    model.guard()
    return model


def build_unhelped() -> Model:
    model = build()
    model.liveness = [Leads("lights-alone", "Is lit without its button.", _lit, _no_button)]
    return model
