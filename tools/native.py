"""Functions that become machine code on a board: those in which a scan that decides spends most of its time.

Knows functions by module and name, and how MicroPython is told. Must not know the compiler's options.

Machine code is two to three times as large as bytecode, lies in the same heap, and leaves no line in a fault's trace:
so a few functions, and no module. While it loops it looks for no callback that waits, and the timers that switch
outputs safe and the line's driver off are such callbacks: so none of these has a loop without an end in sight.
"""

import ast

from tools.file_set import DeployError
from tools.splice import Place, splice, walk_functions

# On the RP2040 alone: what machine code gains elsewhere nobody has measured.
BOARDS = frozenset({"rp2"})
# A conversion is weighed ten times a second, so these decide the p99 of the weighbridge; a measuring unit speaks fifty
# times a second, so these decide that of a post that charges. The scan of a command is the largest of every role, and
# a change of state tells events. By their files they cost 9 KB of heap in a weighbridge, 18 in a post, 2 in the others.
NATIVE = {
    "firmware.app.publish": ("Publisher.put_role",),
    "firmware.app.sparse": ("StepGate.must_step", "StepGate.note_step"),
    "firmware.boards.measured_line": ("MeasuredLine.show",),
    "firmware.control.charging_post": (
        "ChargingPost._judge_health",
        "ChargingPost._proofs",
        "ChargingPost._write_outputs",
        "ChargingPost._write_status",
        "ChargingPost.next_wake_ms",
        "ChargingPost.step",
    ),
    "firmware.control.charging_post_faults": (
        "PostFaults._blocking_cause",
        "PostFaults._power_cause",
        "PostFaults._stopping_cause",
        "PostFaults.step",
    ),
    "firmware.control.charging_post_inputs": (
        "PostInputs._judge_vehicle",
        "PostInputs._read_current",
        "PostInputs._read_digital",
        "PostInputs._read_temperatures",
        "PostInputs._read_vehicle",
        "PostInputs._read_voltages",
        "PostInputs.read",
    ),
    "firmware.control.charging_post_commands": ("PostCommands.handle_buttons",),
    "firmware.control.charging_post_meter": ("PostMeter.advance", "PostMeter.hold"),
    "firmware.control.charging_post_module": ("ModuleLine.demand",),
    "firmware.control.charging_post_power": ("PostPower._permitted_motor", "PostPower._set_current", "PostPower.step"),
    "firmware.control.charging_post_states": ("PostStates.step",),
    "firmware.control.charging_post_watch": (
        "PostWatch._why_vehicle_ends",
        "PostWatch.note_heartbeats",
        "PostWatch.note_supply",
        "PostWatch.why_end",
    ),
    "firmware.control.events": ("EventRing.push",),
    "firmware.control.indication": ("Indication.update",),
    "firmware.control.scale": ("Scale._keep_zero", "Scale._note_entry", "Scale._time_underload", "Scale.step"),
    "firmware.control.stability": (
        "StabilityWindow._close_bucket",
        "StabilityWindow._judge",
        "StabilityWindow._summarise",
    ),
    "protocols.command": ("decode_block", "is_tag_equal", "pack_message_into"),
    "protocols.events": ("write_slot",),
    "firmware.control.weighbridge": (
        "Weighbridge._find_faults",
        "Weighbridge._find_flags",
        "Weighbridge._find_state",
        "Weighbridge._judge_health",
        "Weighbridge._publish",
        "Weighbridge._read_inputs",
        "Weighbridge.step",
    ),
}
_MARK = "@micropython.native"


def mark_native(module: str, text: str, wanted: tuple[str, ...]) -> str:
    """The text of a module with the functions of these names marked, each on the empty line before it."""
    functions = walk_functions(module, ast.parse(text)) if wanted else ()
    found = {f"{owner.name}.{node.name}" if owner else node.name: node for owner, node in functions}
    places = []
    for name in wanted:
        where = f"tools/native.py: NATIVE: {module}: {name}"
        if name not in found:
            raise DeployError(f"{where} is no function there; correct it")
        node = found[name]
        if any(isinstance(each, ast.While) for each in ast.walk(node)):
            raise DeployError(f"{where} has a while loop, which would keep callbacks waiting; leave it to bytecode")
        at = node.lineno - 1, 0
        places.append(Place(at, at, " " * node.col_offset + _MARK))
    return splice(text, places)
