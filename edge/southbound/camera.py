"""Plate reads from the event posts of ISAPI cameras (EventNotificationAlert, as XML or as multipart with an XML part).

Knows: the shape of the posts as several firmware generations send them (namespaces, tag names and number formats
differ, so names are compared without namespace and numbers leniently). Must not know: HTTP serving, lanes.
"""

from __future__ import annotations

import math
import re
import xml.etree.ElementTree as ElementTree
from collections import OrderedDict
from collections.abc import Collection
from datetime import datetime
from xml.parsers import expat

from edge.model import PlateRead

# A post carries up to three JPEG pictures; the XML itself is a few kilobytes.
POST_SIZE_MAX = 8 * 1024 * 1024
XML_SIZE_MAX = 256 * 1024
_DEPTH_MAX = 32
_PART_COUNT_MAX = 16
_ELEMENT_COUNT_MAX = 5000
_RECENT_COUNT_MAX = 256
# Installers fill in different ones of these, so a lane may name any.
_IDENTITY_TAGS = ("deviceID", "channelName", "deviceName", "channelID", "macAddress", "ipAddress")
_PLATE_TAGS = ("licensePlate", "plateNumber", "plate")
_PLATE_STRANGER = re.compile(r"[^A-Z0-9\u0110\u4e00-\u9fff]")
_PLATE_SIZE_MAX = 16


class CameraPostError(ValueError):
    """The camera sent a post that cannot be understood; the text is one sentence for whoever set it up."""


def parse_post(content_type: str, body: bytes, cameras: Collection[str] = ()) -> PlateRead | None:
    """The plate read in one post, or None when the post is a heartbeat or another kind of event.

    The read's `camera` is the first identity in the post that is one of `cameras`, else the first there is.
    Raises CameraPostError for anything that is not an EventNotificationAlert.
    """
    if len(body) > POST_SIZE_MAX:
        raise CameraPostError(f"the post has {len(body)} bytes, expected at most {POST_SIZE_MAX}")
    if not body.strip():
        raise CameraPostError("the post is empty, expected an EventNotificationAlert")
    return parse_alert(_find_xml(content_type, body), cameras)


def parse_alert(xml: bytes, cameras: Collection[str] = ()) -> PlateRead | None:
    """The plate read in one EventNotificationAlert, or None when it tells of something else."""
    root = _parse_xml(xml)
    if _local(root.tag) != "EventNotificationAlert":
        raise CameraPostError(f"the XML is a {_local(root.tag)[:40]}, expected an EventNotificationAlert")
    if _text(root, "eventType").upper() != "ANPR":
        return None
    anpr = _find(root, "ANPR")
    if anpr is None:
        raise CameraPostError("the alert has no ANPR element, expected one in an event of type ANPR")
    raw = next((text for text in (_text(anpr, tag) for tag in _PLATE_TAGS) if text), "")
    return PlateRead(
        camera=_identity(root, cameras),
        plate=normalise_plate(raw),
        raw=raw[: _PLATE_SIZE_MAX * 2],
        confidence=_confidence(_text(anpr, "confidenceLevel")),
        time_ms=_time_ms(_text(root, "dateTime")),
        uuid=_text(root, "UUID")[:64],
        retransmitted=_text(root, "isDataRetransmission").lower() == "true",
    )


def _identity(root: ElementTree.Element, cameras: Collection[str]) -> str:
    given = [text[:200] for text in (_text(root, tag) for tag in _IDENTITY_TAGS) if text]
    return next((text for text in given if text in cameras), given[0] if given else "")


def normalise_plate(raw: str) -> str:
    """Upper case without separators; "" for a read the camera marks as failed (`unknown`, `noplate`)."""
    plate = _PLATE_STRANGER.sub("", raw.upper())
    return "" if plate in ("UNKNOWN", "NOPLATE") else plate[:_PLATE_SIZE_MAX]


class RecentReads:
    """Remembers the last reads by UUID, so a post sent twice counts once."""

    def __init__(self) -> None:
        self._seen: OrderedDict[tuple[str, str], None] = OrderedDict()

    def is_new(self, read: PlateRead) -> bool:
        """Whether this read was not noted before. A read without UUID is always new."""
        return not read.uuid or (read.camera, read.uuid) not in self._seen

    def note(self, read: PlateRead) -> None:
        """This read was taken."""
        if read.uuid:
            self._seen[read.camera, read.uuid] = None
        if len(self._seen) > _RECENT_COUNT_MAX:
            self._seen.popitem(last=False)


def _find_xml(content_type: str, body: bytes) -> bytes:
    if not content_type.lower().startswith("multipart/"):
        return body
    boundary = re.search(r'boundary="?([^";,\s]{1,70})"?', content_type, re.IGNORECASE)
    if boundary is None:
        raise CameraPostError("the multipart post names no boundary, expected one in its Content-Type")
    parts = body.split(b"--" + boundary.group(1).encode("utf-8", "surrogateescape"), _PART_COUNT_MAX)
    for part in parts[1:]:
        content = part.partition(b"\r\n\r\n")[2] or part.partition(b"\n\n")[2]
        # Some firmware labels every part octet-stream, so the content decides, not the header.
        if content.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"<":
            return content
    raise CameraPostError("the multipart post has no XML part, expected an EventNotificationAlert")


class _Refusal(Exception):
    """Raised inside the XML parser's callbacks to end parsing of something no camera sends."""


def _parse_xml(xml: bytes) -> ElementTree.Element:
    """Parse without document types: no entity is ever declared, so none can expand."""
    xml = xml.strip(b"\xef\xbb\xbf \t\r\n\x00")
    if len(xml) > XML_SIZE_MAX:
        raise CameraPostError(f"the XML has {len(xml)} bytes, expected at most {XML_SIZE_MAX}")
    builder = ElementTree.TreeBuilder()
    parser = expat.ParserCreate()
    _Guard(parser, builder)
    try:
        parser.Parse(xml, True)
        return builder.close()
    except _Refusal as refusal:
        raise CameraPostError(str(refusal)) from None
    except (expat.ExpatError, AssertionError, ValueError, LookupError) as error:
        raise CameraPostError(f"the XML cannot be read ({error}), expected an EventNotificationAlert") from None


class _Guard:
    """Builds the tree from the parser's callbacks and refuses document types, depth and size."""

    def __init__(self, parser: expat.XMLParserType, builder: ElementTree.TreeBuilder) -> None:
        self._builder = builder
        self._depth = 0
        self._count = 0
        parser.StartDoctypeDeclHandler = self._on_doctype
        parser.StartElementHandler = self._on_start
        parser.EndElementHandler = self._on_end
        parser.CharacterDataHandler = self._on_text

    def _on_doctype(self, *_: object) -> None:
        raise _Refusal("the XML declares a document type, expected none")

    def _on_start(self, tag: str, _attributes: dict[str, str]) -> None:
        self._depth += 1
        self._count += 1
        if self._depth > _DEPTH_MAX or self._count > _ELEMENT_COUNT_MAX:
            raise _Refusal(f"the XML is nested deeper than {_DEPTH_MAX} or has over {_ELEMENT_COUNT_MAX} elements")
        self._builder.start(tag, {})

    def _on_end(self, tag: str) -> None:
        self._depth -= 1
        self._builder.end(tag)

    def _on_text(self, text: str) -> None:
        self._builder.data(text)


def _local(tag: str) -> str:
    return tag.rpartition(":")[2]


def _find(element: ElementTree.Element, name: str) -> ElementTree.Element | None:
    return next((child for child in element.iter() if _local(child.tag) == name), None)


def _text(element: ElementTree.Element, name: str) -> str:
    found = _find(element, name)
    return (found.text or "").strip() if found is not None else ""


def _confidence(text: str) -> int:
    """0 to 100, rounded down; 0 when absent or not a number."""
    try:
        value = float(text.replace(",", "."))
    except ValueError:
        return 0
    return 0 if math.isnan(value) else int(min(100.0, max(0.0, value)))


def _time_ms(text: str) -> int:
    """Milliseconds since 1970-01-01 UTC; 0 when absent, unreadable or without an offset: the hub's time counts then."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return 0
    return 0 if moment.tzinfo is None else int(moment.timestamp() * 1000)
