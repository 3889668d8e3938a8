"""Energy, charge and duration of a charge in integers without drift, and the session's record.

Knows what flowed since the last scan and the units; must not know states or limits. Nothing is rounded away: what does
not make a whole Wh or mAh is carried on. The registers move with the whole second of the session only, so a reader
sees energy and duration of the same instant, and a post that scans rarely counts the same as one that scans often.

Largest values before a carry: 10000 (1000.0 V) times 8000 (800.0 A) is 80 kW in units of 0.01 W times ten; split in
thousands times the longest gap of 10 s it stays below 2**30, as the tests show.
"""

from firmware.control.charging_post_memory import PostMemory
from firmware.control.events import EventRing
from protocols.compat import const
from protocols.registers import charging_post as reg

# A scan later than this does not know what flowed in between, and counts this much of it.
GAP_MAX_MS = const(10000)
_VOLTAGE_MAX_V_X10 = const(10000)
_CURRENT_MAX_A_X10 = const(8000)
_SECOND_MS = const(1000)
_WH = const(360000)  # in 0.01 W s
_MAH = const(36000)  # in 0.1 A ms
_COUNT_MASK = const(0x3FFFFFFF)


class PostMeter:
    """Counters of the running or last session and since start, in memory."""

    def __init__(self, memory: PostMemory, ring: EventRing) -> None:
        self.memory = memory
        self.ring = ring
        self.has_moved = True  # a register of the record may have moved since whoever shows it cleared this

    def advance(self, elapsed_ms: int) -> None:
        """Count what flowed since the last scan; first thing in a scan."""
        memory = self.memory
        if not memory.session_open or elapsed_ms <= 0:
            return
        gap = elapsed_ms if elapsed_ms < GAP_MAX_MS else GAP_MAX_MS
        if memory.meter_a_x10:
            self._integrate(gap)
        phase = memory.meter_phase_ms + gap
        if phase >= _SECOND_MS:
            memory.session_s = (memory.session_s + phase // _SECOND_MS) & _COUNT_MASK
            phase %= _SECOND_MS
            self._carry()
        memory.meter_phase_ms = phase

    def hold(self, is_closed: int, voltage_v_x10: int, current_a_x10: int) -> None:
        """Note what flows from now on; last thing in a scan. Nothing flows through an open contactor."""
        memory = self.memory
        if not is_closed or not memory.session_open or current_a_x10 <= 0 or voltage_v_x10 <= 0:
            memory.meter_a_x10 = 0
            memory.meter_v_x10 = 0
            return
        memory.meter_v_x10 = min(voltage_v_x10, _VOLTAGE_MAX_V_X10)
        memory.meter_a_x10 = min(current_a_x10, _CURRENT_MAX_A_X10)
        if memory.meter_a_x10 > memory.session_peak_a_x10:
            memory.session_peak_a_x10 = memory.meter_a_x10
            self.has_moved = True

    def begin(self, vehicle_id: int) -> None:
        """Open a new session's record."""
        memory = self.memory
        memory.session_open = 1
        self.has_moved = True
        memory.sessions = (memory.sessions + 1) & _COUNT_MASK
        memory.session_vehicle_id = vehicle_id
        memory.session_s = 0
        memory.session_wh = 0
        memory.session_mah = 0
        memory.session_peak_a_x10 = 0
        memory.meter_phase_ms = 0
        self.ring.push(reg.EV_SESSION_STARTED, vehicle_id)

    def end(self) -> None:
        """Close the record, if one is open; it stays readable until the next session."""
        memory = self.memory
        if not memory.session_open:
            return
        self._carry()
        memory.session_open = 0
        memory.meter_a_x10 = 0
        memory.meter_v_x10 = 0
        self.ring.push(reg.EV_SESSION_ENDED, memory.end_reason)
        self.ring.push(reg.EV_SESSION_ENERGY, memory.session_wh)

    def next_ms(self) -> int:
        """Time from the last scan until a register moves; -1 outside a session."""
        return _SECOND_MS - self.memory.meter_phase_ms if self.memory.session_open else -1

    def _integrate(self, gap_ms: int) -> None:
        memory = self.memory
        power = memory.meter_v_x10 * memory.meter_a_x10
        rest = memory.meter_energy_rest + power % 1000 * gap_ms
        memory.meter_energy += power // 1000 * gap_ms + rest // 1000
        memory.meter_energy_rest = rest % 1000
        memory.meter_charge += memory.meter_a_x10 * gap_ms

    def _carry(self) -> None:
        memory = self.memory
        self.has_moved = True
        whole = memory.meter_energy // _WH
        memory.meter_energy %= _WH
        memory.session_wh = (memory.session_wh + whole) & _COUNT_MASK
        memory.total_wh = (memory.total_wh + whole) & _COUNT_MASK
        whole = memory.meter_charge // _MAH
        memory.meter_charge %= _MAH
        memory.session_mah = (memory.session_mah + whole) & _COUNT_MASK
        memory.total_mah = (memory.total_mah + whole) & _COUNT_MASK
