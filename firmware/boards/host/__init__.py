"""The host board: the same device in CPython, in process, on a virtual clock the caller moves. For tests and the rig.

Knows files, lists and byte strings instead of hardware. Must not be deployed.
"""

from firmware.app.identity import ProvisionError as ProvisionError
from firmware.app.roles import load_role as load_role
from firmware.boards.host.board import HostBoard as HostBoard
from firmware.boards.host.board import build_device as build_device
from firmware.boards.host.board import store_settings as store_settings
from firmware.ports import RESET_POWER_ON as RESET_POWER_ON
from firmware.ports import RESET_SOFT as RESET_SOFT
from firmware.ports import RESET_WATCHDOG as RESET_WATCHDOG
from firmware.ports import STORE_FAILED as STORE_FAILED
