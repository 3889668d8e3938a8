"""The hub's updates: one campaign at a time, carried out through the lines while the rest of the gate works.

Knows: the campaign (edge/update/campaign.py), which lanes it needs, what is journalled before what, what is on the disk
so that a hub that was killed goes on. Must not know: frames, what a device does with a bundle.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge.config import SiteConfig
from edge.journal.writer import JournalWriter
from edge.lane_shell import LaneShell
from edge.model import Record
from edge.operator_door import BAD_REQUEST, DONE, REFUSED, Answer
from edge.southbound.command_exchange import ReadRequest, WriteRequest
from edge.southbound.device_session import DeviceSession
from edge.southbound.modbus_line import ModbusLine, Session
from edge.update.bundle import Bundle, BundleFileError, read_bundle
from edge.update.campaign import Campaign, Member, choose
from edge.update.device import DeviceRegisters, data_size, now_ms, run_update
from edge.update.keys import is_signed
from edge.update.manifest import version_text
from edge.update.memory import UpdateMemory
from edge.update.request import BEGIN, LANE, QUEUED, STATUS, BeginRequest, UpdateRequest
from edge.update.steps import ABSENT_MS, SILENT, Command, DeviceUpdate, Phase, Verdict
from edge.update.words import LANE_BUSY, STOPPED, SWAPPED, reason_in_journal

LANE_WAIT_MS = 1_800_000  # a truck that stands in the lane for longer is a matter for people
_LOOK_S = 0.2
_DISK_S = 1.0
_RECORDS = {
    Verdict.CONFIRMED: "update_confirmed",
    Verdict.RETURNED: "update_returned",
    Verdict.REFUSED: "update_refused",
    Verdict.FAILED: "update_failed",
    Verdict.NOT_BEGUN: "update_refused",
    Verdict.UNCHANGED: "update_unchanged",
}
_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Progress:
    """How far one device is, for people."""

    phase: str = QUEUED
    permille: int = 0


class _Port:
    """A device of a running line."""

    def __init__(self, line: ModbusLine, device: str) -> None:
        self._line = line
        self._device = device

    async def transfer(self, request: ReadRequest | WriteRequest) -> bytes:
        """See DevicePort."""
        return await self._line.transfer(self._device, request)

    async def command(self, opcode: str, argument: int, deadline_ms: int) -> tuple[bool, str]:
        """See DevicePort."""
        future: asyncio.Future[tuple[bool, str]] = asyncio.get_running_loop().create_future()

        def on_outcome(ok: bool, reason: str) -> None:
            if not future.done():
                future.set_result((ok, reason))

        self._line.submit(self._device, opcode, argument, deadline_ms, on_outcome)
        return await future


class Updates:
    """Run `run` as a task; `ask` is for the operator's door."""

    def __init__(
        self,
        config: SiteConfig,
        journal: JournalWriter,
        *,
        lines: Mapping[str, ModbusLine],
        sessions: Mapping[str, Session],
        lanes: Mapping[str, LaneShell],
        wall_ms: Callable[[], int],
    ) -> None:
        self._config = config
        self._journal = journal
        self._lines = lines
        self._sessions = {name: session for name, session in sessions.items() if isinstance(session, DeviceSession)}
        self._lanes = lanes
        self._wall_ms = wall_ms
        self._memory = UpdateMemory(config.data_dir)
        self._lane_of = {
            device: lane.name for lane in config.lanes for device in (lane.barrier, lane.weighbridge) if device
        }
        self._campaign, self._bundle = self._memory.load()
        self._progress: dict[str, _Progress] = {}
        self._resumed = {it.name for it in self._campaign.members if it.has_begun} if self._campaign else set()
        self._ending = 0  # devices whose end is being written down
        self._taking = asyncio.Lock()  # two requests at once would both find nothing under way
        self._disk = asyncio.Lock()  # devices of several lanes end at once, and what is written is one file
        self._changed = asyncio.Event()
        self._changed.set()
        self._withhold()

    async def run(self) -> None:
        """Carry campaigns out, until cancelled; one that a hub before had begun goes on."""
        async with asyncio.TaskGroup() as group:
            while True:
                await self._changed.wait()
                self._changed.clear()
                self._start_devices(group)

    async def ask(self, request: UpdateRequest, user: str, uid: int) -> Answer:
        """What the operator's door was asked."""
        if request.what == BEGIN and request.begin is not None:
            async with self._taking:
                return await self._take(request.begin, user, uid)
        return Answer(DONE, "", self.status()) if request.what == STATUS else await self._stop(user, uid)

    async def _take(self, request: BeginRequest, user: str, uid: int) -> Answer:
        """Check the bundle and begin a campaign. Done, too, when this very campaign is under way."""
        try:
            bundle = await asyncio.to_thread(read_bundle, Path(request.path))
        except BundleFileError as error:
            return Answer(BAD_REQUEST, str(error))
        members, unknown, others = self._choose(request, bundle)
        if request.allow_older not in (None, bundle.version):
            return Answer(BAD_REQUEST, f"--allow-older must name the bundle's version, {version_text(bundle.version)}")
        if unknown:
            return Answer(BAD_REQUEST, f"device {unknown[0]} is unknown to the hub; see its site file")
        refusal = self._refusal(bundle, members, others)
        if self._campaign is not None and (self._ending or not self._campaign.is_over):
            if self._is_same(bundle, members):
                return Answer(DONE, "this update is under way already", self.status())
            return Answer(REFUSED, "another update is under way; wait for its end or stop it")
        data = self._bundle_data(bundle) | {"user": user, "uid": uid, "devices": [member.name for member in members]}
        if refusal:
            await self._journal.append([self._record("update_refused", data | {"refusal": refusal})])
            return Answer(REFUSED, refusal)
        campaign = Campaign(bundle.sha256, members, user, uid, request.allow_older, request.reason)
        return await self._begin(campaign, bundle)

    async def _stop(self, user: str, uid: int) -> Answer:
        """Begin no further device, and give up those that were not switched; what they have they keep."""
        campaign = self._campaign
        if campaign is None or campaign.is_over:
            return Answer(REFUSED, "no update is under way")
        campaign.stopped = campaign.stopped or user
        await self._save(campaign)
        await self._journal.append([self._record("update_stopped", {"user": user, "uid": uid})])
        self._changed.set()
        return Answer(DONE, "no further device is begun", self.status())

    def status(self) -> dict[str, Any]:
        """The campaign under way, or the last one, {} when there was none."""
        campaign, bundle = self._campaign, self._bundle
        if campaign is None or bundle is None:
            return {}
        return {
            **self._bundle_data(bundle),
            "is_over": campaign.is_over and not self._ending,
            "stopped": campaign.stopped,
            "user": campaign.user,
            "devices": [self._member_status(member) for member in campaign.members],
        }

    def _member_status(self, member: Member) -> dict[str, Any]:
        progress = self._progress.get(member.name, _Progress())
        return {
            "name": member.name,
            "lane": member.lane,
            "phase": Phase.OVER if member.is_over else progress.phase,
            "permille": 1000 if member.is_over else progress.permille,
            "verdict": member.verdict,
            "reason": member.reason,
            "values": self._values(member),
        }

    def _choose(self, request: BeginRequest, bundle: Bundle) -> tuple[list[Member], list[str], list[str]]:
        devices = [(device.name, device.line, device.map) for device in self._config.devices]
        return choose(devices, self._lane_of, request.devices, bundle.role)

    def _refusal(self, bundle: Bundle, members: list[Member], others: list[str]) -> str:
        """Why this bundle is not begun with, "" when it is."""
        if others:
            return f"device {others[0]} is no {bundle.role}, for which the bundle is; build one for its role"
        if not members:
            return f"the site has no {bundle.role}, for which the bundle is"
        if self._config.update_key and not is_signed(bundle.message, bundle.signature, self._config.update_key):
            return "the bundle is not signed with the key of this site (update_key_file); sign it with that key"
        known = self._sessions[members[0].name].role.map_version
        if bundle.map_version != known:
            return (
                f"the bundle serves version {bundle.map_version} of map {bundle.role} and this hub knows {known}, so "
                "it could not use the devices afterwards; update the hub, or build a bundle of the hub's version"
            )
        return ""

    def _is_same(self, bundle: Bundle, members: list[Member]) -> bool:
        campaign = self._campaign
        names = {member.name for member in campaign.members} if campaign else set()
        return campaign is not None and campaign.bundle == bundle.sha256 and {it.name for it in members} <= names

    async def _begin(self, campaign: Campaign, bundle: Bundle) -> Answer:
        try:
            await asyncio.to_thread(self._memory.keep_bundle, bundle)
            await asyncio.to_thread(self._memory.save, campaign)
        except OSError as error:
            return Answer(REFUSED, f"{self._config.data_dir} cannot be written ({error.strerror}); free its disk first")
        self._campaign, self._bundle, self._progress = campaign, bundle, {}
        data = self._bundle_data(bundle) | {
            "user": campaign.user,
            "uid": campaign.uid,
            "devices": [member.name for member in campaign.members],
        }
        records = [self._record("update_begun", data)]
        if campaign.allow_older is not None:
            older = {"version": version_text(campaign.allow_older), "reason": campaign.reason}
            records.append(self._record("update_older_allowed", data | older))
        await self._journal.append(records)
        self._changed.set()
        return Answer(DONE, f"begun with {len(campaign.members)} device(s)", self.status())

    def _start_devices(self, group: asyncio.TaskGroup) -> None:
        campaign, bundle = self._campaign, self._bundle
        if campaign is None or bundle is None:
            return
        for member in campaign.startable():
            campaign.begin(member)
            group.create_task(self._do_device(campaign, member, bundle), name=f"update of {member.name}")
        self._withhold()

    async def _do_device(self, campaign: Campaign, member: Member, bundle: Bundle) -> None:
        """One device from the first question to its verdict."""
        progress = self._progress[member.name] = _Progress(LANE if member.lane else Phase.LOOKING)
        self._withhold()
        update = self._make_update(campaign, member, bundle)
        why = await self._await_lane(campaign, member)
        if why:
            update.give_up(*why)
        session, line = self._sessions[member.name], self._lines[member.line]

        def on_step() -> None:
            progress.phase, progress.permille = update.phase, update.permille
            member.version_before = member.version_before if member.version_before >= 0 else update.version_before
            if update.verdict is None and not update.is_switched:
                if campaign.stopped:
                    update.give_up(STOPPED, campaign.stopped)
                elif session.swapped:
                    update.give_up(SWAPPED, session.swapped)

        async def before_command(command: Command) -> None:
            if command.opcode == "UPDATE_SWITCH":
                await self._note_switch(campaign, member, update)
            elif command.opcode == "UPDATE_BEGIN":
                await self._save(campaign)

        port, registers = _Port(line, member.name), DeviceRegisters(session.role)
        on_step()
        await run_update(update, bundle, port, registers, before_command=before_command, on_step=on_step)
        await self._end_device(campaign, member, update)

    def _make_update(self, campaign: Campaign, member: Member, bundle: Bundle) -> DeviceUpdate:
        return DeviceUpdate(
            len(bundle.data),
            bundle.ends,
            bundle.version,
            now_ms=now_ms(),
            allow_older=campaign.allow_older,
            slot_before=member.slot_before,
            has_begun=member.has_begun and member.name in self._resumed,
            data_size=data_size(self._lines[member.line].config.baud),
        )

    async def _await_lane(self, campaign: Campaign, member: Member) -> tuple[str, str] | None:
        """Until the member's lane is out of service; reason and detail when it cannot be.

        A lane that cannot use a device, because its map is another version, has no truck under way.
        """
        if not member.lane or member.slot_before:
            return None
        lane = self._lanes[member.lane]
        of_lane = [self._sessions[name] for name in (lane.config.barrier, lane.config.weighbridge)]
        since_ms = now_ms()
        while not lane.is_out_of_service and not any(it.is_itself and not it.is_verified for it in of_lane):
            why = self._lane_trouble(campaign, member, of_lane, now_ms() - since_ms)
            if why:
                return why
            await asyncio.sleep(_LOOK_S)
        return None

    def _lane_trouble(
        self, campaign: Campaign, member: Member, of_lane: Sequence[DeviceSession], waited_ms: int
    ) -> tuple[str, str] | None:
        """Why it is not waited for any longer."""
        swapped = self._sessions[member.name].swapped
        if campaign.stopped or swapped:
            return (STOPPED, campaign.stopped) if campaign.stopped else (SWAPPED, swapped)
        lost = [it.config.name for it in of_lane if not it.is_itself]
        if lost and waited_ms >= ABSENT_MS:
            return (SILENT, "") if member.name in lost else (LANE_BUSY, f"{lost[0]} does not answer")
        if waited_ms >= LANE_WAIT_MS:
            return LANE_BUSY, str(self._lanes[member.lane].view()["state"])
        return None

    async def _note_switch(self, campaign: Campaign, member: Member, update: DeviceUpdate) -> None:
        """Which slot runs is on the disk, and the switch in the journal, before another one is started."""
        is_again = member.slot_before == update.slot_before
        member.slot_before = update.slot_before
        await self._save(campaign)
        if not is_again:
            await self._journal.append([self._device_record("update_switched", member, {})])

    async def _end_device(self, campaign: Campaign, member: Member, update: DeviceUpdate) -> None:
        assert update.verdict is not None
        self._ending += 1
        campaign.end(member, update.verdict, update.reason, update.detail)
        self._withhold()
        text = reason_in_journal(update.reason, self._values(member)) if update.reason else ""
        _log.warning("update of %s: %s %s", member.name, update.verdict, text)
        data = {"verdict": str(update.verdict), "reason": update.reason, "text": text}
        records = [self._device_record(_RECORDS[update.verdict], member, data)]
        if campaign.is_over:
            verdicts = {it.name: it.verdict for it in campaign.members}
            records.append(self._record("update_ended", {"stopped": campaign.stopped, "verdicts": verdicts}))
        await self._journal.append(records)  # first: a record that stands there twice is better than none
        await self._save(campaign)
        self._ending -= 1
        self._changed.set()

    async def _save(self, campaign: Campaign) -> None:
        """However long the disk refuses: what is not written down is not done."""
        while True:
            try:
                async with self._disk:
                    await asyncio.to_thread(self._memory.save, campaign)
                return
            except OSError as error:
                _log.warning("the update waits for the disk: %s", os.strerror(error.errno or 0))
                await asyncio.sleep(_DISK_S)

    def _withhold(self) -> None:
        """Each lane is out of service exactly while the campaign needs it."""
        wanted = self._campaign.lanes() if self._campaign is not None else set()
        for name, lane in self._lanes.items():
            lane.withhold(name in wanted)

    def _values(self, member: Member) -> dict[str, str]:
        before = version_text(member.version_before) if member.version_before >= 0 else "?"
        version = version_text(self._bundle.version) if self._bundle else "?"
        return {"version": version, "running": before, "detail": member.detail}

    def _bundle_data(self, bundle: Bundle) -> dict[str, Any]:
        return {
            "role": bundle.role,
            "board": bundle.board,
            "bundle_version": version_text(bundle.version),
            "sha256": bundle.sha256,
        }

    def _device_record(self, kind: str, member: Member, data: Mapping[str, Any]) -> Record:
        values = self._values(member)
        versions = {"version": values["version"], "version_before": values["running"], "detail": values["detail"]}
        return Record(kind, member.lane, member.name, {**versions, **data}, self._wall_ms())

    def _record(self, kind: str, data: Mapping[str, Any]) -> Record:
        return Record(kind, "", "", data, self._wall_ms())
