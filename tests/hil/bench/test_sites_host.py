"""The sites the benches write are sites the hub takes, and their stubs are what the hub expects at their addresses."""

from pathlib import Path

import pytest

from edge.config_load import load_site
from hil.bench import sites
from hil.bench.contender import Load


def test_a_site_of_a_lane_and_counting_devices_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "site.toml"
    path.write_text(
        sites.head("bench", "data", 18_081, 18_884, "gate/bench")
        + sites.lane_tables(tmp_path, [15_001, 15_002], period_ms=1000)
        + sites.counting_tables(tmp_path, [15_003, 15_004], [1, 2], 125, 200)
    )
    loaded = load_site(path)
    assert loaded.messages == ()
    assert loaded.config is not None
    assert [device.name for device in loaded.config.devices] == ["barrier", "weighbridge", "dev0", "dev1"]


def test_a_site_of_one_full_line_is_taken(tmp_path: Path) -> None:
    counting = {"name": "dev1", "kind": "counting", "size": 125, "unit_id": 1}
    specs = [counting, *sites.stub_specs(events_per_s=0.0)]
    path = tmp_path / "site.toml"
    path.write_text(sites.line_site(tmp_path, specs, baud=115_200, period_ms=20, http_port=18_082))
    assert load_site(path).messages == ()


@pytest.mark.parametrize("devices", [1, 50, 200])
def test_unit_ids_of_a_load_are_different(devices: int) -> None:
    unit_ids = [item["unit_id"] for item in Load(devices=devices).farm_spec()["devices"]]
    assert len(set(unit_ids)) == len(unit_ids) == devices + 2
