"""What the tests of all roles have to know of one: a calm state of its inputs, in which no output has a reason to move.

Knows one row per role; a new role is covered by adding its row. Must not know what is tested. Dual-run.
"""

from protocols.compat import const

SETTLE_MS = const(6000)


class Row:
    """One role: `name`, `idle` (inputs at 1, by name), `feed(regmap, inputs, elapsed_ms)` for moving ones."""

    def __init__(self, name, idle, feed=None):
        self.name = name
        self.idle = idle
        self.feed = feed or _nothing

    def quiet(self, regmap, inputs, quality):
        """Fill both lists with the calm state."""
        for index in range(len(inputs)):
            inputs[index] = 0
            quality[index] = 0
        for name in self.idle:
            inputs[getattr(regmap, "IN_" + name)] = 1


def _nothing(regmap, inputs, elapsed_ms):
    pass


def _converter(regmap, inputs, elapsed_ms):
    """Ten conversions a second: an empty deck long enough for the initial zero, then 20 t that stand still."""
    inputs[regmap.IN_COUNT] = 100000 if elapsed_ms < 3000 else 1100000
    inputs[regmap.IN_COUNT + 1] = (elapsed_ms // 100) & 0xFFFF


ROWS = (
    # Open, nobody there: whatever moves an output here closes the boom or turns a light.
    Row(
        "barrier",
        (
            "STOP_CHAIN_OK",
            "LIMIT_OPEN",
            "CURTAIN_CLEAR",
            "LOOPS_OK",
            "EDGE_OK",
            "ARM_INTACT",
            "DRIVE_OK",
            "MAINS_OK",
        ),
    ),
    # A stable weight: the lamp is on.
    Row("weighbridge", ("FRONT_CLEAR", "REAR_CLEAR", "SEAL_CLOSED"), _converter),
    # Nobody to read, the seal closed.
    Row("rfid", ("SEAL_CLOSED", "SEAL_BATTERY_OK")),
    # No vehicle: the arm is in, the plates are dead.
    Row(
        "charging_post",
        ("STOP_CHAIN_OK", "STOP_BUTTON_OK", "PANEL_CLOSED", "ARM_RETRACTED", "IMD_READY", "IMD_OK"),
    ),
)


def row_of(name):
    """The row of a role."""
    for row in ROWS:
        if row.name == name:
            return row
    raise ValueError(f"role {name} has no row in tests/firmware/role_rows.py: add one")
