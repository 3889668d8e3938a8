"""Start of a rig. Deployed as text, since the port starts nothing else.

Takes the drivers off and leaves the device its supply before anything that takes time. The numbers are DRIVERS_OFF and
POWER_CUT of wiring.py, which takes a file to read; a test holds the two together.
"""

from machine import Pin

Pin(3, Pin.OUT, value=1)
Pin(2, Pin.OUT, value=0)

from firmware.roles.rig import wiring  # noqa: E402
from firmware.roles.rig.shell import run  # noqa: E402

run(wiring)
