"""What each contender's messages tell, in the forms they were seen to have; the count is always register 0's."""

import json

import pytest

from edge.northbound.sparkplug.metric import DataType, Metric, encode_metric, encode_payload
from hil.bench.contender import Contender, Decoded, Ground, Load
from hil.bench.modpoll import Modpoll, _device
from hil.bench.node_red import NodeRed, _flow
from hil.bench.own_hub import OwnHub
from hil.bench.thingsboard import ThingsBoard, _modbus

VALUES = {"r0": 7, "r1": 8, "r2": 9}


@pytest.mark.parametrize(
    ("contender", "topic", "message", "told"),
    [
        (ThingsBoard(), "v1/gateway/telemetry", {"dev4": [{"ts": 5, "values": VALUES}]}, [(4, 7, 3)]),
        (ThingsBoard(), "v1/gateway/telemetry", {"dev4": [{"ts": 5, "values": {"r1": 8}}]}, []),
        (NodeRed(), "nodered/12", {"t": 5, "v": [7, 8, 9]}, [(12, 7, 3)]),
        (Modpoll(), "modpoll/dev3/data", VALUES, [(3, 7, 3)]),
        (Modpoll(), "modpoll/dev3/data", {"r0": None, "r1": None}, []),
    ],
)
def test_a_message_of_a_peer_tells_device_count_and_values(
    contender: Contender, topic: str, message: object, told: list[Decoded]
) -> None:
    assert list(contender.decode(topic, json.dumps(message).encode())) == told


def sparkplug(*metrics: Metric, is_birth: bool = False) -> bytes:
    return encode_payload(1, [encode_metric(metric, is_birth=is_birth) for metric in metrics], 0)


def test_a_message_of_the_hub_is_read_by_the_aliases_of_the_birth_before() -> None:
    hub = OwnHub()
    birth = [Metric(DataType.UINT16, 1, 5, f"r{number}", alias=20 + number) for number in range(2)]
    assert list(hub.decode("spBv1.0/gate/DBIRTH/bench/dev9", sparkplug(*birth, is_birth=True))) == []
    row = Metric(DataType.UINT64, 33, 5, alias=10)
    values = [Metric(DataType.UINT16, 40 + number, 5, alias=20 + number) for number in range(2)]
    assert list(hub.decode("spBv1.0/gate/DDATA/bench/dev9", sparkplug(row, *values))) == [(9, 40, 2)]
    assert list(hub.decode("spBv1.0/gate/DDATA/bench/barrier", sparkplug(row, *values))) == []


def test_writes_of_the_hub_are_known_by_their_order_and_those_of_the_others_by_value() -> None:
    hub = OwnHub()
    hub._values += [1000, 1001]
    assert hub.arrived([(77, 5), (78, 9)]) == {1000: 5, 1001: 9}
    assert NodeRed().arrived([(1001, 9), (1000, 5)]) == {1001: 9, 1000: 5}


def test_every_peer_is_told_to_read_every_register_of_every_device_in_as_few_requests_as_it_can(tmp_path) -> None:
    ground = Ground(tmp_path, Load(devices=2), (15_001, 15_002), (15_003, 15_004), 15_005, 1883)
    slaves = _modbus(ground)["master"]["slaves"]
    assert [(slave["port"], slave["unitId"], slave["pollPeriod"]) for slave in slaves] == [
        (15_001, 1, 200),
        (15_002, 2, 200),
    ]
    assert slaves[0]["timeseries"][0]["maxRegistersPerRequest"] == 125
    reads = [node for node in _flow(ground) if node["type"] == "modbus-read"]
    assert [(read["quantity"], read["rate"], read["unitid"]) for read in reads] == [
        ("125", "200", "1"),
        ("125", "200", "2"),
    ]
    polls = [line for line in _device(ground, 1).splitlines() if line.startswith("poll")]
    assert polls == ["poll,input_register,0,123,BE_BE", "poll,input_register,123,2,BE_BE"]
