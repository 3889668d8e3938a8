"""What the tests of indicator frames share: feeding a decoder, asking an encoder, comparing readings. Dual-run."""

from protocols.indicators.reading import NO, UNIT_KG, Reading


def decode(decoder, frame):
    """Feed one frame; the decoder must know it is whole at its last byte and not before."""
    for index in range(len(frame) - 1):
        assert not decoder.on_byte(frame[index]), frame
    assert decoder.on_byte(frame[-1]), frame
    return decoder.reading


def refuses(decoder, frame):
    found = [byte for byte in frame if decoder.on_byte(byte)]
    return not found and decoder.frames == 0


def reading_of(digits, decimals=0, unit=UNIT_KG, net=NO, motion=NO):
    reading = Reading()
    reading.digits, reading.decimals, reading.unit = digits, decimals, unit
    reading.net, reading.motion, reading.has_weight = net, motion, 1
    return reading


def encode(encoder, reading):
    buffer = bytearray(40)
    return bytes(buffer[: encoder(buffer, reading)])


def facts(reading):
    return (
        reading.digits,
        reading.decimals,
        reading.motion,
        reading.net,
        reading.unit,
        reading.error,
        reading.tare_digits,
    )


def decode_request(decoder, frame):
    found = False
    for byte in frame:
        found = decoder.on_byte(byte)
    return found
