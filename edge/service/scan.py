"""`gate scan`: who answers on a serial line or in a network, at which baud and unit id, and what it is.

Knows: arguments, the order of looking, printing. Must not know: frames, what a device answers.
Only questions that change nothing are asked. A line is asked one unit after the other, a network many hosts at a time.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass

from edge.cli_common import EXIT_BAD_INPUT, EXIT_DONE, EXIT_FAILED, EXIT_NOBODY, fail, reason_of
from edge.service.asker import SerialAsker, TcpAsker
from edge.service.places import TCP_UNITS, UNIT_ID_MAX, PlaceError, hosts_of, is_serial, numbers_of
from edge.service.probe import Found, probe
from edge.service.serial_port import PortError, SerialPort
from edge.words import tr

_BAUDS = "115200,57600,38400,19200,9600"
_BAUD_LOW, _BAUD_HIGH = 1_200, 1_000_000
_HOSTS_AT_ONCE = 64
_TIMEOUT_MS_MAX = 10_000


@dataclass(frozen=True, slots=True)
class Place:
    """Where a unit was found: `/dev/ttyUSB0 at 9600 N` or `192.168.10.5:502`."""

    name: str
    baud: int = 0
    parity: str = ""

    def __str__(self) -> str:
        return f"{self.name} {self.baud} {self.parity}" if self.baud else self.name


def add_scan_word(parser: argparse.ArgumentParser) -> None:
    """The arguments of `gate scan`."""
    parser.add_argument("where", metavar="WHERE", help=tr("a serial port, HOST[:PORT], or NETWORK/BITS[:PORT]"))
    parser.add_argument(
        "--baud", default=_BAUDS, metavar="B,B", help=tr("bauds to try on a line; default: %(default)s")
    )
    parser.add_argument(
        "--parity", default="N", metavar="N,E,O", help=tr("parities to try on a line; default: %(default)s")
    )
    parser.add_argument(
        "--units", metavar="1-5,9", help=tr("unit ids; default: all on a line, 1, 255 and 0 in a network")
    )
    parser.add_argument(
        "--timeout-ms", type=int, default=100, metavar="MS", help=tr("to wait for each; default: %(default)s")
    )
    parser.add_argument("--json", action="store_true", help=tr("print what was found as one object"))
    parser.set_defaults(run=scan)


def scan(arguments: argparse.Namespace) -> int:
    """Look, and print what was found; returns the exit code."""
    started_s = time.monotonic()
    try:
        if not 1 <= arguments.timeout_ms <= _TIMEOUT_MS_MAX:
            said = tr(
                "--timeout-ms is {value}; 1 to {most} are possible", value=arguments.timeout_ms, most=_TIMEOUT_MS_MAX
            )
            raise PlaceError(said)
        found = list(_look(arguments))
    except PlaceError as error:
        return fail(EXIT_BAD_INPUT, str(error))
    except PortError as error:
        return fail(EXIT_FAILED, str(error))
    except OSError as error:
        return fail(
            EXIT_NOBODY,
            tr("{where}: {reason}; check address, port and cable", where=arguments.where, reason=reason_of(error)),
        )
    if arguments.json:
        rows = [{**asdict(place), **asdict(unit)} for place, unit in found]
        print(json.dumps({"where": arguments.where, "seconds": round(time.monotonic() - started_s, 1), "found": rows}))
    elif not found:
        print(
            tr(
                "nobody answers at {where}: check supply, A and B, unit ids and baud; end a hub that asks too",
                where=arguments.where,
            )
        )
    return EXIT_DONE if found else EXIT_NOBODY


def _look(arguments: argparse.Namespace) -> Iterator[tuple[Place, Found]]:
    search = _on_line(arguments) if is_serial(arguments.where) else _in_network(arguments)
    for place, found in search:
        if not arguments.json:
            print(f"{place}  {_described(found)}", flush=True)
        yield place, found


def _on_line(arguments: argparse.Namespace) -> Iterator[tuple[Place, Found]]:
    bauds = numbers_of(arguments.baud, _BAUD_LOW, _BAUD_HIGH, "--baud")
    units = numbers_of(arguments.units or f"1-{UNIT_ID_MAX}", 1, UNIT_ID_MAX, "--units")
    for baud in bauds:
        for parity in _parities(arguments.parity):
            place = Place(arguments.where, baud, parity)
            with SerialPort(arguments.where, baud, parity) as port:
                asker = SerialAsker(port, baud)
                for unit_id in units:
                    _show(tr("{place}: unit {unit}", place=place, unit=unit_id), arguments)
                    found = probe(asker, unit_id, arguments.timeout_ms / 1000)
                    _show("", arguments)
                    if found is not None:
                        yield place, found


def _in_network(arguments: argparse.Namespace) -> Iterator[tuple[Place, Found]]:
    units = numbers_of(arguments.units, 0, 255, "--units") if arguments.units else []
    hosts = hosts_of(arguments.where)
    timeout_s = arguments.timeout_ms / 1000

    def ask(place: tuple[str, int]) -> list[tuple[Place, Found]]:
        with contextlib.suppress(OSError):
            return _of_host(*place, units, timeout_s)
        return []

    if len(hosts) == 1:
        yield from _of_host(*hosts[0], units, timeout_s)
        return
    with ThreadPoolExecutor(_HOSTS_AT_ONCE) as pool:
        for number, found in enumerate(pool.map(ask, hosts), 1):
            _show(tr("{number} of {count} hosts", number=number, count=len(hosts)), arguments)
            yield from found
    _show("", arguments)


def _of_host(host: str, port: int, units: list[int], timeout_s: float) -> list[tuple[Place, Found]]:
    """The units of one host, which is asked for itself when none are named; raises OSError when it cannot be reached.

    A host that is one device says the same under each of its numbers; it is told once.
    """
    asker = TcpAsker(host, port, timeout_s)
    try:
        answers = [probe(asker, unit_id, timeout_s) for unit_id in units or TCP_UNITS]
    finally:
        asker.close()
    there = [unit for unit in answers if unit is not None]
    return [(Place(f"{host}:{port}"), unit) for unit in (there if units else _different(there))]


def _different(units: list[Found]) -> list[Found]:
    found = {(unit.role, unit.serial, unit.identity): unit for unit in reversed(units)}
    return list(reversed(found.values()))


def _parities(text: str) -> list[str]:
    parities = text.split(",")
    wrong = [parity for parity in parities if parity not in ("N", "E", "O")]
    if wrong:
        said = tr("--parity '{parity}' is none; write one or more of N, E and O, with commas between", parity=wrong[0])
        raise PlaceError(said)
    return parities


def _described(found: Found) -> str:
    head = tr("unit {unit:>3}", unit=found.unit_id)
    if found.garbled:
        return f"{head}  " + tr("answers, but garbled: another parity or baud, or two devices with this unit id")
    identity = " ".join(found.identity) or tr("does not say who it is")
    if found.role:
        who = {"role": found.role, "serial": found.serial, "firmware": found.firmware, "map": found.map_version}
        identity = tr("{role} {serial}, firmware {firmware}, map {map}", **who)
    return f"{head}  {identity}  ({found.after_ms:.0f} ms)"


def _show(text: str, arguments: argparse.Namespace) -> None:
    """Where the search is, on a terminal's last line only."""
    if not arguments.json and sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)
