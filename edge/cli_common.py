"""What the hub's words of `gate` share: exit codes, one sentence for a failure, a site that is loaded or told off.

Knows: standard error and how a site is loaded. Must not know: any word.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from edge.config import SiteConfig
from edge.config_load import LoadResult, load_site
from edge.words import later, tr

EXIT_DONE = 0
EXIT_FAILED = 1
EXIT_BAD_INPUT = 2
EXIT_NOBODY = 3
EXIT_REFUSED = 4
EXIT_INTERRUPTED = 130
# What each means in every word of `gate`; docs/exit-codes.md and `gate help exit-codes` are made of it.
EXIT_CODES = {
    EXIT_DONE: later("done"),
    EXIT_FAILED: later("it failed while running, or what was checked does not hold"),
    EXIT_BAD_INPUT: later("the arguments, a file or the site are wrong; nothing was done"),
    EXIT_NOBODY: later("nobody is there to ask: no device, board or hub, or what is needed is not installed"),
    EXIT_REFUSED: later("refused: by the device, the lane, a signature, a guard, or by you"),
    EXIT_INTERRUPTED: later("interrupted by Ctrl-C"),
}


def fail(code: int, sentence: str) -> int:
    """Say what went wrong; `code` again."""
    print(f"gate: {sentence}", file=sys.stderr)
    return code


def reason_of(error: BaseException) -> str:
    """The system's word for an error, with the file it is about; never the way Python writes it."""
    if not isinstance(error, OSError) or not error.strerror:
        return str(error) or type(error).__name__
    reason = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror
    return f"{error.filename}: {reason}" if error.filename else reason


def load(site: Path, *, only_reads: bool = False) -> SiteConfig | None:
    """The site, or None after every error of its file has been said. Warnings are for those who start a hub."""
    result = load_site(site, only_reads=only_reads)
    if result.config is None or not only_reads:
        print_messages(result)
    if result.config is None:
        said = tr("{site} has {count} error(s)", site=site, count=result.error_count)
        fail(EXIT_BAD_INPUT, said if only_reads else tr("{what}; nothing was started", what=said))
    return result.config


def print_messages(result: LoadResult) -> None:
    """Warnings and errors of a site file, one a line."""
    for message in result.messages:
        print(message, file=sys.stderr)
