"""Updates through a running hub: lanes, records, who is next, and what a hub that was killed goes on with."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edge.cli import main
from edge.hub import Hub
from edge.operator_door import Answer, ask_hub_update
from edge.update import steps
from edge.update.keys import make_key
from edge.update.request import BEGIN, STATUS, STOP, BeginRequest, UpdateRequest
from tests.edge.update.updatable import UpdateSite, small_barrier_bundle, until


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The device of these tests works as fast as it is asked."""
    for name in ("LOOK_MS", "RETRY_MS", "BUSY_MS"):
        monkeypatch.setattr(steps, name, 5)
    monkeypatch.setattr("edge.updates._LOOK_S", 0.005)
    monkeypatch.setattr("edge.update.cli_update._LOOK_S", 0.02)


async def _ask(site: UpdateSite, request: UpdateRequest) -> Answer:
    return await asyncio.to_thread(ask_hub_update, site.folder / "data", request)


async def _begin(site: UpdateSite, *devices: str, **values: Any) -> Answer:
    begin = BeginRequest(str(site.bundle_path), devices, **values)
    return await _ask(site, UpdateRequest(BEGIN, begin))


async def _gate(*words: str) -> int:
    return await asyncio.to_thread(main, list(words))


def _are_idle(hub: Hub) -> Callable[[], bool]:
    return lambda: all(lane["state"] == "IDLE" for lane in hub.status()["lanes"].values())


async def test_every_barrier_is_updated_one_after_another_with_its_lane_out_of_service(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    site = UpdateSite(tmp_path, small_barrier_bundle(), lanes=2)
    async with site.field.on_tcp() as line, site.running(line.tcp_port) as hub:
        await until(_are_idle(hub))
        states: set[tuple[str, ...]] = set()
        words = ("update", str(site.bundle_path), str(tmp_path / "site.toml"), "--all", "--json")
        gate = asyncio.create_task(_gate(*words))
        while not gate.done():
            states.add(tuple(lane["state"] for lane in hub.status()["lanes"].values()))
            await asyncio.sleep(0.002)
        assert await gate == 0
        await until(_are_idle(hub))
    assert ("OUT_OF_SERVICE", "IDLE") in states
    assert ("IDLE", "OUT_OF_SERVICE") in states
    assert ("OUT_OF_SERVICE", "OUT_OF_SERVICE") not in states
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(it["name"], it["verdict"], it["text"]) for it in lines] == [
        ("barrier-1", "confirmed", "runs 1.2 now, before it was 1.1"),
        ("barrier-2", "confirmed", "runs 1.2 now, before it was 1.1"),
    ]
    kinds = [(record.kind, record.lane, record.device) for record in site.records()]
    assert kinds == [
        ("update_begun", "", ""),
        ("update_switched", "lane-1", "barrier-1"),
        ("update_confirmed", "lane-1", "barrier-1"),
        ("update_switched", "lane-2", "barrier-2"),
        ("update_confirmed", "lane-2", "barrier-2"),
        ("update_ended", "", ""),
    ]
    assert [record.lane for record in site.records("out_of_service", "in_service")] == ["lane-1"] * 2 + ["lane-2"] * 2


async def test_the_first_that_goes_back_is_the_last_that_was_begun(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    site = UpdateSite(tmp_path, small_barrier_bundle(), lanes=3)
    site.model(2).fate = "returned"
    async with site.field.on_tcp() as line, site.running(line.tcp_port) as hub:
        await until(_are_idle(hub))
        words = ("update", str(site.bundle_path), str(tmp_path / "site.toml"), "--all")
        assert await _gate(*words) == 1
        await until(_are_idle(hub))
    assert [site.model(number).log for number in (1, 2, 3)] == [["UPDATE_BEGIN", "UPDATE_SWITCH"]] * 2 + [[]]
    shown = capsys.readouterr().out
    assert "barrier-2: went back to 1.1: the new version did not find itself healthy" in shown
    assert "barrier-3: was not begun" in shown
    assert [record.kind for record in site.records()][-2:] == ["update_returned", "update_ended"]


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("BAD_SIGNATURE", "its signature is not made with the key of the device's site"),
        ("WRONG_ROLE", "the bundle is for another role"),
        ("WRONG_BOARD", "the bundle is for another board"),
        ("WRONG_ABI", "its files are compiled for another MicroPython"),
        ("OLDER_VERSION", "version 1.2 is older than 2.0, which runs; --allow-older 1.2 --reason TEXT permits it once"),
        ("BELOW_MINIMUM", "version 2.0 is too old to be replaced by this bundle"),
        ("BAD_FORMAT", "the device finds no bundle in what it got"),
        ("STORE_FULL", "the device has no room for it"),
    ],
)
async def test_a_device_that_refuses_is_told_in_words_at_the_tool_and_in_the_journal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], reason: str, words: str
) -> None:
    site = UpdateSite(tmp_path, small_barrier_bundle(), lanes=1)
    site.model(1).judgement, site.model(1).version = reason, 0x0200
    async with site.field.on_tcp() as line, site.running(line.tcp_port) as hub:
        await until(_are_idle(hub))
        assert await _gate("update", str(site.bundle_path), str(tmp_path / "site.toml"), "barrier-1") == 4
        await until(_are_idle(hub))
    assert f"barrier-1: refused, runs 2.0 as before: {words}" in " ".join(capsys.readouterr().out.split())
    refused = site.records("update_refused")
    assert [json.loads(record.data)["reason"] for record in refused] == [reason]
    assert words in json.loads(refused[0].data)["text"]


async def test_an_older_version_is_permitted_by_name_and_stands_in_the_journal(tmp_path: Path) -> None:
    site = UpdateSite(tmp_path, small_barrier_bundle(), lanes=1)
    site.model(1).judgement, site.model(1).version = "OLDER_VERSION", 0x0200
    words = ["update", str(site.bundle_path), str(tmp_path / "site.toml"), "barrier-1", "--allow-older"]
    async with site.field.on_tcp() as line, site.running(line.tcp_port) as hub:
        await until(_are_idle(hub))
        assert await _gate(*words, "1.3", "--reason", "1.3 counts wrong") == 2
        assert await _gate(*words, "1.2") == 2
        assert await _gate(*words, "1.2", "--reason", "2.0 counts wrong") == 0
    (allowed,) = site.records("update_older_allowed")
    data = json.loads(allowed.data)
    assert (data["version"], data["reason"]) == ("1.2", "2.0 counts wrong")


async def test_a_swapped_device_gets_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    site = UpdateSite(tmp_path, small_barrier_bundle(), lanes=1)
    site.barrier(1).set("serial_number", 99)
    async with site.field.on_tcp() as line, site.running(line.tcp_port) as hub:
        await until(lambda: hub.status()["devices"]["barrier-1"]["reason"].endswith("what was fitted there"))
        task = asyncio.create_task(_gate("update", str(site.bundle_path), str(tmp_path / "site.toml"), "barrier-1"))
        await until(lambda: hub.status()["update"])
        assert await task == 4
    assert "another device answers in its place" in capsys.readouterr().out
    assert "has serial number 99, expected 71" in json.loads(site.records("update_refused")[0].data)["text"]
    assert site.barrier(1).frames == 0


async def test_what_the_hub_refuses_reaches_no_device_and_is_journalled(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    public = make_key(tmp_path / "site.pem")
    site = UpdateSite(tmp_path, small_barrier_bundle(), lanes=1, key_line=f'update_key_file = "{public}"')
    other = tmp_path / "other.gate"
    other.write_bytes(small_barrier_bundle(role="rfid").data)
    words = ["update", str(site.bundle_path), str(tmp_path / "site.toml")]
    async with site.field.on_tcp() as line, site.running(line.tcp_port) as hub:
        await until(_are_idle(hub))
        assert await _gate(*words, "--all") == 4
        assert "not signed with the key of this site" in capsys.readouterr().err
        assert await _gate("update", str(other), str(tmp_path / "site.toml"), "--all") == 4
        assert "the site has no rfid" in capsys.readouterr().err
        assert await _gate(*words, "weighbridge-1") == 4
        assert "device weighbridge-1 is no barrier" in capsys.readouterr().err
        assert await _gate(*words, "barrier-9") == 2
        assert "device barrier-9 is unknown" in capsys.readouterr().err
        assert hub.status()["update"] == {}
    assert [record.kind for record in site.records()] == ["update_refused"] * 3
    assert site.model(1).log == []


async def test_a_map_the_hub_does_not_know_is_refused(tmp_path: Path) -> None:
    site = UpdateSite(tmp_path, small_barrier_bundle(map=99), lanes=1)
    async with site.field.on_tcp() as line, site.running(line.tcp_port) as hub:
        await until(_are_idle(hub))
        answer = await _begin(site)
        assert answer.code == "refused"
        assert "serves version 99 of map barrier and this hub knows" in answer.text


async def test_a_hub_that_was_ended_goes_on_where_the_device_is(tmp_path: Path) -> None:
    site = UpdateSite(tmp_path, small_barrier_bundle(), lanes=2)
    async with site.field.on_tcp() as line:
        async with site.running(line.tcp_port) as hub:
            await until(_are_idle(hub))
            site.model(1).is_busy = True  # busy for as long as this hub lives
            assert (await _begin(site)).code == "done"
            await until(lambda: site.barrier(1).frames > 2)
        site.model(1).is_busy = False
        site.bundle_path.unlink()  # the technician has gone
        async with site.running(line.tcp_port) as hub:
            await until(lambda: hub.status()["lanes"]["lane-1"]["state"] == "OUT_OF_SERVICE")
            await until(lambda: hub.status()["update"]["is_over"])
            await until(_are_idle(hub))
    assert site.model(1).log == ["UPDATE_BEGIN", "UPDATE_SWITCH"], "it was gone on with, not begun again"
    assert [it["verdict"] for it in hub.status()["update"]["devices"]] == ["confirmed"] * 2


async def test_a_hub_that_was_ended_after_the_switch_sees_its_end(tmp_path: Path) -> None:
    site = UpdateSite(tmp_path, small_barrier_bundle(), lanes=1)
    async with site.field.on_tcp() as line:
        async with site.running(line.tcp_port) as hub:
            await until(_are_idle(hub))
            await _begin(site)
            await until(lambda: "UPDATE_SWITCH" in site.model(1).log)
            site.barrier(1).is_away = True
        site.barrier(1).is_away = False
        async with site.running(line.tcp_port) as hub:
            await until(lambda: hub.status()["update"]["is_over"])
    assert [record.kind for record in site.records()][-2:] == ["update_confirmed", "update_ended"]
    assert site.model(1).log.count("UPDATE_SWITCH") == 1


async def test_a_line_that_fails_for_a_while_costs_nothing_but_time(tmp_path: Path) -> None:
    site = UpdateSite(tmp_path, small_barrier_bundle(), lanes=1)
    async with site.field.on_tcp() as line, site.running(line.tcp_port) as hub:
        await until(_are_idle(hub))
        site.model(1).is_busy = True
        await _begin(site)
        await until(lambda: site.barrier(1).frames > 2)
        site.barrier(1).is_away = True
        await until(lambda: hub.status()["update"]["devices"][0]["phase"] == "silent")
        site.model(1).is_busy = site.barrier(1).is_away = False
        await until(lambda: hub.status()["update"]["is_over"])
    assert site.model(1).log == ["UPDATE_BEGIN", "UPDATE_SWITCH"]


async def test_stopping_begins_no_further_device(tmp_path: Path) -> None:
    site = UpdateSite(tmp_path, small_barrier_bundle(), lanes=2)
    async with site.field.on_tcp() as line, site.running(line.tcp_port) as hub:
        await until(_are_idle(hub))
        assert (await _ask(site, UpdateRequest(STOP))).code == "refused"
        site.model(1).is_busy = True
        await _begin(site)
        await until(lambda: site.barrier(1).frames > 2)
        assert (await _begin(site)).text == "this update is under way already"
        site.bundle_path.write_bytes(small_barrier_bundle(version=0x0103).data)
        assert (await _begin(site)).text == "another update is under way; wait for its end or stop it"
        assert (await _ask(site, UpdateRequest(STOP))).code == "done"
        await until(lambda: hub.status()["update"]["is_over"])
        await until(_are_idle(hub))
        data = (await _ask(site, UpdateRequest(STATUS))).data
    assert [it["verdict"] for it in data["devices"]] == ["failed", ""]
    assert site.model(2).log == []


async def test_a_lane_with_a_truck_is_waited_for(tmp_path: Path) -> None:
    site = UpdateSite(tmp_path, small_barrier_bundle(), lanes=1)
    weighbridge = site.field.devices[101]
    async with site.field.on_tcp() as line, site.running(line.tcp_port) as hub:
        await until(_are_idle(hub))
        weighbridge.set("state", weighbridge.map.STATE_OCCUPIED)  # type: ignore[attr-defined]
        await until(lambda: hub.status()["lanes"]["lane-1"]["state"] not in ("IDLE", "ARRIVING"))
        await _begin(site)
        await until(lambda: hub.status()["update"]["devices"][0]["phase"] == "lane")
        await asyncio.sleep(0.1)
        assert site.model(1).log == []
        weighbridge.set("state", weighbridge.map.STATE_EMPTY)  # type: ignore[attr-defined]
        await until(lambda: hub.status()["update"]["is_over"])
    assert site.model(1).log == ["UPDATE_BEGIN", "UPDATE_SWITCH"]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ([], "name a bundle"),
        (["good"], "name the site"),
        (["good", "site.toml"], "name the devices, or --all"),
        (["good", "site.toml", "x", "--all"], "not both"),
        (["site.toml", "site.toml", "--all"], "is no whole bundle"),
        (["good", "site.toml", "--all", "--role", "rfid"], "is for role barrier, not rfid"),
        (["good", "--port", "/dev/x", "--all"], "--port is for one device"),
        (["good", "--port", "/dev/x"], "--port wants the device's key"),
        (["good", "--port", "/dev/x", "--key-file", "none"], "key file none cannot be read"),
    ],
)
def test_wrong_words_are_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: list[str], sentence: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("good").write_bytes(small_barrier_bundle().data)
    Path("site.toml").touch()
    assert main(["update", *words]) == 2
    assert sentence in capsys.readouterr().err


def test_without_a_hub_it_is_said_that_none_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    site = UpdateSite(tmp_path, small_barrier_bundle(), lanes=1)
    site.write_site(5020)
    assert main(["update", str(site.bundle_path), str(tmp_path / "site.toml"), "--all"]) == 3
    assert "no hub is running" in capsys.readouterr().err
