"""Pins of the rig card on a Raspberry Pi Pico, and what stands at its terminals. The only file with a rig's
pins.

Driver terminal N of the rig goes to input terminal N of the device's card, sense terminal N comes from its output
terminal N. `docs/bench/wiring.md` is made from this file and from that of the device.
"""

# What a rig says it is; another card, another name.
NAME = "pico-24d-12s"

# To the host, over a USB adapter with 3.3 V levels.
HOST_UART = 0
HOST_TX = 0
HOST_RX = 1
HOST_BAUD = 115200

# The relay in the device's supply: high opens it, so that a rig without power leaves the device on.
POWER_CUT = 2

# Three 74HC595 in a chain drive terminals 1 to 24: QA to QH of the first register are 1 to 8. QH' of the last one comes
# back, so that every step shows what the step before has put there. DRIVERS_OFF is their output enable, pulled up.
DRIVERS_SPI = 0
DRIVERS_RETURN = 16
DRIVERS_LATCH = 17
DRIVERS_CLOCK = 18
DRIVERS_DATA = 19
DRIVERS_OFF = 3

# Optocouplers behind the sense terminals 1 to 12, high while the device drives.
SENSES = (6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 20, 21)

# Bridged to ground at power-on: maintenance, as on a device.
MAINTENANCE = 22
