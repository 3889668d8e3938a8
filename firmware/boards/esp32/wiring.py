"""Pins of the carrier card on an ESP32-WROOM-32. The only file that names pins of this board.

Pins that the boot ROM reads or drives (0, 2, 5, 12, 14, 15) switch nothing that moves; 34 to 39 are inputs only and
have no pull resistors of their own.
"""

# Terminals 1 to 12 of the output card, high drives. They power up as inputs; the card pulls them down.
OUTPUTS = (13, 16, 17, 18, 19, 21, 22, 23, 25, 26, 27, 32)

# RS-485 line to the hub: UART, and the driver's direction, high sends.
BUS_UART = 1
BUS_TX = 5
BUS_RX = 34
BUS_ENABLE = 33

# The instrument connector: a serial instrument, DATA (RX) and CLOCK (TX) of a load-cell converter, or the two wires of
# a Wiegand reader, D0 on RX and D1 on TX.
LINE_UART = 2
LINE_TX = 15
LINE_RX = 35
# Variants of the card: the name that the provision file gives as `wiring` (the first where it gives none), and which
# converter is fitted there (an ADS1232 has PDWN, gain and speed strapped on its card).
VARIANTS = (("esp32-hx711", "hx711"), ("esp32-ads1232", "ads1232"))

# The input card. SPI takes no less than three pins: the third drives nothing.
CARD_SPI = 1
CARD_DATA = 36
CARD_LOAD = 4
CARD_CLOCK = 14
CARD_UNUSED = 2

# Bridged to ground at power-on: maintenance. The card has the pull-up.
MAINTENANCE = 39
MAINTENANCE_PULL = None

AGE_TIMER = 0
DIRECTION_TIMER = 1

# What the provision file of this board may say besides the keys that every board understands.
PROVISION_KEYS = ("watchdog_ms", "wifi_ssid", "wifi_key")
