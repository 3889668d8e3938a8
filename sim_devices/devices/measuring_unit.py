"""The measuring unit of a charging post: the post's measured inputs and the vehicle's frame as bytes on the field line.

Wire face: `advance`. Bench face: `fail`. Knows the frames and their pace. Must not know the plant or how a node is run.
It is the only talker on the line: what the power module says comes in through it, between its own frames.
"""

from __future__ import annotations

from collections.abc import Sequence

from protocols.charger import measuring as wire

_KINDS = ("", "silent")


class MeasuringUnit:
    """Give it the fourteen values behind a post's digital inputs as they are; what it says comes back as bytes."""

    def __init__(self) -> None:
        self._is_silent = False
        self._due_ms = 0
        self._counter = 0
        self._sequence = -1

    def fail(self, kind: str) -> None:
        """`silent`: it says nothing any more, nor passes anything on; "" makes it whole. Raises ValueError."""
        if kind not in _KINDS:
            raise ValueError(f"a measuring unit cannot fail by {kind!r}: use one of {', '.join(_KINDS[1:])}, or ''")
        self._is_silent = kind == "silent"

    def advance(self, now_ms: int, values: Sequence[int], module: bytes = b"") -> bytes:
        """What the unit says up to `now_ms`; `module` is what the power module has said meanwhile."""
        said = module
        if now_ms >= self._due_ms:
            self._due_ms = now_ms + wire.PERIOD_MS
            said += self._measured(values) + self._vehicle(values)
        return b"" if self._is_silent else said

    def _measured(self, values: Sequence[int]) -> bytes:
        frame = bytearray(wire.MEASURED_SIZE)
        self._counter += 1
        wire.pack_measured(frame, self._counter, wire.ALL_GOOD, list(values[: wire.MEASURED_COUNT]))
        return bytes(frame)

    def _vehicle(self, values: Sequence[int]) -> bytes:
        """Only when the vehicle has sent one: the sequence moves with each."""
        vehicle = list(values[wire.MEASURED_COUNT :])
        if vehicle[0] == self._sequence:
            return b""
        self._sequence = vehicle[0]
        frame = bytearray(wire.VEHICLE_SIZE)
        self._counter += 1
        wire.pack_vehicle(frame, self._counter, vehicle)
        return bytes(frame)
