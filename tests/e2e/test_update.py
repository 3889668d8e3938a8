"""Updates end to end: the real firmware on the VM takes them, from the real hub while the gate works, and directly."""

import asyncio
import json
from pathlib import Path

import pytest

from edge.durable import write_whole
from edge.journal.store import JournalStore
from edge.update.keys import make_key, read_public
from tests.e2e.gate_site import gate, gate_command, is_idle, rig_site, until, write_site
from tests.e2e.update_parts import KEY, NEW_VERSION, NewFirmware, changed_sources, give_slots, running_barrier

LIMIT_S = 200.0
# After the first scan, as a program that does not suit its board would end.
_CRASH = {"firmware/app/device.py": ("        self._started = True\n", "        self._started = True\n        [][1]\n")}


@pytest.fixture(scope="session")
def new_firmware(tmp_path_factory: pytest.TempPathFactory) -> NewFirmware:
    return NewFirmware(changed_sources(tmp_path_factory.mktemp("sources")))


async def _update(*words: str) -> tuple[int, list[dict[str, str]], str]:
    """Exit code, what was printed as JSON, what was said."""
    done = await asyncio.to_thread(gate_command, "update", *words, "--json", limit_s=LIMIT_S)
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()], done.stderr


def _pointer(board: Path) -> list[str]:
    """Slot and state."""
    return (board / "slot.txt").read_text().splitlines()[1:3]


def _kinds(data_dir: Path) -> list[str]:
    store = JournalStore(data_dir / "journal.sqlite")
    try:
        kinds = [record.kind for record in store.records_after(0, 1_000_000)]
    finally:
        store.close()
    return [kind for kind in kinds if kind.startswith("update_") or kind.endswith("_service")]


def _site(folder: Path) -> Path:
    public = make_key(folder / "site.pem")
    path = write_site(folder)
    path.write_text(path.read_text().replace("[site]\n", f'[site]\nupdate_key_file = "{public.name}"\n'))
    return path


def test_a_barrier_is_updated_while_the_gate_works(tmp_path: Path, deploy_dir: Path, new_firmware: NewFirmware) -> None:
    path = _site(tmp_path)
    site = rig_site(path)
    board = site.data_dir / "devices" / "barrier1"
    give_slots(board, deploy_dir)
    bundle = new_firmware.bundle(tmp_path / "new.gate", tmp_path / "site.pem")

    async def run() -> None:
        async with gate(site, deploy_dir) as running:
            code, devices, said = await _update(str(bundle), str(path), "--all")
            assert code == 0, said
            assert [(it["name"], it["text"]) for it in devices] == [("barrier1", "runs 0.3 now, before it was 0.1")]
            await until(running, lambda: is_idle(running), "the lane is back")
            assert running.status["devices"]["barrier1"]["firmware_version"] == NEW_VERSION

    asyncio.run(run())
    assert _pointer(board) == ["b", "confirmed"]
    end = ["update_switched", "update_confirmed", "update_ended", "in_service"]
    assert _kinds(site.data_dir) == ["update_begun", "out_of_service", *end]


@pytest.mark.long
def test_a_barrier_whose_new_version_crashes_goes_back(
    tmp_path: Path, deploy_dir: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = _site(tmp_path)
    site = rig_site(path)
    board = site.data_dir / "devices" / "barrier1"
    give_slots(board, deploy_dir)
    broken = NewFirmware(changed_sources(tmp_path_factory.mktemp("broken"), _CRASH))
    bundle = broken.bundle(tmp_path / "new.gate", tmp_path / "site.pem")

    async def run() -> None:
        async with gate(site, deploy_dir) as running:
            code, devices, said = await _update(str(bundle), str(path), "barrier1")
            assert code == 1, said
            assert devices[0]["text"].startswith("went back to 0.1: the new version did not find itself healthy")
            await until(running, lambda: is_idle(running), "the lane is back")

    asyncio.run(run())
    assert _pointer(board) == ["a", "returned"]
    assert _kinds(site.data_dir)[-4:] == ["update_switched", "update_returned", "update_ended", "in_service"]


REFUSED: dict[str, dict[str, object]] = {
    "BAD_SIGNATURE": {},
    "WRONG_ROLE": {"role": "rfid"},
    "WRONG_BOARD": {"board": "rp2"},
    "WRONG_ABI": {"abi": "6.3.armv6m"},
    "OLDER_VERSION": {"version": 0},
    "BELOW_MINIMUM": {"minimum": 2},
}


@pytest.mark.long
def test_a_device_refuses_what_is_not_for_it_and_says_why(
    tmp_path: Path, deploy_dir: Path, new_firmware: NewFirmware
) -> None:
    for name in ("site.pem", "foreign.pem"):
        make_key(tmp_path / name)
    write_whole(tmp_path / "device.key", KEY.hex().encode())
    board = tmp_path / "board"
    give_slots(board, deploy_dir)

    async def run() -> None:
        async with running_barrier(board, deploy_dir, read_public(tmp_path / "site.pem.pub")) as (node, port):
            where = ("--port", f"127.0.0.1:{port}", "--unit", "1", "--key-file", str(tmp_path / "device.key"))
            for reason, head in REFUSED.items():
                key = "foreign.pem" if reason == "BAD_SIGNATURE" else "site.pem"
                bundle = new_firmware.bundle(tmp_path / "x.gate", tmp_path / key, **head)
                code, devices, said = await _update(str(bundle), *where)
                assert (code, [it["reason"] for it in devices]) == (4, [reason]), said
            bundle.write_bytes(bundle.read_bytes()[:-2])
            code, _, said = await _update(str(bundle), *where)
            assert code == 2
            assert "is no whole bundle" in said
            assert node.counters.starts == 1

    asyncio.run(run())
    assert _pointer(board) == ["a", "confirmed"]


@pytest.mark.long
def test_a_technician_updates_one_device_over_a_power_cut_and_goes_back_by_permission_only(
    tmp_path: Path, deploy_dir: Path, new_firmware: NewFirmware, tmp_path_factory: pytest.TempPathFactory
) -> None:
    make_key(tmp_path / "site.pem")
    write_whole(tmp_path / "device.key", KEY.hex().encode())
    board = tmp_path / "board"
    give_slots(board, deploy_dir)
    new = new_firmware.bundle(tmp_path / "new.gate", tmp_path / "site.pem")
    old_sources = changed_sources(tmp_path_factory.mktemp("old"), version=2)
    old = NewFirmware(old_sources).bundle(tmp_path / "old.gate", tmp_path / "site.pem")

    async def run() -> None:
        async with running_barrier(board, deploy_dir, read_public(tmp_path / "site.pem.pub")) as (node, port):
            where = ("--port", f"127.0.0.1:{port}", "--unit", "1", "--key-file", str(tmp_path / "device.key"))
            update = asyncio.create_task(_update(str(new), *where))
            while len(list((board / "b").rglob("*.mpy"))) < 10 and not update.done():  # noqa: ASYNC110  # the flash tells nobody
                await asyncio.sleep(0.02)
            node.kill()
            code, devices, said = await update  # its connection was gone with the device
            assert (code, devices[0]["verdict"]) == (0, "confirmed"), said
            code, devices, said = await _update(str(old), *where)
            assert (code, devices[0]["reason"]) == (4, "OLDER_VERSION"), said
            code, devices, said = await _update(str(old), *where, "--allow-older", "0.2")
            assert (code, devices[0]["verdict"]) == (0, "confirmed"), said

    asyncio.run(run())
    assert _pointer(board) == ["a", "confirmed"]
