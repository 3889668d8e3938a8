"""A plate camera: reads the plate of a truck that reaches its place, after a delay, sometimes not at all.

Wire face: `due` hands out event posts (ISAPI EventNotificationAlert, XML in a multipart body). Bench face: `fail`.
Knows the plate written on the truck and the odds of reading it. Must not know: HTTP, the lane, any clock; the wall
time of moment 0 is handed in once as `epoch_ms`.
"""

from __future__ import annotations

import random
from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from xml.sax.saxutils import escape

NO_READ = "unknown"  # what these cameras post for a vehicle whose plate they could not read
FAILURES = ("", "silent", "blind")
_ZONE = timezone(timedelta(hours=7))  # the gate's local time; the camera writes it with its offset
_BOUNDARY = "smartgate-camera"
CONTENT_TYPE = f"multipart/form-data; boundary={_BOUNDARY}"


@dataclass(frozen=True, slots=True)
class CameraPost:
    """One HTTP POST the camera makes at `due_us`."""

    due_us: int
    content_type: str
    body: bytes


class PlateCamera:
    """`camera_id` is posted as channelName. Failures: "silent" posts nothing, "blind" reads no plate, "" repaired."""

    def __init__(self, camera_id: str, rng: random.Random, epoch_ms: int = 0) -> None:
        self.camera_id = camera_id
        self.posts_made = 0
        self._rng = rng
        self._epoch_ms = epoch_ms
        self._waiting: deque[CameraPost] = deque()
        self._failure = ""

    def fail(self, kind: str) -> None:
        if kind not in FAILURES:
            raise ValueError(f"camera failure {kind!r} is unknown: use one of {', '.join(map(repr, FAILURES))}")
        self._failure = kind

    def on_truck(self, now_us: int, plate: str, readable: bool = True) -> None:
        """A truck's front is in the picture: a post falls due 300 to 900 ms later."""
        due_us = now_us + self._rng.randint(300_000, 900_000)
        sure = self._rng.randint(82, 99)
        uuid = f"{self._epoch_ms:012x}{self._rng.getrandbits(80):020x}"  # never one of an earlier run
        if self._failure == "silent":
            return
        is_read = readable and self._failure != "blind"
        xml = self._alert(due_us, plate if is_read else NO_READ, sure if is_read else 0, uuid)
        self._waiting.append(CameraPost(due_us, CONTENT_TYPE, _multipart(xml)))

    def due(self, now_us: int) -> list[CameraPost]:
        """The posts that fall due by `now_us`, in order, each once."""
        posts: list[CameraPost] = []
        while self._waiting and self._waiting[0].due_us <= now_us:
            posts.append(self._waiting.popleft())
        self.posts_made += len(posts)
        return posts

    def _alert(self, time_us: int, plate: str, confidence: int, uuid: str) -> str:
        moment = datetime.fromtimestamp((self._epoch_ms + time_us // 1000) / 1000, _ZONE)
        return (
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            '<EventNotificationAlert version="2.0" xmlns="http://www.hikvision.com/ver20/XMLSchema">\n'
            f"<channelName>{escape(self.camera_id)}</channelName>\n"
            f"<dateTime>{moment.isoformat(timespec='milliseconds')}</dateTime>\n"
            "<eventType>ANPR</eventType>\n<eventState>active</eventState>\n"
            f"<ANPR><licensePlate>{escape(plate)}</licensePlate><line>1</line><direction>forward</direction>"
            f"<confidenceLevel>{confidence}</confidenceLevel><vehicleType>truck</vehicleType></ANPR>\n"
            f"<UUID>{uuid}</UUID>\n<picNum>0</picNum>\n"
            "</EventNotificationAlert>\n"
        )


def _multipart(xml: str) -> bytes:
    head = (
        f"--{_BOUNDARY}\r\n"
        'Content-Disposition: form-data; name="anpr.xml"; filename="anpr.xml"\r\n'
        "Content-Type: application/xml\r\n\r\n"
    )
    return f"{head}{xml}\r\n--{_BOUNDARY}--\r\n".encode()
