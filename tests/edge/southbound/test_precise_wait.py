"""Short waits: never too short, one after the other, and without the kernel's help too."""

import asyncio
import ctypes

import pytest

from edge.southbound.precise_wait import PreciseWait


async def test_a_wait_is_never_too_short_and_the_next_one_works_too() -> None:
    loop, wait = asyncio.get_running_loop(), PreciseWait()
    for seconds in (0.0004, 0.00175, 0.0, 0.003):
        began = loop.time()
        await wait.wait(seconds)
        assert loop.time() - began >= seconds
    wait.close()


async def test_others_go_on_meanwhile() -> None:
    wait, turns = PreciseWait(), 0
    waiting = asyncio.ensure_future(wait.wait(0.005))
    while not waiting.done():
        turns += 1
        await asyncio.sleep(0)
    assert turns > 1
    wait.close()


async def test_a_wait_that_was_cancelled_does_not_shorten_the_next() -> None:
    loop, wait = asyncio.get_running_loop(), PreciseWait()
    first = asyncio.ensure_future(wait.wait(0.002))
    await asyncio.sleep(0)
    first.cancel()
    began = loop.time()
    await wait.wait(0.004)
    assert loop.time() - began >= 0.004
    wait.close()


async def test_closed_twice_and_used_again() -> None:
    wait = PreciseWait()
    await wait.wait(0.001)
    wait.close()
    wait.close()
    await wait.wait(0.001)
    wait.close()


async def test_without_the_kernels_timer_the_loops_own_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda *arguments, **options: object())
    loop, wait = asyncio.get_running_loop(), PreciseWait()
    began = loop.time()
    await wait.wait(0.002)
    assert loop.time() - began >= 0.002
    wait.close()
