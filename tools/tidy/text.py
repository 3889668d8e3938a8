"""What may not stand in any text of the repository: paths of one machine, hosts of one network, notes to oneself.

Knows patterns. They are written in pieces, so that this file does not find itself.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tools.tidy.files import Source


@dataclass(frozen=True)
class Pattern:
    """A banned text: `found` names it, `remedy` says what to write instead."""

    regex: re.Pattern[str]
    found: str
    remedy: str


def _pattern(regex: str, found: str, remedy: str) -> Pattern:
    return Pattern(re.compile(regex), found, remedy)


PATTERNS = (
    _pattern(
        r"(?<![\w.])/(?:wo" r"rk|ho" r"me/\w+|ro" r"ot|Us" r"ers)/",
        "a path of one machine",
        "write it relative to the repository, or take it as an argument",
    ),
    _pattern(
        r"(?i)(?:--|extra-|^|[\s_])index" r"[-_]url|trusted" r"-host|files\.python" r"hosted|pypi\.org/" r"simple",
        "a package registry's host",
        "leave it to the machine's own pip configuration",
    ),
    _pattern(
        r"(?i)https?://[^\s/]*(?:artifact" r"ory|nex" r"us|dev" r"pi|jf" r"rog)",
        "a host of one network",
        "leave it to the machine's own configuration",
    ),
    _pattern(
        r"\b(?:TO" r"DO|FIX" r"ME|X" r"XX|HA" r"CK)\b",
        "a note to oneself",
        "do it now, or open an issue and leave the code as it should read today",
    ),
)
LINK = re.compile(r"\[[^\]]*\]\(\s*<?([^)>\s]+)>?[^)]*\)")
FENCE = re.compile(r"^\s*(?:```|~~~)")


def check_texts(sources: Iterable[Source]) -> list[str]:
    """Every banned text, as findings."""
    return [
        source.finding(number, f"'{match.group().strip()}' is {pattern.found}; {pattern.remedy}")
        for source in sources
        for number, line in enumerate(source.text.splitlines(), 1)
        for pattern in PATTERNS
        if (match := pattern.regex.search(line))
    ]


def check_links(sources: Iterable[Source], root: Path) -> list[str]:
    """Every relative link of a Markdown file that leads nowhere, as findings. Web links are not followed."""
    return [
        source.finding(number, f"link '{link}' leads nowhere; correct it, or write the file")
        for source in sources
        if source.path.endswith(".md")
        for number, link in _links(source.text)
        if not _leads_somewhere(source, link, root)
    ]


def _links(text: str) -> list[tuple[int, str]]:
    found = []
    in_code = False
    for number, line in enumerate(text.splitlines(), 1):
        if FENCE.match(line):
            in_code = not in_code
        elif not in_code:
            found += [(number, link) for link in LINK.findall(line)]
    return found


def _leads_somewhere(source: Source, link: str, root: Path) -> bool:
    path = link.partition("#")[0]
    if not path or re.match(r"[a-z][a-z0-9+.-]*:", link):
        return True
    base = root if path.startswith("/") else (root / source.path).parent
    return (base / path.lstrip("/")).exists()
