"""docs/exit-codes.md, made of the constants.

Knows: the table of exit codes. Must not know: who returns which.
"""

from __future__ import annotations

from edge.cli_common import EXIT_CODES

_HEAD = """# Exit codes

Written by `make gen` from `EXIT_CODES` in `edge/cli_common.py`; `gate help exit-codes` says it in Vietnamese, too.
A script asks for the code and for `--json`, never for a sentence: sentences change and come in two languages.

| code | every word of `gate` |
|---|---|
"""
_TAIL = """
What a word's own page says is this, told for that word: [scan](how-to/find-devices.md), [poke](how-to/poke.md),
[flash](how-to/flash-a-board.md), [provision](how-to/provision-a-device.md), [update](how-to/update-devices.md),
[operator](how-to/operate-a-lane.md#exit-codes). `gate run`, `gate verify`, `gate bench` and `gate hil` return 3 as
well when something they need is not installed (BLOCKED), and `gate verify` when it did not finish.
"""


def exit_codes_page() -> str:
    """The whole page."""
    return _HEAD + "".join(f"| {code} | {meaning} |\n" for code, meaning in EXIT_CODES.items()) + _TAIL
