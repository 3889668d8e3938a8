"""Start of the unix board: chooses the slot of the device's directory where it has slots, and runs the device.

Knows two places. A directory with a pointer to slots has its whole program in it, this file on top; any other runs the
file set this one belongs to.
"""

import os
import sys

_POINTER_FILE = "slot.txt"

directory = sys.argv[1] if len(sys.argv) > 1 else os.getenv("GATE_DEVICE_DIR") or "."
slot = ""
if _POINTER_FILE in os.listdir(directory):
    import slots  # type: ignore[import-not-found]  # beside this file

    slot = slots.choose(directory)
    if not slot:
        sys.stderr.write("neither slot of {} is whole: put the program there anew\n".format(directory))
        sys.exit(2)
    sys.path[:] = [directory + "/" + slot, ".frozen"]

from firmware.boards.unix.process import main  # noqa: E402

main(directory, slot)
