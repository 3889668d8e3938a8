"""What the unix board has in the place of a carrier card. The only file that names it, as on the boards with pins."""

# Variants of the card: the name that the provision file gives as `wiring`, and what is fitted there.
VARIANTS = (("vm", ""),)

# What the provision file of this board may say besides the keys that every board understands.
PROVISION_KEYS = ("mode", "tty", "heap_lock")
