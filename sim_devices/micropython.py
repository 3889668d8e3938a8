"""Where the MicroPython VM lies: beside the interpreter that runs, in the same environment.

Knows: that interpreter. Must not know: what the VM runs.
"""

from __future__ import annotations

import sys
from pathlib import Path

VM = Path(sys.executable).parent / "micropython"
