"""The reader reads what another implementation wrote, and refuses what is no payload."""

import struct

import pytest

from edge.northbound.sparkplug.metric import DataType, Value, encode_metric, encode_payload
from edge.northbound.sparkplug.metric import Metric as Sent
from sim_devices.devices.sparkplug_reader import first_metrics, read_metrics, read_seq

VALUES: tuple[tuple[DataType, Value], ...] = (
    (DataType.UINT16, 65_535),
    (DataType.UINT64, 2**63),
    (DataType.DOUBLE, -1.25),
    (DataType.FLOAT, 0.5),
    (DataType.BOOLEAN, True),
    (DataType.STRING, "thông quan"),
)


@pytest.mark.parametrize("is_birth", [True, False])
@pytest.mark.parametrize(("datatype", "value"), VALUES)
def test_each_type_of_value_is_read_as_it_was_sent(datatype: DataType, value: Value, is_birth: bool) -> None:
    sent = Sent(datatype, value, 1_700_000_000_123, "a/b", alias=300, is_historical=True)
    (read,) = read_metrics(encode_payload(9, [encode_metric(sent, is_birth=is_birth)], 77))
    assert (read.value, read.alias, read.time_ms, read.is_historical) == (value, 300, 1_700_000_000_123, True)
    assert (read.name, read.datatype) == ("a/b", datatype if is_birth else 0)


def test_a_negative_integer_is_read_as_the_wire_has_it() -> None:
    payload = encode_payload(9, [encode_metric(Sent(DataType.INT32, -2, 1, alias=1), is_birth=False)], 0)
    assert first_metrics(payload, 1)[0].value == 2**32 - 2


def test_a_null_has_no_value_and_a_payload_may_have_no_seq() -> None:
    payload = encode_payload(9, [encode_metric(Sent(DataType.INT32, None, 1, alias=1), is_birth=False)], None)
    assert first_metrics(payload, 5)[0].value is None
    assert read_seq(payload) is None
    assert read_seq(encode_payload(9, [], 255)) == 255


@pytest.mark.parametrize(
    "broken",
    [
        b"\x12\x05\x0a",  # a metric that is cut off
        b"\x12",  # a size that is not there
        b"\x10\x05",  # metric as a number
        b"\x13",  # a group, which no payload has
        b"\x08" + b"\xff" * 10,  # a number without an end
        b"\x12\x04\x62" + struct.pack("<H", 0) + b"\x00",  # a float of no bytes
        b"\x12\x03\x0a\x01\xff",  # a name that is no text
    ],
)
def test_what_is_no_payload_is_a_value_error(broken: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the one error of this module
        list(read_metrics(broken))
