"""What a scenario may need of a target, by name: the words of the capability ledger.

Knows: names and what they mean. Must not know: targets.
"""

from __future__ import annotations

from collections.abc import Mapping

# What can be done to a device, then what can be seen of it. A target that says nothing of a capability has it.
CAPABILITIES: Mapping[str, str] = {
    "own_settings": "The device starts with the settings that the scenario names, not with those it has.",
    "bus": "A client on the RS-485 line reads levels, drains events and sends authenticated commands.",
    "bus_cut": "The RS-485 line is cut and joined again at a given instant.",
    "bus_faults": "On the RS-485 line characters get wrong bits, frames go nowhere or come late, or it is held at 0.",
    "several_devices": "Several devices share one RS-485 line.",
    "digital_inputs": "Each digital input is set at a given instant.",
    "analogue_inputs": "Each measured input (volts, amperes, degrees) is set at a given instant.",
    "load_cell": "The load cell's converter gives counts at a given instant.",
    "input_quality": "One input is declared uncertain or bad, as by an input card that has lost its channel.",
    "field_line": "An instrument or reader speaks with the device on its field line.",
    "wiegand": "A Wiegand head gives the device bits on its field line.",
    "plant": "Physics answer the outputs and drive the inputs within 5 ms.",
    "hang": "The device's loop stands still for a given time and then goes on.",
    "power_cut": "The supply is taken away at a given instant; only what is in flash survives.",
    "clock_jump": "The device's clock jumps forwards or backwards.",
    "watchdog": "A watchdog resets a device whose loop stands still, and the device tells this cause.",
    "torn_write": "The supply is taken away inside a write to flash, which leaves the page half written.",
    "call_faults": "The N-th call of a port (input, output, line, store, clock) fails.",
    "snapshot": "A run is forked at any step, so that every step gets its own power cut or reset.",
    "line_errors": "A character arrives with a framing or parity error, or the line is held in a break.",
    "same_twice": "The same seed gives the same events at the same microsecond.",
    "punctuality": "What is seen is late by less than 100 ms, so that a limit closer than that says something.",
    "deployed_files": "What runs are the compiled files of the deployed set, on the interpreter they were made for.",
    "heap": "The device's own heap: what is allocated, and an error where nothing may be.",
    "scan_time": "How long a scan takes on the device's processor.",
    "reaction_time": "The time from an input to the output it causes, with processor time and collector pauses in it.",
    "undriven_outputs": "What the outputs do between a reset and the first scan.",
    "character_timing": "Each character takes its time on the wire, and the pauses between them are the device's own.",
    "driver_turnaround": "The RS-485 driver is enabled before a frame and released behind it.",
    "flash_timing": "Erasing and writing flash take their time, with interrupts off.",
    "electrical": "Levels, noise, contact bounce and pull resistors of real terminals.",
}
