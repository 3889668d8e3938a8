"""`python -m tools.generate [--check]`: write every derived file of the repository, or name the stale ones.

Knows which generators there are; each lives beside what it knows. Must not know what they write.
Exit code: the highest of the generators' (0 fresh or written, 1 stale, 2 a source was refused).
"""

import argparse
import sys
from pathlib import Path

from edge.config_reference import reference_page
from edge.exit_codes_page import exit_codes_page
from edge.lane.diagram import states_page
from edge.profile_reference import profile_page
from hil.board.wiring_page import terminals_drawing, wiring_page
from hil.targets.ledger_page import ledger_page
from tools.regmap.__main__ import EXIT_STALE
from tools.regmap.__main__ import main as generate_regmap
from tools.sparkplug_assertions import assertions_page

ROOT = Path(__file__).parents[1]
# Pages that are one text made by one function.
PAGES = {
    "docs/site-file.md": reference_page,
    "docs/device-profile.md": profile_page,
    "docs/exit-codes.md": exit_codes_page,
    "docs/lane-states.md": states_page,
    "docs/bench/wiring.md": wiring_page,
    "docs/bench/terminals.svg": terminals_drawing,
    "docs/hil-ledger.md": ledger_page,
    "docs/sparkplug-assertions.md": assertions_page,
}


def main(argv: list[str] | None = None) -> int:
    """Run all generators; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tools.generate", description="Write every derived file.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 and list the stale files")
    arguments = parser.parse_args(argv)
    codes = [generate_regmap(["--check"] if arguments.check else [])]
    codes += [_generate_page(path, page(), check=arguments.check) for path, page in PAGES.items()]
    return max(codes)


def _generate_page(path: str, text: str, *, check: bool) -> int:
    target = ROOT / path
    if target.is_file() and target.read_text(encoding="utf-8") == text:
        return 0
    if check:
        print(f"{path}: is not what its source says; run `make gen`", file=sys.stderr)
        return EXIT_STALE
    target.write_text(text, encoding="utf-8")
    print(f"wrote {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
