"""The camera posts each truck once, after its delay, in the form cameras use."""

import random
import xml.etree.ElementTree as ElementTree
from datetime import datetime

import pytest

from sim_devices.devices.camera import CameraPost, PlateCamera

_NAMESPACE = "{http://www.hikvision.com/ver20/XMLSchema}"


def _alert(post: CameraPost) -> dict[str, str]:
    xml = post.body.partition(b"\r\n\r\n")[2].rpartition(b"\r\n--")[0]
    return {node.tag.removeprefix(_NAMESPACE): node.text or "" for node in ElementTree.fromstring(xml).iter()}


def _posted(camera: PlateCamera, **truck: object) -> dict[str, str]:
    camera.on_truck(1_000_000, "12C12345", **truck)  # type: ignore[arg-type]
    return _alert(camera.due(10_000_000)[0])


def test_post_carries_plate_camera_and_local_time() -> None:
    alert = _posted(PlateCamera("cam1", random.Random(1), epoch_ms=1_700_000_000_000))
    assert (alert["eventType"], alert["licensePlate"], alert["channelName"]) == ("ANPR", "12C12345", "cam1")
    moment = datetime.fromisoformat(alert["dateTime"])
    assert 1_700_000_001.3 <= moment.timestamp() <= 1_700_000_001.9
    assert 82 <= int(alert["confidenceLevel"]) <= 99


def test_post_waits_for_its_delay_and_comes_once() -> None:
    camera = PlateCamera("cam1", random.Random(1))
    camera.on_truck(0, "12C12345")
    assert camera.due(299_999) == []
    assert len(camera.due(900_000)) == 1
    assert camera.due(2_000_000) == []


def test_unreadable_plate_is_posted_as_unknown() -> None:
    alert = _posted(PlateCamera("cam1", random.Random(1)), readable=False)
    assert (alert["licensePlate"], alert["confidenceLevel"]) == ("unknown", "0")


def test_blind_camera_reads_nothing_and_silent_camera_posts_nothing() -> None:
    camera = PlateCamera("cam1", random.Random(1))
    camera.fail("blind")
    assert _posted(camera)["licensePlate"] == "unknown"
    camera.fail("silent")
    camera.on_truck(0, "12C12345")
    assert camera.due(10_000_000) == []


def test_camera_name_is_escaped() -> None:
    assert _posted(PlateCamera("a<b&c", random.Random(1)))["channelName"] == "a<b&c"


def test_same_seed_posts_the_same_bytes() -> None:
    def bodies() -> list[bytes]:
        camera = PlateCamera("cam1", random.Random(5))
        for number in range(5):
            camera.on_truck(number * 1_000_000, f"12C0000{number}")
        return [post.body for post in camera.due(10_000_000)]

    assert bodies() == bodies()
    assert len(set(bodies())) == 5


def test_unknown_failure_is_refused() -> None:
    with pytest.raises(ValueError, match="use one of"):
        PlateCamera("cam1", random.Random(1)).fail("stolen")
