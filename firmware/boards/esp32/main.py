"""Start of the esp32 board. Deployed as text, since the port starts nothing else.

Drives every output off before anything that takes time: after a reset the pins float until then. The numbers are those
of wiring.py, which takes a file to read; a test holds the two together. The last is the direction of the RS-485 driver.
Then it starts the slot that slots.py chooses; with neither of them whole the outputs stay off.
"""

from machine import WDT, Pin, reset

for _number in (13, 16, 17, 18, 19, 21, 22, 23, 25, 26, 27, 32, 33):
    Pin(_number, Pin.OUT, value=0)

import gc  # noqa: E402
import sys  # noqa: E402

import slots  # type: ignore[import-not-found]  # noqa: E402  # beside this file

gc.threshold(32768)
slot = slots.choose("")
trial = slots.is_trying("", slot)
gc.collect()  # what the choice left must not lie between what stays: the largest role needs its heap in one piece
if trial:
    WDT(timeout=8000)  # the device has its own soon; what hangs before that must not hang for ever
if slot:
    sys.path[:] = ["/" + slot, ".frozen"]
    try:
        from firmware.boards.chip import run
        from firmware.boards.esp32 import wiring

        run(wiring, slot)
    finally:  # it returns for people at the console, and a trial that needs them has failed
        if trial:
            reset()
else:
    print("smartgate: maintenance, because neither slot is whole: flash the board")
