"""What is proven of the RFID reader: properties of its parts, each with its clause.

Host only; never deployed. Knows the meaning of the core's memory and of what was told. Must not know how the search
works. docs/explorer.md tells how to read and extend this.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from firmware.control.rfid import NOISE_MAX
from firmware.control.rfid_links import ANSWER_DONE, ANSWER_REFUSED
from firmware.control.rfid_memory import (
    SETUP_DONE,
    SETUP_INFO,
    TIMER_GATE,
    TIMER_TRIGGER,
)
from firmware.proofs.lazy_timers import RUNNING
from firmware.proofs.rfid_frames_subject import Frames
from firmware.proofs.rfid_reads import FRAMES, READS
from firmware.proofs.rfid_reads_subject import Reads
from firmware.proofs.rfid_subject import BURST, Dialog, Gate, Health
from hil.explore.claims import Reduction
from hil.explore.explicit import Check, Explicit, Way
from protocols.registers import rfid as reg

_LOST = 1 << reg.FAULTS_READER_SILENT | 1 << reg.FAULTS_READER_GARBAGE
_FAILURE = _LOST | 1 << reg.FAULTS_ANTENNA_FAULT | 1 << reg.FAULTS_INPUT_BAD


def build() -> list[Explicit]:
    """One search for each part; the dialogue with readers that take settings and with such that do not."""
    parts: list[tuple[Any, list[Check], list[Way]]] = [
        (partial(Dialog, True), _DIALOG, _DIALOG_WAYS),
        (partial(Dialog, False), _DIALOG, _DIALOG_WAYS),
        (Gate, _GATE, _GATE_WAYS),
        (Health, _HEALTH, _HEALTH_WAYS),
        (Reads, READS, []),
        (Frames, FRAMES, []),
    ]
    return [Explicit("rfid", make, checks, ways, _REDUCTIONS) for make, checks, ways in parts]


def _faults(scan: Any) -> int:
    return int(scan.core.status[reg.ST_FAULTS])


def _state(scan: Any) -> int:
    return int(scan.core.status[reg.ST_STATE])


def _fails(scan: Any) -> bool:
    """NE 107 FAILURE with its reason."""
    return scan.core.health == reg.HEALTH_FAILURE and bool(scan.core.reasons & 1 << reg.REASONS_ROLE_FAULT)


# The dialogue.


def _is_silence_told(scan: Dialog) -> bool:
    lost = _faults(scan) & _LOST
    if scan.told["unanswered"] < 3:
        return not lost
    wanted = reg.FAULTS_READER_GARBAGE if scan.told["garbled"] else reg.FAULTS_READER_SILENT
    return lost == 1 << wanted and _fails(scan) and _state(scan) == reg.STATE_FAULT


def _is_set_up_anew(scan: Dialog) -> bool:
    """From the third question without an answer on, until who is there has answered."""
    return scan.told["unanswered"] < 3 or scan.memory.setup == SETUP_INFO


def _is_refusal_told(scan: Dialog) -> bool:
    refused = scan.way.get("answers", 0) & ANSWER_REFUSED
    return not refused or bool(_faults(scan) & 1 << reg.FAULTS_READER_REFUSED)


def _trigger_means_reading(scan: Any) -> bool:
    if not scan.core.outputs[reg.OUT_TRIGGER]:
        return True
    return bool(scan.way.get("reading", 1)) and scan.memory.setup == SETUP_DONE and not _faults(scan) & _LOST


_DIALOG = [
    Check("always-asked", "A question stands with its time-out running, or the next one has its time: silence cannot go "
          "unnoticed for longer than three time-outs and a pause (role page: Reading).", Dialog.is_asked),
    Check("silence-told", "Three questions in a row without an answer are READER_SILENT, or READER_GARBAGE if bytes came and no "
          "frame; FAILURE, in the same scan, until one is answered, and never sooner (NE 107; role page: Faults).", _is_silence_told),
    Check("set-up-anew", "A reader that was lost is asked who it is and set up again.", _is_set_up_anew),
    Check("refusal-told", "An error answer is READER_REFUSED in the same scan, CLEAR_FAULTS in that scan or not.", _is_refusal_told),
    Check("trigger-means-reading", "TRIGGER is on only while tags are asked for of a reader that is there and set up.",
          _trigger_means_reading),
]  # fmt: skip


def _reader_answers(way: Any) -> bool:
    """A good reader, whose settings stay: an answer to each question, in time; nobody restarts it."""
    return way.get("answers", ANSWER_DONE) == ANSWER_DONE and way.get("opcode") != reg.OP_RESTART_READER


def _is_normal(scan: Any) -> bool:
    return bool(scan.core.health == reg.HEALTH_NORMAL and _state(scan) in (reg.STATE_READY, reg.STATE_READING))


_DIALOG_WAYS = [
    Way("reader-comes-back", "From every reachable state of the dialogue a reader that answers brings the device to READY or "
        "READING and NORMAL.", _is_normal, _reader_answers, lambda request: True),
]  # fmt: skip


# The gate.


def _stop_holds(scan: Gate) -> bool:
    return not scan.told["stop"] or bool(scan.told["hand"]) or _state(scan) != reg.STATE_READING


def _vehicle_is_read(scan: Gate) -> bool:
    if scan.told["stop"] or not scan.way.get("vehicle") or scan.opcode == reg.OP_RESTART_READER:
        return True
    return _state(scan) == reg.STATE_READING and bool(scan.core.outputs[reg.OUT_TRIGGER])


def _has_cause(scan: Gate) -> bool:
    if _state(scan) != reg.STATE_READING or scan.way.get(f"setting{reg.SET_GATE}") == reg.GATE_ALWAYS:
        return True
    running = [timer for timer in (TIMER_GATE, TIMER_TRIGGER) if scan.bank.deadlines[timer] == RUNNING]
    return bool(running or scan.memory.vehicle)


def _local_refuses(scan: Gate) -> bool:
    if scan.opcode not in (reg.OP_START, reg.OP_TRIGGER, reg.OP_RESTART_READER) or not scan.is_local():
        return True
    kept = scan.memory.stopped == scan.before["stopped"]
    return kept and scan.core.request_result == reg.COMMAND_RESULT_REFUSED_LOCAL


_GATE = [
    Check("stop-holds", "After STOP nothing is read until START, but by LOCAL_READ with the key on local (role page: Reading).",
          _stop_holds),
    Check("vehicle-is-read", "Unless stopped or restarting the reader, tags are read in the scan in which a vehicle comes, or a presence input cannot be trusted, "
          "and TRIGGER is on.", _vehicle_is_read),
    Check("reading-has-a-cause", "With `gate` PRESENCE nothing is read without a vehicle, its time after it or a trigger.", _has_cause),
    Check("local-refuses", "With the key on local START, TRIGGER and RESTART_READER are refused and change nothing.", _local_refuses),
]  # fmt: skip


def _hub_only(way: Any) -> bool:
    return not way.get(f"in{reg.IN_LOCAL_MODE}") and not way.get(f"in{reg.IN_LOCAL_READ}")


_GATE_WAYS = [
    Way("reads-again", "From every reachable state of the gate tags can be read by remote commands.",
        lambda scan: _state(scan) == reg.STATE_READING, _hub_only, lambda request: True),
    Way("rests-again", "From every reachable state of the gate reading can be ended by remote commands.",
        lambda scan: _state(scan) in (reg.STATE_READY, reg.STATE_STOPPED), _hub_only, lambda request: True),
]  # fmt: skip


# Faults and health.


def _bad_input_is_told(scan: Health) -> bool:
    if not scan.way.get("bad"):
        return True
    return scan.core.health == reg.HEALTH_FAILURE and bool(scan.core.reasons & 1 << reg.REASONS_INPUT_BAD)


def _failure_means_failure(scan: Health) -> bool:
    causes = scan.memory.missed >= 3 or scan.way.get("bad") or scan.memory.antenna_fault
    return bool(causes) == (scan.core.health == reg.HEALTH_FAILURE) and bool(causes) == bool(_faults(scan) & _FAILURE)


def _normal_means_well(scan: Health) -> bool:
    if scan.core.health != reg.HEALTH_NORMAL:
        return True
    way = scan.way
    wrong = (
        way["stopped"] or not way["hub"] or way.get(f"in{reg.IN_LOCAL_MODE}") or way.get("uncertain") or way.get("seal")
    )
    return not wrong and not _faults(scan)


def _latched_stays(scan: Health) -> bool:
    gone = scan.before["latched"] & ~_faults(scan)
    return not gone or scan.opcode == reg.OP_CLEAR_FAULTS


def _found_now_stays(scan: Health) -> bool:
    return not scan.way.get("latches", 0) & ~_faults(scan)


def _noise_is_told(scan: Health) -> bool:
    noisy = bool(_faults(scan) & 1 << reg.FAULTS_LINE_NOISY)
    if scan.way.get("errors") == BURST or scan.memory.noise == NOISE_MAX:
        return noisy
    return not noisy or bool(scan.before["noisy"]) or scan.before["noise"] == NOISE_MAX


_HEALTH = [
    Check("bad-input-is-told", "With any bad input health is FAILURE and the reason is given, in the same scan (NE 107).",
          _bad_input_is_told),
    Check("failure-means-failure", "A silent or garbled reader, a faulty antenna or a bad input are FAILURE, and nothing else is.",
          _failure_means_failure),
    Check("normal-means-well", "NORMAL means no fault, no key on local, no STOP, a hub, no uncertain input and no weak battery "
          "(NE 107).", _normal_means_well),
    Check("latched-stays", "READER_REFUSED and READS_LOST go by CLEAR_FAULTS only.", _latched_stays),
    Check("found-now-stays", "What is latched in the scan of CLEAR_FAULTS is not cleared by it.", _found_now_stays),
    Check("noise-is-told", "Ten stretches of garbage within a window are LINE_NOISY in the same scan, fewer are not.",
          _noise_is_told),
]  # fmt: skip


def _all_is_well(way: Any) -> bool:
    wrong = (
        way["stopped"] or not way["hub"] or way.get(f"in{reg.IN_LOCAL_MODE}") or way.get("uncertain") or way.get("seal")
    )
    bad = way.get("bad") or way.get("errors") or way.get("latches") or way.get("antenna_fault") == 1
    return way["reader"] == (SETUP_DONE, 0, 0) and not wrong and not bad


_HEALTH_WAYS = [
    Way("normal-again", "From every reachable state of faults and health the device gets NORMAL with a good reader, good inputs and "
        "CLEAR_FAULTS.", _is_normal, _all_is_well, lambda request: True),
]  # fmt: skip


_REDUCTIONS = [
    Reduction("The core is searched in five parts: dialogue, gate, faults and health, reads, line. What a part asks of another one "
              "is decided anew in every scan.", "The parts meet in the values named in rfid_subject.py only; together they can do "
              "less than with anything from the others."),
    Reduction("Whatever the core does not ask for in a scan is left open.", "One way through the code stands for every value of it: "
              "what is not read cannot decide."),
    Reduction("Timers are off, running or done; a running one may or may not end in each scan.", "Covers the scan at every deadline and "
              "just before it, for all durations at once."),
    Reduction("Settings are choices in every scan: of numbers 0 and another one where 0 is allowed; region and power none, one, or "
              "another one.", "Durations are compared with 0 only, region and power with what the reader was told last."),
    Reduction("One tag at two antennas is watched among strangers of which only the order of their windows counts, with the scans "
              "that rfid_reads_subject.py lists: up to 16 new strangers, the tag first, last or not.", "RfidReads compares identifiers "
              "for equality and windows by their remaining time; all tags are treated alike."),
    Reduction("The number of the newest read is 0, 31 or the last before it wraps; reads without a hub are none, one, 31 or 32.",
              "They decide by CAPACITY and the wrap alone."),
    Reduction("Frames: one tag's frame of each family with each damage of the kinds named.", "Not covered: other damage. A CRC-16 "
              "misses one in 65536 of it, two parity bits more; a frame whose tag checksum fits is believed."),
    Reduction("A Wiegand head is never asked, so its silence is no fault and its dialogue no search.", "RfidDialog.step returns at once."),
    Reduction("Inputs are the flags and values that RfidInputs makes of them, in all combinations.", "The rest of the core reads "
              "nothing else; real inputs give fewer."),
]  # fmt: skip
