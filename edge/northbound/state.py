"""Device state for whoever watches: one small JSON text per device, published when it changed.

Knows: device images, and which tags are noise to a watcher. Must not know: MQTT, records. Nothing here is kept: what
nobody received is gone, the next change or refresh follows.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping

from edge.model import DeviceImage
from edge.northbound.records import Publisher

INTERVAL_S = 0.2
REFRESH_INTERVALS = 50  # unchanged state is published again every 10 s
_NOISE = ("adc_counts", "adc_samples", "uptime_s", "hub_age_ms", "scan_last_us", "frames_served", "stable_ms")


class StatePublisher:
    """Publishes `<root>/state/<device>`, QoS 0; `send` runs as a task per connection."""

    def __init__(self, topic_root: str, images: Callable[[], Mapping[str, DeviceImage]]) -> None:
        self._topic_root = topic_root
        self._images = images

    async def send(self, publisher: Publisher) -> None:
        """Compare every INTERVAL_S and publish what differs, for as long as the connection lives."""
        published: dict[str, str] = {}
        rounds = 0
        while True:
            rounds += 1
            if rounds % REFRESH_INTERVALS == 0:
                published.clear()
            for device, image in self._images().items():
                text = state_text(image)
                if published.get(device) != text:
                    published[device] = text
                    await publisher.publish(f"{self._topic_root}/state/{device}", text, qos=0)
            await asyncio.sleep(INTERVAL_S)


def state_text(image: DeviceImage) -> str:
    """The published JSON of one device."""
    tags = {name: tag.value for name, tag in sorted(image.tags.items()) if name not in _NOISE}
    state = {"device": image.device, "quality": str(image.quality), "reason": image.reason, "tags": tags}
    return json.dumps(state, separators=(",", ":"), ensure_ascii=False)
