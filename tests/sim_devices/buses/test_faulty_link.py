"""The link that fails on command: what passes, what is gone, and what the two ends see of it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from sim_devices.buses.faulty_link import FaultyLink, Mode

LIMIT_S = 5.0
Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Rig:
    """A server behind the link; `served` are its connections in the order they came."""

    def __init__(self, link: FaultyLink) -> None:
        self.link = link
        self.served: asyncio.Queue[Ends] = asyncio.Queue()

    async def connect(self) -> tuple[Ends, Ends]:
        """(client's end, server's end) of one connection."""
        client = await asyncio.open_connection("127.0.0.1", self.link.port)
        return client, await self.served.get()


@asynccontextmanager
async def rig() -> AsyncIterator[Rig]:
    served: asyncio.Queue[Ends] = asyncio.Queue()
    server = await asyncio.start_server(lambda *ends: served.put_nowait(ends), "127.0.0.1", 0)
    async with FaultyLink("127.0.0.1", server.sockets[0].getsockname()[1]) as link:
        made = Rig(link)
        made.served = served
        yield made
    server.close()


def run(body: Callable[[Rig], Awaitable[None]]) -> None:
    async def whole() -> None:
        async with asyncio.timeout(LIMIT_S), rig() as made:
            await body(made)

    asyncio.run(whole())


async def says(sender: Ends, receiver: Ends, text: bytes) -> None:
    sender[1].write(text)
    assert await receiver[0].readexactly(len(text)) == text


def test_bytes_pass_both_ways_and_an_end_is_told_on() -> None:
    async def body(made: Rig) -> None:
        client, server = await made.connect()
        await says(client, server, b"up")
        await says(server, client, b"down")
        client[1].write_eof()
        assert await server[0].read() == b""
        assert (made.link.counters.up, made.link.counters.down, made.link.counters.swallowed) == (2, 4, 0)

    run(body)


def test_a_cut_resets_what_stands_and_refuses_what_comes_until_it_is_mended() -> None:
    async def body(made: Rig) -> None:
        client, server = await made.connect()
        await made.link.set(Mode.CUT)
        for end in (client, server):
            with pytest.raises(ConnectionResetError):
                await end[0].read()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", made.link.port)
        await made.link.set(Mode.PASS)
        await says(*await made.connect(), b"again")

    run(body)


@pytest.mark.parametrize(
    ("mode", "up_passes", "down_passes"),
    [(Mode.HOLE, False, False), (Mode.UP_HOLE, False, True), (Mode.DOWN_HOLE, True, False)],
)
def test_a_hole_takes_connections_and_what_it_swallows_never_comes(
    mode: Mode, up_passes: bool, down_passes: bool
) -> None:
    async def body(made: Rig) -> None:
        await made.link.set(mode)
        client, server = await made.connect()
        client[1].write(b"first up")
        server[1].write(b"first down")
        counters = made.link.counters
        while counters.swallowed + counters.up + counters.down < 18:  # noqa: ASYNC110 - nothing tells of it, so it is asked
            await asyncio.sleep(0)
        assert counters.swallowed == 8 * (not up_passes) + 10 * (not down_passes)
        await made.link.set(Mode.PASS)
        client[1].write(b"second up")
        server[1].write(b"second down")
        assert await server[0].readexactly(9 + 8 * up_passes) == b"first up" * up_passes + b"second up"
        assert await client[0].readexactly(11 + 10 * down_passes) == b"first down" * down_passes + b"second down"

    run(body)


def test_a_hole_may_end_with_a_reset() -> None:
    async def body(made: Rig) -> None:
        client, server = await made.connect()
        await made.link.set(Mode.HOLE)
        await made.link.set(Mode.PASS, reset=True)
        for end in (client, server):
            with pytest.raises(ConnectionResetError):
                await end[0].read()

    run(body)


def test_a_stall_hands_everything_over_late_and_in_order() -> None:
    async def body(made: Rig) -> None:
        client, server = await made.connect()
        await made.link.set(Mode.STALL)
        client[1].write(b"one")
        await client[1].drain()
        assert made.link.counters.up == 0
        client[1].write(b"two")
        await made.link.set(Mode.PASS)
        assert await server[0].readexactly(6) == b"onetwo"

    run(body)


def test_a_slow_link_takes_the_time_its_rate_asks_for() -> None:
    async def body(made: Rig) -> None:
        await made.link.set(Mode.SLOW, bytes_per_s=10_000.0, delay_s=0.01)
        client, server = await made.connect()
        began_s = asyncio.get_running_loop().time()
        await says(client, server, bytes(1000))
        assert asyncio.get_running_loop().time() - began_s >= 0.1

    run(body)


def test_what_is_delayed_keeps_its_order_though_the_link_is_fast_again() -> None:
    async def body(made: Rig) -> None:
        client, server = await made.connect()
        await made.link.set(Mode.SLOW, bytes_per_s=1e6, delay_s=0.2)
        began_s = asyncio.get_running_loop().time()
        for number in range(10):
            client[1].write(bytes([number]))
            while made.link.counters.up <= number:  # noqa: ASYNC110 - nothing tells of it, so it is asked
                await asyncio.sleep(0)
        await made.link.set(Mode.PASS)
        client[1].write(b"last")
        assert await server[0].readexactly(14) == bytes(range(10)) + b"last"
        assert asyncio.get_running_loop().time() - began_s >= 0.2

    run(body)


def test_a_server_that_is_away_resets_the_client() -> None:
    async def body() -> None:
        async with asyncio.timeout(LIMIT_S):
            spare = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
            port = spare.sockets[0].getsockname()[1]
            spare.close()
            async with FaultyLink("127.0.0.1", port) as link:
                reader, _ = await asyncio.open_connection("127.0.0.1", link.port)
                with pytest.raises(ConnectionResetError):
                    await reader.read()

    asyncio.run(body())
