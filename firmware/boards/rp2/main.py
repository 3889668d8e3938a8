"""Start of the rp2 board. Deployed as text, since the port starts nothing else.

Drives every output off before anything that takes time: after a reset the pins float until then. The numbers are those
of wiring.py, which takes a file to read; a test holds the two together. The last is the direction of the RS-485 driver.
Then it starts the slot that slots.py chooses; with neither of them whole the outputs stay off.
"""

from machine import WDT, Pin, reset

for _number in (6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 20, 21, 2):
    Pin(_number, Pin.OUT, value=0)

import gc  # noqa: E402
import sys  # noqa: E402

import clock  # type: ignore[import-not-found]  # noqa: E402  # beside this file, as slots is
import slots  # type: ignore[import-not-found]  # noqa: E402

try:
    import network  # noqa: F401
except ImportError:
    clock.speed_up()  # no radio whose bus would not follow: files are hashed and loaded faster

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
        from firmware.boards.rp2 import sleep, wiring

        run(wiring, slot, clock.speed_up, sleep.Sleep)
    finally:  # it returns for people at the console, and a trial that needs them has failed
        if trial:
            reset()
else:
    print("smartgate: maintenance, because neither slot is whole: flash the board")
