"""`python -m tools.regmap`: write every file that is derived from the register maps, or check that they are fresh."""

import argparse
import sys
from pathlib import Path

from tools.regmap.generate import generate, stale_files, write_files
from tools.regmap.model import Problems

EXIT_STALE = 1
EXIT_REFUSED = 2


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns the exit code: 0 done, 1 stale files, 2 maps refused."""
    parser = argparse.ArgumentParser(prog="python -m tools.regmap", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 and list the stale files")
    parser.add_argument("--root", type=Path, default=Path(__file__).parents[2], help="repository root")
    arguments = parser.parse_args(argv)
    problems = Problems()
    files = generate(arguments.root, problems)
    if problems:
        print("\n".join(problems), file=sys.stderr)
        return EXIT_REFUSED
    stale = stale_files(arguments.root, files)
    if not arguments.check:
        write_files(arguments.root, files, stale)
        return 0
    for path in stale:
        print(f"{path}: is not what its register map says; run `make gen`", file=sys.stderr)
    return EXIT_STALE if stale else 0


if __name__ == "__main__":
    sys.exit(main())
