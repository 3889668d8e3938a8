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


class BarrierInputs:
    """Inputs of one scan after their quality was judged; filled by read()."""

    def __init__(self) -> None:
        self.values = [0] * reg.IN_COUNT
        self.bad = False
        self.uncertain = False
        self.sensors = 0  # presence word without BRIDGED; a sensor of doubtful quality is set
        self.sensors_seen = 0  # the same from sensors of good quality only
        self.curtain_good = False
        self.contact = False  # EDGE_OK is gone
        self.edge_bad = False

    def read(self, inputs: list[int], quality: list[int], exit_fitted: bool) -> None:
        """Judge the image; an exit loop that is not fitted is left out altogether."""
        self.bad = False
        self.uncertain = False
        values = self.values
        for index in range(reg.IN_COUNT):
            values[index] = 1 if inputs[index] else 0
            if quality[index] == GOOD or (index == reg.IN_EXIT_LOOP and not exit_fitted):
                continue
            if quality[index] >= BAD:
                values[index] = _DANGEROUS[index]
                self.bad = True
            else:
                self.uncertain = True
        self._read_presence(quality, exit_fitted)
        self.contact = not values[reg.IN_EDGE_OK]
        self.edge_bad = quality[reg.IN_EDGE_OK] >= BAD

    def _read_presence(self, quality: list[int], exit_fitted: bool) -> None:
        self.sensors = 0
        self.sensors_seen = 0
        self._add(_ENTRY, self.values[reg.IN_ENTRY_LOOP], quality[reg.IN_ENTRY_LOOP])
        self._add(_SAFETY, self.values[reg.IN_SAFETY_LOOP], quality[reg.IN_SAFETY_LOOP])
        if exit_fitted:
            self._add(_EXIT, self.values[reg.IN_EXIT_LOOP], quality[reg.IN_EXIT_LOOP])
        self._add(_CURTAIN, 1 - self.values[reg.IN_CURTAIN_CLEAR], quality[reg.IN_CURTAIN_CLEAR])
        self.curtain_good = quality[reg.IN_CURTAIN_CLEAR] == GOOD

    def _add(self, bit: int, occupied: int, quality: int) -> None:
        if quality != GOOD:
            self.sensors |= bit
        elif occupied:
            self.sensors |= bit
            self.sensors_seen |= bit
