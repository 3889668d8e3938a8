"""`gate status`: how a site's hub is, asked over its loopback door, or what its files tell while it does not run.

Knows: the status as the hub serves it, how people read it. Must not know: how any number comes about.
"""

from __future__ import annotations

import argparse
import http.client
import json
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from edge.cli_common import EXIT_BAD_INPUT, EXIT_DONE, EXIT_FAILED, EXIT_NO_HUB, fail, load, reason_of
from edge.config import SiteConfig
from edge.journal.database import JournalError
from edge.journal.export import utc_text
from edge.journal.ledger import ClassLedger, account
from edge.journal.store import JournalStore
from edge.northbound.spool_file import SPOOL_NAME, SpoolFile

_TIMEOUT_S = 5.0
_HOST = "127.0.0.1"


class NoAnswerError(Exception):
    """No hub can be asked; the text says why and what to do."""


def add_status_word(status: argparse.ArgumentParser) -> None:
    """Give `status` its arguments."""
    status.set_defaults(run=_status)
    status.add_argument("site", type=Path, metavar="SITE", help="the site file (docs/site-file.md)")
    status.add_argument("--json", action="store_true", help="one JSON object instead of a table")


def _status(arguments: argparse.Namespace) -> int:
    config = load(arguments.site, only_reads=True)
    if config is None:
        return EXIT_BAD_INPUT
    try:
        status, code = ask_hub(config), EXIT_DONE
    except NoAnswerError as error:
        code = fail(EXIT_NO_HUB, str(error))
        try:
            status = read_files(config)
        except (JournalError, sqlite3.Error, OSError) as damage:
            return fail(EXIT_FAILED, f"its files cannot be read either ({damage})")
    print(json.dumps(status, indent=2, ensure_ascii=False) if arguments.json else "\n".join(table(status)))
    return code


def ask_hub(config: SiteConfig) -> dict[str, Any]:
    """The running hub's own status. Raises NoAnswerError."""
    if not config.http_port:
        raise NoAnswerError(f"{config.path}: http_port is 0, the hub cannot be asked; below is what its files tell")
    try:
        with closing(http.client.HTTPConnection(_HOST, config.http_port, timeout=_TIMEOUT_S)) as door:
            door.request("GET", "/status")
            status = json.loads(door.getresponse().read())
    except (OSError, ValueError, http.client.HTTPException) as error:
        who = f"no hub of site {config.name} answers on port {config.http_port}"
        raise NoAnswerError(f"{who} ({reason_of(error)}); below is what its files tell") from error
    if not isinstance(status, dict) or status.get("site") != config.name:
        raise NoAnswerError(
            f"port {config.http_port} is answered by something else than the hub of site {config.name}; "
            "give the site a port of its own"
        )
    return status


def read_files(config: SiteConfig) -> dict[str, Any]:
    """What the files tell of a hub that does not run: its account and its newest record."""
    if not config.journal_path.is_file():
        return {"site": config.name}
    with closing(JournalStore(config.journal_path)) as store:
        newest, usage = store.tail(1), store.usage()
        numbers = {"last_seq": store.last_seq, "first_seq": usage.first_seq, "used_bytes": usage.used_bytes}
        return {
            "site": config.name,
            "journal": {"mode": "at rest", **numbers},
            "last_record": newest[0].members() if newest else None,
            "ledger": account(store.ledgers | _spool_ledger(config.data_dir / SPOOL_NAME)),
        }


def _spool_ledger(path: Path) -> dict[str, ClassLedger]:
    """The telemetry spool's own account; nothing when it cannot be opened, as on a disk that cannot be written."""
    if not path.is_file():
        return {}
    try:
        spool = SpoolFile(path)
        try:
            state = spool.load()
        finally:
            spool.close()
    except sqlite3.Error:
        return {}
    return {"telemetry": ClassLedger(state.produced, state.acknowledged, state.stored, expired=dict(state.expired))}


def table(status: Mapping[str, Any]) -> list[str]:
    """The status for people."""
    lines = [f"site        {status['site']}" + _since(status)]
    if last := status.get("last_record"):
        lines.append(f"last        record {last['seq']}, {last['kind']}, {utc_text(last['time'])}")
    if clock := status.get("clock"):
        lines.append(f"clock       {clock['quality']}, set {clock['steps']} times since the start")
    if "journal" in status:
        lines.append(_journal_line(status["journal"]))
        lines += _ledger_lines(status["ledger"])
    if "uplink" in status:
        lines += _uplink_lines(status["uplink"])
    lines += [_line_line(name, line) for name, line in status.get("lines", {}).items()]
    lines += [_device_line(name, device) for name, device in status.get("devices", {}).items()]
    lines += [_lane_line(name, lane) for name, lane in status.get("lanes", {}).items()]
    return lines


def _since(status: Mapping[str, Any]) -> str:
    if "uptime_s" not in status:
        return ", no hub answers"
    days, rest = divmod(status["uptime_s"], 86_400)
    return f", hub running for {days} d {rest // 3600:02d}:{rest // 60 % 60:02d}:{rest % 60:02d}"


def _journal_line(journal: Mapping[str, Any]) -> str:
    why = f" ({journal['degraded']})" if journal.get("degraded") else ""
    size = f"{journal['used_bytes'] / 1e6:.1f} MB"
    return f"journal     {journal['mode']}{why}, records {journal['first_seq']} to {journal['last_seq']}, {size}"


def _ledger_lines(ledger: Mapping[str, Any]) -> list[str]:
    names = ("produced", "acknowledged", "stored", "pending", "lost", "expired", "difference")
    rows: list[Sequence[Any]] = [("account", *names)]
    for name, sides in ledger["classes"].items():
        rows.append((f"  {name}", *(sum(sides[key].values()) if key == "expired" else sides[key] for key in names)))
    widths = [max(len(str(row[column])) for row in rows) for column in range(len(names) + 1)]
    widths[0] = max(widths[0], 12)
    lines = [
        str(row[0]).ljust(widths[0])
        + "".join(f"  {cell!s:>{width}}" for cell, width in zip(row[1:], widths[1:], strict=True))
        for row in rows
    ]
    reasons = [
        f"{name} {count} {reason}"
        for name, sides in ledger["classes"].items()
        for reason, count in sides["expired"].items()
        if count
    ]
    verdict = "balanced" if ledger["balanced"] else "NOT BALANCED: the difference is what cannot be accounted for"
    return [*lines, f"  {verdict}" + (f"; expired: {', '.join(reasons)}" if reasons else "")]


def _uplink_lines(uplink: Mapping[str, Any]) -> list[str]:
    over = f" over {uplink['active']}" if uplink.get("active") and uplink["connected"] else ""
    lines = [f"uplink      {uplink['state']}{over}" + (f"; {uplink['fault']}" if uplink.get("fault") else "")]
    if uplink["connected"] and uplink.get("backlog") and uplink.get("republished"):
        again = f"{uplink['republished']} were sent again since the start"
        lines.append(f"  platform  has not acknowledged {uplink['backlog']} records; {again}")
    for name, link in uplink.get("links", {}).items():
        word = "up" if link["connected"] else f"down ({link['reason']})"
        trip = link.get("round_trip_ms")
        lines.append(
            f"  link      {name}: {word} for {link['state_s']:.0f} s"
            + (f", round trip {trip} ms" if trip is not None else "")
            + f", {link['outages']} outages of {link['outage_s']:.0f} s in all"
        )
    return lines


def _line_line(name: str, line: Mapping[str, Any]) -> str:
    word = "open" if line["is_open"] else f"closed ({line['reason']})"
    answered = f"{line['answers']} of {line['requests']} requests answered"
    return f"line        {name}: {word}, {answered}, {line['timeouts']} time-outs"


def _device_line(name: str, device: Mapping[str, Any]) -> str:
    word = "online" if device["online"] else f"offline ({device['reason']})"
    poll = device.get("poll") or {}
    period = f", read every {poll['got_ms']} ms" if poll.get("got_ms") is not None else ""
    state = f", {device['state']}" if device.get("state") else ""
    return f"device      {name}: {word}{state}, {device['quality']}{period}, {device['timeouts']} time-outs"


def _lane_line(name: str, lane: Mapping[str, Any]) -> str:
    counts = ", ".join(f"{count} {word}" for word, count in lane.get("counts", {}).items())
    return f"lane        {name}: {lane.get('state', '-')}; {counts}"
