"""Device images and plate reads turned into the facts a lane is shown.

Knows: which tags a lane needs. Must not know: what the lane makes of them. A device whose needed tags were never read,
or are bad, is shown as not online, so nothing is decided on half an image.
"""

from __future__ import annotations

from typing import Any

from edge.lane.facts import BarrierFacts, CommandOutcome, LaneFacts, OperatorRequest, PlateFact, WeighbridgeFacts
from edge.model import DeviceImage, PlateRead, Quality, worst_quality

_BARRIER_TAGS = {name: name for name in ("state", "mode", "faults", "presence", "lights", "health", "passes")} | {
    "boot": "boot_count"
}
_WEIGHBRIDGE_TAGS = {
    name: name for name in ("state", "faults", "flags", "health", "gross_kg_x10", "registered_kg_x10", "registered_id")
} | {"registered_count": "registered_count", "boot": "boot_count"}


def build_facts(
    barrier: DeviceImage,
    weighbridge: DeviceImage,
    plate: PlateFact | None = None,
    *,
    outcomes: tuple[CommandOutcome, ...] = (),
    operator: OperatorRequest | None = None,
    is_withheld: bool = False,
) -> LaneFacts:
    """The facts of one step from the newest images."""
    return LaneFacts(
        barrier=BarrierFacts(**_device_values(barrier, _BARRIER_TAGS)),
        weighbridge=WeighbridgeFacts(**_device_values(weighbridge, _WEIGHBRIDGE_TAGS)),
        plate=plate,
        outcomes=outcomes,
        operator=operator,
        is_withheld=is_withheld,
    )


def build_plate(read: PlateRead, hub_time_ms: int) -> PlateFact:
    """The lane's view of a plate read that reached the hub at `hub_time_ms`."""
    read_id = read.uuid or f"{read.camera}-{hub_time_ms}"
    return PlateFact(read_id, read.plate, read.confidence, hub_time_ms)


def _device_values(image: DeviceImage, tags: dict[str, str]) -> dict[str, Any]:
    """Keyword arguments of a device's facts."""
    needed = {field: image.tag(tag) for field, tag in tags.items()}
    quality = worst_quality([tag.quality for tag in needed.values()])
    values = {field: tag.value or 0 for field, tag in needed.items()}
    online = image.online and quality is not Quality.BAD
    return {**values, "online": online, "quality": str(quality), "seen_ms": image.hub_time_ms}
