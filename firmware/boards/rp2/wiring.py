"""Pins of the carrier card on a Raspberry Pi Pico or Pico W. The only file that names pins of this board.

GP23 to GP25 and GP29 are left alone: the Pico W reaches its radio through them.
"""

# Terminals 1 to 12 of the output card, high drives. They power up as inputs with a pull-down, and so not driving.
OUTPUTS = (6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 20, 21)

# RS-485 line to the hub: UART, and the driver's direction, high sends.
BUS_UART = 0
BUS_TX = 0
BUS_RX = 1
BUS_ENABLE = 2

# The instrument connector: a serial instrument, DATA (RX) and CLOCK (TX) of a load-cell converter, or the two wires of
# a Wiegand reader, D0 on RX and D1 on TX.
LINE_UART = 1
LINE_TX = 4
LINE_RX = 5
# Variants of the card: the name that the provision file gives as `wiring` (the first where it gives none), and which
# converter is fitted there (an ADS1232 has PDWN, gain and speed strapped on its card).
VARIANTS = (("pico-hx711", "hx711"), ("pico-ads1232", "ads1232"))

# The input card. SPI takes no less than three pins: the third drives nothing.
CARD_SPI = 0
CARD_DATA = 16
CARD_LOAD = 17
CARD_CLOCK = 18
CARD_UNUSED = 19

# Bridged to ground at power-on: maintenance.
MAINTENANCE = 22
MAINTENANCE_PULL = 1  # machine.Pin.PULL_UP

# Timers of this port are made as they are needed.
AGE_TIMER = -1
DIRECTION_TIMER = -1

# What the provision file of this board may say besides the keys that every board understands.
PROVISION_KEYS = ("watchdog_ms", "wifi_ssid", "wifi_key")
