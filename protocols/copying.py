"""Copying bytes between buffers without making a third one: a slice would allocate.

A microcontroller's file set has firmware/boards/fast/copying.py in this place.
"""


def copy_bytes(target: bytearray, to: int, source: bytes | bytearray, start: int, size: int) -> None:
    """Copy `size` bytes of `source` from `start` to `to` of `target`; both have room. In one buffer `to` is first."""
    for index in range(size):
        target[to + index] = source[start + index]
