"""An update as a hub does it on a stand: what the device wants, one piece after the other, then the switch.

Knows: the registers of an update. Must not know: what is made to fail, and how the firmware is run.
"""

from __future__ import annotations

from hil.faults.life import ACCEPTED, SECOND_US
from hil.faults.stand import SilentError, Stand
from hil.targets.target import TargetError
from protocols.registers import barrier as registers

_DATA_SIZE = 236
_NOTHING = 0xFFFFFFFF
_PAUSE_US = 20_000
_LOOKS = 20_000
_TRIAL_S = 14  # ten healthy seconds, and the start before them
_SETTLED = (registers.UPDATE_STATE_READY, registers.UPDATE_STATE_FAILED, registers.UPDATE_STATE_IDLE)


def push(stand: Stand, bundle: bytes) -> tuple[int, int]:
    """Begin and send until nothing is wanted any more; state and reason then. Raises TargetError."""
    if stand.command("UPDATE_BEGIN", 0, len(bundle)) != ACCEPTED:
        raise TargetError("the device refuses to begin an update")
    for _ in range(_LOOKS):
        state, reason, high, low = stand.read(registers.AT_UPDATE_STATE, 4)
        want = high << 16 | low
        if state in _SETTLED:
            return state, reason
        if want == _NOTHING or stand.offer(want, bundle[want : want + _DATA_SIZE]):
            stand.run(_PAUSE_US)
    raise TargetError("the update never ended")


def switch(stand: Stand) -> None:
    """Have the new slot tried and live through its trial; raises TargetError."""
    if stand.command("UPDATE_SWITCH") != ACCEPTED:
        raise TargetError("the device refuses to switch")
    for _ in range(_TRIAL_S):
        stand.run(SECOND_US)
        try:
            stand.read(0, 1)
        except SilentError:
            continue
