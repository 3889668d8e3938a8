"""Quality of a value, in the three steps of OPC UA. Ordered: the worse of two is the greater."""

from protocols.compat import const

GOOD = const(0)
UNCERTAIN = const(1)
BAD = const(2)
