"""Start of the rp2 board. Deployed as text, since the port starts nothing else.

Drives every output off before anything that takes time: after a reset the pins float until then. The numbers are those
of wiring.py, which takes a file to read; a test holds the two together. The last is the direction of the RS-485 driver.
"""

from machine import Pin

for _number in (6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 20, 21, 2):
    Pin(_number, Pin.OUT, value=0)

from firmware.boards.chip import run  # noqa: E402
from firmware.boards.rp2 import clock, sleep, wiring  # noqa: E402

run(wiring, clock.speed_up, sleep.Sleep)
