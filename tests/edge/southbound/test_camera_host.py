"""ISAPI plate posts as several firmware generations send them, and what must be refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.southbound.camera import CameraPostError, RecentReads, normalise_plate, parse_alert, parse_post

NEW = b"""<?xml version="1.0" encoding="UTF-8"?>
<EventNotificationAlert version="2.0" xmlns="http://www.hikvision.com/ver20/XMLSchema">
<ipAddress>192.0.2.64</ipAddress><channelName>cam1</channelName>
<dateTime>2026-03-01T08:15:30+07:00</dateTime><eventType>ANPR</eventType>
<ANPR><licensePlate>29a-123.45</licensePlate><confidenceLevel>97.6</confidenceLevel></ANPR>
<UUID>4b0d-1</UUID></EventNotificationAlert>"""
PREFIXED = b"""<h:EventNotificationAlert xmlns:h="urn:psialliance-org"><h:deviceID>nvr7</h:deviceID>
<h:eventType>ANPR</h:eventType><h:ANPR><h:plateNumber>12C 111.11</h:plateNumber>
<h:confidenceLevel>88</h:confidenceLevel></h:ANPR></h:EventNotificationAlert>"""


def _multipart(*parts: bytes) -> bytes:
    head = b"--MIME\r\nContent-Type: application/octet-stream\r\n\r\n"
    return b"".join(head + part + b"\r\n" for part in parts) + b"--MIME--\r\n"


def test_new_firmware_post_is_read() -> None:
    read = parse_post("application/xml", NEW, {"cam1"})
    assert read is not None
    assert (read.camera, read.plate, read.raw, read.confidence) == ("cam1", "29A12345", "29a-123.45", 97)
    assert (read.uuid, read.time_ms, read.retransmitted) == ("4b0d-1", 1_772_327_730_000, False)


def test_old_namespace_with_prefix_is_read() -> None:
    read = parse_alert(PREFIXED)
    assert read is not None
    assert (read.camera, read.plate, read.confidence, read.time_ms, read.uuid) == ("nvr7", "12C11111", 88, 0, "")


def test_camera_is_the_identity_the_site_knows() -> None:
    for known, camera in (({"cam1"}, "cam1"), ({"192.0.2.64"}, "192.0.2.64"), (set(), "cam1")):
        read = parse_alert(NEW, known)
        assert read is not None
        assert read.camera == camera


def test_multipart_finds_the_xml_among_pictures() -> None:
    picture = b"\xff\xd8\xff\xe0 not xml"
    for parts in ((NEW, picture), (picture, NEW)):
        read = parse_post('multipart/form-data; boundary="MIME"', _multipart(*parts))
        assert read is not None
        assert read.plate == "29A12345"


def test_unknown_is_a_vehicle_without_a_plate() -> None:
    read = parse_alert(NEW.replace(b"29a-123.45", b"unknown"))
    assert read is not None
    assert (read.plate, read.raw) == ("", "unknown")


def test_plates_are_normalised() -> None:
    cases = (("29A-123.45", "29A12345"), ("桂F·12345", "桂F12345"), ("51đ 1", "51Đ1"), ("noPlate", ""), ("", ""))
    for raw, plate in cases:
        assert normalise_plate(raw) == plate


def test_confidence_that_is_no_number_counts_as_none() -> None:
    for text, confidence in ((b"", 0), (b"high", 0), (b"nan", 0), (b"-3", 0), (b"1e9", 100), (b"77,5", 77)):
        read = parse_alert(NEW.replace(b"97.6", text))
        assert read is not None
        assert read.confidence == confidence


def test_other_events_are_no_reads() -> None:
    assert parse_alert(NEW.replace(b">ANPR<", b">VMD<", 1)) is None


def test_retransmission_is_marked() -> None:
    read = parse_alert(NEW.replace(b"<UUID>", b"<isDataRetransmission>true</isDataRetransmission><UUID>"))
    assert read is not None
    assert read.retransmitted


def test_same_uuid_is_new_once() -> None:
    recent = RecentReads()
    read = parse_alert(NEW)
    assert read is not None
    assert recent.is_new(read)
    assert recent.is_new(read), "until it is noted, a camera may send it again"
    recent.note(read)
    assert not recent.is_new(read)
    assert recent.is_new(parse_alert(PREFIXED) or read)
    assert recent.is_new(parse_alert(PREFIXED) or read)


@pytest.mark.parametrize(
    ("content_type", "body", "words"),
    [
        ("application/xml", b"", "is empty"),
        ("application/xml", b"not xml", "cannot be read"),
        ("application/xml", b"<a/>", "is a a, expected an EventNotificationAlert"),
        ("application/xml", NEW[:200], "cannot be read"),
        ("application/xml", b'<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>', "document type"),
        ("application/xml", b"<a>" * 100, "nested deeper"),
        ("application/xml", b"<a>" + b"x" * 300_000 + b"</a>", "expected at most"),
        ("application/xml", b'<?xml version="1.0" encoding="bogus"?><a/>', "cannot be read"),
        ("application/xml", NEW.replace(b"ANPR>", b"BNPR>").replace(b"Type>BNPR", b"Type>ANPR"), "no ANPR element"),
        ("multipart/form-data", NEW, "names no boundary"),
        ("multipart/form-data; boundary=MIME", _multipart(b"\xff\xd8"), "no XML part"),
        ("multipart/form-data; boundary=\udcff", _multipart(NEW), "no XML part"),
    ],
)
def test_bad_posts_are_refused_in_one_sentence(content_type: str, body: bytes, words: str) -> None:
    with pytest.raises(CameraPostError, match=words) as caught:
        parse_post(content_type, body)
    assert "\n" not in str(caught.value)


@given(st.binary(max_size=400), st.integers(0, len(NEW)), st.sampled_from(["", "multipart/x; boundary=a", "text/xml"]))
def test_no_bytes_do_more_than_be_refused(noise: bytes, cut: int, content_type: str) -> None:
    for body in (noise, NEW[:cut] + noise + NEW[cut:], b"--a\r\n\r\n" + noise):
        try:
            parse_post(content_type, body)
        except CameraPostError:
            continue
