"""The transfer that waits on one line: a read or a write of an update, served when the polls leave the line free.

Knows: its request, who waits for it, the plan that gives it its turn. Must not know: ports, what an update is.
One at a time: whoever updates a device of the line waits for each answer. Nobody's transfer outlives its waiter.
"""

from __future__ import annotations

import asyncio

from edge.config import KIND_RTU, LineConfig
from edge.poll.plan import PollPlan
from edge.southbound.command_exchange import ReadRequest, WriteRequest
from edge.southbound.line_error import Fault, LineError

TRANSFER_WAIT_S = 10.0  # a line that did not get to it by then is down, or the device is gone
_BITS_PER_CHARACTER = 11
_WRITE_FRAMES, _READ_FRAMES = 9 + 8, 8 + 5  # characters of request and answer around their registers
_PAUSES_MS = 6  # t3.5 twice, the device's turnaround, the hub's own time
_NETWORK_MS = 10

Request = ReadRequest | WriteRequest


class LineTransfers:
    """At most one waits or is under way."""

    def __init__(self, plan: PollPlan, config: LineConfig) -> None:
        self._plan = plan
        self._config = config
        self._waiting: tuple[int, Request, asyncio.Future[bytes]] | None = None

    async def ask(self, unit_id: int, request: Request, now_ms: int) -> bytes:
        """What `request` brought, b"" for a write. Raises LineError; then a write may have arrived all the same."""
        future: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._waiting = unit_id, request, future
        self._plan.request_transfer(unit_id, self.cost_ms(request), now_ms)
        try:
            async with asyncio.timeout(TRANSFER_WAIT_S):
                return await future
        except TimeoutError:
            raise LineError(Fault.TIMEOUT, f"line {self._config.name} did not come to it in time") from None
        finally:
            if self._waiting is not None and self._waiting[2] is future:
                self._waiting = None
                self._plan.drop_transfer()

    @property
    def is_waiting(self) -> bool:
        """Whether somebody waits for one."""
        return self._waiting is not None

    def current(self, unit_id: int) -> Request | None:
        """The request whose turn it is; None when its waiter has gone."""
        return self._waiting[1] if self._waiting is not None and self._waiting[0] == unit_id else None

    def settle(self, outcome: bytes | LineError) -> None:
        """What became of it."""
        if self._waiting is None:
            return
        future, self._waiting = self._waiting[2], None
        if future.done():
            return
        if isinstance(outcome, LineError):
            future.set_exception(outcome)
        else:
            future.set_result(outcome)

    def cost_ms(self, request: Request) -> int:
        """How long the line is taken for it, about."""
        if self._config.kind != KIND_RTU:
            return _NETWORK_MS
        if isinstance(request, ReadRequest):
            characters = _READ_FRAMES + 2 * request.count
        else:
            characters = _WRITE_FRAMES + 2 * len(request.values)
        return characters * _BITS_PER_CHARACTER * 1000 // self._config.baud + _PAUSES_MS
