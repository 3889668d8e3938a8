"""`python -m tools.generate [--check]`: write every derived file of the repository, or name the stale ones.

Knows which generators there are. Must not know what they write.
Exit code: the highest of the generators' (0 fresh or written, 1 stale, 2 a source was refused).
"""

import argparse
import sys

from tools.edge_pages import main as generate_edge_pages
from tools.regmap.__main__ import main as generate_regmap

GENERATORS = (generate_regmap, generate_edge_pages)


def main(argv: list[str] | None = None) -> int:
    """Run every generator, the next one even if one complains; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tools.generate", description="Write every derived file.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 and list the stale files")
    words = ["--check"] if parser.parse_args(argv).check else []
    return max([generator(words) for generator in GENERATORS])


if __name__ == "__main__":
    sys.exit(main())
