"""The operator's door: who may knock, what is understood, and what a person is told."""

import asyncio
import getpass
import json
import os
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from edge.lane.facts import OperatorRequest
from edge.lane_shell import OperatorDoubtError
from edge.operator_door import (
    BAD_REQUEST,
    DONE,
    IN_DOUBT,
    REFUSED,
    SOCKET_NAME,
    UNKNOWN_LANE,
    Answer,
    DoorError,
    OperatorDoor,
    ask_hub,
)


class _Hub:
    """A door with one lane behind it; `asked` is what reached the lane, `refusal` what it says."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.asked: list[OperatorRequest] = []
        self.refusal = ""
        self.door = OperatorDoor(directory, lanes=["lane-1"], ask=self._ask)

    async def ask(self, request: str, lane: str = "lane-1", reason: str = "") -> Answer:
        return await asyncio.to_thread(ask_hub, self.directory, lane, request, reason)

    async def send(self, line: bytes) -> bytes:
        """Raw bytes as a stranger's program would send them."""
        folder = os.open(self.directory, os.O_RDONLY)
        reader, writer = await asyncio.open_unix_connection(f"/proc/self/fd/{folder}/{SOCKET_NAME}")
        os.close(folder)
        writer.write(line)
        writer.write_eof()
        answer = await reader.read()
        writer.close()
        return answer

    async def _ask(self, _: str, asked: OperatorRequest) -> str:
        self.asked.append(asked)
        if self.refusal == "doubt":
            raise OperatorDoubtError("not journalled yet")
        return self.refusal


@asynccontextmanager
async def _open_door(directory: Path) -> AsyncIterator[_Hub]:
    hub = _Hub(directory)
    await hub.door.start()
    try:
        yield hub
    finally:
        await hub.door.stop()


async def test_a_request_reaches_its_lane_with_the_user_the_kernel_names(tmp_path: Path) -> None:
    async with _open_door(tmp_path) as hub:
        assert await hub.ask("reject", reason="xe quá dài") == Answer(DONE, "lane lane-1: reject taken")
        assert hub.asked == [OperatorRequest("reject", getpass.getuser(), os.getuid(), "xe quá dài")]


async def test_the_socket_is_for_its_owner_only_and_goes_with_the_hub(tmp_path: Path) -> None:
    async with _open_door(tmp_path):
        mode = (tmp_path / SOCKET_NAME).stat().st_mode
        assert stat.S_ISSOCK(mode)
        assert stat.S_IMODE(mode) == 0o600
    assert not (tmp_path / SOCKET_NAME).exists()


async def test_a_lanes_word_becomes_a_sentence(tmp_path: Path) -> None:
    async with _open_door(tmp_path) as hub:
        hub.refusal = "something is in the path of the boom"
        expected = Answer(REFUSED, "lane lane-1 refuses close: something is in the path of the boom")
        assert await hub.ask("close") == expected
        hub.refusal = "doubt"
        assert (await hub.ask("open")).code == IN_DOUBT
        unknown = await hub.ask("open", lane="lane-9")
        assert unknown == Answer(UNKNOWN_LANE, "lane 'lane-9' is unknown to the hub; expected one of lane-1")
        assert len(hub.asked) == 2


@pytest.mark.parametrize(
    "line",
    [
        b"\n",
        b"not json\n",
        b"[]\n",
        b"\xff\n",
        b"[" * 4000 + b"\n",
        b'{"lane":"lane-1","request":"fly","reason":""}\n',
        b'{"lane":"lane-1","request":"open","reason":"two\\nlines"}\n',
        b'{"lane":"lane-1","request":"open","reason":"' + b"x" * 201 + b'"}\n',
        b'{"lane":"lane-1","request":["open"],"reason":""}\n',
    ],
)
async def test_what_is_no_request_is_refused_and_reaches_no_lane(line: bytes, tmp_path: Path) -> None:
    async with _open_door(tmp_path) as hub:
        assert json.loads(await hub.send(line))["code"] == BAD_REQUEST
        assert await hub.send(b"x" * 100_000) == b"", "a line without end is not read to its end"
        assert hub.asked == []
        assert (await hub.ask("open")).code == DONE


async def test_a_socket_left_by_a_killed_hub_is_replaced_in_a_folder_however_deep(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 100) / ("e" * 100)
    deep.mkdir(parents=True)
    async with _open_door(deep) as first:
        first.door._server.close()  # type: ignore[union-attr]
        with pytest.raises(DoorError, match=r"no hub is running on .*; start it with gate hub first"):
            await first.ask("open")
        async with _open_door(deep) as second:
            assert (await second.ask("open")).code == DONE


async def test_without_a_hub_a_person_is_told_so(tmp_path: Path) -> None:
    for directory in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(DoorError, match="no hub is running on"):
            ask_hub(directory, "lane-1", "open", "")


async def test_a_folder_that_refuses_the_socket_closes_that_door_only(tmp_path: Path) -> None:
    (tmp_path / SOCKET_NAME).mkdir()
    with pytest.raises(DoorError, match=r"operator\.sock cannot be made"):
        await OperatorDoor(tmp_path, lanes=[], ask=_Hub(tmp_path)._ask).start()
