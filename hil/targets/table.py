"""Ways to run the firmware under test, by name.

Knows: every target. Must not know: what any of them does. Stands apart, since a target imports what the rig imports.
"""

from collections.abc import Callable

from hil.targets.board import BoardTarget
from hil.targets.host import HostTarget
from hil.targets.rp2040 import Rp2040Target
from hil.targets.target import Options, Target
from hil.targets.vm import VmTarget
from hil.targets.vm_real_time import RealTimeVmTarget

TARGETS: dict[str, Callable[[Options], Target]] = {
    "board": BoardTarget,
    "host": lambda options: HostTarget(),
    "rp2040": Rp2040Target,
    "vm": lambda options: VmTarget(),
    "vm-real-time": lambda options: RealTimeVmTarget(),
}
