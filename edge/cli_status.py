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

from edge.cli_common import EXIT_BAD_INPUT, EXIT_DONE, EXIT_FAILED, EXIT_NOBODY, fail, load, reason_of
from edge.config import SiteConfig
from edge.journal.database import JournalError
from edge.journal.export import utc_text
from edge.journal.ledger import ClassLedger, account
from edge.journal.store import JournalStore
from edge.northbound.spool_file import SPOOL_NAME, SpoolFile
from edge.operator_words import hear
from edge.update.steps import Phase
from edge.update.words import phase_text, verdict_text
from edge.words import later, tr

AT_REST = "at rest"
_LABEL_SIZE = 12
_SIDES = {
    "produced": later("produced"),
    "acknowledged": later("acknowledged"),
    "stored": later("stored"),
    "pending": later("pending"),
    "lost": later("lost"),
    "expired": later("expired"),
    "difference": later("difference"),
}
_COUNTED = {
    "opened": later("opened"),
    "passed": later("passed"),
    "turned_back": later("turned_back"),
    "closed": later("closed"),
}
_TIMEOUT_S = 5.0
_HOST = "127.0.0.1"


class NoAnswerError(Exception):
    """No hub can be asked; the text says why and what to do."""


def add_status_word(status: argparse.ArgumentParser) -> None:
    """Give `status` its arguments."""
    status.set_defaults(run=_status)
    status.add_argument("site", type=Path, metavar="SITE", help=tr("the site file (docs/site-file.md)"))
    status.add_argument("--json", action="store_true", help=tr("one JSON object instead of a table"))


def _status(arguments: argparse.Namespace) -> int:
    config = load(arguments.site, only_reads=True)
    if config is None:
        return EXIT_BAD_INPUT
    try:
        status, code = ask_hub(config), EXIT_DONE
    except NoAnswerError as error:
        code = fail(EXIT_NOBODY, str(error))
        try:
            status = read_files(config)
        except (JournalError, sqlite3.Error, OSError) as damage:
            return fail(EXIT_FAILED, tr("its files cannot be read either ({reason})", reason=damage))
    print(json.dumps(status, indent=2, ensure_ascii=False) if arguments.json else "\n".join(table(status)))
    return code


def ask_hub(config: SiteConfig) -> dict[str, Any]:
    """The running hub's own status. Raises NoAnswerError."""
    if not config.http_port:
        raise NoAnswerError(
            tr("{path}: http_port is 0, the hub cannot be asked; below is what its files tell", path=config.path)
        )
    try:
        with closing(http.client.HTTPConnection(_HOST, config.http_port, timeout=_TIMEOUT_S)) as door:
            door.request("GET", "/status")
            status = json.loads(door.getresponse().read())
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise NoAnswerError(
            tr(
                "no hub of site {site} answers on port {port} ({reason}); below is what its files tell",
                site=config.name,
                port=config.http_port,
                reason=reason_of(error),
            )
        ) from error
    if not isinstance(status, dict) or status.get("site") != config.name:
        raise NoAnswerError(
            tr(
                "port {port} is answered by something else than the hub of site {site}; give it a port of its own",
                port=config.http_port,
                site=config.name,
            )
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
            "journal": {"mode": AT_REST, **numbers},
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
    lines = [_labelled(tr("site"), status["site"] + _since(status))]
    if last := status.get("last_record"):
        told = {"number": last["seq"], "kind": last["kind"], "time": utc_text(last["time"])}
        lines.append(_labelled(tr("last"), tr("record {number}, {kind}, {time}", **told)))
    if clock := status.get("clock"):
        told = {"quality": clock["quality"], "count": clock["steps"]}
        lines.append(_labelled(tr("clock"), tr("{quality}, set {count} times since the start", **told)))
    if "journal" in status:
        lines.append(_journal_line(status["journal"]))
        lines += _ledger_lines(status["ledger"])
    if "uplink" in status:
        lines += _uplink_lines(status["uplink"])
    lines += [_line_line(name, line) for name, line in status.get("lines", {}).items()]
    lines += [_device_line(name, device) for name, device in status.get("devices", {}).items()]
    lines += [_lane_line(name, lane) for name, lane in status.get("lanes", {}).items()]
    return lines + _update_lines(status.get("update") or {})


def _labelled(label: str, text: str) -> str:
    return f"{label:<{_LABEL_SIZE - 1}} {text}"


def _since(status: Mapping[str, Any]) -> str:
    if "uptime_s" not in status:
        return ", " + tr("no hub answers")
    days, rest = divmod(status["uptime_s"], 86_400)
    clock = f"{rest // 3600:02d}:{rest // 60 % 60:02d}:{rest % 60:02d}"
    return ", " + tr("hub running for {days} d {clock}", days=days, clock=clock)


def _journal_line(journal: Mapping[str, Any]) -> str:
    why = f" ({journal['degraded']})" if journal.get("degraded") else ""
    mode = tr("at rest") if journal["mode"] == AT_REST else journal["mode"]
    size = f"{journal['used_bytes'] / 1e6:.1f} MB"
    records = tr("records {first} to {last}", first=journal["first_seq"], last=journal["last_seq"])
    return _labelled(tr("journal"), f"{mode}{why}, {records}, {size}")


def _ledger_lines(ledger: Mapping[str, Any]) -> list[str]:
    names = ("produced", "acknowledged", "stored", "pending", "lost", "expired", "difference")
    rows: list[Sequence[Any]] = [(tr("account"), *(tr(_SIDES[name]) for name in names))]
    for name, sides in ledger["classes"].items():
        rows.append((f"  {name}", *(sum(sides[key].values()) if key == "expired" else sides[key] for key in names)))
    widths = [max(len(str(row[column])) for row in rows) for column in range(len(names) + 1)]
    widths[0] = max(widths[0], _LABEL_SIZE)
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
    unbalanced = tr("NOT BALANCED: the difference is what cannot be accounted for")
    verdict = tr("balanced") if ledger["balanced"] else unbalanced
    return [*lines, f"  {verdict}" + ("; " + tr("expired: {what}", what=", ".join(reasons)) if reasons else "")]


def _uplink_lines(uplink: Mapping[str, Any]) -> list[str]:
    over = " " + tr("over {link}", link=uplink["active"]) if uplink.get("active") and uplink["connected"] else ""
    fault = f"; {uplink['fault']}" if uplink.get("fault") else ""
    lines = [_labelled(tr("uplink"), f"{uplink['state']}{over}{fault}")]
    if uplink["connected"] and uplink.get("backlog") and uplink.get("republished"):
        told = {"backlog": uplink["backlog"], "again": uplink["republished"]}
        waits = tr("has not acknowledged {backlog} records; {again} were sent again since the start", **told)
        lines.append(_labelled("  " + tr("platform"), waits))
    return lines + [_link_line(name, link) for name, link in uplink.get("links", {}).items()]


def _link_line(name: str, link: Mapping[str, Any]) -> str:
    word = tr("up") if link["connected"] else tr("down ({reason})", reason=link["reason"])
    trip = link.get("round_trip_ms")
    parts = [
        tr("{state} for {seconds:.0f} s", state=word, seconds=link["state_s"]),
        *([] if trip is None else [tr("round trip {ms} ms", ms=trip)]),
        tr("{count} outages of {seconds:.0f} s in all", count=link["outages"], seconds=link["outage_s"]),
    ]
    return _labelled("  " + tr("link"), f"{name}: {', '.join(parts)}")


def _line_line(name: str, line: Mapping[str, Any]) -> str:
    word = tr("open") if line["is_open"] else tr("closed ({reason})", reason=hear(line["reason"]))
    told = {"answers": line["answers"], "requests": line["requests"], "timeouts": line["timeouts"]}
    answered = tr("{answers} of {requests} requests answered, {timeouts} time-outs", **told)
    return _labelled(tr("line"), f"{name}: {word}, {answered}")


def _device_line(name: str, device: Mapping[str, Any]) -> str:
    word = tr("online") if device["online"] else tr("offline ({reason})", reason=hear(device["reason"]))
    poll = device.get("poll") or {}
    period = [tr("read every {ms} ms", ms=poll["got_ms"])] if poll.get("got_ms") is not None else []
    state = [device["state"]] if device.get("state") else []
    parts = [word, *state, device["quality"], *period, tr("{count} time-outs", count=device["timeouts"])]
    return _labelled(tr("device"), f"{name}: {', '.join(parts)}")


def _lane_line(name: str, lane: Mapping[str, Any]) -> str:
    counts = ", ".join(f"{count} {tr(_COUNTED.get(word, word))}" for word, count in lane.get("counts", {}).items())
    return _labelled(tr("lane"), f"{name}: {lane.get('state', '-')}; {counts}")


def _update_lines(update: Mapping[str, Any]) -> list[str]:
    """The update under way or the last one, and how each of its devices stands."""
    if not update:
        return []
    told = {"role": update["role"], "version": update["bundle_version"], "user": update["user"]}
    word = tr("over") if update["is_over"] else tr("under way")
    word = tr("stopped by {who}, {state}", who=update["stopped"], state=word) if update["stopped"] else word
    lines = [_labelled(tr("update"), tr("{role} {version}, begun by {user}: ", **told) + word)]
    return lines + [_labelled("", _updated(device, update["is_over"])) for device in update["devices"]]


def _updated(device: Mapping[str, Any], is_over: bool) -> str:
    if device["verdict"]:
        text = verdict_text(device["verdict"], device["reason"], device["values"])
    elif is_over:
        text = tr("was not begun")
    else:
        text = phase_text(device["phase"])
        text += f", {device['permille'] // 10} %" if device["phase"] == Phase.SENDING else ""
    return f"{device['name']}: {text}"
