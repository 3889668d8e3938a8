"""What the hub believes about one third-party device: whether it answers, and the newest values of its points.

Knows: the profile of the device. Must not know: ports, plans, the journal's file. The counterpart of
device_session.py for devices without identity, events or commands; a read the device refuses spoils its own points
only.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from edge.config import DeviceConfig
from edge.model import DeviceImage, Record, Stamp
from edge.poll.merge import Block
from edge.profile import Profile
from edge.southbound.device_values import DeviceValues
from edge.southbound.line_error import Fault, LineError
from edge.southbound.presence import Presence


class ProfileSession:
    """One configured device; the line takes it as it takes a `DeviceSession`."""

    role = None  # no map, so nothing can be commanded
    is_itself = False
    event_block: Block | None = None

    def __init__(self, config: DeviceConfig, profile: Profile, lane: str) -> None:
        self.config = config
        self.lane = lane
        self.outbox: list[Record] = []
        self.presence = Presence(config)
        self.cursors: Mapping[str, tuple[int, int]] = {}
        self.blocks = profile.blocks()
        self.values = DeviceValues(config.name, profile.tags, self.blocks)

    @property
    def image(self) -> DeviceImage:
        """The newest image."""
        return self.values.image

    def may_command(self, opcode: str) -> bool:
        """Never: what third-party devices take is not known here."""
        return False

    def on_block(self, block: Block, raw: bytes, now: Stamp, asked_ms: int) -> None:
        """`block` was read; the request left after the monotonic `asked_ms`."""
        self.presence.on_answer()
        number = self.values.number_of(block)
        self.values.publish(number, self.values.decode(number, raw, now))
        self._show(now)

    def on_failure(self, error: LineError, now: Stamp, *, block: Block | None, are_others_fine: bool) -> None:
        """A read of `block` brought no good answer; `are_others_fine`: others on the line do answer."""
        reason = self.presence.on_failure(error, are_others_fine=are_others_fine)
        if error.fault is Fault.EXCEPTION and block is not None:
            self.values.refuse(self.values.number_of(block), str(error), now)
            self._show(now)
        elif reason:
            self._lose(reason, now)

    def check_ages(self, now: Stamp) -> None:
        """What was not read for long is uncertain."""
        if self.image.online and self.values.age(now):
            self.values.show(self.image.hub_time_ms)

    def on_line_down(self, error: LineError, now: Stamp) -> None:
        """The whole line is gone."""
        self._lose(str(error), now)

    def _show(self, now: Stamp) -> None:
        if self.presence.is_lost:
            self.presence.is_lost = False
            self._record("device_back", {}, now)
        self.values.show(now.mono_ms)

    def _lose(self, reason: str, now: Stamp) -> None:
        self.values.lose(reason)
        if not self.presence.is_lost:
            self.presence.is_lost = True
            self._record("device_lost", {"reason": reason}, now)

    def _record(self, kind: str, data: Mapping[str, Any], now: Stamp) -> None:
        self.outbox.append(Record(kind, self.lane, self.config.name, data, now.wall_ms))
