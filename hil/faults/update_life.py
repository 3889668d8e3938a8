"""An update as a hub does it on a stand: what the device wants, one piece after the other, then the switch.

Knows: the registers of an update. Must not know: what is made to fail, and how the firmware is run.
"""

from __future__ import annotations

from hil.faults.life import ACCEPTED, SECOND_US, stand_for
from hil.faults.stand import SilentError, Stand
from hil.targets.target import Device, TargetError
from protocols.registers import barrier as registers

_DATA_SIZE = 236
_NOTHING = 0xFFFFFFFF
_PAUSE_US = 20_000
_LOOKS = 20_000
_TRIAL_S = 14  # ten healthy seconds, and the start before them
_SETTLED = (registers.UPDATE_STATE_FAILED, registers.UPDATE_STATE_IDLE)


def receive(stand: Stand, bundle: bytes) -> None:
    """Begin and send until nothing is wanted any more; raises TargetError unless all is checked and ready then."""
    if stand.command("UPDATE_BEGIN", 0, len(bundle)) != ACCEPTED:
        raise TargetError("the device refuses to begin an update")
    for _ in range(_LOOKS):
        state, reason, high, low = stand.read(registers.AT_UPDATE_STATE, 4)
        want = high << 16 | low
        if state == registers.UPDATE_STATE_READY:
            return
        if state in _SETTLED:
            raise TargetError(f"the update ended with reason {reason}")
        if want == _NOTHING or stand.offer(want, bundle[want : want + _DATA_SIZE]):
            stand.run(_PAUSE_US)
    raise TargetError("the update never ended")


def switch(stand: Stand) -> None:
    """Have the new slot tried and live through its trial; raises TargetError unless it is confirmed."""
    if stand.command("UPDATE_SWITCH") != ACCEPTED:
        raise TargetError("the device refuses to switch")
    for _ in range(_TRIAL_S):
        stand.run(SECOND_US)
        try:
            stand.read(0, 1)
        except SilentError:
            continue
    if stand.point("update_state") != registers.UPDATE_STATE_IDLE or stand.point("running_slot") != 2:
        raise TargetError("the new slot was not confirmed")


def told_version(device: Device, role: str, start_us: int) -> int:
    """Start a device; the version it tells, 0 when it is silent."""
    stand = stand_for(device, role)
    try:
        stand.run(start_us)
        return stand.read(registers.AT_FIRMWARE_VERSION, 1)[0]
    except (SilentError, TargetError):
        return 0
    finally:
        device.close()
