"""Ways to run the firmware under test, by name."""

from collections.abc import Callable

from hil.targets.host import HostTarget
from hil.targets.target import Target
from hil.targets.vm import VmTarget

TARGETS: dict[str, Callable[[], Target]] = {"host": HostTarget, "vm": VmTarget}
