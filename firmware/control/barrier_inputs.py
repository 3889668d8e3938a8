"""The barrier's input image as the control may use it: every input with bad quality is its dangerous value.

Knows the wiring sense of each input (docs/roles/barrier.md has the table); must not know states or time.

The dangerous value is the one that stops, opens or reports a vehicle: a broken STOP wire stops (manual stop inputs of
barrier controllers are normally closed for that reason), a broken FIRE wire opens, a broken button does nothing.
Presence sensors count as a vehicle already when their quality is uncertain.
"""

from protocols.quality import BAD, GOOD
from protocols.registers import barrier as reg

# Value taken when the quality is bad, in IN_* order: the normally closed inputs read 0, FIRE, the loops,
# MANUAL_RELEASED and LOCAL_MODE read 1, limits and buttons read 0.
_DANGEROUS = b"\x00\x01\x00\x00\x01\x01\x01\x00\x00\x00\x00\x00\x01\x00\x01\x00\x00"

_ENTRY = 1 << reg.PRESENCE_ENTRY_LOOP
_SAFETY = 1 << reg.PRESENCE_SAFETY_LOOP
_EXIT = 1 << reg.PRESENCE_EXIT_LOOP
_CURTAIN = 1 << reg.PRESENCE_LIGHT_CURTAIN

_ALL_GOOD = [GOOD] * reg.IN_COUNT


class BarrierInputs:
    """Inputs of one scan after their quality was judged; filled by read(). The device tests mask their device in it."""

    def __init__(self) -> None:
        self.values = [0] * reg.IN_COUNT  # read only: while every quality is good it is the input image itself
        self.is_up = 0  # LIMIT_OPEN as far as it is believed; barrier_travel judges it in each scan
        self.bad = False
        self.uncertain = False
        self.sensors = 0  # presence word without BRIDGED; a sensor of doubtful quality is set
        self.sensors_seen = 0  # the same from sensors of good quality only
        self.contact = False  # EDGE_OK is gone
        self.edge_good = False
        self.edge_bad = False
        self._judged = [0] * reg.IN_COUNT

    def read(self, inputs: list[int], quality: list[int], settings: list[int]) -> None:
        """Judge the image; an exit loop or a safety edge that is not fitted is left out altogether."""
        exit_fitted = settings[reg.SET_EXIT_LOOP_FITTED] != 0
        edge_fitted = settings[reg.SET_EDGE_MONITORING] != reg.EDGE_MONITORING_NOT_FITTED
        self.bad = False
        self.uncertain = False
        self.edge_good = True
        self.edge_bad = False
        doubtful = 0
        if quality == _ALL_GOOD:
            self.values = inputs
        else:
            self._judge(inputs, quality, exit_fitted, edge_fitted)
            doubtful = self._doubt(quality, exit_fitted)
        self._read_presence(exit_fitted, doubtful)
        self.contact = edge_fitted and not self.values[reg.IN_EDGE_OK]

    def _judge(self, inputs: list[int], quality: list[int], exit_fitted: bool, edge_fitted: bool) -> None:
        values = self._judged
        self.values = values
        for index in range(reg.IN_COUNT):
            values[index] = inputs[index]
            if quality[index] == GOOD:
                continue
            if (index == reg.IN_EXIT_LOOP and not exit_fitted) or (index == reg.IN_EDGE_OK and not edge_fitted):
                continue
            if quality[index] >= BAD:
                values[index] = _DANGEROUS[index]
                self.bad = True
            else:
                self.uncertain = True
        if edge_fitted:
            self.edge_good = quality[reg.IN_EDGE_OK] == GOOD
            self.edge_bad = quality[reg.IN_EDGE_OK] >= BAD

    def _doubt(self, quality: list[int], exit_fitted: bool) -> int:
        """Presence bits of the sensors whose quality is not good."""
        bits = 0
        if quality[reg.IN_ENTRY_LOOP] != GOOD:
            bits = _ENTRY
        if quality[reg.IN_SAFETY_LOOP] != GOOD:
            bits |= _SAFETY
        if exit_fitted and quality[reg.IN_EXIT_LOOP] != GOOD:
            bits |= _EXIT
        if quality[reg.IN_CURTAIN_CLEAR] != GOOD:
            bits |= _CURTAIN
        return bits

    def _read_presence(self, exit_fitted: bool, doubtful: int) -> None:
        values = self.values
        sensors = 0
        if values[reg.IN_ENTRY_LOOP]:
            sensors = _ENTRY
        if values[reg.IN_SAFETY_LOOP]:
            sensors |= _SAFETY
        if exit_fitted and values[reg.IN_EXIT_LOOP]:
            sensors |= _EXIT
        if not values[reg.IN_CURTAIN_CLEAR]:
            sensors |= _CURTAIN
        self.sensors = sensors | doubtful
        self.sensors_seen = sensors & ~doubtful
