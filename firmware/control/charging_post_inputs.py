"""The charging post's input image as the control may use it: every limit is compared here, once per scan.

Knows the wiring sense of each input, the analogue inputs behind the digital ones, the vehicle's frame and the limits;
must not know states or time. Everything after this reads flags, no measured value but for showing it, so that a search
can enumerate the flags instead of the values.

An input with bad quality is its dangerous value (docs/roles/charging_post.md has the table): a broken stop wire stops,
a bad auxiliary contact is a closed contactor, an unknown voltage is a live one, an unknown current flows.
"""

from protocols.compat import const
from protocols.quality import BAD, GOOD
from protocols.registers import charging_post as reg

# Analogue inputs, 0.1 V, 0.1 A, 0.1 degree Celsius: the post's own measurements.
IN_PLATE_V = const(13)
IN_BUS_V = const(14)
IN_CURRENT_A = const(15)
IN_POST_TEMP_C = const(16)
IN_PLATE_TEMP_C = const(17)
# The vehicle's last frame as the board's receiver decoded it; the sequence moves with every good frame.
IN_VEHICLE_SEQUENCE = const(18)
IN_VEHICLE_FLAGS = const(19)
IN_VEHICLE_ID = const(20)
IN_VEHICLE_CHEMISTRY = const(21)
IN_VEHICLE_BATTERY_V = const(22)
IN_VEHICLE_MAX_V = const(23)
IN_VEHICLE_MAX_A = const(24)
IN_VEHICLE_TEMP_C = const(25)
IN_VEHICLE_SOC = const(26)
INPUT_COUNT = const(27)

FLAG_READY = const(1)  # the vehicle wants to be charged
FLAG_FAULT = const(2)  # its battery management reports a fault

# "No current": what RAMP_DOWN must reach (standards reference 4.4), 0.1 A.
CURRENT_ZERO_A_X10 = const(10)
# Asked for less than this, nothing may come: derating and the error of the shunt leave no difference to be measured.
ASKED_A_X10 = const(20)
# Beyond any setting, so that no product of garbage leaves the small integers.
_VALUE_MAX = const(20000)

_ALL_GOOD = [GOOD] * INPUT_COUNT
_DIGITAL = tuple(range(reg.IN_COUNT))

# Value taken when the quality is bad, in IN_* order: closed-circuit inputs, limits, buttons and VEHICLE_PRESENT read 0,
# CONTACTOR_AUX and LOCAL_MODE read 1.
_DANGEROUS = b"\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x01\x00\x00"


class PostInputs:
    """What one scan knows of the field; filled by read(). Flags are bools, values are in tenths."""

    def __init__(self) -> None:
        self.values = [0] * reg.IN_COUNT  # of the digital inputs; 0 is off, anything else on
        self._judged = [0] * reg.IN_COUNT
        self._all_good = False
        self.bad = False  # an input of the post is bad
        self.uncertain = False
        self.plate_v_x10 = 0
        self.bus_v_x10 = 0
        self.current_a_x10 = 0
        self.post_temp_c_x10 = 0
        self.plate_temp_c_x10 = 0
        self.plates_dead = False
        self.bus_dead = False
        self.bus_charged = False  # bus within 5 % of the plates: pre-charge is complete
        self.matches = False  # plates within 5 % of the voltage the vehicle reports
        self.at_limit = False  # plates within 1 % of the voltage limit
        self.current_zero = False
        self.current_low = False  # below the taper current
        self.over_voltage = False
        self.over_current = False  # above the post's own limit
        self.undelivered = False  # no current although plates and limits leave room for it
        self.over_agreed = False  # above the limit agreed with the vehicle, which may change while current flows
        self.hot = False
        self.derated = False
        self.arm_home = False  # retracted, or there is no arm
        self.arm_out = False  # extended, or there is no arm
        self.arm_conflict = False  # both limits
        self.vehicle_good = False  # the frame's inputs can be read
        self.vehicle_sequence = 0
        self.vehicle_id = 0
        self.refusal = 0  # REFUSAL_* bits
        self.limit_v_x10 = 0
        self.limit_a_x10 = 0  # derated

    def read(self, inputs: list[int], quality: list[int], settings: list[int]) -> None:
        """Judge the image against the settings in force."""
        self.bad = False
        self.uncertain = False
        self._all_good = quality == _ALL_GOOD  # the usual case; asking each value for its quality is a third of a scan
        self._read_digital(inputs, quality, settings[reg.SET_ARM_FITTED])
        self._read_vehicle(inputs, quality, settings)
        self._read_voltages(inputs, quality, settings)
        self._read_current(inputs, quality, settings)
        self._read_temperatures(inputs, quality, settings)
        self.undelivered = self.current_zero and not self.at_limit and self.limit_a_x10 >= ASKED_A_X10

    def _read_digital(self, inputs: list[int], quality: list[int], arm_fitted: int) -> None:
        values = inputs
        if not self._all_good:
            values = self._judged
            for index in _DIGITAL:
                values[index] = inputs[index]
                if quality[index] != GOOD:
                    self._doubt(index, quality[index], arm_fitted)
        self.values = values
        extended = values[reg.IN_ARM_EXTENDED]
        retracted = values[reg.IN_ARM_RETRACTED]
        self.arm_conflict = bool(arm_fitted and extended and retracted)
        self.arm_home = not arm_fitted or bool(retracted and not extended)
        self.arm_out = not arm_fitted or bool(extended and not retracted)

    def _doubt(self, index: int, quality: int, arm_fitted: int) -> None:
        if not arm_fitted and (index == reg.IN_ARM_EXTENDED or index == reg.IN_ARM_RETRACTED):
            return
        if quality >= BAD:
            self._judged[index] = _DANGEROUS[index]
            self.bad = True
        else:
            self.uncertain = True

    def _read_vehicle(self, inputs: list[int], quality: list[int], settings: list[int]) -> None:
        """A frame counts only beside a vehicle that the post's own sensor sees."""
        good = self.values[reg.IN_VEHICLE_PRESENT] != 0
        if not self._all_good:
            for index in range(IN_VEHICLE_SEQUENCE, INPUT_COUNT):
                if quality[index] >= BAD:
                    good = False
        self.vehicle_good = good
        self.limit_v_x10 = settings[reg.SET_MAX_V_X10]
        self.limit_a_x10 = settings[reg.SET_MAX_A_X10]
        self.refusal = 0
        self.vehicle_id = 0
        if not good:
            return
        self.vehicle_sequence = inputs[IN_VEHICLE_SEQUENCE]
        self.vehicle_id = inputs[IN_VEHICLE_ID] & 0x3FFFFFFF
        max_v = _held(inputs[IN_VEHICLE_MAX_V])
        max_a = _held(inputs[IN_VEHICLE_MAX_A])
        if 0 < max_v < self.limit_v_x10:
            self.limit_v_x10 = max_v
        if CURRENT_ZERO_A_X10 < max_a < self.limit_a_x10:
            self.limit_a_x10 = max_a
        self.refusal = self._judge_vehicle(inputs, settings, max_v, max_a)

    def _judge_vehicle(self, inputs: list[int], settings: list[int], max_v: int, max_a: int) -> int:
        bits = 0
        if inputs[IN_VEHICLE_FLAGS] & (FLAG_READY | FLAG_FAULT) != FLAG_READY:
            bits |= 1 << reg.REFUSAL_NOT_READY
        chemistry = inputs[IN_VEHICLE_CHEMISTRY]
        if chemistry < 1 or chemistry > 3 or not settings[reg.SET_CHEMISTRIES] & (1 << (chemistry - 1)):
            bits |= 1 << reg.REFUSAL_CHEMISTRY
        temp = inputs[IN_VEHICLE_TEMP_C]
        if temp < settings[reg.SET_BATTERY_TEMP_MIN_C_X10] or temp > settings[reg.SET_BATTERY_TEMP_MAX_C_X10]:
            bits |= 1 << reg.REFUSAL_TEMPERATURE
        battery_v = _held(inputs[IN_VEHICLE_BATTERY_V])
        highest = self.limit_v_x10 * (1000 + settings[reg.SET_TRIP_MARGIN_PERMILLE])
        if max_v <= 0 or battery_v < settings[reg.SET_MIN_BATTERY_V_X10] or battery_v * 1000 > highest:
            bits |= 1 << reg.REFUSAL_VOLTAGE
        if max_a <= CURRENT_ZERO_A_X10:
            bits |= 1 << reg.REFUSAL_CURRENT
        return bits

    def _read_voltages(self, inputs: list[int], quality: list[int], settings: list[int]) -> None:
        plate = self.plate_v_x10 = _held(inputs[IN_PLATE_V])
        bus = self.bus_v_x10 = _held(inputs[IN_BUS_V])
        plate_known = self._all_good or self._is_known(quality[IN_PLATE_V])
        bus_known = self._all_good or self._is_known(quality[IN_BUS_V])
        dead = settings[reg.SET_DEAD_V_X10]
        battery = _held(inputs[IN_VEHICLE_BATTERY_V])
        self.plates_dead = plate_known and -dead < plate < dead
        self.bus_dead = bus_known and -dead < bus < dead
        self.bus_charged = plate_known and bus_known and bus * 100 >= plate * 95
        self.matches = plate_known and self.vehicle_good and plate >= dead and abs(plate - battery) * 20 <= battery
        self.at_limit = not plate_known or plate * 100 >= self.limit_v_x10 * 99
        trip = self.limit_v_x10 * (1000 + settings[reg.SET_TRIP_MARGIN_PERMILLE])
        self.over_voltage = plate * 1000 > trip or bus * 1000 > trip

    def _read_current(self, inputs: list[int], quality: list[int], settings: list[int]) -> None:
        current = self.current_a_x10 = _held(inputs[IN_CURRENT_A])
        known = self._all_good or self._is_known(quality[IN_CURRENT_A])
        size = abs(current)
        self.current_zero = known and size < CURRENT_ZERO_A_X10
        self.current_low = known and size < settings[reg.SET_TAPER_A_X10]
        # One ampere beside the margin: the resolution of the shunt must not trip a small charge.
        share = 1000 + settings[reg.SET_TRIP_MARGIN_PERMILLE]
        over = (size - CURRENT_ZERO_A_X10) * 1000
        self.over_current = over > settings[reg.SET_MAX_A_X10] * share
        self.over_agreed = over > self.limit_a_x10 * share

    def _read_temperatures(self, inputs: list[int], quality: list[int], settings: list[int]) -> None:
        """Linear between derate and stop, the hotter of the two places deciding; an unknown temperature is hot."""
        known = self._all_good or self._is_known(quality[IN_POST_TEMP_C])
        known = self._all_good or (self._is_known(quality[IN_PLATE_TEMP_C]) and known)
        self.post_temp_c_x10 = _held(inputs[IN_POST_TEMP_C])
        self.plate_temp_c_x10 = _held(inputs[IN_PLATE_TEMP_C])
        post = _permille_left(
            self.post_temp_c_x10, settings[reg.SET_POST_TEMP_DERATE_C_X10], settings[reg.SET_POST_TEMP_STOP_C_X10]
        )
        plate = _permille_left(
            self.plate_temp_c_x10, settings[reg.SET_PLATE_TEMP_DERATE_C_X10], settings[reg.SET_PLATE_TEMP_STOP_C_X10]
        )
        left = min(post, plate)
        self.hot = not known or left == 0
        self.derated = self.hot or left < 1000
        self.limit_a_x10 = 0 if self.hot else self.limit_a_x10 * left // 1000

    def _is_known(self, quality: int) -> bool:
        if quality >= BAD:
            self.bad = True
            return False
        if quality != GOOD:
            self.uncertain = True
        return True


def _held(value: int) -> int:
    if value > _VALUE_MAX:
        return _VALUE_MAX
    return value if value > -_VALUE_MAX else -_VALUE_MAX


def _permille_left(temp: int, derate: int, stop: int) -> int:
    """Share of the current a temperature leaves: 1000 up to derate, 0 from stop. Stop below derate just stops."""
    if temp >= stop:
        return 0
    if temp <= derate:
        return 1000
    return (stop - temp) * 1000 // (stop - derate)
