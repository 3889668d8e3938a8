"""The hub's HTTP door on loopback: `GET /status`, `/devices/<name>` and `/metrics`, `POST /isapi/event` for cameras.

Knows: aiohttp (the only file that does in edge/), status codes and sentences. Must not know: lanes, devices or the
journal; it is given functions to ask and to tell. Bad input is answered and counted, it never reaches further.
"""

from __future__ import annotations

import errno
from collections import Counter
from collections.abc import Awaitable, Callable, Collection
from typing import Any

from aiohttp import web

from edge.metrics import CONTENT_TYPE, metrics_text
from edge.model import PlateRead
from edge.southbound.camera import POST_SIZE_MAX, CameraPostError, RecentReads, parse_post

HOST = "127.0.0.1"
_SHUTDOWN_S = 1.0


class ApiError(Exception):
    """The door cannot be opened; the text is one sentence for whoever set the site up."""


class Api:
    """`get_status` gives a JSON object, `get_device` one for a device's name or None; `on_plate` is told of each new
    read of one of `cameras`.

    It returns whether the read is durable; if not, the camera is answered 503 and sends it again.
    """

    def __init__(
        self,
        port: int,
        *,
        cameras: Collection[str],
        get_status: Callable[[], dict[str, Any]],
        get_device: Callable[[str], dict[str, Any] | None],
        on_plate: Callable[[PlateRead], Awaitable[bool]],
    ) -> None:
        self.port = port
        self.counters: Counter[str] = Counter(posts=0, reads=0, repeated=0, ignored=0, refused=0)
        self._cameras = frozenset(cameras)
        self._get_status = get_status
        self._get_device = get_device
        self._on_plate = on_plate
        self._recent = RecentReads()
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Listen on 127.0.0.1. Raises ApiError when the port cannot be had."""
        app = web.Application(client_max_size=POST_SIZE_MAX, middlewares=[_answer_in_sentences])
        app.router.add_get("/status", self._on_status)
        app.router.add_get("/devices/{name}", self._on_device)
        app.router.add_get("/metrics", self._on_metrics)
        app.router.add_post("/isapi/event", self._on_event)
        runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=_SHUTDOWN_S)
        await runner.setup()
        try:
            await web.TCPSite(runner, HOST, self.port).start()
        except OSError as error:
            await runner.cleanup()
            raise ApiError(_port_sentence(self.port, error)) from None
        self._runner = runner

    async def stop(self) -> None:
        """Close the door; requests under way get a second to end. Harmless when it was never open."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _on_status(self, _request: web.Request) -> web.Response:
        return web.json_response(self._get_status())

    async def _on_device(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        found = self._get_device(name)
        if found is None:
            text = f"there is no device {name[:60]!r}, expected a name of a [[device]] of the site\n"
            return web.Response(status=404, text=text)
        return web.json_response(found)

    async def _on_metrics(self, _request: web.Request) -> web.Response:
        text = metrics_text(self._get_status())
        return web.Response(body=text.encode(), headers={"Content-Type": CONTENT_TYPE})

    async def _on_event(self, request: web.Request) -> web.Response:
        self.counters["posts"] += 1
        try:
            body = await request.read()
            read = parse_post(request.headers.get("Content-Type", ""), body, self._cameras)
        except CameraPostError as error:
            return self._refuse(400, f"{error}")
        except web.RequestPayloadError:
            return self._refuse(400, "the post's body is not what its Content-Encoding or Transfer-Encoding says")
        except web.HTTPRequestEntityTooLarge:
            return self._refuse(413, f"the post is larger than {POST_SIZE_MAX} bytes")
        if read is None or read.retransmitted:
            # A retransmission tells of a truck long gone; no lane may take it for the one before it.
            return self._answer("ignored")
        if read.camera not in self._cameras:
            return self._refuse(404, f"camera {read.camera[:60]!r} belongs to no lane, add it to a [[lane]]")
        if not self._recent.is_new(read):
            return self._answer("repeated")
        if not await self._on_plate(read):
            return self._refuse(503, "the read cannot be stored now, send it again")
        self._recent.note(read)
        return self._answer("reads")

    def _answer(self, counter: str) -> web.Response:
        self.counters[counter] += 1
        return web.Response(text="read taken\n" if counter == "reads" else f"{counter}\n")

    def _refuse(self, status: int, sentence: str) -> web.Response:
        self.counters["refused"] += 1
        return web.Response(status=status, text=f"{sentence}\n")


@web.middleware
async def _answer_in_sentences(request: web.Request, handler: Any) -> web.StreamResponse:
    """Unknown paths and methods get a sentence that names what there is."""
    try:
        response: web.StreamResponse = await handler(request)
    except (web.HTTPNotFound, web.HTTPMethodNotAllowed) as error:
        expected = "expected GET /status, GET /devices/<name>, GET /metrics or POST /isapi/event"
        text = f"there is no {request.method} {request.path[:60]}, {expected}\n"
        return web.Response(status=error.status, text=text)
    return response


def _port_sentence(port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        reason = "is already in use by another program"
    elif error.errno == errno.EACCES:
        reason = "may not be used by this user"
    else:
        reason = f"cannot be used ({error.strerror})"
    return f"http_port {port} on {HOST} {reason}; expected a free port; choose another http_port or end that program"
