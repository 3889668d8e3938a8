"""`gate run`: the whole gate on one machine, with a live view or headless for a fixed time.

Knows: arguments, the order of preparation, exit codes. Must not know: how the parts work.
Exit codes: 0 every truck accounted for, 1 not so or it failed while running, 2 bad input, 3 blocked, 130 interrupted
before the gate was up.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import signal
import sqlite3
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from edge.cli import main as hub_main
from edge.words import tr
from edge.words.parser import Parser, UsageError
from hil.run.account import TruckTruth
from hil.run.broker import BrokerError
from hil.run.gate import PLATFORM_DB, GateRun, RunError, running_gate
from hil.run.process import ProcessError
from hil.run.site import RigSite, SiteError, build_site, make_missing_keys, read_tables, refuse_real_ports
from hil.run.summary import Summary, summarize
from hil.run.view import show_lines, show_live
from hil.targets.target import BlockedError, TargetError
from hil.targets.vm import deployed_sets
from sim_devices.devices.platform import PlatformStore

EXIT_ACCOUNTED, EXIT_FAILED, EXIT_BAD_INPUT, EXIT_BLOCKED = 0, 1, 2, 3
EXIT_INTERRUPTED = 130

# After the traffic has stopped: a truck that has just entered has still to be noticed, the last records acknowledged.
_SETTLE_S = 20.0
_SETTLE_PERIOD_S = 0.25
_END_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def main(argv: list[str]) -> int:
    """Entry of `gate run`."""
    try:
        options = build_parser().parse_args(argv)
        site = _prepare(options.site, options.seed)
        if site is None:
            return EXIT_BAD_INPUT
        _check_platform(site.data_dir / PLATFORM_DB)
        deploy_dir = _compile(site)
        summary = asyncio.run(_run(site, deploy_dir, options))
    except UsageError as error:
        return _fail(str(error), EXIT_BAD_INPUT)
    except KeyboardInterrupt:
        summary = None
    except BaseExceptionGroup as group:
        return _explain(_first(group))
    except Exception as error:
        return _explain(error)
    if summary is None:
        return _fail(tr("interrupted; everything that was started has been ended"), EXIT_INTERRUPTED)
    return _report(summary, options.json)


def _explain(error: BaseException) -> int:
    """One sentence and the exit code for what users can mend; anything else is a program error and goes on."""
    if isinstance(error, BlockedError):
        return _fail(f"BLOCKED: {error}", EXIT_BLOCKED)
    if isinstance(error, SiteError):
        return _fail(str(error), EXIT_BAD_INPUT)
    if isinstance(error, BrokerError | ProcessError | RunError | TargetError | OSError):
        return _fail(str(error), EXIT_FAILED)
    raise error


def build_parser() -> Parser:
    """The arguments."""
    parser = Parser(
        prog="gate run",
        description=tr("Run a site with simulated field, real firmware, hub and broker on this machine."),
    )
    parser.add_argument("site", type=Path, metavar="SITE", help=tr("the site file (docs/site-file.md)"))
    parser.add_argument("--headless", action="store_true", help=tr("no live view"))
    parser.add_argument("--seconds", type=_seconds, help=tr("stop after so long; without it, run until interrupted"))
    parser.add_argument("--json", action="store_true", help=tr("print the closing account as one JSON object"))
    parser.add_argument("--seed", type=int, help=tr("seed of the simulated field, instead of [simulation] seed"))
    return parser


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 1.0 <= value <= 86_400.0:
        raise argparse.ArgumentTypeError(tr("{text!r} is not a duration; 1 to 86400 seconds are expected", text=text))
    return value


def _prepare(path: Path, seed: int | None) -> RigSite | None:
    """Make what a simulated site may lack, let the hub check the file, build the site; None after a failed check."""
    tables = read_tables(path)
    refuse_real_ports(path, tables)
    make_missing_keys(tables, path.parent)
    return build_site(path, tables, seed) if _is_sound(path) else None


def _is_sound(path: Path) -> bool:
    with contextlib.redirect_stdout(sys.stderr):  # stdout is for the closing account alone
        return hub_main(["check", str(path)]) == 0


def _check_platform(path: Path) -> None:
    """A platform's file of an earlier version is no use; said before anything is started."""
    if path.exists():
        try:
            PlatformStore(path).close()
        except sqlite3.Error as error:
            raise SiteError(tr("{path} cannot be used ({reason})", path=path, reason=error)) from error


def _compile(site: RigSite) -> Path:
    _say(tr("compiling the firmware for the MicroPython VM"))
    roles = sorted({node.role for lane in site.lanes for node, _ in lane.nodes()})
    return deployed_sets(roles, site.data_dir / "deploy")


async def _run(site: RigSite, deploy_dir: Path, options: argparse.Namespace) -> Summary | None:
    """The closing account; None when somebody ended the start."""
    started_ms = int(time.time() * 1000)
    with _end_signals() as ended:
        async with running_gate(site, deploy_dir) as run:
            _say(tr("starting broker, platform, hub and one VM per device"))
            if not await _is_up(run, ended):
                return None
            _say(
                tr(
                    "the gate is up: http://127.0.0.1:{http_port}/status, MQTT on port {mqtt_port}",
                    http_port=site.http_port,
                    mqtt_port=site.broker_port,
                )
            )
            began = time.monotonic()
            await _watch(run, options, ended)
            return await _settle(run, started_ms, time.monotonic() - began)


@contextlib.contextmanager
def _end_signals() -> Iterator[asyncio.Event]:
    """An event that is set by the first Ctrl-C or SIGTERM; a second one interrupts at once."""
    loop, ended = asyncio.get_running_loop(), asyncio.Event()

    def let_go() -> None:
        for number in _END_SIGNALS:
            loop.remove_signal_handler(number)

    def end() -> None:
        ended.set()
        let_go()

    for number in _END_SIGNALS:
        loop.add_signal_handler(number, end)
    try:
        yield ended
    finally:
        let_go()


async def _is_up(run: GateRun, ended: asyncio.Event) -> bool:
    """Wait until the gate is up; False when `ended` comes first."""
    ready, end = asyncio.create_task(run.open()), asyncio.create_task(ended.wait())
    try:
        await asyncio.wait([ready, end], return_when=asyncio.FIRST_COMPLETED)
        if not ready.done():
            return False
        for sentence in ready.result():
            _say(tr("{what}; the rest of the gate goes on", what=sentence))
        return True
    finally:
        ready.cancel()
        end.cancel()


async def _watch(run: GateRun, options: argparse.Namespace, ended: asyncio.Event) -> None:
    """Let the gate run until its time is over or somebody ends it."""
    drawn = sys.stdout.isatty() and not options.headless
    view = asyncio.create_task(show_live(run) if drawn else show_lines(run))
    try:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(options.seconds):
                await ended.wait()
    finally:
        view.cancel()
        await asyncio.wait([view])


async def _settle(run: GateRun, started_ms: int, seconds: float) -> Summary:
    """No more trucks; wait until those in the lanes are noticed and every record is acknowledged."""
    run.world.stop_traffic()
    end = time.monotonic() + _SETTLE_S
    while True:
        status = run.status  # older than the records, so what it takes for acknowledged must be among them
        # In a thread: the records of a long run take a while, and the field must not stand still meanwhile.
        records = await asyncio.to_thread(_records_since, run.platform_db, started_ms)
        summary = _summarize(run, status, records, seconds)
        if summary.accounted or time.monotonic() > end:
            return summary
        await asyncio.sleep(_SETTLE_PERIOD_S)


def _summarize(run: GateRun, status: dict[str, Any], records: list[dict[str, Any]], seconds: float) -> Summary:
    trucks = [TruckTruth(truck.truck_id, truck.lane, truck.plate, truck.outcome) for truck in run.world.trucks]
    return summarize(
        site=run.site.name,
        seed=run.site.seed,
        seconds=seconds,
        trucks=trucks,
        records=records,
        status=status,
        counters=run.tally.totals,
        hits=run.world.counts()["hits"],
        restarts=sum(process.restarts for process in run.processes)
        + sum(max(0, node.counters.starts - 1) for node in run.world.nodes.values()),
    )


def _records_since(path: Path, started_ms: int) -> list[dict[str, Any]]:
    """What the platform has of this run: everything from the first hub_started record on."""
    if not path.exists():
        return []
    store = PlatformStore(path)
    try:
        found = store.first_of("hub_started", started_ms)
        return store.records(after=found - 1, limit=10_000_000) if found else []
    finally:
        store.close()


def _report(summary: Summary, as_json: bool) -> int:
    if as_json:
        print(json.dumps(summary.as_json()))
    else:
        _say(
            tr(
                "{trucks} trucks: {passed} passed, {turned_back} turned back, {in_lane} in the lanes; "
                "{records_journalled} records, {records_acknowledged} acknowledged",
                **summary.as_json(),
            )
        )
        for problem in summary.problems:
            _say(problem)
    return EXIT_ACCOUNTED if summary.accounted else EXIT_FAILED


def _say(text: str) -> None:
    print(f"gate: {text}", file=sys.stderr, flush=True)


def _fail(text: str, code: int) -> int:
    _say(text)
    return code


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
