"""What the weighbridge has on its medium: alibi records and the settings a calibration changes.

Knows what the core waits for (PENDING_*) and where it goes. Must not know when a weight may be registered. Runs outside
the heap guard, in the scan that asked: this role moves nothing that could not wait for the store.
"""

from firmware.app.alibi import AlibiMemory
from firmware.app.settings import Settings
from firmware.control.events import EventRing
from firmware.control.weighbridge import Weighbridge
from firmware.control.weighbridge_memory import PENDING_READ, PENDING_RECORD, RECORD_BOOT, RECORD_UPTIME_S
from firmware.ports import NullStore
from protocols.registers import weighbridge as regs


class WeighbridgeKeeper:
    """Does what is pending in the core, and tells it how that ended."""

    def __init__(self, store: NullStore, settings: Settings, ring: EventRing, key: bytes) -> None:
        self.alibi = AlibiMemory(store, key)
        self._settings = settings
        self._ring = ring

    def start(self, core: Weighbridge, reset_cause: int) -> None:
        """Give the core what the medium knows, whatever the reset. May block for the store."""
        self.alibi.load()
        if not self.alibi.is_usable:
            self._settings.store_fault = True
        core.memory.alibi_newest = self.alibi.newest
        core.memory.calibration_count = self._settings.calibration_count
        core.memory.recalibration_due = 1 if self._settings.recalibration_due else 0

    def serve(self, core: Weighbridge) -> None:
        """Store or read what the core waits for."""
        pending = core.pending()
        if pending == PENDING_READ:
            is_there = self.alibi.read(core.pending_value(), core.record)
            core.on_stored(regs.COMMAND_RESULT_ACCEPTED if is_there else regs.COMMAND_RESULT_OUT_OF_LIMITS)
            return
        is_stored = self._keep_record(core) if pending == PENDING_RECORD else self._keep_setting(core)
        self._settings.store_fault = not is_stored
        core.on_stored(regs.COMMAND_RESULT_ACCEPTED if is_stored else regs.COMMAND_RESULT_STORE_FAILED)

    def _keep_record(self, core: Weighbridge) -> bool:
        core.record[RECORD_BOOT] = self._settings.boot_count
        core.record[RECORD_UPTIME_S] = self._ring.uptime_s
        return self.alibi.append(core.record)

    def _keep_setting(self, core: Weighbridge) -> bool:
        index = core.pending_setting()
        value = core.pending_value()
        if not self._settings.is_allowed(index, value):
            return False
        return self._settings.change(index, value, True, index == regs.SET_SPAN_COUNTS)
