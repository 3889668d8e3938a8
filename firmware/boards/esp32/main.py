"""Start of the esp32 board. Deployed as text, since the port starts nothing else.

Drives every output off before anything that takes time: after a reset the pins float until then. The numbers are those
of wiring.py, which takes a file to read; a test holds the two together. The last is the direction of the RS-485 driver.
"""

from machine import Pin

for _number in (13, 16, 17, 18, 19, 21, 22, 23, 25, 26, 27, 32, 33):
    Pin(_number, Pin.OUT, value=0)

from firmware.boards.chip import run  # noqa: E402
from firmware.boards.esp32 import wiring  # noqa: E402

run(wiring)
