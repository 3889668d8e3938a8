"""`gate status`: a running hub's answer, files without a hub, and a stranger on the port."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from edge.cli import main
from edge.config_load import load_site
from edge.journal.ledger import ClassLedger, account
from edge.journal.store import JournalStore
from edge.model import Record
from edge.northbound.spool import Spool
from edge.northbound.spool_file import SPOOL_NAME
from tests.edge.test_config_host import GOOD

_RUNNING = {
    "site": "north",
    "uptime_s": 90_061,
    "clock": {"quality": "holdover", "error_max_ms": 3, "steps": 2},
    "journal": {"mode": "disk_full", "degraded": "no space", "first_seq": 1, "last_seq": 9, "used_bytes": 2_500_000},
    "ledger": account({"event": ClassLedger(9, 4, 3, 1), "telemetry": ClassLedger(5, 1, 1, expired={"budget": 3})}),
    "uplink": {
        "state": "online",
        "connected": True,
        "active": "fibre",
        "fault": "",
        "links": {
            "fibre": {
                "connected": True, "reason": "", "state_s": 5.0, "round_trip_ms": 12.5, "outages": 1, "outage_s": 3.0
            },
            "5g": {
                "connected": False, "reason": "refused", "state_s": 9.0, "round_trip_ms": None, "outages": 0,
                "outage_s": 0.0,
            },
        },
    },
    "lines": {"bus1": {"is_open": False, "reason": "no such port", "answers": 3, "requests": 4, "timeouts": 1}},
    "devices": {"b1": {"online": True, "quality": "good", "state": "CLOSED", "poll": {"got_ms": 100.2}, "timeouts": 0}},
    "lanes": {"lane1": {"state": "idle", "counts": {"opened": 3}}},
    "update": {
        "role": "barrier", "board": "rp2", "bundle_version": "1.2", "sha256": "0f", "is_over": False, "stopped": "",
        "user": "lan",
        "devices": [
            {"name": "b1", "phase": "sending", "permille": 429, "verdict": "", "reason": "", "values": {}},
            {"name": "b2", "phase": "queued", "permille": 0, "verdict": "", "reason": "", "values": {}},
            {
                "name": "b3", "phase": "over", "permille": 1000, "verdict": "returned", "reason": "TRIAL_FAILED",
                "values": {"version": "1.2", "running": "1.1", "detail": ""},
            },
        ],
    },
}  # fmt: skip


@contextmanager
def _answering(body: bytes) -> Iterator[int]:
    class Door(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Door)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _site(tmp_path: Path, port: int) -> Path:
    (tmp_path / "a.key").write_text("0f" * 32)
    (tmp_path / "a.key").chmod(0o600)
    (tmp_path / "site.toml").write_text(GOOD.replace("[site]\n", f"[site]\nhttp_port = {port}\n"))
    return tmp_path / "site.toml"


def _closed_port() -> int:
    with _answering(b"") as port:
        return port


def test_a_running_hub_is_shown_for_people(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with _answering(json.dumps(_RUNNING).encode()) as port:
        assert main(["status", str(_site(tmp_path, port))]) == 0
    said = capsys.readouterr().out
    for text in (
        "north, hub running for 1 d 01:01:01",
        "disk_full (no space), records 1 to 9, 2.5 MB",
        "holdover, set 2 times",
        "NOT BALANCED",
        "expired: telemetry 3 budget",
        "online over fibre",
        "fibre: up for 5 s, round trip 12.5 ms, 1 outages of 3 s in all",
        "5g: down (refused) for 9 s, 0 outages",
        "bus1: closed (no such port), 3 of 4 requests answered",
        "b1: online, CLOSED, good, read every 100.2 ms",
        "lane1: idle; 3 opened",
        "update      barrier 1.2, begun by lan: under way",
        "            b1: receives, 42 %",
        "            b2: waits for its turn",
        "            b3: went back to 1.1: the new version did not find itself healthy",
    ):
        assert text in said
    row = next(line.split() for line in said.splitlines() if line.startswith("  event"))
    assert row == ["event", "9", "4", "3", "1", "0", "0", "1"]


def test_the_outcome_of_an_update_is_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    device = {"name": "b1", "phase": "over", "permille": 1000, "verdict": "unchanged", "reason": ""}
    values = {"version": "1.2", "running": "1.2", "detail": ""}
    over = {"is_over": True, "stopped": "minh", "devices": [{**device, "values": values}]}
    with _answering(json.dumps({**_RUNNING, "update": {**_RUNNING["update"], **over}}).encode()) as port:
        assert main(["status", str(_site(tmp_path, port)), "--lang", "vi"]) == 0
    said = capsys.readouterr().out
    assert "cập nhật    barrier 1.2, do lan bắt đầu: bị dừng bởi minh, đã xong" in said
    assert "            b1: đã chạy 1.2" in said
    assert "lên nền tảng online" in said, "a label as long as its column keeps a blank"


def test_json_is_the_hubs_own_answer(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with _answering(json.dumps(_RUNNING).encode()) as port:
        assert main(["status", "--json", str(_site(tmp_path, port))]) == 0
    assert json.loads(capsys.readouterr().out) == _RUNNING


def test_without_a_hub_the_files_tell_the_account(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    site = _site(tmp_path, _closed_port())
    config = load_site(site).config
    assert config is not None
    config.data_dir.mkdir()
    with closing(JournalStore(config.journal_path)) as store:
        store.append([Record("passed", "", "", {}, 0)] * 5, acked={"transaction": 2})
    assert main(["status", str(site)]) == 3
    out, err = capsys.readouterr()
    assert "no hub of site north answers" in err
    assert "at rest, records 1 to 5" in out
    row = next(line.split() for line in out.splitlines() if line.startswith("  transaction"))
    assert row == ["transaction", "5", "2", "3", "0", "0", "0", "0"]
    assert "  balanced" in out
    assert "telemetry" not in out
    spool = Spool(config.data_dir / SPOOL_NAME, budget_bytes=1_000_000, age_s=3600)
    spool.append("b1", 1, b"metrics")
    spool.close()
    assert main(["status", str(site)]) == 3
    out, _ = capsys.readouterr()
    row = next(line.split() for line in out.splitlines() if line.startswith("  telemetry"))
    assert row == ["telemetry", "1", "0", "1", "0", "0", "0", "0"]
    assert main(["status", "--json", str(site)]) == 3
    assert json.loads(capsys.readouterr().out)["ledger"]["balanced"] is True


def test_without_hub_and_files_it_still_answers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", str(_site(tmp_path, _closed_port()))]) == 3
    assert capsys.readouterr().out.splitlines() == ["site        north, no hub answers"]


@pytest.mark.parametrize("body", [b"", b"hello", b"[]", b'{"site":"south"}'])
def test_a_stranger_on_the_port_is_said_to_be_one(
    tmp_path: Path, body: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    with _answering(body) as port:
        assert main(["status", str(_site(tmp_path, port))]) == 3
    assert capsys.readouterr().err.count("\n") == 1


def test_whoever_asks_needs_no_secret_and_hears_no_warning_meant_for_a_start(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with _answering(json.dumps(_RUNNING).encode()) as port:
        site = _site(tmp_path, port)
        site.write_text(site.read_text() + 'ca_file = "ca.pem"\ncert_file = "gate.pem"\nkey_file = "gate.key.pem"\n')
        (tmp_path / "a.key").unlink()
        assert main(["check", str(site)]) == 2
        assert "a.key" in capsys.readouterr().err
        assert main(["status", str(site)]) == 0
        assert capsys.readouterr().err == ""


def test_a_hub_that_is_not_there_is_told_in_the_systems_words(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    port = _closed_port()
    assert main(["status", str(_site(tmp_path, port))]) == 3
    assert f"answers on port {port} (Connection refused); below" in capsys.readouterr().err


def test_a_platform_that_does_not_acknowledge_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    silent = _RUNNING | {"uplink": _RUNNING["uplink"] | {"backlog": 8, "republished": 65}}  # type: ignore[operator]
    with _answering(json.dumps(silent).encode()) as port:
        assert main(["status", str(_site(tmp_path, port))]) == 0
    told = [line for line in capsys.readouterr().out.splitlines() if line.startswith("  platform")]
    assert told == ["  platform  has not acknowledged 8 records; 65 were sent again since the start"]
    with _answering(json.dumps(_RUNNING).encode()) as port:
        assert main(["status", str(_site(tmp_path, port))]) == 0
    assert "  platform" not in capsys.readouterr().out
