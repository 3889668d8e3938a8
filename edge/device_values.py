"""Every value of one device for people: `GET /devices/<name>`.

Knows: tags and their images. Must not know: how values come about, who asks.
"""

from __future__ import annotations

from typing import Any

from edge.model import DeviceImage, TagValue, Value
from protocols.registers.tag import Tag


def values_page(image: DeviceImage, tags: tuple[Tag, ...], now_ms: int) -> dict[str, Any]:
    """All tags in their order; one that was never read is bad and says so. `now_ms` is monotonic."""
    return {
        "device": image.device,
        "online": image.online,
        "reason": image.reason,
        "values": [_row(tag, image.tag(tag.name), now_ms) for tag in tags],
    }


def _row(tag: Tag, value: TagValue, now_ms: int) -> dict[str, Any]:
    is_read = value.hub_time_ms > 0
    return {
        "tag": tag.name,
        "value": in_unit(value.value, tag.sf),
        **_words(tag, value.value),
        "unit": tag.units,
        "quality": str(value.quality),
        "reason": value.reason,
        "age_ms": value.age_ms(now_ms) if is_read else None,
        "source_time": value.source_time_ms if is_read else None,
        "hub_time_ms": value.hub_time_ms if is_read else None,
        "clock": str(value.clock),
    }


def in_unit(value: Value, sf: int) -> Value:
    """A raw value as people read it: times 10**sf, without the noise of binary fractions."""
    if isinstance(value, bool) or not isinstance(value, int | float) or sf == 0:
        return value
    factor: int = 10 ** abs(sf)
    return value * factor if sf > 0 else round(value / factor, 12)


def _words(tag: Tag, value: Value) -> dict[str, Any]:
    """What the map calls the value of an enum, or the bits that are set."""
    if not tag.symbols or not isinstance(value, int):
        return {}
    if tag.type == "enum16":
        return {"word": {number: word for word, number in tag.symbols}.get(value, str(value))}
    return {"words": [word for word, bit in tag.symbols if value >> bit & 1]}
