"""The rig's view of the hub from outside: its status page and its camera door, over loopback HTTP.

Knows: aiohttp, the two paths. Must not know: what the status means.
"""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp

_STATUS_TIMEOUT_S = 2.0
_POST_TRIES = 20  # a camera keeps trying for as long as a hub needs to come back after a crash
_POST_PAUSE_S = 1.0


class HubClient:
    """Use as an async context manager. A hub that is away gives None, not an exception."""

    def __init__(self, port: int) -> None:
        self._base = f"http://127.0.0.1:{port}"
        self._session: aiohttp.ClientSession | None = None
        self.posts_lost = 0

    async def __aenter__(self) -> HubClient:
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_STATUS_TIMEOUT_S))
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._session is not None
        await self._session.close()

    async def status(self) -> dict[str, Any] | None:
        """The hub's status, or None while it does not answer."""
        assert self._session is not None
        try:
            async with self._session.get(f"{self._base}/status") as response:
                data = await response.json()
        except (aiohttp.ClientError, TimeoutError, ValueError):
            return None
        return data if isinstance(data, dict) else None

    async def post_camera(self, content_type: str, body: bytes) -> None:
        """Deliver a camera's event, trying again while the hub is away; a post given up is counted."""
        for _ in range(_POST_TRIES):
            if await self._post_once(content_type, body):
                return
            await asyncio.sleep(_POST_PAUSE_S)
        self.posts_lost += 1

    async def _post_once(self, content_type: str, body: bytes) -> bool:
        assert self._session is not None
        headers = {"Content-Type": content_type}
        try:
            async with self._session.post(f"{self._base}/isapi/event", data=body, headers=headers) as response:
                return response.status < 500
        except (aiohttp.ClientError, TimeoutError):
            return False
