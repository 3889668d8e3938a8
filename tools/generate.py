"""`python -m tools.generate [--check]`: run every generator, so that `make gen` and `make check` need to know one name.

Exit code: the highest of the generators' (0 fresh or written, 1 stale, 2 a source was refused).
"""

import sys

from tools.regmap.__main__ import main as regmap

GENERATORS = (regmap,)


def main(argv: list[str] | None = None) -> int:
    """Run all generators with the same arguments."""
    return max(generator(argv) for generator in GENERATORS)


if __name__ == "__main__":
    sys.exit(main())
