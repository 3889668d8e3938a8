"""The live view shows what the hub says and what the field knows, with the hub away as well."""

import io
from pathlib import Path
from typing import Any

from rich.console import Console

from hil.run.gate import GateRun
from hil.run.process import ManagedProcess
from hil.run.site import build_site, make_missing_keys, read_tables
from hil.run.view import draw
from sim_devices.plants.lane import Arrival
from sim_devices.plants.truck import rigid_body
from sim_devices.world import World, WorldSpec

ROOT = Path(__file__).parents[3]

DEVICE = {
    "line": "line1",
    "quality": "good",
    "reason": "",
    "health": "NORMAL",
    "health_reasons": [],
    "state": "OPEN",
    "lights_word": "GREEN",
    "poll_cycles": 12,
    "crc_errors_device": 1,
    "crc_errors_hub": 2,
    "timeouts": 4,
    "scan_overruns": 0,
    "scan_max_us": 987,
    "boot_count": 5,
}
LANE = {
    "state": "PASSING",
    "transaction": "L1-000007",
    "plate": "12C12345",
    "live_kg_x10": 314_000,
    "decision": "allow",
    "attention": [],
    "barrier": "barrier1",
}


def _run(tmp_path: Path) -> GateRun:
    text = (ROOT / "hil" / "sites" / "two_lanes.toml").read_text(encoding="utf-8").replace("../../run/two_lanes/", "")
    path = tmp_path / "site.toml"
    path.write_text(text, encoding="utf-8")
    tables = read_tables(path)
    make_missing_keys(tables, tmp_path)
    site = build_site(path, tables, None)
    spec = WorldSpec(site.lines, site.lanes, site.traffic, site.seed, tmp_path, tmp_path, 0)
    parts = [ManagedProcess(name, ["false"], tmp_path / name) for name in ("broker", "platform", "hub")]
    return GateRun(site, World(spec, lambda *_: None), *parts)


def _text(run: GateRun, columns: int = 160) -> str:
    console = Console(width=columns, record=True, file=io.StringIO())
    console.print(draw(run, columns))
    return console.export_text()


def test_a_lane_shows_state_plate_weight_decision_and_light(tmp_path: Path) -> None:
    run = _run(tmp_path)
    run.status = {"lanes": {"L1": LANE}, "devices": {"barrier1": DEVICE}, "journal": {"last_seq": 9}, "uplink": {}}
    text = _text(run)
    for word in ("PASSING", "12C12345", "31,400 kg", "allow", "OPEN", "987 us", "9 journalled"):
        assert word in text


def test_a_lane_that_calls_for_a_person_says_why(tmp_path: Path) -> None:
    run = _run(tmp_path)
    run.status = {"lanes": {"L1": {**LANE, "decision": "", "attention": ["no_plate", "tailgating"]}}}
    assert "no_plate, tailgating" in _text(run)


def test_a_device_that_cannot_be_used_shows_why(tmp_path: Path) -> None:
    run = _run(tmp_path)
    lost: dict[str, Any] = {**DEVICE, "quality": "bad", "reason": "unit 1 did not answer within 200 ms"}
    run.status = {"devices": {"barrier1": lost}}
    assert "unit 1 did not answer" in _text(run)


def test_the_picture_is_drawn_while_the_hub_is_away(tmp_path: Path) -> None:
    text = _text(_run(tmp_path))
    assert "no hub" in text
    assert "hub down (0 restarts)" in text


def test_a_truck_in_the_lane_is_drawn_on_its_road(tmp_path: Path) -> None:
    run = _run(tmp_path)
    empty = _text(run).count("█")
    field = run.world.fields["L1"]
    field.lane.arrive(Arrival(1, rigid_body(12_000)))
    field.advance_to(10_000_000)
    assert field.lane.visitors
    assert _text(run).count("█") > empty


def test_eighty_columns_cut_no_name_no_word_and_no_road(tmp_path: Path) -> None:
    run = _run(tmp_path)
    sick = {**DEVICE, "health": "MAINTENANCE_REQUIRED", "health_reasons": ["SCAN_OVERRUN"], "state": "UNDERLOAD"}
    run.status = {
        "lanes": {"L1": {**LANE, "state": "BACKING_OUT", "attention": ["weight_changed"]}},
        "devices": {"barrier1": DEVICE, "weighbridge1": sick},
    }
    text = _text(run, 80)
    assert max(map(len, text.splitlines())) <= 80
    assert "…" not in text
    for word in ("BACKING_OUT", "31,400 kg", "weight_changed", "weighbridge1", "MAINTENANCE_REQUIRED", "SCAN_OVERRUN"):
        assert word in text
    assert max(line.count("·") for line in text.splitlines()) > 30
