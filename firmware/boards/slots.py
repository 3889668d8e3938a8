"""Two slots for the device's program, and a pointer that says which is in force. Lies on a board twice.

At the top of the flash as slots.mpy, where main.py chooses the slot before anything of a slot is loaded, and again in
each slot, where an update uses it. So it imports nothing of the project. Knows files, hashes and the pointer; must not
know roles, updates or what a slot's program does.

    main.py, slots.mpy             written at the bench only, never over the bus
    a/, b/                         the slots: a whole file set each, with its manifest.txt
    slot.txt                       the pointer, replaced by writing slot.new and renaming it

*Whole*: the manifest has the SHA-256 that is asked for, and every file of the manifest is there with size and SHA-256.
*Trial*: the first start of a slot marks the pointer before anything else runs, so that whatever ends the trial before
it is confirmed, a crash, a reset or a power cut, leads back to the other slot.
"""

import binascii
import hashlib
import os

SLOTS = ("a", "b")
POINTER_FILE = "slot.txt"
_POINTER_NEW = "slot.new"
MANIFEST_FILE = "manifest.txt"

CONFIRMED = "confirmed"
TRIAL = "trial"  # to be started for the first time
TRYING = "trying"  # started, not confirmed yet
RETURNED = "returned"  # the other slot's trial ended without a confirmation
_STATES = (CONFIRMED, TRIAL, TRYING, RETURNED)

_FIRST_LINE = "smartgate-slots 1"
_POINTER_MAX = 256
_DIGEST_SIZE = 64
_CHUNK_SIZE = 1024


class Pointer:
    """`slot` (one of SLOTS), its `state`, the SHA-256 of its manifest and of the other slot's, "" for none to go to."""

    def __init__(self, slot: str, state: str, digest: str, other: str) -> None:
        self.slot = slot
        self.state = state
        self.digest = digest
        self.other = other


def other_slot(slot: str) -> str:
    """Return the name of the other one."""
    return SLOTS[1] if slot == SLOTS[0] else SLOTS[0]


def encode_pointer(pointer: Pointer) -> str:
    """Return the text of the pointer's file."""
    lines = (_FIRST_LINE, pointer.slot, pointer.state, pointer.digest, pointer.other or "-")
    return "\n".join(lines) + "\n"


def parse_pointer(text: str) -> "Pointer | None":
    """Return the pointer, None when the text is none."""
    lines = text.split("\n")
    if len(lines) != 6 or lines[0] != _FIRST_LINE or lines[5]:
        return None
    slot, state, digest, other = lines[1:5]
    if slot not in SLOTS or state not in _STATES or not _is_digest(digest):
        return None
    if other == "-":
        other = ""
    elif not _is_digest(other):
        return None
    return Pointer(slot, state, digest, other)


def read_pointer(root: str) -> "Pointer | None":
    """Return the pointer of the board whose files lie below `root`; None when there is none or it is damaged."""
    try:
        with open(root + "/" + POINTER_FILE, "rb") as file:
            return parse_pointer(file.read(_POINTER_MAX).decode("ascii"))
    except (OSError, ValueError):  # ValueError: no ASCII
        return None


def write_pointer(root: str, pointer: Pointer) -> bool:
    """Replace the pointer: the old or the new one is there whatever happens; False when it may be the old one."""
    text = encode_pointer(pointer).encode()
    fresh = root + "/" + _POINTER_NEW
    try:
        with open(fresh, "wb") as file:
            file.write(text)
            file.flush()
        with open(fresh, "rb") as file:
            if file.read(_POINTER_MAX) != text:
                return False
        os.rename(fresh, root + "/" + POINTER_FILE)
    except OSError:
        return False
    return True


def is_trying(root: str, slot: str) -> bool:
    """Tell whether the slot chosen is on trial; a way back that could not be stored leaves the mark of the other."""
    pointer = read_pointer(root)
    return pointer is not None and pointer.slot == slot and pointer.state == TRYING


def digest_of(path: str) -> str:
    """Return the SHA-256 of a file as 64 digits, "" when it cannot be read."""
    buffer = bytearray(_CHUNK_SIZE)
    view = memoryview(buffer)
    result = hashlib.sha256()
    try:
        with open(path, "rb") as file:
            size = file.readinto(buffer)
            while size:
                result.update(view[:size])
                size = file.readinto(buffer)
    except OSError:
        return ""
    return binascii.hexlify(result.digest()).decode()


def is_whole(root: str, slot: str, digest: str) -> bool:
    """Tell whether the slot has the manifest of this SHA-256 ("" for any) and every file of it."""
    folder = root + "/" + slot + "/"
    found = digest_of(folder + MANIFEST_FILE)
    if not found or (digest and found != digest):
        return False
    files = 0
    try:
        with open(folder + MANIFEST_FILE, "rb") as file:
            line = file.readline()
            while line:
                if line[:5] == b"file ":
                    _, _, wanted, path = line.decode("ascii").split()
                    if digest_of(folder + path) != wanted:
                        return False
                    files += 1
                line = file.readline()
    except (OSError, ValueError):
        return False
    return files > 0


def choose(root: str) -> str:
    """Return the slot to start, "" when neither is whole; moves the pointer where a trial begins or has ended."""
    pointer = read_pointer(root)
    if pointer is None:  # its file was damaged: whatever is whole was verified when it was put there
        for slot in SLOTS:
            if is_whole(root, slot, ""):
                return slot
        return ""
    if pointer.state == TRYING:
        return _return_from(root, pointer)
    if not is_whole(root, pointer.slot, pointer.digest):
        return _return_from(root, pointer)
    if pointer.state == TRIAL:
        begun = Pointer(pointer.slot, TRYING, pointer.digest, pointer.other)
        if not write_pointer(root, begun):  # a trial that leaves no mark would be repeated for ever
            return _return_from(root, pointer)
    return pointer.slot


def _return_from(root: str, pointer: Pointer) -> str:
    """Return the other slot if it is whole, else this one if it is: a trial is better than nothing."""
    other = other_slot(pointer.slot)
    if pointer.other and is_whole(root, other, pointer.other):
        write_pointer(root, Pointer(other, RETURNED, pointer.other, ""))  # if it fails, the next start does the same
        return other
    if not is_whole(root, pointer.slot, pointer.digest):
        return ""
    # Nowhere to go back to: a trial would only reset the board again and again.
    write_pointer(root, Pointer(pointer.slot, CONFIRMED, pointer.digest, ""))
    return pointer.slot


def _is_digest(text: str) -> bool:
    if len(text) != _DIGEST_SIZE:
        return False
    return all(letter in "0123456789abcdef" for letter in text)
