"""Garbage where a device keeps what it must not forget: settings copies and the provision file.

Knows the record layout and the provision keys. Dual-run: the same garbage is made inside the MicroPython VM; `main`
prints what became of it for the host to compare.

Settings: a start from any two records, whole, broken or whole with absurd contents, ends with every value within its
limits, safe outputs and a store that can be written again. Provision: any text is taken or refused with a sentence.
"""

import struct

from firmware.app.identity import Identity, ProvisionError
from firmware.app.roles import load_role
from firmware.app.settings import COPY_NAMES, Settings
from firmware.boards.provision import parse_provision
from firmware.ports import NullEntropy
from protocols.crc import crc16
from tests.firmware.fuzz.fuzzed import Inputs, NullHeap, Store, make_device
from tests.firmware.fuzz.garbage import Chance

_HEADER_SIZE = 24
_WORDS = (0, 1, 0x7FFF, 0x8000, 0xFFFE, 0xFFFF)
_LINES = (
    "role=barrier",
    "role=weighbridge",
    "serial=4711",
    "unit_id=3",
    "baud=19200",
    "key=" + "0a" * 32,
    "mode=lockstep",
    "# a comment",
    "",
    "line_baud=9600",
)
_LETTERS = "0123456789abcdefxX=# \t\r+-_.\"'\\/roleskyunitdb"


def fuzz_settings(role, seed, size):
    """Start from `size` bytes of records; return (starts, starts from defaults)."""
    regmap = load_role(role).regmap
    chance = Chance(seed)
    right = _right_record(regmap)
    used = starts = lost = 0
    while used < size:
        store = Store()
        for name in COPY_NAMES:
            record = _record(chance, right)
            used += len(record)
            store.records[name] = bytes(record)
        settings = Settings(regmap.MAP_ID, regmap.MAP_VERSION, regmap.SETTINGS_TABLE)
        settings.load(store, NullEntropy())
        _check_settings(settings)
        starts += 1
        lost += settings.source == 3
        if starts % 200 == 0:
            _check_device(role)
    return starts, lost


def fuzz_provision(seed, size):
    """Read `size` characters of provision files; return (files, taken)."""
    chance = Chance(seed)
    used = files = taken = 0
    while used < size:
        text = _text(chance)
        used += len(text) + 1
        files += 1
        try:
            Identity(parse_provision(text, "provision.txt", ("mode", "tty", "heap_lock")))
            taken += 1
        except ProvisionError as error:
            if not str(error):
                raise AssertionError(f"refused without a word: {text!r}") from None
    return files, taken


def _right_record(regmap):
    store = Store()
    settings = Settings(regmap.MAP_ID, regmap.MAP_VERSION, regmap.SETTINGS_TABLE)
    settings.load(store, NullEntropy())
    return store.records[COPY_NAMES[0]]


def _record(chance, right):
    """A right record with absurd contents and a right CRC, mostly; or cut, flipped, random."""
    below = chance.below
    record = bytearray(right)
    kind = below(8)
    if kind == 0:
        chance.fill(record, 0, len(record))
        return record
    if kind == 1:
        return record[: below(len(record))]
    if kind == 2:
        return record + record[: 1 + below(9)]
    for _ in range(1 + below(4)):
        at = 8 + 2 * below((len(record) - 10) // 2)
        struct.pack_into(">H", record, at, _WORDS[below(6)] if below(2) else below(65536))
    if not below(16):
        struct.pack_into(">I", record, 8, 0xFFFFFFFF - below(2))  # the sequence has no successor
    if kind != 3:
        struct.pack_into(">H", record, 12, struct.unpack_from(">H", right, 12)[0])  # the count, else it is refused
        struct.pack_into(">H", record, len(record) - 2, crc16(record, 0, len(record) - 2))
    return record


def _check_settings(settings):
    for index in range(settings.count):
        if not settings.is_allowed(index, settings.values[index]):
            raise AssertionError(f"setting {index} is {settings.values[index]}")
    value = settings.limits(0)[1]
    if not settings.change(0, value, False) or settings.values[0] != value:
        raise AssertionError("a setting cannot be changed any more")
    if settings.nonce_epoch < 1:
        raise AssertionError(f"epoch {settings.nonce_epoch} was offered before")


def _check_device(role):
    device = make_device(role, 1, Inputs(), NullHeap())
    safe = [0] * len(device.core.outputs)
    device.core.safe_outputs(safe)
    if device.board.output_port.values != safe:
        raise AssertionError(f"outputs {device.board.output_port.values} at start")
    device.poll(0, 0)


def _text(chance):
    below = chance.below
    lines = list(_LINES)
    for _ in range(below(5)):
        at = below(len(lines))
        kind = below(4)
        if kind == 0:
            lines[at] = _LETTERS[below(len(_LETTERS))] * below(5)
        elif kind == 1 and lines[at]:
            place = below(len(lines[at]))
            lines[at] = lines[at][:place] + _LETTERS[below(len(_LETTERS))] + lines[at][place + 1 :]
        elif kind == 2:
            lines[at] = lines[at][: below(len(lines[at]) + 1)]
        else:
            lines[at] = "".join([_LETTERS[below(len(_LETTERS))] for _ in range(below(80))])
    return "\n".join(lines)


def main(what, seed, size):
    """For the VM: `what` is a role for its settings, or "provision"."""
    print("FUZZED", *(fuzz_provision(seed, size) if what == "provision" else fuzz_settings(what, seed, size)))
