"""The hub of one site: its tasks on one screen, how they start, and how they end.

Knows: which parts there are and who is given whose functions. Must not know: what any of them does inside.

One TaskGroup holds everything. Field problems stay inside the parts as reasons; what leaves a part is a program error:
it ends the group, and the service manager starts the hub again on a journal that was durable all along.
"""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import importlib.metadata
import logging
import os
import signal
import sqlite3
import sys
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from edge.api import Api, ApiError
from edge.clock import SiteClock
from edge.config import LineConfig, SiteConfig
from edge.device_values import values_page
from edge.journal.database import JournalError
from edge.journal.retention import Limits
from edge.journal.signing import KeyFileError, load_or_make_key
from edge.journal.writer import JournalWriter, Retention
from edge.lane.facts import OperatorRequest
from edge.lane.machine import LaneStateError
from edge.lane_shell import COUNTED_KINDS, LaneShell
from edge.model import DeviceImage, PlateRead, Record, Report
from edge.northbound.pacer import Pacer
from edge.northbound.telemetry import Telemetry
from edge.northbound.uplink import Uplink
from edge.operator_door import DoorError, OperatorDoor
from edge.provision.backup import BackupKeeper
from edge.provision.book import Book, Entry
from edge.provision.device_key import key_id_of
from edge.provision.key_store import KeyFile, KeyStoreError
from edge.provision.watch import CURSOR as BOOK_CURSOR
from edge.provision.watch import BookWatch
from edge.southbound.device_session import DeviceSession
from edge.southbound.modbus_line import ModbusLine
from edge.southbound.settings_copy import SettingsCopy
from edge.status import build_status
from edge.updates import Updates

EXIT_DONE = 0
EXIT_FAILED = 1  # a program error, or the journal could not be flushed
EXIT_CANNOT_START = 1  # not 2: the site is sound
LOCK_NAME = "hub.lock"
RESERVE_SIZE = 8 * 1024 * 1024  # of the disk, kept for records: some ten thousand of them
_log = logging.getLogger(__name__)


class TaskEndedError(RuntimeError):
    """A part that works as long as the hub does came to an end by itself: a program error."""


class HubStartError(Exception):
    """The hub cannot start; the text says why and what to do."""


def run_hub(config: SiteConfig) -> int:
    """Run the hub of `config` until SIGTERM or SIGINT; the exit code."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    try:
        config.data_dir.mkdir(parents=True, exist_ok=True)
        with _locked(config.data_dir / LOCK_NAME):
            return asyncio.run(_run(config))
    except (HubStartError, JournalError, KeyFileError, LaneStateError) as error:
        print(f"gate: {error}", file=sys.stderr)
    except sqlite3.Error as error:
        print(
            f"gate: {config.journal_path} is damaged or cannot be read ({error}); restore the last good copy",
            file=sys.stderr,
        )
    except OSError as error:
        print(f"gate: {config.data_dir} cannot be used ({error}); check the disk and the rights", file=sys.stderr)
    return EXIT_CANNOT_START


async def _run(config: SiteConfig) -> int:
    key = load_or_make_key(config.key_path)
    limits = Limits(config.journal.keep_days, config.journal.keep_mb)
    clock = SiteClock()
    retention = Retention(limits, key, lambda: clock.is_trusted)
    journal = JournalWriter(config.journal_path, retention=retention, reserve_size=RESERVE_SIZE)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    try:
        hub = Hub(config, journal, clock)
        return EXIT_DONE if await hub.run(stop) else EXIT_FAILED
    except ExceptionGroup as group:
        _log.critical("the hub ends on a program error", exc_info=group)
        print(f"gate: the hub ended on a program error ({_leaf(group)!r}); the log has the details", file=sys.stderr)
        return EXIT_FAILED
    finally:
        journal.shut()


class Hub:
    """All parts of a running site, wired together."""

    def __init__(self, config: SiteConfig, journal: JournalWriter, clock: SiteClock) -> None:
        self._config = config
        self._journal = journal
        self._clock = clock
        self._started_ms = self._clock.stamp().mono_ms
        cursors, saved, counts = journal.device_cursors(), journal.lane_states(), journal.lane_counts()
        self._lane_names = {name: lane.name for lane in config.lanes for name in (lane.barrier, lane.weighbridge)}
        self._backups = BackupKeeper(config.data_dir, self._record_of_device)
        self._revoked: dict[int, str] = {}
        self._watch = BookWatch(config.data_dir, cursors.get(BOOK_CURSOR, (0, 0))[1], self._on_book)
        self._lines = {line.name: self._make_line(line, cursors) for line in config.lines}
        self._sessions = {
            session.config.name: session for line in self._lines.values() for session in line.sessions.values()
        }
        for session in self._sessions.values():
            if isinstance(session, DeviceSession):
                session.revoked = self._revoked
                session.look_for_news = self._watch.look
        self._lanes = {lane.name: self._make_lane(lane.name, saved.get(lane.name, "")) for lane in config.lanes}
        self._shell_of = {
            device: self._lanes[lane.name] for lane in config.lanes for device in (lane.barrier, lane.weighbridge)
        }
        for name, shell in self._lanes.items():
            shell.counts.update({kind: counts.get((name, kind), 0) for kind in COUNTED_KINDS.values()})
        self._telemetry, self._uplink = self._make_uplink(config)
        self._api = self._make_api()
        self._updates = Updates(
            config,
            journal,
            lines=self._lines,
            sessions=self._sessions,
            lanes=self._lanes,
            wall_ms=lambda: clock.stamp().wall_ms,
        )
        self._door = OperatorDoor(
            config.data_dir, lanes=list(self._lanes), ask=self._ask_lane, ask_update=self._updates.ask
        )
        self._door_reasons = {"api": "", "operator": ""}
        self._is_ending = False

    async def run(self, stop: asyncio.Event) -> bool:
        """Run until `stop`; False when records could not be flushed."""
        async with asyncio.TaskGroup() as group:
            writer = self._start(group, "journal", self._journal.run())
            self._journal.post([self._site_record("hub_started", self._identity())])
            self._watch.look()  # before a line asks anybody: whose keys are revoked
            watches = [
                self._start(group, "clock", self._clock.run(self._on_clock_step)),
                self._start(group, "boards", self._watch.run()),
                self._start(group, "backups", self._backups.run()),
            ]
            lines = [self._start(group, f"line {name}", line.run()) for name, line in self._lines.items()]
            lanes = [self._start(group, f"lane {name}", lane.run()) for name, lane in self._lanes.items()]
            updates = [self._start(group, "updates", self._updates.run())]
            uplinks = [self._start(group, "uplink", self._uplink.run())] if self._uplink else []
            uplinks += [self._start(group, "telemetry", self._telemetry.run())] if self._telemetry else []
            await self._open_doors()
            _log.info("hub of site %s runs", self._config.name)
            await stop.wait()
            self._is_ending = True
            await self._close_doors()
            await self._end(updates)
            await self._end([*lines, *lanes, *watches])
            self._journal.post([self._site_record("hub_stopped", {})])
            if self._uplink is not None:
                await self._uplink.drain()
            await self._end(uplinks)
            if self._telemetry is not None:
                self._telemetry.close()
            return await self._journal.close(writer)

    def _start(self, group: asyncio.TaskGroup, name: str, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        async def work_on() -> None:
            await work
            if not self._is_ending:
                raise TaskEndedError(f"{name} ended by itself")

        return group.create_task(work_on(), name=name)

    async def _end(self, tasks: Sequence[asyncio.Task[None]]) -> None:
        """Cancel `tasks` and await their ends."""
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def status(self) -> dict[str, Any]:
        """For GET /status."""
        return build_status(
            self._config,
            self._started_ms,
            lines=self._lines,
            lanes=self._lanes,
            journal=self._journal,
            uplink=self._uplink,
            telemetry=self._telemetry,
            clock=self._clock.status(),
            api={"reason": self._door_reasons["api"], **(self._api.counters if self._api else {})},
            boards={"reason": self._watch.reason, "backup": self._backups.status()},
            operator={"reason": self._door_reasons["operator"], "requests": self._door.requests},
        ) | {"update": self._updates.status()}

    def device(self, name: str) -> dict[str, Any] | None:
        """For GET /devices/<name>."""
        session = self._sessions.get(name)
        return values_page(session.image, session.values.tags, self._clock.stamp().mono_ms) if session else None

    async def on_plate(self, read: PlateRead) -> bool:
        """A camera read a plate; the API has checked that the camera belongs to a lane. Whether the read is durable."""
        lane = next(lane.name for lane in self._config.lanes if lane.camera == read.camera)
        return await self._lanes[lane].on_plate(read)

    def _make_line(self, line: LineConfig, cursors: Mapping[str, tuple[int, int]]) -> ModbusLine:
        lanes = self._lane_names
        devices = [(device, lanes.get(device.name, "")) for device in self._config.devices if device.line == line.name]
        return ModbusLine(
            line,
            devices,
            cursors,
            sink=self._journal.post,
            on_change=self._on_change,
            report=self._on_report,
            on_presence=self._on_presence,
            on_copy=self._on_copy,
            stamp=self._clock.stamp,
        )

    def _make_uplink(self, config: SiteConfig) -> tuple[Telemetry | None, Uplink | None]:
        if config.uplink is None:
            return None, None
        pacer = Pacer(config.uplink.history_bytes_per_s)
        devices = {name: session.values.tags for name, session in self._sessions.items()}
        telemetry = Telemetry(config.uplink, config.data_dir, devices, post=self._journal.post, pacer=pacer)
        return telemetry, Uplink(config.uplink, self._journal, pacer=pacer, parts=[telemetry], will=telemetry.will)

    def _make_lane(self, name: str, saved: str) -> LaneShell:
        config = {lane.name: lane for lane in self._config.lanes}[name]
        own = {device: self._sessions[device] for device in (config.barrier, config.weighbridge)}

        def images() -> Mapping[str, DeviceImage]:
            return {device: session.image for device, session in own.items()}

        return LaneShell(config, saved, self._journal, images=images, submit=self._submit, expect=self._expect)

    def _make_api(self) -> Api | None:
        if not self._config.http_port:
            return None
        cameras = [lane.camera for lane in self._config.lanes if lane.camera]
        return Api(
            self._config.http_port,
            cameras=cameras,
            get_status=self.status,
            get_device=self.device,
            on_plate=self.on_plate,
        )

    def _submit(
        self, device: str, opcode: str, argument: int, deadline_ms: int, on_outcome: Callable[[bool, str], None]
    ) -> None:
        line = self._lines[self._config.device(device).line]
        line.submit(device, opcode, argument, deadline_ms, on_outcome)

    def _expect(self, device: str) -> None:
        self._lines[self._config.device(device).line].expect_command()

    def _on_report(self, report: Report) -> None:
        if self._telemetry is not None:
            self._telemetry.report(report)

    def _on_presence(self, device: str, is_online: bool, reason: str, time_ms: int) -> None:
        if self._telemetry is not None:
            self._telemetry.on_presence(device, is_online, reason, time_ms)

    def _on_copy(self, device: str, copy: SettingsCopy) -> None:
        self._backups.take(self._config.device(device), copy)

    def _on_book(self, book: Book, news: Sequence[Entry]) -> None:
        """Boards were put into places: journal it, believe no revoked key, take the keys of the new ones."""
        for entry in book.revoked.values():
            day = time.strftime("%Y-%m-%d", time.localtime(entry.time_ms / 1000))
            whose = f"the board that was {entry.device} until {day}"
            self._revoked[key_id_of(str(entry.data["fingerprint"]))] = whose
        for name in dict.fromkeys(entry.device for entry in news):
            self._renew_key(name)
        if news:
            records = [self._record_of(entry) for entry in news]
            self._journal.post(records, {BOOK_CURSOR: (0, news[-1].number)})

    def _renew_key(self, device: str) -> None:
        session = self._sessions.get(device)
        if not isinstance(session, DeviceSession) or session.config.key_file is None:
            return
        try:
            key = KeyFile(session.config.key_file).current()
        except KeyStoreError as error:
            _log.error("%s keeps the key it had: %s", device, error)
            self._record_of_device("attention", device, {"reason": "key_unreadable", "detail": str(error)})
            return
        if key is not None and key.secret != session.config.key:
            session.take_key(key.secret)
            _log.warning("%s has a new key (%s)", device, key.fingerprint)

    def _record_of(self, entry: Entry) -> Record:
        lane = self._lane_names.get(entry.device, "")
        return Record(entry.kind, lane, entry.device, {**entry.data, "number": entry.number}, entry.time_ms)

    def _record_of_device(self, kind: str, device: str, data: Mapping[str, Any]) -> None:
        lane = self._lane_names.get(device, "")
        self._journal.post([Record(kind, lane, device, data, self._clock.stamp().wall_ms)])

    def _on_change(self, device: str) -> None:
        shell = self._shell_of.get(device)
        if shell is not None:
            shell.on_change()

    async def _ask_lane(self, lane: str, asked: OperatorRequest) -> str:
        return await self._lanes[lane].on_operator(asked)

    async def _open_doors(self) -> None:
        """A door that cannot be opened stays closed; the gate goes on without it."""
        for name, door in self._doors():
            try:
                await door.start()
            except (ApiError, DoorError) as error:
                self._door_reasons[name] = str(error)
                _log.error("%s", error)

    async def _close_doors(self) -> None:
        for _, door in self._doors():
            await door.stop()

    def _doors(self) -> list[tuple[str, Api | OperatorDoor]]:
        doors: list[tuple[str, Api | OperatorDoor]] = [("operator", self._door)]
        return [*doors, ("api", self._api)] if self._api is not None else doors

    def _identity(self) -> dict[str, Any]:
        digest = hashlib.sha256(self._config.path.read_bytes()).hexdigest()
        return {
            "version": _version(),
            "site": self._config.name,
            "config_sha256": digest,
            "pid": os.getpid(),
            "journal_key": self._journal.public_key,
        }

    def _site_record(self, kind: str, data: Mapping[str, Any]) -> Record:
        return Record(kind, "", "", data, self._clock.stamp().wall_ms)

    def _on_clock_step(self, data: Mapping[str, Any]) -> None:
        _log.warning("the wall clock was set %s by %d ms", data["direction"], data["step_ms"])
        self._journal.post([self._site_record("clock_step", data)])


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold the lock that keeps a second hub off the same data; raises HubStartError when one is running."""
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            owner = file.read(20).strip() or "unknown"
            raise HubStartError(
                f"{path.parent} is in use by a running hub (process {owner}); stop it first, or give this site "
                "another data_dir"
            ) from None
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield


def _version() -> str:
    try:
        return importlib.metadata.version("smartgate")
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def _leaf(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The first error that is no group."""
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
