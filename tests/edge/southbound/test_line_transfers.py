"""Transfers of a line: between the polls, to the right device only, with an end for whoever waits."""

import asyncio
from typing import Any

import pytest

from edge.southbound.command_exchange import ReadRequest, WriteRequest
from edge.southbound.line_error import Fault, LineError
from protocols.registers import weighbridge

_HEADER = ReadRequest(0, 4)
_MAX_WRITE = WriteRequest(64, tuple(range(120)))


async def test_a_transfer_reads_while_the_line_is_polled(
    make_field: Any, open_field: Any, run_line: Any, wire: str
) -> None:
    field = make_field(u1=("weighbridge", 5))
    async with open_field(field, wire) as config, run_line(config, [(1, "weighbridge", 5)]) as running:
        await running.until(lambda: running.image().online)
        raw = await running.line.transfer("dev-1", _HEADER)
        assert raw == weighbridge.MAP_ID.to_bytes(2) + weighbridge.MAP_VERSION.to_bytes(2) + (5).to_bytes(4)
        polls = running.line.polls
        for _ in range(20):
            await running.line.transfer("dev-1", _HEADER)
        await running.until(lambda: running.line.polls > polls)
        assert running.kinds() == []


async def test_what_the_device_refuses_is_told_and_costs_no_presence(
    make_field: Any, open_field: Any, run_line: Any, wire: str
) -> None:
    field = make_field(u1=("weighbridge", 5))
    async with open_field(field, wire) as config, run_line(config, [(1, "weighbridge", 5)]) as running:
        await running.until(lambda: running.image().online)
        for _ in range(5):
            with pytest.raises(LineError) as raised:
                await running.line.transfer("dev-1", _MAX_WRITE)
            assert (raised.value.fault, raised.value.exception_code) == (Fault.EXCEPTION, 2)
        assert running.image().online
        assert running.kinds() == []


async def test_a_silent_device_ends_a_transfer_and_a_lost_one_gets_none(
    make_field: Any, open_field: Any, run_line: Any, wire: str
) -> None:
    field = make_field(u1=("weighbridge", 5))
    async with open_field(field, wire) as config, run_line(config, [(1, "weighbridge", 5)]) as running:
        await running.until(lambda: running.image().online)
        field.devices[1].mode = "silent"
        with pytest.raises(LineError):
            await running.line.transfer("dev-1", _HEADER)
        await running.until(lambda: not running.image().online)
        with pytest.raises(LineError, match="did not answer"):
            await running.line.transfer("dev-1", _HEADER)


async def test_a_waiter_that_goes_away_leaves_the_line_as_it_was(
    make_field: Any, open_field: Any, run_line: Any, wire: str
) -> None:
    field = make_field(u1=("weighbridge", 5))
    async with open_field(field, wire) as config, run_line(config, [(1, "weighbridge", 5)]) as running:
        await running.until(lambda: running.image().online)
        waiter = asyncio.create_task(running.line.transfer("dev-1", _HEADER))
        await asyncio.sleep(0)
        waiter.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiter
        assert await running.line.transfer("dev-1", _HEADER)


async def test_a_device_of_another_map_version_can_be_updated_and_nothing_else(
    make_field: Any, open_field: Any, run_line: Any, wire: str
) -> None:
    field = make_field(u1=("barrier", 77))
    field.devices[1].put("MAP_VERSION", 1)
    async with open_field(field, wire) as config, run_line(config, [(1, "barrier", 77)]) as running:
        await running.until(lambda: "unknown_device" in running.kinds())
        assert (await running.line.transfer("dev-1", _HEADER))[4:] == (77).to_bytes(4)
        assert await running.command("OPEN") == (False, "not_sent")


async def test_a_swapped_device_gets_no_transfer(make_field: Any, open_field: Any, run_line: Any, wire: str) -> None:
    field = make_field(u1=("barrier", 78))
    async with open_field(field, wire) as config, run_line(config, [(1, "barrier", 77)]) as running:
        await running.until(lambda: "unknown_device" in running.kinds())
        with pytest.raises(LineError, match="has serial number 78, expected 77"):
            await running.line.transfer("dev-1", _HEADER)
        assert await running.command("CLOSE") == (False, "not_sent")
