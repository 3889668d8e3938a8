"""`gate journal`: look at records, check them, take them away as a file, tell the key they are signed with.

Knows: arguments, how a record is shown. Must not know: how the chain is made or checked.
"""

from __future__ import annotations

import argparse
import json
import re
import sqlite3
import sys
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from edge.cli_common import EXIT_BAD_INPUT, EXIT_DONE, EXIT_FAILED, fail, load
from edge.config import SiteConfig
from edge.journal.classes import RecordClass
from edge.journal.database import JournalError
from edge.journal.export import CSV, JSON_LINES, ExportError, check_export, utc_text, write_export
from edge.journal.query import Filter, Surroundings, look_at, newest, position_before, run_of
from edge.journal.records import StoredRecord
from edge.journal.signing import KeyFileError, load_key
from edge.journal.store import JournalStore
from edge.words import tr

_LABEL_SIZE = 14
_TAIL_COUNT = 20
_TAIL_COUNT_MAX = 100_000
_SEQ_MAX = 2**62


def add_journal_words(journal: argparse.ArgumentParser) -> None:
    """Add tail, show, verify, export and key below `journal`."""
    words = journal.add_subparsers(dest="journal_word", required=True, metavar="tail | show | verify | export | key")
    _add_tail(words.add_parser("tail", help=tr("print the newest records that match, one JSON object per line")))
    show = words.add_parser("show", help=tr("print one record for people, with its neighbours in the chain"))
    show.set_defaults(run=_show)
    _add_site(show)
    show.add_argument("seq", type=_seq, metavar="N", help=tr("the record's number"))
    _add_verify(
        words.add_parser("verify", help=tr("check that no record was altered or lost, in a site or in an export"))
    )
    _add_export(
        words.add_parser("export", help=tr("write records to a file that `gate journal verify` can check anywhere"))
    )
    key = words.add_parser("key", help=tr("print the public key that checkpoints and exports are signed with"))
    key.set_defaults(run=_key)
    _add_site(key)


def _add_site(word: argparse.ArgumentParser) -> None:
    word.add_argument("site", type=Path, metavar="SITE", help=tr("the site file (docs/site-file.md)"))


def _add_tail(tail: argparse.ArgumentParser) -> None:
    tail.set_defaults(run=_tail)
    _add_site(tail)
    tail.add_argument("-n", "--count", type=_count, default=_TAIL_COUNT, help=tr("how many; default: %(default)s"))
    classes = [name.value for name in RecordClass]
    tail.add_argument("--class", dest="record_class", choices=classes, default="", help=tr("records of this class"))
    tail.add_argument("--kind", dest="kinds", action="append", default=[], metavar="KIND", help=tr("may be repeated"))
    tail.add_argument("--lane", default="", help=tr("records of this lane"))
    tail.add_argument("--device", default="", help=tr("records of this device"))
    tail.add_argument(
        "--since",
        dest="since_ms",
        type=_time_ms,
        metavar="TIME",
        help=tr("from then on, such as 2026-01-31T08:30 (UTC) or 2026-01-31T08:30+07:00"),
    )
    tail.add_argument("--until", dest="until_ms", type=_time_ms, metavar="TIME", help=tr("before then"))


def _add_verify(verify: argparse.ArgumentParser) -> None:
    verify.set_defaults(run=_verify)
    verify.add_argument(
        "site", type=Path, metavar="SITE|FILE", help=tr("a site file, or a file `gate journal export` wrote")
    )
    verify.add_argument(
        "--key",
        dest="keys",
        action="append",
        default=[],
        type=_public_key,
        metavar="KEY",
        help=tr("a public key that may have signed; for a site beside its own"),
    )


def _add_export(export: argparse.ArgumentParser) -> None:
    export.set_defaults(run=_export)
    _add_site(export)
    export.add_argument("--format", choices=(JSON_LINES, CSV), default=JSON_LINES, help=tr("default: %(default)s"))
    export.add_argument("--from", dest="first", type=_seq, default=1, metavar="N", help=tr("first record (the oldest)"))
    export.add_argument(
        "--to", dest="last", type=_seq, default=_SEQ_MAX, metavar="N", help=tr("last record (the newest)")
    )
    export.add_argument("-o", "--output", type=Path, metavar="FILE", help=tr("a new file (standard output)"))


def _tail(arguments: argparse.Namespace) -> int:
    wanted = Filter(
        arguments.record_class,
        tuple(arguments.kinds),
        arguments.lane,
        arguments.device,
        arguments.since_ms,
        arguments.until_ms,
    )

    def tail(_: SiteConfig, store: JournalStore) -> int:
        with store.snapshot() as db:
            found = list(newest(db, wanted, arguments.count))
        for record in found:
            print(record.payload())
        if not found and store.last_seq:
            print("gate: " + tr("none of the {count} records is such a one", count=store.last_seq), file=sys.stderr)
        return EXIT_DONE

    return _read_journal(arguments.site, tail)


def _show(arguments: argparse.Namespace) -> int:
    def show(_: SiteConfig, store: JournalStore) -> int:
        with store.snapshot() as db:
            found = look_at(db, arguments.seq)
        if found.record is not None:
            print("\n".join(_record_lines(found.record, found)))
            return EXIT_DONE
        if found.checkpoint:
            print(_removed_text(arguments.seq, json.loads(found.checkpoint)))
            return EXIT_DONE
        told = {"number": arguments.seq, "last": store.last_seq}
        return fail(EXIT_BAD_INPUT, tr("record {number} does not exist; the journal ends at record {last}", **told))

    return _read_journal(arguments.site, show)


def _record_lines(record: StoredRecord, found: Surroundings) -> list[str]:
    data = json.dumps(json.loads(record.data), indent=2, ensure_ascii=False, sort_keys=True).splitlines()
    acked = tr("yes") if found.is_acked else tr("no, the platform has not said that it has it")
    follows = found.before is None or found.before.hash == record.prev
    broken = "" if follows else "  " + tr("BROKEN: its hash is not prev")
    return [
        _labelled(tr("record"), str(record.seq)),
        _labelled(tr("class"), f"{record.record_class} {record.class_seq}"),
        _labelled(tr("time"), utc_text(record.time_ms)),
        _labelled(tr("kind"), record.kind),
        _labelled(tr("lane"), record.lane or "-"),
        _labelled(tr("device"), record.device or "-"),
        _labelled(tr("data"), data[0]),
        *(" " * _LABEL_SIZE + line for line in data[1:]),
        _labelled("hash", record.hash),
        _labelled("prev", record.prev),
        _labelled(tr("acknowledged"), acked),
        _labelled(tr("before"), _neighbour(found.before) + broken),
        _labelled(tr("after"), _neighbour(found.after)),
    ]


def _labelled(label: str, text: str) -> str:
    return label.ljust(_LABEL_SIZE) + text


def _neighbour(record: StoredRecord | None) -> str:
    if record is None:
        return "-"
    return (
        f"{record.seq}  {utc_text(record.time_ms)}  {record.kind}  {record.lane or record.device or '-'}  {record.hash}"
    )


def _removed_text(seq: int, told: dict[str, Any]) -> str:
    return tr(
        "record {number} was removed on {time} (reason {reason}), the platform has it; "
        "the checkpoint of records {first} to {last} stands for it",
        number=seq,
        time=utc_text(told["time"]),
        reason=told["reason"],
        first=told["first"],
        last=told["last"],
    )


def _verify(arguments: argparse.Namespace) -> int:
    if _is_export(arguments.site):
        return _verify_export(arguments.site, arguments.keys)

    def verify(config: SiteConfig, store: JournalStore) -> int:
        keys = list(arguments.keys)
        if config.key_path.exists():
            keys.append(load_key(config.key_path).public)
        broken = store.verify(keys)
        if broken:
            return fail(EXIT_FAILED, f"{store.path}: {broken}")
        first, acked = store.usage().first_seq, sum(store.acked.values())
        count = store.last_seq - first + 1 if first else 0
        said = tr("{count} records, unbroken; {acked} acknowledged", count=count, acked=acked)
        removed = tr("{count} removed before them, under signed checkpoints", count=first - 1)
        print(f"{store.path}: {said}" + (f"; {removed}" if first > 1 else ""))
        return EXIT_DONE

    return _read_journal(arguments.site, verify)


def _is_export(path: Path) -> bool:
    """Exports begin with an object or a comment that holds one; site files with neither."""
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return re.match(r'(# )?\{"', file.read(4)) is not None
    except OSError:
        return False  # the site's loader says what is wrong with it


def _verify_export(path: Path, keys: list[str]) -> int:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            facts = check_export(file, keys)
    except ExportError as error:
        return fail(EXIT_FAILED, f"{path}: {error}")
    signer = tr("{key}; compare it with `gate journal key`, or give --key", key=facts.key)
    told = {"first": facts.first, "last": facts.last, "site": facts.site}
    said = tr(
        "records {first} to {last} of {site}, unbroken; signed by {signer}",
        **told,
        signer=tr("the given key") if keys else signer,
    )
    print(f"{path}: {said}")
    return EXIT_DONE


def _export(arguments: argparse.Namespace) -> int:
    def export(config: SiteConfig, store: JournalStore) -> int:
        key = load_key(config.key_path)
        with store.snapshot() as db:
            first = max(arguments.first, store.usage().first_seq)
            last = min(arguments.last, store.last_seq)
            if not 0 < first <= last:
                asked = tr("records {first} to {last}", first=arguments.first, last=min(arguments.last, store.last_seq))
                return fail(
                    EXIT_BAD_INPUT, tr("there is nothing to export among {what}; see gate journal tail", what=asked)
                )
            before, now_ms = position_before(db, first), time.time_ns() // 1_000_000
            run = run_of(db, first, last)
            if arguments.output is None:
                write_export(sys.stdout, arguments.format, config.name, run, before, key, now_ms)
                return EXIT_DONE
            with arguments.output.open("x", encoding="utf-8", newline="") as file:
                count = write_export(file, arguments.format, config.name, run, before, key, now_ms)
        told = {"count": count, "first": first, "last": last}
        print(f"{arguments.output}: " + tr("{count} records, {first} to {last}", **told))
        return EXIT_DONE

    return _read_journal(arguments.site, export)


def _key(arguments: argparse.Namespace) -> int:
    config = load(arguments.site, only_reads=True)
    if config is None:
        return EXIT_BAD_INPUT
    try:
        print(load_key(config.key_path).public)
    except KeyFileError as error:
        return fail(EXIT_FAILED, str(error))
    return EXIT_DONE


def _read_journal(site: Path, work: Callable[[SiteConfig, JournalStore], int]) -> int:
    """Open the journal of `site` for `work`; a file that cannot be read, or not be understood, is one sentence."""
    config = load(site, only_reads=True)
    if config is None:
        return EXIT_BAD_INPUT
    path = config.journal_path
    if not path.is_file():
        return fail(
            EXIT_BAD_INPUT,
            tr("{path} does not exist; expected the journal; run gate hub {site} first", path=path, site=site),
        )
    try:
        with closing(JournalStore(path)) as store:
            return work(config, store)
    except (JournalError, KeyFileError) as error:
        return fail(EXIT_FAILED, str(error))
    except FileExistsError as error:
        return fail(EXIT_BAD_INPUT, tr("{path} exists already; name a new file for the export", path=error.filename))
    except (sqlite3.Error, ValueError, TypeError, KeyError) as error:
        return fail(
            EXIT_FAILED,
            tr("{path} is damaged or cannot be read ({reason}); keep it as evidence", path=path, reason=error),
        )


def _count(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= _TAIL_COUNT_MAX:
        said = tr("{text!r} is not a count; expected 1 to {most}", text=text, most=_TAIL_COUNT_MAX)
        raise argparse.ArgumentTypeError(said)
    return int(text)


def _seq(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 19 and int(text) > 0):
        raise argparse.ArgumentTypeError(tr("{text!r} is no record number; expected 1, 2, 3, ...", text=text))
    return int(text)


def _public_key(text: str) -> str:
    if not re.fullmatch("[0-9a-f]{64}", text.lower()):
        raise argparse.ArgumentTypeError(tr("{text!r} is no public key; expected 64 hexadecimal digits", text=text))
    return text.lower()


def _time_ms(text: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
        return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)
    except (ValueError, OverflowError):
        raise argparse.ArgumentTypeError(
            tr(
                "{text!r} is no time; expected one such as 2026-01-31, 2026-01-31T08:30 or 2026-01-31T08:30:00+07:00",
                text=text,
            )
        ) from None
