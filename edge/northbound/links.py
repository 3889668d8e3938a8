"""The links of the uplink: connections that are made again for as long as the hub runs, the data on one at a time.

Knows: when to try again, the data's connection and the probes of links that stand by, which link carries the data.
Must not know: records, telemetry, what is in a message. A missing broker is a field problem: a reason and a pause,
logged once when it comes and once when it goes.

After a link's return an attempt begins within one phase's deadline (`link.py`) and one pause: data flows within 2 s.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from typing import Any

from edge.config import UplinkConfig
from edge.northbound.link import Link, WillSource
from edge.northbound.link_choice import LinkChoice
from edge.northbound.mqtt_client import BrokerError, MqttSession
from edge.northbound.pacer import Pacer

PAUSE_FIRST_S, PAUSE_MAX_S = 0.1, 0.3  # between attempts that fail
DROPPED_PAUSE_S = 1.0  # after a connection that did not last, so that two hubs with one client_id do no harm
STEADY_S = 5.0  # a connection that lasted
LOOK_S = 0.5  # the health of links is looked at so often
_log = logging.getLogger(__name__)
_Serve = Callable[[MqttSession], Awaitable[None]]


class Links:
    """`run` is a task of the hub; `serve` of it is called with every new connection of the data."""

    def __init__(self, config: UplinkConfig, pacer: Pacer, will: WillSource | None = None) -> None:
        self._config = config
        self._pacer = pacer
        self._will = will or _no_will
        now = asyncio.get_running_loop().time()
        self._links = [Link(link, now) for link in config.links]
        self._choice = LinkChoice(
            len(self._links),
            fail_over_after_s=config.fail_over_after_s,
            fail_back_after_s=config.fail_back_after_s,
        )
        self._data = asyncio.Lock()  # one connection at a time carries the data
        self._looking = asyncio.Event()
        self.session: MqttSession | None = None
        self.connects = 0

    @property
    def is_connected(self) -> bool:
        """Whether the data has a connection."""
        return self.session is not None and not self.session.lost.done()

    @property
    def reason(self) -> str:
        """Why it has none, "" while it has."""
        return "" if self.is_connected else self._links[self._choice.active].record.reason

    async def run(self, serve: _Serve) -> None:
        """Until cancelled. Errors of `serve` other than BrokerError pass through."""
        async with asyncio.TaskGroup() as group:
            for index in range(len(self._links)):
                group.create_task(self._keep(index, serve))
            group.create_task(self._look_on())

    def status(self) -> dict[str, Any]:
        """The links by name, the one that carries the data, and what is under way on it."""
        now = asyncio.get_running_loop().time()
        return {
            "active": self._config.links[self._choice.active].name,
            "active_because": self._choice.why,
            "switches": self._choice.switches,
            "window_bytes": int(self._pacer.window),
            "under_way_bytes": self._pacer.under_way,
            "links": {
                link.config.name: {"carries_data": index == self._choice.active, **link.record.status(now)}
                for index, link in enumerate(self._links)
            },
        }

    async def _keep(self, index: int, serve: _Serve) -> None:
        """One link for as long as the hub runs: the data's connection while it is chosen, else a probe."""
        link, pause = self._links[index], _Pause()
        while True:
            link.recall.clear()
            try:
                if index == self._choice.active:
                    await self._carry(link, serve)
                else:
                    await self._stand_by(link)
                pause.on_end(link.connected_for_s())
            except* BrokerError as group:
                pause.on_end(link.connected_for_s())
                link.on_down(str(_first(group)))
                self._looking.set()
            if not link.recall.is_set():
                await asyncio.sleep(pause.next_s())

    async def _carry(self, link: Link, serve: _Serve) -> None:
        async with self._data:
            if self._config.links[self._choice.active] is not link.config:
                return  # chosen and given up again while the other connection closed
            session = await link.connect(self._config.client_id, self._will, self._pacer)
            self.session = session
            self.connects += 1
            self._looking.set()
            try:
                await _serve_until_recalled(session, link.recall, serve)
            finally:
                self.session = None
                await session.close()

    async def _stand_by(self, link: Link) -> None:
        session = await link.connect(f"{self._config.client_id}-{link.config.name}-probe", _no_will, None)
        self._looking.set()
        try:
            await _serve_until_recalled(session, link.recall, _only_echo)
        finally:
            await session.close()

    async def _look_on(self) -> None:
        """Choose anew whenever a link comes or goes, and every LOOK_S."""
        while True:
            try:
                async with asyncio.timeout(LOOK_S):
                    await self._looking.wait()
            except TimeoutError:
                pass
            self._looking.clear()
            before, now = self._choice.active, asyncio.get_running_loop().time()
            for link in self._links:
                link.count_segments()
            if self._choice.look(now, [link.health(self._config) for link in self._links]):
                _log.warning("uplink: now over %s (%s)", self._links[self._choice.active].config.name, self._choice.why)
                for index in (before, self._choice.active):
                    self._links[index].recall.set()


class _Pause:
    """How long until the next attempt: short, never growing beyond what 2 s for everything allow."""

    def __init__(self) -> None:
        self._next_s = PAUSE_FIRST_S

    def on_end(self, connected_for_s: float | None) -> None:
        """A connection ended after so long, or an attempt failed (None)."""
        if connected_for_s is None:
            self._next_s = min(2 * self._next_s, PAUSE_MAX_S)
        else:
            self._next_s = PAUSE_FIRST_S if connected_for_s >= STEADY_S else DROPPED_PAUSE_S

    def next_s(self) -> float:
        """With jitter, so that gates that lost one broker do not come back as one."""
        return self._next_s * random.uniform(0.75, 1.0)


async def _serve_until_recalled(session: MqttSession, recall: asyncio.Event, serve: _Serve) -> None:
    """Run `serve` until it fails, the connection is lost or the link is recalled; it may publish while it is ended."""
    work, recalled = asyncio.ensure_future(serve(session)), asyncio.ensure_future(recall.wait())
    work.add_done_callback(lambda done: done.cancelled() or done.exception())  # looked at, also when the hub ends
    ends: list[asyncio.Future[Any]] = [work, recalled, session.lost]
    try:
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    finally:
        recalled.cancel()
        work.cancel()
        await asyncio.wait([work])
    if not work.cancelled() and (error := work.exception()) is not None:
        raise error
    if session.lost.done():
        raise BrokerError(session.lost.result())


async def _no_will() -> None:
    """A probe's end is nobody's business."""


async def _only_echo(session: MqttSession) -> None:
    """What a probe does: nothing; the session's echoes tell how the link is."""
    await asyncio.shield(session.lost)


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """One leaf of the group; they all tell the same loss."""
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
