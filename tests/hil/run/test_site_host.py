"""What the rig refuses to simulate before it touches anything."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hil.run.site import SiteError, build_site, refuse_real_ports


def _tables(port: str) -> dict[str, Any]:
    return {
        "site": {"name": "north", "data_dir": "data", "http_port": 8080},
        "uplink": {},
        "link": [{"name": "broker", "host": "127.0.0.1"}],
        "line": [{"name": "bus", "kind": "rtu", "port": port, "baud": 9600}],
        "lane": [{"name": "L1", "max_gross_kg": 40_000}],
    }


@pytest.mark.parametrize("port", ["taken", "alias", "/dev/ttyUSB0", "/dev/serial/by-id/usb-converter"])
def test_a_real_port_is_never_replaced_by_a_pty(tmp_path: Path, port: str) -> None:
    (tmp_path / "taken").write_text("kept")
    (tmp_path / "alias").symlink_to(tmp_path / "taken")
    with pytest.raises(SiteError, match=r"a real port or file.*gate hub"):
        refuse_real_ports(tmp_path / "site.toml", _tables(port))
    assert (tmp_path / "taken").read_text() == "kept"


@pytest.mark.parametrize("port", ["tty/bus", "left_behind"])
def test_a_missing_port_or_one_of_an_earlier_run_is_taken(tmp_path: Path, port: str) -> None:
    (tmp_path / "left_behind").symlink_to(tmp_path / "gone")
    refuse_real_ports(tmp_path / "site.toml", _tables(port))
    tables = _tables(port) | {"lane": [{"name": "L1", "barrier": "b", "weighbridge": "w", "max_gross_kg": 40_000}]}
    for name, role in (("b", "barrier"), ("w", "weighbridge")):
        device = {"name": name, "line": "bus", "unit_id": 1, "map": role, "serial": 1, "key_file": "a.key"}
        tables.setdefault("device", []).append(device)
    (tmp_path / "a.key").write_text("0f" * 32)
    (line,) = build_site(tmp_path / "site.toml", tables, None).lines
    assert line.path == tmp_path / port


def test_a_site_without_a_lane_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(SiteError, match=r"needs at least one \[\[lane\]\]"):
        build_site(tmp_path / "site.toml", _tables("tty/bus") | {"lane": []}, None)


def test_a_third_party_device_cannot_be_simulated(tmp_path: Path) -> None:
    meter = {"name": "meter1", "line": "bus", "unit_id": 3, "profile": "meter.toml"}
    with pytest.raises(SiteError, match=r"device 'meter1' has a profile.*gate hub"):
        build_site(tmp_path / "site.toml", _tables("tty/bus") | {"device": [meter]}, None)


def test_records_of_simulated_trucks_never_go_to_another_machine(tmp_path: Path) -> None:
    tables = _tables("tty/bus") | {"link": [{"name": "broker", "host": "broker.example.org"}]}
    with pytest.raises(SiteError, match=r"link.host is 'broker.example.org'.*name 127.0.0.1"):
        build_site(tmp_path / "site.toml", tables, None)


@pytest.mark.parametrize("more", [{"name": "5g", "host": "127.0.0.1"}, {"ca_file": "ca.pem"}])
def test_the_rig_starts_one_plain_broker(tmp_path: Path, more: dict[str, str]) -> None:
    link = {"name": "broker", "host": "127.0.0.1"}
    links = [link, more] if "name" in more else [link | more]
    with pytest.raises(SiteError, match=r"needs one \[\[link\]\] without ca_file"):
        build_site(tmp_path / "site.toml", _tables("tty/bus") | {"link": links}, None)


@pytest.mark.parametrize(
    ("simulation", "told"),
    [
        (5, "write it as a table"),
        ({"seed": "one"}, "seed is 'one'"),
        ({"seed": True}, "seed is True"),
        ({"modbus_tcp_port": 65_536}, "modbus_tcp_port is 65536"),
        ({"trucks": 5}, "knows no 'trucks'"),
        ({"trucks_per_hour": "many"}, "trucks_per_hour is 'many'"),
    ],
)
def test_a_mistake_in_the_simulation_is_told(tmp_path: Path, simulation: Any, told: str) -> None:
    tables = _tables("tty/bus") | {"simulation": simulation}
    tables["lane"][0] |= {"barrier": "b", "weighbridge": "w"}
    (tmp_path / "a.key").write_text("0f" * 32)
    tables["device"] = [
        {"name": name, "line": "bus", "unit_id": 1, "map": "barrier", "serial": 1, "key_file": "a.key"} for name in "bw"
    ]
    with pytest.raises(SiteError) as caught:
        build_site(tmp_path / "site.toml", tables, None)
    assert told in str(caught.value)
