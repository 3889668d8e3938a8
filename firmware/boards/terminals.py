"""Which terminal of the carrier card carries which signal of a role: the same on every microcontroller board.

Knows logical signal names, as the register map spells them behind IN_ and OUT_, and terminal numbers. Must not know
pins: those are each board's wiring.py. Terminals count from 1; the place in a row is the terminal.
"""

from firmware.app.identity import ProvisionError

INPUT_TERMINALS = 24
OUTPUT_TERMINALS = 12

INPUTS = {
    "barrier": (
        "STOP_CHAIN_OK FIRE LIMIT_OPEN LIMIT_CLOSED ENTRY_LOOP SAFETY_LOOP EXIT_LOOP CURTAIN_CLEAR LOOPS_OK EDGE_OK "
        "ARM_INTACT DRIVE_OK MANUAL_RELEASED MAINS_OK LOCAL_MODE LOCAL_OPEN LOCAL_CLOSE"
    ),
    "charging_post": (
        "STOP_CHAIN_OK STOP_BUTTON_OK PANEL_CLOSED VEHICLE_PRESENT ARM_EXTENDED ARM_RETRACTED CONTACT_PRESSED "
        "CONTACTOR_AUX IMD_READY IMD_OK LOCAL_MODE LOCAL_EXTEND LOCAL_RETRACT"
    ),
    "rfid": "PRESENCE_1 PRESENCE_2 SEAL_CLOSED SEAL_BATTERY_OK LOCAL_MODE LOCAL_READ",
    "weighbridge": "FRONT_CLEAR REAR_CLEAR SEAL_CLOSED LOCAL_MODE LOCAL_ZERO LOCAL_TARE LOCAL_REGISTER",
}
OUTPUTS = {
    "barrier": (
        "MOTOR_OPEN MOTOR_CLOSE LIGHT_RED LIGHT_GREEN LIGHT_AMBER CURTAIN_TEST EDGE_TEST LOOP_TEST WARNING_LAMP"
    ),
    "charging_post": (
        "CONTACTOR PRECHARGE MODULE_ENABLE MODULE_POWER ARM_EXTEND ARM_RETRACT VEHICLE_CONNECT VEHICLE_RELEASE "
        "IMD_TEST LAMP_CHARGING LAMP_FAULT"
    ),
    "rfid": "READ_OK BUZZER TRIGGER ANTENNA_2",
    "weighbridge": "READY_LAMP",
}
# Roles whose inputs behind the digital ones are the load-cell converter's, and under which line protocols.
CONVERTERS = {"weighbridge": ("converter",)}
# Roles whose inputs behind the digital ones come from a measuring unit on the field line, and under which protocols.
MEASURED = {"charging_post": ("power_module",)}


def find_terminals(role: str, regmap, prefix: str, table: dict[str, str], limit: int) -> list[int]:  # type: ignore[no-untyped-def]
    """Return, for each signal of the map in the order of its image, the terminal counted from 0.

    `prefix` is IN_ or OUT_. A terminal may wait for a signal the map does not have yet. Raises ProvisionError, a
    sentence, when a signal of the map has no terminal of its own.
    """
    wired = table.get(role, "").split(" ")
    terminals = [-1] * getattr(regmap, prefix + "COUNT")
    for name in regmap.__dict__:  # in MicroPython dir() tries every name of every module: half a second of a start
        if not name.startswith(prefix) or name in (prefix + "COUNT", prefix + "ADDRESS"):
            continue
        signal = name[len(prefix) :]
        if signal not in wired:
            _refuse(role, name, "stands at no terminal")
        if wired.count(signal) > 1:
            _refuse(role, name, "stands at two terminals")
        if wired.index(signal) >= limit:
            _refuse(role, name, "stands beyond the last terminal, {}".format(limit))
        terminals[getattr(regmap, name)] = wired.index(signal)
    return terminals


def _refuse(role: str, name: str, reason: str) -> None:
    raise ProvisionError(
        "wiring of role {}: {} {}; correct firmware/boards/terminals.py and deploy anew".format(role, name, reason)
    )
