"""Sparkplug payloads against worked bytes, and read back by an implementation that is not ours."""

import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pysparkplug import DataType as TheirType
from pysparkplug._protobuf import Payload

from edge.northbound.sparkplug import wire
from edge.northbound.sparkplug.block import BlockEncoder, Point, as_historical, make_points
from edge.northbound.sparkplug.metric import (
    QUALITY,
    QUALITY_STALE,
    DataType,
    Metric,
    decode_payload,
    encode_metric,
    encode_payload,
    signed,
)
from protocols.registers.tag import Tag

_TIME = 1_486_144_502_122
_RANGES = {
    DataType.INT8: (-(2**7), 2**7 - 1),
    DataType.INT16: (-(2**15), 2**15 - 1),
    DataType.INT32: (-(2**31), 2**31 - 1),
    DataType.INT64: (-(2**63), 2**63 - 1),
    DataType.UINT8: (0, 2**8 - 1),
    DataType.UINT16: (0, 2**16 - 1),
    DataType.UINT32: (0, 2**32 - 1),
    DataType.UINT64: (0, 2**64 - 1),
}
_integers = st.sampled_from(sorted(_RANGES)).flatmap(lambda kind: st.tuples(st.just(kind), st.integers(*_RANGES[kind])))
_values = st.one_of(
    _integers,
    st.tuples(st.just(DataType.DOUBLE), st.floats(allow_nan=False)),
    st.tuples(st.just(DataType.FLOAT), st.floats(width=32, allow_nan=False)),
    st.tuples(st.just(DataType.BOOLEAN), st.booleans()),
    st.tuples(st.just(DataType.STRING), st.text(max_size=40)),
)


def _theirs(payload: bytes) -> Payload:
    return Payload.FromString(payload)


def _their_value(metric, datatype: int):
    return TheirType(datatype).decode(getattr(metric, metric.WhichOneof("value")))


def _hex(text: str) -> bytes:
    return bytes.fromhex(text)


# Worked by hand from the field numbers and protobuf's wire types; 1486144502122 is ea f2 f5 a8 a0 2b as a varint.
_WORKED = [
    (Metric(DataType.UINT16, 300, _TIME, alias=130), False, "12 0d 10 82 01 18 eaf2f5a8a02b 50 ac02"),
    (Metric(DataType.INT16, -5, _TIME, alias=7), False, "12 0d 10 07 18 eaf2f5a8a02b 50 fbff03"),
    (Metric(DataType.INT8, -1, _TIME, alias=7), False, "12 0c 10 07 18 eaf2f5a8a02b 50 ff01"),
    (Metric(DataType.INT64, 2, _TIME, name="bdSeq"), True, "12 12 0a 05 6264536571 18 eaf2f5a8a02b 20 04 58 02"),
    (Metric(DataType.BOOLEAN, True, _TIME, alias=1), False, "12 0b 10 01 18 eaf2f5a8a02b 70 01"),
    (Metric(DataType.STRING, "ü", _TIME, alias=1), False, "12 0d 10 01 18 eaf2f5a8a02b 7a 02 c3bc"),
    (Metric(DataType.DOUBLE, 0.5, _TIME, alias=1), False, "12 12 10 01 18 eaf2f5a8a02b 69 000000000000e03f"),
    (Metric(DataType.FLOAT, 0.5, _TIME, alias=1), False, "12 0e 10 01 18 eaf2f5a8a02b 65 0000003f"),
    (Metric(DataType.UINT16, None, _TIME, alias=1), False, "12 0b 10 01 18 eaf2f5a8a02b 38 01"),
    (Metric(DataType.UINT16, 1, _TIME, alias=1, is_historical=True), False, "12 0d 10 01 18 eaf2f5a8a02b 28 01 50 01"),
    (
        Metric(DataType.UINT16, 1, _TIME, alias=1, properties={QUALITY: (DataType.INT32, QUALITY_STALE)}),
        False,
        "12 1d 10 01 18 eaf2f5a8a02b 4a 10 0a 07 5175616c697479 12 05 08 03 18 f403 50 01",
    ),
]


@pytest.mark.parametrize(("metric", "is_birth", "worked"), _WORKED)
def test_a_metric_is_encoded_as_worked_by_hand(metric: Metric, is_birth: bool, worked: str) -> None:
    assert encode_metric(metric, is_birth=is_birth) == _hex(worked)


def test_a_payload_ends_with_its_sequence_number_and_a_death_has_none() -> None:
    assert encode_payload(_TIME, [], 255) == _hex("08 eaf2f5a8a02b 18 ff01")
    assert encode_payload(_TIME, [], None) == _hex("08 eaf2f5a8a02b")


@given(_values, st.integers(0, 2**63 - 1), st.integers(0, 2**62), st.booleans())
def test_another_implementation_reads_every_metric(
    typed: tuple[DataType, object], alias: int, time_ms: int, is_historical: bool
) -> None:
    datatype, value = typed
    metric = Metric(datatype, value, time_ms, "a/b", alias, is_historical)  # type: ignore[arg-type]
    (read,) = _theirs(encode_payload(time_ms, [encode_metric(metric, is_birth=True)], 3)).metrics
    assert (read.name, read.alias, read.timestamp, read.datatype) == ("a/b", alias, time_ms, datatype)
    assert read.is_historical is is_historical
    assert _their_value(read, datatype) == value


@given(_values, st.text(max_size=20))
def test_our_reader_takes_what_another_implementation_writes(typed: tuple[DataType, object], name: str) -> None:
    datatype, value = typed
    payload = Payload(timestamp=5, seq=9)
    their = TheirType(int(datatype))
    payload.metrics.add(name=name, timestamp=4, datatype=datatype, **{their.field: their.encode(value)})
    read = decode_payload(payload.SerializeToString())
    (metric,) = read.metrics
    found = signed(datatype, metric.value) if datatype in _RANGES else metric.value  # type: ignore[arg-type]
    assert (read.time_ms, read.seq, metric.name, metric.time_ms, found) == (5, 9, name, 4, value)


@pytest.mark.parametrize("value", [0xFB, 0xFFFB, 0xFFFFFFFB])
def test_a_negative_command_is_read_in_any_width_hosts_send(value: int) -> None:
    assert signed(DataType.INT8, value) == -5


@given(st.binary(max_size=60))
def test_bytes_of_any_kind_are_read_or_refused_with_a_sentence(data: bytes) -> None:
    try:
        decode_payload(data)
    except wire.WireError as error:
        assert str(error)  # noqa: PT017


@pytest.mark.parametrize("cut", range(1, 14))
def test_a_payload_that_was_cut_within_a_metric_is_refused(cut: int) -> None:
    whole = encode_metric(Metric(DataType.UINT16, 300, _TIME, alias=130), is_birth=False)
    with pytest.raises(wire.WireError):
        decode_payload(whole[:-cut])


def _tags(*kinds: tuple[str, int]) -> list[Tag]:
    return [Tag(f"tag{at}", "input_register", at, kind, 1, sf=sf) for at, (kind, sf) in enumerate(kinds)]


def _read(metrics: bytes) -> list[tuple[int, int, bool, float | str | None]]:
    read = _theirs(metrics).metrics
    return [
        (m.alias, m.timestamp, m.is_historical, None if m.is_null else getattr(m, m.WhichOneof("value"))) for m in read
    ]


_KINDS = ["uint16", "int16", "enum16", "bitfield16", "uint32", "int32", "uint64", "int64", "float32", "float64", "bool"]
_RAW = {
    "uint16": (0, 2**16 - 1),
    "int16": (-(2**15), 2**15 - 1),
    "uint32": (0, 2**32 - 1),
    "int32": (-(2**31), 2**31 - 1),
    "uint64": (0, 2**64 - 1),
    "int64": (-(2**63), 2**63 - 1),
    "bool": (0, 1),
}


@st.composite
def _reports(draw):
    count = draw(st.integers(1, 12))
    plain = draw(st.booleans())
    kinds = draw(
        st.lists(
            st.tuples(
                st.sampled_from(["uint16"] if plain else _KINDS), st.sampled_from([0] if plain else [0, -1, -3, 1])
            ),
            min_size=count,
            max_size=count,
        )
    )
    indexes = sorted(draw(st.sets(st.integers(0, count - 1), min_size=1)))
    values = []
    for index in indexes:
        kind = kinds[index][0]
        some = st.floats(width=32, allow_nan=False, allow_infinity=False) if kind.startswith("float") else None
        raw = draw(st.none() | (some if some is not None else st.integers(*_RAW.get(kind, (0, 2**16 - 1)))))
        values.append(raw)
    first_alias = draw(st.sampled_from([1, 120, 128, 16380, 2_000_000]))
    time_ms = draw(st.sampled_from([0, 5, _TIME, 1_796_039_649_078, 2**43]))
    return kinds, first_alias, indexes, values, time_ms


@given(_reports())
def test_the_fast_path_says_what_the_plain_one_says(report) -> None:
    kinds, first_alias, indexes, values, time_ms = report
    points = make_points(_tags(*kinds), range(first_alias, first_alias + len(kinds)))
    live = BlockEncoder(points).encode(indexes, values, time_ms)
    plain = [
        Metric(points[at].datatype, points[at].value(raw), time_ms, alias=points[at].alias)
        for at, raw in zip(indexes, values, strict=True)
    ]
    expected = _read(b"".join(encode_metric(metric, is_birth=False) for metric in plain))
    assert _read(live) == expected
    assert _read(as_historical(live)) == [(alias, time, True, value) for alias, time, _, value in expected]


def test_history_is_marked_in_long_metrics_too() -> None:
    metric = Metric(DataType.STRING, "x" * 300, _TIME, alias=130)
    (read,) = _theirs(as_historical(encode_metric(metric, is_birth=False))).metrics
    assert (read.is_historical, read.string_value) == (True, "x" * 300)


def test_a_value_is_told_in_units_and_its_name_does_not_speak_of_the_raw_number() -> None:
    scaled = Tag("gross_kg_x10", "input_register", 0, "int32", 2, units="kg", sf=-1)
    plain = Tag("cycles_x10", "input_register", 2, "uint16", 1)
    point, other = make_points([scaled, plain], [128, 129])
    assert point == Point("gross_kg", 128, DataType.DOUBLE, "kg", -1, is_short=False)
    assert point.value(1234) == 123.4
    assert other.name == "cycles_x10"


def test_a_name_is_not_shortened_to_that_of_another_tag() -> None:
    tags = [Tag("flow_x10", "input_register", 0, "uint16", 1, sf=-1), Tag("Flow", "input_register", 1, "uint16", 1)]
    assert [point.name for point in make_points(tags, [128, 129])] == ["flow_x10", "Flow"]


@pytest.mark.parametrize(
    "scales", [{"flow_x10": -1, "Flow_x100": -2}, {"telemetry_seq_x10": -1}, {"clock_quality_x100": -2, "flow": 0}]
)
def test_names_are_not_shortened_to_one_and_not_to_the_hub_s_own(scales: dict[str, int]) -> None:
    tags = [Tag(name, "input_register", place, "int16", 1, sf=sf) for place, (name, sf) in enumerate(scales.items())]
    assert [point.name for point in make_points(tags, range(len(tags)))] == list(scales)


@pytest.mark.parametrize(
    ("kind", "raw", "field", "on_the_wire"), [("int16", -5, "int_value", 2**32 - 5), ("uint32", 7, "long_value", 7)]
)
def test_a_tag_takes_a_type_whose_wire_form_is_not_in_dispute(
    kind: str, raw: int, field: str, on_the_wire: int
) -> None:
    (tag,) = _tags((kind, 0))
    metrics = BlockEncoder(make_points([tag], [128])).encode([0], [raw], _TIME)
    (read,) = _theirs(metrics).metrics
    assert (read.WhichOneof("value"), getattr(read, field)) == (field, on_the_wire)


def test_a_float_beyond_its_width_is_infinite_and_no_error() -> None:
    assert wire.float_field(12, 1e300) == b"\x65" + struct.pack("<f", math.inf)
