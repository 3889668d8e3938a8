"""Addresses of one host name, for a hub that must connect while nobody answers for names.

Knows: the system's resolver, which blocks for as long as it likes. Must not know: what is connected to.
At most one question is under way; until it is answered the addresses known from before are used. The thread is a daemon
so that a question nobody answers does not hold up the hub's end.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from dataclasses import dataclass
from typing import Any

WAIT_S = 0.5  # for a new answer, when an older one is at hand


@dataclass(frozen=True, slots=True)
class Address:
    """What a socket needs to connect."""

    family: socket.AddressFamily
    sockaddr: Any


class Resolver:
    """Asks for `host` and `port` again and again; `next_address` gives one address after the other."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._asked: asyncio.Future[list[Address]] | None = None
        self._known: list[Address] = []
        self._turn = 0

    async def next_address(self) -> Address:
        """The next address to try; raises OSError when the name has none."""
        if self._asked is None:
            self._asked = self._ask()
        await asyncio.wait([self._asked], timeout=WAIT_S if self._known else None)
        if self._asked.done():
            asked, self._asked = self._asked, None
            self._known = asked.result() if asked.exception() is None or not self._known else self._known
        self._turn += 1
        return self._known[(self._turn - 1) % len(self._known)]

    def keep_address(self) -> None:
        """The address given last was a good one: give it again."""
        self._turn -= 1

    def _ask(self) -> asyncio.Future[list[Address]]:
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[list[Address]] = loop.create_future()

        def work() -> None:
            try:
                found = socket.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)
                result: list[Address] | OSError = [Address(item[0], item[4]) for item in found]
            except OSError as error:
                result = error
            except UnicodeError as error:
                result = OSError(f"{self._host} is no host name ({error})")
            if not loop.is_closed():
                loop.call_soon_threadsafe(_settle, answer, result)

        threading.Thread(target=work, daemon=True, name=f"resolve {self._host}").start()
        return answer


def _settle(answer: asyncio.Future[list[Address]], result: list[Address] | OSError) -> None:
    if answer.done():
        return
    if isinstance(result, OSError):
        answer.set_exception(result)
        answer.exception()
    else:
        answer.set_result(result)
