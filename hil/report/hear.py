"""What a run says to people, in the language of who asked: results, JUnit and traces hold it in English.

Knows: the forms of what keeps a target from being had, of what ends a run, of problems, of comparisons. Must not know:
when they are given.
"""

from __future__ import annotations

from edge.words import later
from edge.words.heard import heard
from hil.scenarios import hook
from hil.targets import board, board_rows, host, rp2040, vm, vm_real_time

# In a list of forms the first that fits is taken: what is general comes last.
_OF_TARGETS = (
    later("needs the plant {plant}, but {reason}"),
    later("needs {need}, but {reason}"),
    later("no known UF2 image in {folder}; name one with --uf2 PATH"),
    later("the emulated RP2040 is not installed; run: {command}"),
    later(
        "the emulator {emulator} is not the one this was written for: {what}: {found}, expected {expected}; install "
        "{wanted}"
    ),
    later("the MicroPython VM is not installed beside this Python; run make setup"),
    later(
        "this machine is too busy for real time: the rig came {ms} ms late; run it on a quieter one, or with fewer "
        "--jobs"
    ),
    later("no pseudo terminal can be had ({why})"),
    *host.LACKS.values(),
    *vm.REASONS.values(),
    *vm_real_time.LACKS.values(),
    *rp2040.LACKS.values(),
    *board.LACKS.values(),
    *board.OF_REAL_BOARDS.values(),
    *board_rows.LEFT_OUT.values(),
    *board_rows.NO_ROWS.values(),
)
_OF_ENDS = (
    later("{port}: the rig board was asked question {kind} and {result}"),
    later("has no place left"),
    later("does not understand it"),
    later("cannot do it now"),
    later("answers {code}"),
    later("{port}: the rig board answers no more within {ms} ms; look at its supply and its cable"),
    later("{port}: the port has gone; look at the USB plug"),
    later(
        "{port}: unit {unit} does not answer within {seconds} s of its supply; look at the supply relay, at A and B, "
        "and at its provision file (docs/bench/README.md)"
    ),
    later("the emulated rig board did not start within {seconds} s"),
    later("{file}: mpy-cross refuses it: {detail}; write what MicroPython understands"),
    later("{role} broke down at {ms} ms and is broken until its power is cut: {reason}"),
    later(
        "scenario time stands still at {ms} ms: {who} wanted to act {count} times within one millisecond; look for "
        "what it waits for without letting time pass"
    ),
    later("line_protocol is {text}: expected one of {names}; correct the provision file"),
    later("line_protocol is {text}: expected no such key for this role; correct the provision file"),
    later("the program ended with {error} at {place}: {detail}"),
    later("the VM's answer is no frame{said}"),
    later("the VM's answer is no frame"),
    later("the VM did not answer within {seconds} s{said}"),
    later("the VM did not answer within {seconds} s"),
    later("the VM ended{said}"),
    later("the VM ended"),
    later("the device said nothing within {seconds} s of its start"),
    later("the device did not answer within {ms} ms; it sent {data}"),
    later("the device sent a frame with a wrong CRC: {data}"),
    later("the device answered with exception {code}"),
    later("the device stopped with: {detail}"),
    later("the control did not start: {detail}"),
    later("the file system cannot be mounted: {why}"),
    later("the input card can only lose all inputs at once"),
    later("no scan within {seconds} s after power came on"),
    later("the device was reset by its watchdog although nothing hung it"),
    later("a process that ran scenarios was killed; run with --jobs 1 to see by which"),
    later("a copy of the emulated chip told {what}, which cannot be passed on: {why}"),
    later("a process that ran a copy of the emulated chip was killed by {signal}"),
    later("the life of {role} ended early: {reason}"),
    later("no answer within {ms} ms"),
    later("an answer with a wrong CRC: {data}"),
)
_OF_SCRIPTS = (
    later("step {number} '{text}' ended the run at {time}: {seen}; step {next} was not reached"),
    later("step {number} '{text}' ended the run at {time}: {seen}; steps {next} to {last} were not reached"),
    later("step {number} '{text}' ended the run at {time}: {seen}"),
    later("step {number} '{text}' was not met by {time}: {seen}"),
    later("step {number} '{text}' was broken at {time}: {seen}"),
    later("'{text}' must never be and was at {time}"),
    later("the result of command {name} was never read"),
    later("measure {name}: not seen ({limits}): {missing}"),
    later("measure {name}: {value} ({limits})"),
    later("the register was never read"),
    later("'{end}' did not come after '{start}' at {time}"),
    later("'{start}' never came"),
    later("between {low} and {high}"),
    later("at least {low}"),
    later("at most {high}"),
    later("the rig board ended the run: its clock turns over after nine minutes"),
    later("{count} stimuli came late, by up to {us} us"),
    later("the rig board lost {count} changes, its log was full"),
    later("the chain of drivers gave back something else {count} times"),
    later("run again with the same seed: {difference}"),
    later("check: {reason}"),
    hook.BREAKS,
    hook.GIVES_OTHER,
    hook.NO_START,
    hook.NO_FUNCTION,
    later("{name} was never seen"),
    later("{name} is {value} since {time}"),
    later("{name} came last at {time} with {value}"),
)
_OF_COMPARISONS = (
    later("NOT COMPARABLE: {reason}"),
    later("other scenario: {left} and {right}"),
    later("the scenario file of {name} was changed between the two runs"),
    later("other seed: {left} and {right}"),
    later("other devices: {left} and {right}"),
    later("EQUAL: {count} events on {left} and {right}"),
    later("WITHIN BAND: {count} events on {left} and {right}"),
    later("DIVERGED at {time} on {channel}:"),
    later("before that on {name}:"),
    later("nothing more until the end at {time}; last {value} at {then}"),
    later("nothing more until the end at {time}"),
    later("{apart} apart, {allowed} allowed"),
    later("{count} events, max {most}, p99 {p99}, {allowed} allowed"),
    later("{count} events, max {most}, p99 {p99}"),
)
_OF_SIDES = (*_OF_COMPARISONS, later("{deed}, after {cause}"), later("{value} at {time}"))
_FORMS = (
    *_OF_TARGETS,
    *_OF_ENDS,
    *_OF_SCRIPTS,
    *_OF_COMPARISONS,
    later("{name}: not seen ({limits})"),
    later("{name}: {value} ({limits})"),
)
_SENTENCES = ("reason", "result", "seen", "missing", "limits", "difference", "deed", "cause")
_SIDE = "  "  # what parts the name of a side from what is told of it


def hear(said: str) -> str:
    """`said`, and the reason within it, in the language chosen; a sentence of no known form stays as it is."""
    return heard(said, _FORMS, _SENTENCES)


def hear_lines(said: str) -> str:
    """The same line by line; how far each is indented stays, and the name it begins with."""
    return "\n".join(_hear_line(line) for line in said.split("\n"))


def _hear_line(line: str) -> str:
    text = line.lstrip()
    indent = line[: len(line) - len(text)]
    if not indent:
        return hear(text)
    name, gap, told = text.partition(_SIDE)
    blanks = len(told) - len(told.lstrip())
    if not gap:
        return indent + hear(text)
    return f"{indent}{name}{gap}{told[:blanks]}{heard(told[blanks:], _OF_SIDES, _SENTENCES)}"
