"""Bytes of a block into values, images and reports of what changed."""

import struct
from typing import Any

import pytest

from edge.model import ClockQuality, Quality, Stamp
from edge.poll.merge import COIL, Block
from edge.southbound.block_layout import make_layouts
from edge.southbound.device_values import NOT_A_NUMBER, DeviceValues
from edge.southbound.role_map import ROLE_MAPS
from protocols.registers.tag import Tag


def _tag(name: str, address: int, kind: str = "uint16", count: int = 1, **more: Any) -> Tag:
    return Tag(name=name, table=more.pop("table", "input_register"), address=address, type=kind, count=count, **more)


def _at(ms: int) -> Stamp:
    return Stamp(ms, 1_000_000 + ms, ClockQuality.SYNCHRONISED)


def _values(*tags: Tag, count: int) -> DeviceValues:
    return DeviceValues("meter", tags, [Block(0, count, 100)])


def _take(values: DeviceValues, raw: bytes, at: Stamp) -> list[tuple[list[int], list[Any]]]:
    """What is reported of a read."""
    values.publish(0, values.decode(0, raw, at))
    values.show(at.mono_ms)
    reports, values.reports = values.reports, []
    return [(list(report.indexes), list(report.values)) for report in reports]


@pytest.mark.parametrize(
    ("kind", "count", "orders", "data", "value"),
    [
        ("uint16", 1, {}, "1234", 0x1234),
        ("uint16", 1, {"byte_order": "little"}, "1234", 0x3412),
        ("int16", 1, {}, "fffe", -2),
        ("uint32", 2, {}, "00010002", 0x10002),
        ("uint32", 2, {"word_order": "little"}, "00010002", 0x20001),
        ("int32", 2, {"word_order": "little", "byte_order": "little"}, "feffffff", -2),
        ("uint64", 4, {}, "0001000200030004", 0x1000200030004),
        ("int64", 4, {"word_order": "little"}, "fffdffffffffffff", -3),
        ("float32", 2, {}, "42f70000", 123.5),
        ("float32", 2, {"word_order": "little"}, "000042f7", 123.5),
        ("float32", 2, {"byte_order": "little"}, "f7420000", 123.5),
        ("float64", 4, {}, "405ee00000000000", 123.5),
        ("bool", 1, {}, "0004", True),
        ("text", 3, {}, "41423100ffff", "AB1"),
        ("text", 2, {"byte_order": "little"}, "42414443", "ABCD"),
    ],
)
def test_every_type_and_order_is_decoded(kind: str, count: int, orders: Any, data: str, value: Any) -> None:
    block = Block(10, count + 2, 100)
    (layout,) = make_layouts([block], [_tag("x", 11, kind, count, **orders)]).values()
    assert layout.values(b"\xaa\xaa" + bytes.fromhex(data) + b"\xaa\xaa") == (value,)


def test_bits_stand_lowest_first() -> None:
    tags = [_tag(f"c{place}", place, "bool", table=COIL) for place in (0, 3, 9)]
    (layout,) = make_layouts([Block(0, 10, 100, COIL)], tags).values()
    assert layout.values(b"\x08\x02") == (False, True, True)


def test_a_read_that_changed_nothing_reports_nothing_and_renews_the_time() -> None:
    values = _values(_tag("a", 0), _tag("b", 1), count=2)
    assert _take(values, b"\0\1\0\2", _at(10)) == [([0, 1], [1, 2])]
    assert _take(values, b"\0\1\0\2", _at(20)) == []
    assert values.image.tag("b").hub_time_ms == 20
    assert values.image.tag("b").age_ms(50) == 30


def test_a_report_carries_what_changed_and_a_range_when_all_did() -> None:
    values = _values(_tag("a", 0), _tag("b", 1), _tag("c", 2), count=3)
    _take(values, struct.pack(">3H", 1, 2, 3), _at(10))
    assert _take(values, struct.pack(">3H", 1, 9, 3), _at(20)) == [([1], [9])]
    values.publish(0, values.decode(0, struct.pack(">3H", 2, 3, 4), _at(30)))
    (report,) = values.reports
    assert report.indexes == range(3)
    assert (report.source_time_ms, report.clock) == (1_000_030, ClockQuality.SYNCHRONISED)


def test_a_value_within_its_deadband_is_not_told_until_it_has_left_it() -> None:
    values = _values(_tag("a", 0, sf=-1, deadband=0.5), count=1)
    told = [_take(values, struct.pack(">H", raw), _at(raw)) for raw in (100, 104, 103, 105, 101, 100)]
    assert told == [[([0], [100])], [], [], [([0], [105])], [], [([0], [100])]]


def test_what_is_no_number_has_no_value_and_is_bad() -> None:
    values = _values(_tag("a", 0, "float32", 2), count=2)
    assert _take(values, struct.pack(">f", float("nan")), _at(10)) == [([0], [None])]
    tag = values.image.tag("a")
    assert (tag.value, tag.quality, tag.reason) == (None, Quality.BAD, NOT_A_NUMBER)


def test_a_change_of_quality_alone_is_told_with_the_values_as_they_are() -> None:
    values = _values(_tag("a", 0, units="kWh"), count=1)
    _take(values, b"\0\7", _at(10))
    values.degrade(0, Quality.UNCERTAIN, "old", _at(99))
    (report,) = values.reports
    assert (list(report.values), report.quality, report.reason) == ([7], Quality.UNCERTAIN, "old")
    assert report.source_time_ms == 1_000_099
    values.show(10)
    tag = values.image.tag("a")
    assert (tag.value, tag.quality, tag.hub_time_ms, tag.unit) == (7, Quality.UNCERTAIN, 10, "kWh")


def test_a_device_that_comes_back_tells_everything_again() -> None:
    values = _values(_tag("a", 0), count=1)
    _take(values, b"\0\7", _at(10))
    values.lose("gone")
    assert values.image.tag("a").quality is Quality.BAD
    assert not values.image.online
    assert _take(values, b"\0\7", _at(20)) == [([0], [7])]


def test_what_was_not_read_for_three_periods_is_uncertain_until_it_is_read_again() -> None:
    tags = (_tag("a", 0), _tag("b", 50))
    values = DeviceValues("meter", tags, [Block(0, 1, 1000), Block(50, 1, 10_000)])
    values.publish(0, values.decode(0, b"\0\7", _at(0)))
    values.publish(1, values.decode(1, b"\0\7", _at(0)))
    values.reports.clear()
    assert not values.age(_at(3000))
    assert values.age(_at(3001))
    assert not values.age(_at(4001)), "told once"
    (report,) = values.reports
    assert (list(report.indexes), report.quality) == ([0], Quality.UNCERTAIN)
    assert report.reason == "not read for 3000 ms, wanted every 1000 ms"
    values.reports.clear()
    assert _take(values, b"\0\7", _at(5000)) == [([0], [7])]
    assert values.image.tag("a").quality is Quality.GOOD


def test_a_tag_that_was_never_read_is_not_there() -> None:
    values = DeviceValues("meter", (_tag("a", 0), _tag("b", 50)), [Block(0, 1, 100), Block(50, 1, 100)])
    _take(values, b"\0\7", _at(10))
    assert list(values.image.tags) == ["a"]
    assert values.image.tag("b").reason == "never read"


def test_the_ticking_of_our_devices_is_told_by_steps_and_shown_as_it_is() -> None:
    role = ROLE_MAPS["barrier"]
    block = Block(0, 12, 100)
    values = DeviceValues("boom", role.tags, [block])
    uptime, told = role.tag("uptime_s").address, []
    for uptime_s in (10, 11, 69, 70, 71):
        registers = [0] * block.count
        registers[uptime + 1] = uptime_s
        values.publish(0, values.decode(0, struct.pack(f">{block.count}H", *registers), _at(uptime_s)))
        values.show(uptime_s)
        assert values.image.tag("uptime_s").value == uptime_s
        told.append([list(report.values) for report in values.reports][-1:] if values.reports else [])
        values.reports = []
    assert [bool(item) for item in told] == [True, False, False, True, False]
