"""What a deployed role needs of the chip: times of scans, of a reaction, of a start, and heap, each measured once.

Knows the measurements and their targets. Must not know how they are printed. Nothing here looks at a wall clock: the
same file set, image and emulator give the same numbers again.
"""

from __future__ import annotations

import importlib
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hil.chip.carrier import Carrier, deployed_files, extended_start
from hil.chip.child import in_child
from hil.chip.client import ChipClient
from hil.chip.emulator import FLOATING, HIGH, LOW
from hil.chip.field import (
    COMES,
    GOES,
    HAPPENINGS,
    LIVELY,
    BayField,
    BoomField,
    ConverterField,
    ReaderField,
    wire_idle,
)
from hil.targets.target import Provision, TargetError
from protocols.modbus import pdu

BAUD = 115_200
SCAN_MAX_US = 5_000
SCAN_P99_US = 2_000
REACTION_MAX_US = 20_000

_KEY = bytes(range(32))
_START_LIMIT_US = 5_000_000
_HEADER_SIZE = 29
_RING_AT = 256
_ANSWER_US = 50_000
_LIVELY_US = 1_500_000  # about as often as a truck that passes changes an input of its lane
_REACTION_LIMIT_US = 200_000
# Prime to the scan period and to the client's rhythm, so that events fall on every phase of both.
_PHASE_STEP_US = 37
_HEAP_MARK = b"heap "
_SCAN_MARK = b"scan "
_TELL_LIMIT_S = 20
_SCAN_PERIOD_US = 10_000  # the default of every role
_HEAP_READINGS = 60
_SCAN_PERIOD_AT = 34  # holding register of scan_period_ms, the same in every role (header.toml)
_SCAN_PERIOD_MAX_MS = 100
# The deployed start with one thing more: it keeps how long each scan took, and tells {count} of them a second later.
_SCAN_START = """
import array
from firmware.app import schedule

took = array.array("H", [0] * {count})
plain_end = schedule.Schedule.end

def end(self, duration_us):
    plain_end(self, duration_us)
    if self.count <= {count}:
        took[self.count - 1] = min(duration_us, 65535)

schedule.Schedule.end = end  # before the device, which names the functions it calls
from firmware.boards import chip
Deployed = chip.Loop

class Telling(Deployed):
    told = False
    def _tend(self):
        Deployed._tend(self)
        if not self.told and self._device.schedule.count > {count} + 100:
            self.told = True
            for us in took:
                print("scan", us)

chip.Loop = Telling
"""
# And here it tells the heap, and collects nothing.
_HEAP_START = """
import gc
from firmware.boards import chip

Deployed = chip.Loop

class Telling(Deployed):
    told_ms = 0
    def _tend(self):
        Deployed._tend(self)
        now_ms = self._board.clock.now_ms()
        if now_ms - self.told_ms >= {period_ms}:
            self.told_ms = now_ms
            print("heap", gc.mem_alloc(), gc.mem_free())

chip.Loop = Telling
"""


@dataclass(frozen=True)
class Plan:
    """How long to look: seconds of scans, events of the reaction, minutes of the heap; 0 leaves one out."""

    scan_s: int = 20
    events: int = 1000
    heap_minutes: int = 60


def measure(uf2: Path, role: str, out: Path, plan: Plan) -> dict[str, Any]:
    """Everything about one role; raises TargetError when the device stops or does not answer."""
    bench = RoleBench(uf2, role, out)
    report: dict[str, Any] = {"role": role, "boot_to_first_scan_ms": bench.start() / 1000}
    report["clock_hz"] = bench.carrier.chip.clock_hz
    bench.carrier.advance(20_000)
    report["scan_us"] = measure_scans(uf2, role, out, plan.scan_s)
    if role == "barrier" and plan.events:
        report["reaction_us"] = bench.reactions(plan.events)
    report["reset"] = bench.reset()
    if plan.heap_minutes:
        report["heap"] = measure_heap(uf2, role, out, plan.heap_minutes)
    report["missed"] = missed(report)
    return report


def missed(report: dict[str, Any]) -> list[str]:
    """The targets that were not met, each with the figure."""
    scan = report["scan_us"]
    found = [
        (scan["max"] > SCAN_MAX_US, f"scan max {scan['max']} us, target {SCAN_MAX_US} us"),
        (scan["p99"] > SCAN_P99_US, f"scan p99 {scan['p99']} us, target {SCAN_P99_US} us"),
    ]
    if "reaction_us" in report:
        slowest = report["reaction_us"]["max"]
        found.append((slowest > REACTION_MAX_US, f"reaction max {slowest} us, target {REACTION_MAX_US} us"))
    if "heap" in report:
        grown = report["heap"]["growth"]
        found.append((grown > 0, f"heap grew by {grown} bytes, target none"))
    return [text for is_missed, text in found if is_missed]


def provision(role: str) -> Provision:
    """The identity every measured device has."""
    return Provision(role, serial=1, unit_id=1, baud=BAUD, key=_KEY, line_baud=BAUD)


class RoleBench:
    """One device, carried through the measurements in order: `start`, `keep_busy`, `reactions`, `reset`."""

    def __init__(self, uf2: Path, role: str, out: Path, start: bytes | None = None) -> None:
        """`start` takes the place of the deployed main.py."""
        self.role = role
        self.regmap = importlib.import_module(f"protocols.registers.{role}")
        self.carrier = Carrier.deployed(uf2, provision(role), out, start)
        self.client = ChipClient(self.carrier)
        wire_idle(self.carrier)
        self.boom = BoomField(self.carrier) if role == "barrier" else None
        self.converter = ConverterField(self.carrier) if role == "weighbridge" else None
        self.reader = ReaderField(self.carrier) if role == "rfid" else None
        self.bay = BayField(self.carrier) if role == "charging_post" else None
        self._lively = 0
        self._alarm = self.carrier.chip.create_alarm(self._stir)

    def start(self) -> int:
        """Microseconds from power to the first scan."""
        carrier = self.carrier
        while len(carrier.scans) < 1:
            carrier.advance(1000)
            if carrier.chip.now_us > _START_LIMIT_US:
                carrier.chip.check_alive()
                raise TargetError(f"no scan within {_START_LIMIT_US // 1_000_000} s after power came on")
        return carrier.scans[0]

    def keep_busy(self, duration_us: int, happenings: Sequence[tuple[int, str]] = ()) -> None:
        """Let time pass with the line busy and an input moving; of `happenings` each at its permille of the time."""
        if self.role in LIVELY:
            self._stir()
        begun_us = self.carrier.chip.now_us
        for permille, what in happenings:
            self._ask_until(begun_us + duration_us * permille // 1000)
            self._happen(what)
        self._ask_until(begun_us + duration_us)

    def reactions(self, count: int) -> dict[str, int]:
        """Microseconds from an obstacle in the light curtain to the closing drive off, while the line is busy.

        The process is forked for each event: all start from the same boom on its way down, a little later each time.
        """
        self.close_boom()
        self.client.repeat(self._requests(), lambda request, answer: None)
        self.carrier.advance(100_000)
        times = []
        for _ in range(count):
            self.carrier.advance(_PHASE_STEP_US)
            times.append(in_child(self._react))
        self.client.pause()
        times.sort()
        return {
            "median": times[len(times) // 2],
            "p99": times[len(times) * 99 // 100],
            "max": times[-1],
            "events": len(times),
        }

    def close_boom(self) -> None:
        """Open the boom and have it on its way down."""
        self.command("OPEN")
        self._wait_for("MOTOR_OPEN", HIGH)
        self._wait_for("MOTOR_OPEN", LOW)
        self.carrier.advance(500_000)
        self.command("CLOSE")
        self._wait_for("MOTOR_CLOSE", HIGH)

    def command(self, name: str, target: int = 0, argument: int = 0) -> int:
        """Send one authenticated command; returns its result, once the device has published it."""
        header = self.client.read(0, _HEADER_SIZE)
        nonce = header[self.regmap.AT_NONCE_EPOCH], header[self.regmap.AT_NONCE_COUNTER]
        opcode = int(getattr(self.regmap, f"OP_{name}"))
        self.client.command(self.regmap.MAP_ID, opcode, target, argument, nonce)
        self.carrier.advance(30_000)
        return self.client.read(0, _HEADER_SIZE)[int(self.regmap.AT_COMMAND_RESULT)]

    def reset(self) -> dict[str, Any]:
        """How long each output is undriven after a watchdog reset, and when the control is back."""
        carrier = self.carrier
        del carrier.scans[:], carrier.output_changes[:]
        at_us = carrier.chip.now_us
        carrier.chip.reset_by_watchdog()
        floating = all(carrier.output(name) == FLOATING for name in carrier.output_names)
        while not carrier.scans:
            carrier.advance(1000)
            if carrier.chip.now_us - at_us > _START_LIMIT_US:
                carrier.chip.check_alive()
                raise TargetError("the device did not come back from a watchdog reset")
        first = {name: min(t for t, n, _ in carrier.output_changes if n == name) for name in carrier.output_names}
        carrier.advance(50_000)
        cause = self.client.read(0, _HEADER_SIZE)[self.regmap.AT_RESET_CAUSE]
        return {
            "undriven_ms": {name: (first[name] - at_us) / 1000 for name in carrier.signal_order},
            "floating_until_then": floating,
            "control_back_ms": (carrier.scans[0] - at_us) / 1000,
            "cause_is_watchdog": cause == self.regmap.RESET_CAUSE_WATCHDOG,
        }

    def _requests(self) -> Sequence[bytes]:
        """What a hub reads: header with the role's status, inputs and outputs, and a full read of the event ring."""
        status = struct.pack(">BHH", pdu.READ_INPUT_REGISTERS, 0, 100)
        bits = struct.pack(">BHH", pdu.READ_DISCRETE_INPUTS, 0, self.regmap.DISCRETE_COUNT)
        ring = struct.pack(">BHH", pdu.READ_INPUT_REGISTERS, _RING_AT, pdu.READ_REGISTERS_MAX)
        return [status, bits, status, ring]

    def _ask_until(self, end_us: int) -> None:
        """Ask without a rest, and leave the last answer its time."""
        self.client.repeat(self._requests(), lambda request, answer: None)
        self.carrier.advance(max(0, end_us - self.carrier.chip.now_us))
        self.client.pause()
        self.carrier.advance(_ANSWER_US)

    def _happen(self, what: str) -> None:
        if self.bay is not None and what in (COMES, GOES):
            self.bay.turn(what == COMES)
        else:
            self.command(what)

    def _stir(self) -> None:
        self._lively ^= 1
        self.carrier.set_input(LIVELY[self.role], self._lively)
        self._alarm(_LIVELY_US)

    def _wait_for(self, output: str, level: int) -> None:
        waited_us = 0
        while self.carrier.output(output) != level:
            self.carrier.advance(1000)
            waited_us += 1000
            if waited_us > 20_000_000:
                raise TargetError(f"{output} did not turn {level} within 20 s")

    def _react(self) -> int:
        assert self.boom is not None
        carrier = self.carrier
        del carrier.output_changes[:]
        at_us = carrier.chip.now_us
        self.boom.hold("CURTAIN_CLEAR", 0)
        while carrier.chip.now_us - at_us < _REACTION_LIMIT_US:
            carrier.advance(1000)
            stops = [t for t, name, level in carrier.output_changes if (name, level) == ("MOTOR_CLOSE", LOW)]
            if stops:
                return stops[0] - at_us
        raise TargetError(f"the boom closes on after {_REACTION_LIMIT_US // 1000} ms with an obstacle")


def measure_scans(uf2: Path, role: str, out: Path, duration_s: int) -> dict[str, int]:
    """How long the scans took, every one from power-on, with the line busy and an input moving.

    The device measures, from the latching of its inputs until its outputs are driven and its status is published. The
    largest is its own register; it tells the others when all have passed, since no client could read them in time.
    """
    count = duration_s * 1_000_000 // _SCAN_PERIOD_US
    bench = RoleBench(uf2, role, out, _start_with(role, out, _SCAN_START.format(count=count)))
    carrier = bench.carrier
    bench.start()
    carrier.advance(20_000)
    bench.keep_busy(duration_s * 1_000_000, HAPPENINGS[role])
    header = bench.client.read(0, _HEADER_SIZE)
    told = _told(bench, _SCAN_MARK, count)
    samples = sorted(int(words[1]) for words in told)
    return {
        "median": samples[len(samples) // 2],
        "p99": samples[len(samples) * 99 // 100],
        "max": header[bench.regmap.AT_SCAN_MAX_US],
        "first": int(told[0][1]),
        "over_p99_target": sum(us > SCAN_P99_US for us in samples),
        "samples": len(samples),
        "overruns": header[bench.regmap.AT_SCAN_OVERRUNS],
        "answers": bench.client.answers,
        "timeouts": bench.client.timeouts,
    }


def measure_heap(uf2: Path, role: str, out: Path, minutes: int) -> dict[str, int]:
    """Heap in use and free at the start and after `minutes`, nothing collected in between, a client asking each second.

    The device scans at its longest period: what a scan leaves behind counts per scan, and an hour has 36,000 of them.
    """
    text = _HEAP_START.format(period_ms=minutes * 60_000 // _HEAP_READINGS)
    bench = RoleBench(uf2, role, out, _start_with(role, out, text))
    carrier = bench.carrier
    bench.start()
    if bench.command("SET", _SCAN_PERIOD_AT, _SCAN_PERIOD_MAX_MS) != bench.regmap.COMMAND_RESULT_ACCEPTED:
        raise TargetError("the device refused the scan period")
    carrier.advance(1_000_000)
    carrier.chip.console.clear()
    scans = len(carrier.scans)
    for _ in range(minutes * 60):
        carrier.advance(990_000)
        bench.client.read(0, _HEADER_SIZE)
    told = _told(bench, _HEAP_MARK, 2)
    used = [int(words[1]) for words in told]
    return {
        "minutes": minutes,
        "scans": len(carrier.scans) - scans,
        "in_use": used[-1],
        "free": int(told[-1][2]),
        "growth": used[-1] - used[0],
        "readings": len(used),
    }


def _start_with(role: str, out: Path, more: str) -> bytes:
    return extended_start(deployed_files(provision(role), out), more)


def _told(bench: RoleBench, mark: bytes, least: int) -> list[list[bytes]]:
    """The words of every line the device told that begins with `mark`, once there are `least` of them."""
    console = bench.carrier.chip.console
    for _ in range(_TELL_LIMIT_S):
        told = [line.split() for line in bytes(console).splitlines() if line.startswith(mark)]
        if len(told) >= least:
            return told
        bench.carrier.advance(1_000_000)
    bench.carrier.chip.check_alive()
    raise TargetError(f"the device told {len(told)} lines of {mark.decode().strip()}, expected {least}")
