"""The HTTP door as a camera and a person see it."""

from __future__ import annotations

import asyncio
import socket
import zlib

import aiohttp
import pytest

from edge.api import Api, ApiError
from edge.model import PlateRead
from hil.bench.children import free_ports
from tests.edge.southbound.test_camera_host import NEW


async def _ask(api: Api, method: str, path: str, body: bytes = b"", encoding: str = "") -> tuple[int, str]:
    headers = {"Content-Type": "application/xml"} | ({"Content-Encoding": encoding} if encoding else {})
    async with aiohttp.ClientSession() as session:
        url = f"http://127.0.0.1:{api.port}{path}"
        async with session.request(method, url, data=body, headers=headers) as response:
            return response.status, await response.text()


def _with_api(
    requests: list[tuple[str, str, bytes] | tuple[str, str, bytes, str]], durable: tuple[bool, ...] = ()
) -> tuple[list[tuple[int, str]], list[PlateRead], Api]:
    """`durable` says of the first reads whether they could be stored; all others could."""
    reads: list[PlateRead] = []

    async def take(read: PlateRead) -> bool:
        reads.append(read)
        return len(reads) > len(durable) or durable[len(reads) - 1]

    api = Api(free_ports(1)[0], cameras=["cam1"], get_status=lambda: {"site": "x"}, get_device=_device, on_plate=take)

    async def run() -> list[tuple[int, str]]:
        await api.start()
        try:
            return [await _ask(api, *request) for request in requests]
        finally:
            await api.stop()

    return asyncio.run(run()), reads, api


def _device(name: str) -> dict[str, str] | None:
    return {"device": name} if name == "boom" else None


def test_a_device_has_a_page_and_another_name_a_sentence() -> None:
    answers, _, _ = _with_api([("GET", "/devices/boom", b""), ("GET", "/devices/bom", b"")])
    assert answers[0] == (200, '{"device": "boom"}')
    assert answers[1] == (404, "there is no device 'bom', expected a name of a [[device]] of the site\n")


def test_status_is_json() -> None:
    answers, _, _ = _with_api([("GET", "/status", b"")])
    assert answers == [(200, '{"site": "x"}')]


def test_read_is_taken_once() -> None:
    answers, reads, api = _with_api([("POST", "/isapi/event", NEW)] * 2)
    assert [status for status, _ in answers] == [200, 200]
    assert [read.plate for read in reads] == ["29A12345"]
    assert api.counters == {"posts": 2, "reads": 1, "repeated": 1, "ignored": 0, "refused": 0}


def test_read_that_cannot_be_stored_is_asked_for_again() -> None:
    answers, reads, api = _with_api([("POST", "/isapi/event", NEW)] * 3, durable=(False,))
    assert [status for status, _ in answers] == [503, 200, 200]
    assert len(reads) == 2
    assert (api.counters["refused"], api.counters["reads"], api.counters["repeated"]) == (1, 1, 1)


def test_bad_requests_get_a_sentence_and_harm_nothing() -> None:
    stranger = NEW.replace(b"cam1", b"cam9").replace(b"192.0.2.64", b"")
    answers, reads, _ = _with_api(
        [
            ("POST", "/isapi/event", b"garbage"),
            ("POST", "/isapi/event", stranger),
            ("POST", "/isapi/event", b"x" * (8 * 1024 * 1024 + 1)),
            ("POST", "/isapi/event", b"no deflated body", "deflate"),
            ("POST", "/isapi/event", zlib.compress(b"x" * 100_000_000), "deflate"),
            ("GET", "/nowhere", b""),
            ("POST", "/isapi/event", NEW),
        ]
    )
    assert [status for status, _ in answers] == [400, 404, 413, 400, 413, 404, 200]
    assert "'cam9' belongs to no lane" in answers[1][1]
    assert all(text.count("\n") == 1 for _, text in answers)
    assert len(reads) == 1


async def _never(_: PlateRead) -> bool:
    raise AssertionError


def test_port_in_use_is_one_clear_sentence() -> None:
    async def run(port: int) -> None:
        api = Api(port, cameras=[], get_status=dict, get_device=_device, on_plate=_never)
        with pytest.raises(ApiError, match=f"http_port {port} on 127.0.0.1 is already in use"):
            await api.start()
        await api.stop()

    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        asyncio.run(run(holder.getsockname()[1]))
