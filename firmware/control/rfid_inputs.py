"""The RFID role's input image as the control may use it: every input with bad quality is its dangerous value.

Knows the wiring sense of each input (docs/roles/rfid.md has the table); must not know states, readers or time. What
must not be missed is a vehicle: a presence input that cannot be trusted counts as one, and tells no direction.
"""

from protocols.quality import BAD, GOOD
from protocols.registers import rfid as reg
from protocols.rfid import eseal

# Value taken when the quality is bad, in IN_* order: presence and LOCAL_MODE read 1, seal contacts and button 0.
_DANGEROUS = b"\x01\x01\x00\x00\x01\x00"


class RfidInputs:
    """Inputs of one scan after their quality was judged; filled by read()."""

    def __init__(self) -> None:
        # Until the first scan every input counts as bad.
        self.values = list(_DANGEROUS)
        self.read(self.values, [BAD] * reg.IN_COUNT, True)

    def read(self, values: list[int], quality: list[int], seal_fitted: bool) -> None:
        """Judge one scan's inputs. `side` is IN or OUT when exactly one presence input is on and both are good."""
        self.bad = self.uncertain = False
        kept = self.values
        for index in range(reg.IN_COUNT):
            kept[index] = values[index]
            if quality[index] == GOOD:
                continue
            if not seal_fitted and (index == reg.IN_SEAL_CLOSED or index == reg.IN_SEAL_BATTERY_OK):
                continue
            if quality[index] >= BAD:
                kept[index] = _DANGEROUS[index]
                self.bad = True
            else:
                self.uncertain = True
        self._read_presence(quality)
        self._read_seal(quality, seal_fitted)

    def _read_presence(self, quality: list[int]) -> None:
        first = self.values[reg.IN_PRESENCE_1] or quality[reg.IN_PRESENCE_1] != GOOD
        second = self.values[reg.IN_PRESENCE_2] or quality[reg.IN_PRESENCE_2] != GOOD
        self.vehicle = 1 if first or second else 0
        self.side = reg.DIRECTION_UNKNOWN
        if quality[reg.IN_PRESENCE_1] == GOOD and quality[reg.IN_PRESENCE_2] == GOOD and first != second:
            self.side = reg.DIRECTION_IN if first else reg.DIRECTION_OUT

    def _read_seal(self, quality: list[int], seal_fitted: bool) -> None:
        if not seal_fitted:
            self.seal = eseal.NOT_FITTED
            return
        known = quality[reg.IN_SEAL_CLOSED] == GOOD and quality[reg.IN_SEAL_BATTERY_OK] == GOOD
        self.seal = eseal.pack_state(self.values[reg.IN_SEAL_CLOSED], self.values[reg.IN_SEAL_BATTERY_OK], known)
