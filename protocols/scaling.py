"""Integer scaling for 24-bit converters: counts to units without ever leaving the small integers.

The product of 24-bit counts and a full scale needs far more than the 30 bits a 32-bit board holds without allocating,
so the product is never formed: multiplication and division run together, four bits of the full scale at a time.
The weighbridge core turns converter counts into kilograms with it.
"""

from protocols.compat import const

COUNTS_MAX = const(0xFFFFFF)
RESULT_MAX = const(0x3FFFFFFF)
_TOP_NIBBLE_SHIFT = const(28)


def scale_counts(counts: int, span: int, full_scale: int) -> int:
    """Return `counts * full_scale / span`, rounded half away from zero.

    `counts` is -(2**24 - 1)..2**24 - 1, `span` (the counts that mean `full_scale`) 1..2**24 - 1, `full_scale`
    0..2**30 - 1 in the unit of the result. A result beyond +-(2**30 - 1) is held there. No intermediate reaches 2**30.
    """
    if counts < 0:
        return -_scale_magnitude(-counts, span, full_scale)
    return _scale_magnitude(counts, span, full_scale)


def _scale_magnitude(counts: int, span: int, full_scale: int) -> int:
    whole = counts // span
    if whole and full_scale > RESULT_MAX // whole:
        return RESULT_MAX
    part = counts - whole * span
    quotient = 0
    remainder = 0
    for shift in range(_TOP_NIBBLE_SHIFT, -1, -4):
        # remainder and part are below span, so this stays below 31 * 2**24.
        step = (remainder << 4) + part * (full_scale >> shift & 15)
        digit = step // span
        remainder = step - digit * span
        quotient = (quotient << 4) + digit
    if remainder << 1 >= span:
        quotient += 1
    base = whole * full_scale
    return RESULT_MAX if base > RESULT_MAX - quotient else base + quotient
