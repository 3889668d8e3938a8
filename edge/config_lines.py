"""Where each key of a TOML text stands, for messages that point at a line.

Knows: just enough TOML to find statement starts: tables, keys, comments, strings and brackets over several lines.
Must not know: what the keys mean. Works on texts tomllib has accepted; on others it still returns without failing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_HEADER = re.compile(r"\s*(\[\[?)\s*(.+?)\s*\]\]?\s*(#.*)?$")
_KEY = re.compile(r"""\s*("[^"]*"|'[^']*'|[A-Za-z0-9_-]+)\s*[.=]""")
# What may hide a bracket: multi-line strings first, then one-line strings, then comments.
_TOKEN = re.compile(r'"""|\'\'\'|"(?:\\.|[^"\\])*"|\'[^\']*\'|#.*|[\[\]{}]')


@dataclass
class KeyLines:
    """1-based line numbers by (table, index in its list, key); key "" is the header of the table."""

    lines: dict[tuple[str, int, str], int] = field(default_factory=dict)

    def line(self, table: str, index: int = 0, key: str = "") -> int:
        """Line of `key`, or of its table's header when the key is absent, or 1."""
        for wanted in ((table, index, key), (table, index, "")):
            if wanted in self.lines:
                return self.lines[wanted]
        return 1


def find_lines(text: str) -> KeyLines:
    """Index the keys of `text`. Keys before the first header belong to table ""."""
    found = KeyLines()
    counts: dict[str, int] = {}
    table, index = "", 0
    scan = _Scan()
    for number, line in enumerate(text.splitlines(), start=1):
        if scan.is_statement_start:
            header = _HEADER.match(line)
            if header:
                table = _unquote(header.group(2))
                index = counts.get(table, 0)
                counts[table] = index + 1
                found.lines.setdefault((table, index, ""), number)
                continue
            key = _KEY.match(line)
            if key:
                found.lines.setdefault((table, index, _unquote(key.group(1))), number)
        scan.on_line(line)
    return found


class _Scan:
    """Whether the next line starts a statement: outside every bracket and every multi-line string."""

    def __init__(self) -> None:
        self.depth = 0
        self.quote = ""

    @property
    def is_statement_start(self) -> bool:
        return self.depth <= 0 and not self.quote

    def on_line(self, line: str) -> None:
        position = 0
        while position < len(line):
            if self.quote:
                end = line.find(self.quote, position)
                if end < 0:
                    return
                position = end + len(self.quote)
                self.quote = ""
                continue
            token = _TOKEN.search(line, position)
            if token is None:
                return
            position = token.end()
            self._on_token(token.group())

    def _on_token(self, token: str) -> None:
        if token in ('"""', "'''"):
            self.quote = token
        elif token in "[{":
            self.depth += 1
        elif token in "]}":
            self.depth -= 1


def _unquote(key: str) -> str:
    return key[1:-1] if key[:1] in ("'", '"') and key[-1:] == key[:1] else key
