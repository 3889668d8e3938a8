"""`gate sniff`: listen to a serial line without a word, and tell by register name what is said on it.

Knows: arguments, clocks, printing. Must not know: frames, registers.
Nothing is ever sent. Times are those at which this machine got the bytes: a USB adapter adds up to 16 ms.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import TextIO

from edge.cli_common import EXIT_BAD_INPUT, EXIT_DONE, EXIT_FAILED, fail, reason_of
from edge.service.capture import CaptureError, read_chunks, write_chunk
from edge.service.listener import Listener
from edge.service.names import ROLES
from edge.service.serial_port import PortError, SerialPort
from edge.service.summary import as_text, summarise
from edge.words import tr

SILENCE_US = 50_000  # longer than any pause a USB adapter makes within a frame
UNIT_ID_MAX = 247
_POLL_S = 0.05
Chunk = tuple[int, bytes]


def add_sniff_word(parser: argparse.ArgumentParser) -> None:
    """The arguments of `gate sniff`."""
    parser.add_argument("port", metavar="PORT", help=tr("a serial port, or a file that --save wrote"))
    parser.add_argument("--baud", type=int, default=115_200, help=tr("default: %(default)s"))
    parser.add_argument("--parity", choices=("N", "E", "O"), default="N", help=tr("default: %(default)s"))
    parser.add_argument(
        "--role", action="append", default=[], metavar="UNIT=ROLE", help=tr("what a unit is; else learned")
    )
    parser.add_argument("--seconds", type=float, metavar="S", help=tr("stop after S seconds; else at Ctrl-C"))
    parser.add_argument("--all", action="store_true", help=tr("every value that is read, not only what changed"))
    parser.add_argument("--save", type=Path, metavar="FILE", help=tr("keep what is heard in a file"))
    parser.add_argument("--json", action="store_true", help=tr("only the summary, as one object"))
    parser.set_defaults(run=sniff)


def sniff(arguments: argparse.Namespace) -> int:
    """Listen until the time is over or Ctrl-C; returns the exit code."""
    try:
        listener = Listener(_roles(arguments.role), show_all=arguments.all)
        with contextlib.ExitStack() as stack:
            chunks = _chunks(arguments, stack)
            span_us = _listen(chunks, listener, quiet=arguments.json)
    except (ValueError, CaptureError) as error:
        return fail(EXIT_BAD_INPUT, str(error))
    except OSError as error:
        return fail(EXIT_BAD_INPUT, reason_of(error))
    except PortError as error:
        return fail(EXIT_FAILED, str(error))
    summary = summarise(listener.tally, listener.roles, span_us / 1e6, arguments.baud)
    print(json.dumps(summary, indent=1) if arguments.json else as_text(summary))
    return EXIT_DONE


def _roles(words: list[str]) -> dict[int, ModuleType]:
    roles = {}
    for word in words:
        unit, _, name = word.partition("=")
        if name not in ROLES or not unit.isascii() or not unit.isdigit() or not 1 <= int(unit) <= UNIT_ID_MAX:
            raise ValueError(
                tr(
                    "--role is '{word}'; write a unit id from 1 to {most} and one of {roles}, as in --role 3=barrier",
                    word=word,
                    most=UNIT_ID_MAX,
                    roles=", ".join(ROLES),
                )
            )
        roles[int(unit)] = ROLES[name]
    return roles


def _listen(chunks: Iterator[Chunk], listener: Listener, *, quiet: bool) -> int:
    """Feed the listener and print; the span of time that was heard, in us. Ctrl-C ends it well."""
    first_us = last_us = -1
    heard_us = 0
    with contextlib.suppress(KeyboardInterrupt):
        for now_us, data in chunks:
            first_us = now_us if first_us < 0 else first_us
            last_us = now_us
            lines = listener.end() if now_us - heard_us > SILENCE_US else []
            if data:
                heard_us = now_us
                lines += listener.take(now_us, data)
            _print(lines, quiet=quiet)
    _print(listener.end(), quiet=quiet)
    return last_us - first_us


def _print(lines: list[str], *, quiet: bool) -> None:
    if lines and not quiet:
        print("\n".join(lines), flush=True)


def _chunks(arguments: argparse.Namespace, stack: contextlib.ExitStack) -> Iterator[Chunk]:
    """What is heard, with its time; an empty chunk where time passed in silence."""
    path = Path(arguments.port)
    if path.is_file():
        return read_chunks(path)
    port = stack.enter_context(SerialPort(arguments.port, arguments.baud, arguments.parity))
    chunks = _heard(port, arguments.seconds)
    if arguments.save is None:
        return chunks
    file = stack.enter_context(arguments.save.open("w", encoding="utf-8"))
    return _saved(chunks, file)


def _heard(port: SerialPort, seconds: float | None) -> Iterator[Chunk]:
    start_s = time.monotonic()
    yield 0, b""
    while seconds is None or time.monotonic() - start_s < seconds:
        data = port.read(_POLL_S)
        yield int((time.monotonic() - start_s) * 1e6), data


def _saved(chunks: Iterator[Chunk], file: TextIO) -> Iterator[Chunk]:
    for now_us, data in chunks:
        if data:
            write_chunk(file, now_us, data)
        yield now_us, data
