"""`python -m tools.edge_pages [--check]`: the hub's generated pages, docs/site-file.md and a part of docs/lane.md.

Knows: where the pages are. Must not know: what stands in them. Exit code 0 fresh or written, 1 stale (--check only).
"""

import sys
from pathlib import Path

from edge.config_reference import reference_page
from edge.lane import diagram

_DOCS = Path(__file__).resolve().parent.parent / "docs"
SITE_PAGE = _DOCS / "site-file.md"
LANE_PAGE = _DOCS / "lane.md"


def fresh_pages() -> dict[Path, str]:
    """Each page with the text it should have; what is written by hand around a generated part is kept."""
    return {SITE_PAGE: reference_page(), LANE_PAGE: _with_part(LANE_PAGE.read_text(encoding="utf-8"))}


def main(argv: list[str] | None = None) -> int:
    """Write the pages, or with --check only say which are stale."""
    is_check = "--check" in (sys.argv[1:] if argv is None else argv)
    stale = [(page, text) for page, text in fresh_pages().items() if not _is_fresh(page, text)]
    for page, text in stale:
        if is_check:
            print(f"{page.name} is stale: run make gen", file=sys.stderr)
        else:
            page.write_text(text, encoding="utf-8")
    return 1 if stale and is_check else 0


def _is_fresh(page: Path, text: str) -> bool:
    return page.exists() and page.read_text(encoding="utf-8") == text


def _with_part(text: str) -> str:
    before, _, rest = text.partition(diagram.BEGIN)
    after = rest.partition(diagram.END)[2].removeprefix("\n")
    return before + diagram.generated_part() + after


if __name__ == "__main__":
    sys.exit(main())
