"""The hub's status as one dictionary: what GET /status, the live view and the rig read.

Knows: which numbers people ask for, and their names. Must not know: how any of them comes about.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from edge.config import SiteConfig
from edge.journal.ledger import ClassLedger, account
from edge.journal.writer import JournalWriter
from edge.lane_shell import LaneShell
from edge.northbound.telemetry import Telemetry
from edge.northbound.uplink import Uplink
from edge.southbound.device_session import DeviceSession
from edge.southbound.modbus_line import ModbusLine, Session

_TAGS_BY_ROLE = {
    "barrier": ("mode", "lights", "presence", "faults", "position_permille", "passes", "cycles", "reversals"),
    "weighbridge": ("gross_kg_x10", "net_kg_x10", "flags", "faults", "stable_ms", "registered_kg_x10", "registered_id"),
    "rfid": ("read_head", "reads_lost", "direction", "seal", "flags", "faults", "tag_crc_errors", "line_errors"),
}
_WORDS = ("mode", "lights", "direction")
_BITS = ("presence", "flags", "faults")
_HEADER_TAGS = ("firmware_version", "boot_count", "uptime_s", "scan_overruns", "scan_max_us", "frames_served")


def build_status(
    site: SiteConfig,
    started_ms: int,
    *,
    lines: Mapping[str, ModbusLine],
    lanes: Mapping[str, LaneShell],
    journal: JournalWriter,
    uplink: Uplink | None,
    telemetry: Telemetry | None,
    clock: Mapping[str, Any],
    api: Mapping[str, Any],
    operator: Mapping[str, Any],
    boards: Mapping[str, Any],
) -> dict[str, Any]:
    """Everything; `started_ms` is monotonic."""
    sessions = [session for line in lines.values() for session in line.sessions.values()]
    return {
        "site": site.name,
        "time": time.time_ns() // 1_000_000,
        "uptime_s": (time.monotonic_ns() // 1_000_000 - started_ms) // 1000,
        "lanes": {name: _lane(shell, sessions) for name, shell in lanes.items()},
        "devices": {
            session.config.name: device_status(session) | {"poll": line.poll_status(session.config.unit_id)}
            for line in lines.values()
            for session in line.sessions.values()
        },
        "lines": {name: line.status() for name, line in lines.items()},
        "journal": journal_status(journal),
        "uplink": uplink.status()
        if uplink
        else {"state": "off", "connected": False, "reason": "no [uplink] in the site"},
        "telemetry": telemetry.status() if telemetry else {},
        "clock": dict(clock),
        "api": dict(api),
        "operator": dict(operator),
        "boards": dict(boards),
        "ledger": account(journal.ledger() | _telemetry_ledger(telemetry)),
    }


def device_status(session: Session) -> dict[str, Any]:
    """One device: whether it can be used and why not, and the hub's error counters; of ours, its state in words."""
    image, counters = session.image, session.presence.counters
    age_ms = time.monotonic_ns() // 1_000_000 - image.hub_time_ms if image.hub_time_ms else None
    return {
        "role": session.config.map or "profile",
        "unit_id": session.config.unit_id,
        "line": session.config.line,
        "online": image.online,
        "quality": str(image.quality),
        "reason": image.reason,
        "seen_ms_ago": age_ms,
        **(_role_status(session) if isinstance(session, DeviceSession) else {}),
        "crc_errors_hub": counters.garbled,
        "timeouts": counters.timeouts,
        "exceptions": counters.exceptions,
        "poll_cycles": counters.reads,
        "events": counters.events,
        "events_lost": counters.events_lost,
    }


def _role_status(session: DeviceSession) -> dict[str, Any]:
    image, role = session.image, session.role
    values = {name: image.tag(name).value for name in (*_HEADER_TAGS, *_TAGS_BY_ROLE.get(role.name, ()))}
    return {
        "state": _word(session, "state"),
        "health": _word(session, "health"),
        "health_reasons": _bits(session, "reasons"),
        **values,
        **{f"{name}_word": _word(session, name) for name in _WORDS if name in values},
        **{f"{name}_words": _bits(session, name) for name in _BITS if name in values},
        "crc_errors_device": image.tag("crc_errors").value,
    }


def journal_status(journal: JournalWriter) -> dict[str, Any]:
    """Numbers of the journal; `mode` and `degraded` name the fault and tell the reason while the disk refuses."""
    return {
        "records": journal.last_seq,
        "last_seq": journal.last_seq,
        "mode": journal.mode.value,
        "degraded": journal.degraded,
        "write_errors": journal.write_errors,
        "records_lost": journal.records_lost,
        "removed": journal.removed,
        "first_seq": journal.usage.first_seq,
        "used_bytes": journal.usage.used_bytes,
    }


def _telemetry_ledger(telemetry: Telemetry | None) -> dict[str, ClassLedger]:
    """Reports of the telemetry spool, one class beside those of the records."""
    if telemetry is None:
        return {}
    told = telemetry.ledger()
    expired = {reason: count for reason, count in told["expired"].items() if reason != "total"}
    return {"telemetry": ClassLedger(told["produced"], told["acknowledged"], told["stored"], expired=expired)}


def _lane(shell: LaneShell, sessions: list[Session]) -> dict[str, Any]:
    """A lane's view with the live weight of its deck beside the registered one."""
    live = [
        session.image.tag("gross_kg_x10") for session in sessions if session.config.name == shell.config.weighbridge
    ]
    return shell.view() | {
        "barrier": shell.config.barrier,
        "weighbridge": shell.config.weighbridge,
        "live_kg_x10": live[0].value if live else None,
        "plates": shell.plates,
    }


def _word(session: DeviceSession, name: str) -> str:
    tag = session.image.tag(name)
    return "" if tag.value is None else session.role.word(name, tag.number)


def _bits(session: DeviceSession, name: str) -> list[str]:
    tag = session.image.tag(name)
    return [] if tag.value is None else session.role.words(name, tag.number)
