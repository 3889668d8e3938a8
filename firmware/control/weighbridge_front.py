"""The front end of the weighbridge: what one sample is, and the load-cell converter as one of the two sources.

Knows the shape both front ends share and which inputs the converter stands in. Must not know weights at rest, zero,
or the frames of an indicator: those are `weighbridge_line.py`'s.
"""

from protocols import quality as qualities
from protocols.compat import const
from protocols.registers import weighbridge as regs

# Analogue inputs stand after the digital ones: last conversion, and its sequence number modulo 2**16.
IN_ADC_COUNTS = const(7)
IN_ADC_SEQUENCE = const(8)
INPUT_COUNT = const(9)

# What `value` is: counts of a converter, or the gross weight an indicator shows, in 0.1 kg and on the indicator's zero.
KIND_COUNTS = const(0)
KIND_KG_X10 = const(1)

# The source's own word on motion.
MOTION_NO = const(0)
MOTION_YES = const(1)
MOTION_UNKNOWN = const(2)

# Why the last sample is no gross weight in kg although it arrived whole (`unfit`).
FIT = const(0)
UNFIT_UNIT = const(1)
UNFIT_NET = const(2)
UNFIT_INTERVAL = const(3)
UNFIT_ERROR = const(4)

# How a request for zero ended, until the core has taken note.
ZERO_NONE = const(0)
ZERO_DONE = const(1)
ZERO_REFUSED = const(2)
ZERO_LATE = const(3)

# Stands in `value` for a frame that says overload or underload and has no digits: beyond any Max, within 24 bits.
BEYOND = const(0x7FFFF0)


class Sample:
    """The last thing a front end heard; all plain integers.

    `sequence` (modulo 2**16) moves with every sample. `is_good` is 0 while the source cannot be trusted. `overload` and
    `underload` are the source's flags; where its frame has no digits then, `value` is +-BEYOND.
    """

    def __init__(self, kind: int) -> None:
        self.kind = kind
        self.value = 0
        self.sequence = 0
        self.is_good = 1
        self.motion = MOTION_UNKNOWN
        self.overload = 0
        self.underload = 0
        self.unfit = FIT


class FrontEnd:
    """Brings `sample` up to date once per scan; `zero_counts` and `span_counts` are the calibrated line of its samples.

    `input_count` is how many inputs the role reads: an instrument on the field line needs no converter.

    `is_verified` is 1 while its weights may be legal for trade, `can_zero` True for an instrument that zeroes itself.
    """

    def __init__(self, kind: int) -> None:
        self.sample = Sample(kind)
        self.input_count = regs.IN_COUNT
        self.can_zero = False
        self.is_verified = 1
        self.zero_counts = 0
        self.span_counts = 0

    def configure(self, settings: list[int]) -> None:
        """Put settings in force."""

    def step(self, now_ms: int, inputs: list[int], quality: list[int]) -> None:
        """Look at the source."""

    def next_wake_ms(self, now_ms: int) -> int:
        """Time until it has something to do by itself; -1 for never."""
        return -1

    def faults(self, silent: int) -> int:
        """Its bits of `faults`; `silent` is 1 when no sample came for too long."""
        return 0

    def publish(self, status: list[int], silent: int) -> None:
        """Fill in its registers."""

    def request_zero(self) -> bool:
        """Have the instrument zero itself; False when it cannot."""
        return False

    def take_zero_outcome(self) -> int:
        """How the request for zero ended, once; ZERO_NONE before and after."""
        return ZERO_NONE


class ConverterFront(FrontEnd):
    """The load-cell converter: two analogue inputs of the board."""

    def __init__(self) -> None:
        FrontEnd.__init__(self, KIND_COUNTS)
        self.input_count = INPUT_COUNT

    def configure(self, settings: list[int]) -> None:
        """The calibrated line is that of the settings."""
        self.zero_counts = settings[regs.SET_ZERO_COUNTS]
        self.span_counts = settings[regs.SET_SPAN_COUNTS]

    def step(self, now_ms: int, inputs: list[int], quality: list[int]) -> None:
        """Take over the last conversion."""
        sample = self.sample
        sample.value = inputs[IN_ADC_COUNTS]
        sample.sequence = inputs[IN_ADC_SEQUENCE]
        is_good = quality[IN_ADC_COUNTS] == qualities.GOOD and quality[IN_ADC_SEQUENCE] == qualities.GOOD
        sample.is_good = 1 if is_good else 0

    def faults(self, silent: int) -> int:
        """Silence is all it can tell here."""
        return silent << regs.FAULTS_ADC_SILENT
