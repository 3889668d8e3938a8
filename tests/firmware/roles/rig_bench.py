"""A rig without a chip: the engine on a card that remembers, asked through frames as a host asks."""

from firmware.roles.rig.engine import Engine
from firmware.roles.rig.service import Service
from protocols.rig.frame import FRAME_MAX, PAYLOAD_AT, FrameReader, finish_frame
from protocols.rig.messages import DRIVERS, ENTRY_SIZE, READ, READ_HEAD

HASH = b"12345678"
WIRING = b"bench"


class Card:
    """Keeps what was driven; `clock_us` is the instant every step of it has."""

    def __init__(self):
        self.clock_us = 0
        self.levels = bytearray(DRIVERS)
        self.steps = 0
        self.supply = 1
        self.asked_us = 0
        self.faults = 0

    def drive(self, levels, at_us):
        self.asked_us = at_us
        self.clock_us = max(self.clock_us, at_us)
        for index in range(DRIVERS):
            self.levels[index] = levels[index]
        self.steps += 1
        return self.clock_us

    def power(self, level, at_us):
        self.clock_us = max(self.clock_us, at_us)
        self.supply = level


class Bench:
    """`ask` gives the answer's payload, `run_to` lets time pass in steps, `log` reads what was noted."""

    def __init__(self):
        self.card = Card()
        self.engine = Engine(self.card)
        self.reader = FrameReader()
        self.service = Service(self.engine, self.reader, HASH, WIRING)
        self.senses = 0
        self.frame = bytearray(FRAME_MAX)
        self.sequence = 0

    def ask(self, kind, payload=b""):
        self.sequence = (self.sequence + 1) & 0xFF
        for index in range(len(payload)):
            self.frame[PAYLOAD_AT + index] = payload[index]
        size = finish_frame(self.frame, kind, self.sequence, len(payload))
        assert self.reader.take(self.frame, 0, size, self.card.clock_us) == size
        assert self.reader.found
        size = self.service.answer(self.card.clock_us, self.senses)
        return bytes(self.service.reply[PAYLOAD_AT : size - 2])

    def run_to(self, at_us, step_us=100):
        while self.card.clock_us < at_us:
            self.card.clock_us += step_us
            self.engine.poll(self.card.clock_us)

    def sense(self, index, level):
        bit = 1 << index
        self.senses = self.senses | bit if level else self.senses & ~bit
        self.engine.on_senses(self.card.clock_us, self.senses)

    def log(self):
        answer = self.ask(READ)
        rows = [answer[at : at + ENTRY_SIZE] for at in range(READ_HEAD, len(answer), ENTRY_SIZE)]
        return [(int.from_bytes(row[:4], "big"), row[4], row[5]) for row in rows]


def entry(at_us, channel, value):
    return bytes([at_us >> 24, at_us >> 16 & 255, at_us >> 8 & 255, at_us & 255, channel, value])


def number(value):
    return entry(value, 0, 0)[:4]
