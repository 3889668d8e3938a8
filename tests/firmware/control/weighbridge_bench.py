"""A weighbridge core on the bench: a converter of given rate and noise, and a hand on photocells, seal and hub.

Dual-run. The load is in 0.1 kg; the noise comes from a linear congruential generator, so one seed gives one trace.
"""

from firmware.control.events import EventRing
from firmware.control.weighbridge import Weighbridge
from firmware.control.weighbridge_front import IN_ADC_COUNTS, IN_ADC_SEQUENCE
from firmware.control.weighbridge_memory import PENDING_RECORD, PENDING_SETTING, RECORD_SEQUENCE
from protocols.compat import TICKS_MASK, const, ticks_add
from protocols.events import SLOT_SIZE, read_slot
from protocols.registers import weighbridge as regs

RING_CAPACITY = const(64)
SAVE_SIZE = const(1024)
MAX_KG = const(80000)
ZERO_COUNTS = const(100000)
SPAN_COUNTS = const(4000000)
D_COUNTS = const(1000)


def default_settings():
    """The defaults of the register map: Max 80 t, e 20 kg, window 1 s, ADC timeout 1 s, tracking on."""
    settings = [0] * regs.SETTING_COUNT
    for index in range(regs.SETTING_COUNT):
        entry = regs.SETTINGS_TABLE[index * 16 + 12 : index * 16 + 16]
        value = (entry[0] << 24) | (entry[1] << 16) | (entry[2] << 8) | entry[3]
        settings[index] = value - (1 << 32) if value & (1 << 31) else value
    return settings


class Bench:
    """Drives one core; `load_kg_x10` stands on the deck, `noise_counts` is the peak of the converter's noise."""

    def __init__(self, start_ms=0, sample_ms=100, noise_counts=60, seed=1, scan_ms=10):
        self.settings = default_settings()
        self.ring = EventRing(bytearray(RING_CAPACITY * SLOT_SIZE), RING_CAPACITY)
        self.core = Weighbridge(self.settings, self.ring)
        self.core.hub_alive = 1
        self.set_contacts(1, 1, 1)
        self.now_ms = start_ms & TICKS_MASK
        self.sample_ms = sample_ms
        self.scan_ms = scan_ms
        self.noise_counts = noise_counts
        self.load_kg_x10 = 0
        self.raw_counts = None
        self.converting = True
        self.store_result = regs.COMMAND_RESULT_ACCEPTED
        self._seed = seed
        self._sample_in_ms = sample_ms
        self._sequence = 0
        self._seen = 0

    def set_contacts(self, front_clear, rear_clear, seal_closed):
        self.core.inputs[regs.IN_FRONT_CLEAR] = front_clear
        self.core.inputs[regs.IN_REAR_CLEAR] = rear_clear
        self.core.inputs[regs.IN_SEAL_CLOSED] = seal_closed

    def counts_of(self, load_kg_x10):
        """Noise-free conversion of a load."""
        return ZERO_COUNTS + load_kg_x10 * (SPAN_COUNTS // 1000) // (MAX_KG // 100)

    def run(self, duration_ms):
        """Scan for `duration_ms`, with conversions in between."""
        left_ms = duration_ms
        while left_ms > 0:
            self.core.step(self.now_ms)
            self.store()
            self.now_ms = ticks_add(self.now_ms, self.scan_ms)
            left_ms -= self.scan_ms
            self._sample_in_ms -= self.scan_ms
            if self._sample_in_ms <= 0:
                self._sample_in_ms += self.sample_ms
                self.convert()

    def convert(self):
        """Put the next conversion in the inputs."""
        if not self.converting:
            return
        self._sequence = (self._sequence + 1) & 0xFFFF
        counts = self.counts_of(self.load_kg_x10) if self.raw_counts is None else self.raw_counts
        self.core.inputs[IN_ADC_COUNTS] = counts + self._noise()
        self.core.inputs[IN_ADC_SEQUENCE] = self._sequence

    def start(self):
        """Run until the initial zero has been taken on an empty deck."""
        self.run(3000)

    def drive_on(self, load_kg_x10):
        """A truck comes onto the deck and stands: front photocell, axle by axle, rear photocell, then calm."""
        self.set_contacts(0, 1, 1)
        self.run(500)
        self.load_kg_x10 = load_kg_x10 // 3
        self.run(1000)
        self.set_contacts(0, 0, 1)
        self.load_kg_x10 = 2 * load_kg_x10 // 3
        self.run(1000)
        self.load_kg_x10 = load_kg_x10
        self.set_contacts(1, 1, 1)
        self.run(2500)

    def drive_off(self):
        self.set_contacts(1, 0, 1)
        self.run(500)
        self.load_kg_x10 = 0
        self.run(500)
        self.set_contacts(1, 1, 1)
        self.run(2500)

    def request(self, opcode, argument=0):
        """Put one command to the core and return its result."""
        self.core.request_opcode = opcode
        self.core.request_argument = argument
        self.core.step(self.now_ms)
        self.store()
        return self.core.request_result

    def store(self):
        """Do what the application would: keep a record or a setting, or fail to."""
        core = self.core
        pending = core.pending()
        if not pending:
            return
        if self.store_result == regs.COMMAND_RESULT_ACCEPTED:
            if pending == PENDING_SETTING:
                self.settings[core.pending_setting()] = core.pending_value()
            elif pending == PENDING_RECORD:
                core.record[RECORD_SEQUENCE] = core.memory.alibi_newest + 1
        core.on_stored(self.store_result)

    def events(self):
        """(code, argument) of every event since the last call."""
        found = []
        first = max(self._seen, self.ring.head - RING_CAPACITY) + 1
        for number in range(first, self.ring.head + 1):
            slot = read_slot(self.ring.data, ((number - 1) % RING_CAPACITY) * SLOT_SIZE)
            found.append((slot[3], slot[4]))
        self._seen = self.ring.head
        return found

    def status(self, index):
        return self.core.status[index]

    def state(self):
        return self.core.status[regs.ST_STATE]

    def has_flag(self, bit):
        return bool(self.core.status[regs.ST_FLAGS] & (1 << bit))

    def has_fault(self, bit):
        return bool(self.core.status[regs.ST_FAULTS] & (1 << bit))

    def _noise(self):
        self._seed = (self._seed * 25173 + 13849) & 0xFFFF
        if not self.noise_counts:
            return 0
        return (self._seed >> 4) % (2 * self.noise_counts + 1) - self.noise_counts


def started(**options):
    """A bench whose initial zero has been taken, the events of the start already read."""
    bench = Bench(**options)
    bench.start()
    bench.events()
    return bench
