"""`core_steps.py FOLDER ROLE`: a digest of what the role's core of this folder decides over steps drawn by chance.

Run by test_direct_host.py, once with the files as written and once with those of a file set.
"""

import hashlib
import random
import sys
from types import ModuleType
from typing import Any

sys.path.insert(0, sys.argv[1])

from firmware.app.roles import load_role
from firmware.app.settings import Settings
from firmware.control.events import EventRing
from protocols.events import SLOT_SIZE

STEPS = 3000
RING = 64


def move(core: Any, numbers: random.Random) -> None:
    """Change some of what the core sees."""
    for index in range(len(core.inputs)):
        if not numbers.randrange(20):
            core.inputs[index] = numbers.randrange(2) if index < 7 else numbers.randrange(1 << 16)
        if not numbers.randrange(5):
            core.quality[index] = 0 if numbers.randrange(10) else numbers.randrange(3)
    core.hub_alive = numbers.randrange(2)
    if not numbers.randrange(9):
        core.request_opcode, core.request_argument = numbers.randrange(20), numbers.randrange(40)


def main() -> None:
    """Print the digest and how many events there were."""
    role = load_role(sys.argv[2])
    regmap: ModuleType = role.regmap
    numbers = random.Random(7)
    settings = Settings(regmap.MAP_ID, regmap.MAP_VERSION, regmap.SETTINGS_TABLE)
    ring = EventRing(bytearray(RING * SLOT_SIZE), RING)
    core = role.make_core(settings.values, ring, role.choose_protocol(""))
    if hasattr(core, "bind_registers"):
        core.bind_registers(bytearray(regmap.INPUT_COUNT * 2))
    seen, now_ms, buffer = hashlib.sha256(), 0, bytearray(128)
    for _ in range(STEPS):
        now_ms = (now_ms + numbers.choice((1, 10, 10, 10, 500))) & 0x3FFFFFFF
        move(core, numbers)
        if core.line is not None:
            data = bytearray(numbers.randrange(256) for _ in range(numbers.randrange(20)))
            core.line.receive(data, len(data), now_ms)
            seen.update(buffer[: core.line.transmit(buffer)])
        core.step(now_ms)
        if hasattr(core, "pending") and core.pending():
            core.on_stored(numbers.randrange(3))
        shown = list(core.status), core.outputs, core.health, core.reasons, core.next_wake_ms(), ring.head
        seen.update(repr(shown).encode())
    print(seen.hexdigest(), ring.head)


main()
