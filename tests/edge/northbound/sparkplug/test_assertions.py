"""The specification's assertions about an edge node, held against what goes over the wire in one scripted life.

Every docstring begins with the ids of the assertions it shows; docs/sparkplug.md lists them all, and a test compares.
The gate is the real one from the report on: spool, session, MQTT client; the broker writes every packet down.
"""

import asyncio
import time
from itertools import pairwise
from pathlib import Path

import pytest
from pysparkplug._protobuf import Payload

from edge.model import Record
from edge.southbound.role_map import ROLE_MAPS
from tests.edge.northbound.sparkplug.recording_broker import (
    CONNECT,
    DISCONNECT,
    PUBLISH,
    SUBSCRIBE,
    Packet,
    RecordingBroker,
)
from tests.edge.northbound.sparkplug.wired_gate import GROUP, NODE, TIME_MS, Gate

_REPORTS = 300
_NODE_KINDS = ("NBIRTH", "NDATA", "NDEATH")
_DEVICE_KINDS = ("DBIRTH", "DDATA", "DDEATH")
_BIRTHS, _DATA = ("NBIRTH", "DBIRTH"), ("NDATA", "DDATA")


def _command(name: str, value: bool) -> bytes:
    payload = Payload(timestamp=1)
    payload.metrics.add(name=name, timestamp=1, datatype=11, boolean_value=value)
    return payload.SerializeToString()


class Life:
    """What was recorded, and the gate it was recorded of."""

    def __init__(self, broker: RecordingBroker, records: list[Record], began_ms: int, ended_ms: int) -> None:
        self.broker = broker
        self.records = records
        self.began_ms = began_ms
        self.ended_ms = ended_ms

    def of(self, *kinds: str) -> list[Packet]:
        return self.broker.of(*kinds)

    def wills(self) -> list[Packet]:
        return [packet for packet in self.broker.packets if packet.kind == CONNECT]


async def _live(folder: Path) -> Life:
    """Two sessions: births, data, a lost device, commands, a rebirth, an intentional end, another start."""
    broker = RecordingBroker()
    began_ms = time.time_ns() // 1_000_000
    async with await broker.start():
        gate = Gate(folder, broker.port)
        gate.telemetry.device_online("scale")
        gate.report(0)
        async with gate.running():
            await broker.until("NBIRTH")
            for speed in range(1, _REPORTS):
                gate.report(speed)
            await broker.until("DDATA", _REPORTS)
            gate.telemetry.device_online("pump")
            gate.report(5, "pump")
            gate.tell_own()
            await broker.until("NDATA")
            gate.telemetry.device_lost("pump", "no answer")
            await broker.until("DDEATH")
            broker.say(f"spBv1.0/{GROUP}/NCMD/{NODE}", _command("Node Control/Rebirth", False))
            broker.say(f"spBv1.0/{GROUP}/NCMD/{NODE}", _command("Node Control/Reboot", True))
            broker.say(f"spBv1.0/{GROUP}/DCMD/{NODE}/scale", _command("speed", True))
            broker.say(f"spBv1.0/{GROUP}/NCMD/{NODE}", _command("Node Control/Rebirth", True))
            for speed in range(40):
                gate.report(speed)
                await asyncio.sleep(0)
            await broker.until("DBIRTH", 3)
            await broker.until("DDATA", _REPORTS + 41)
        await broker.until_packets(DISCONNECT)
        records = gate.records
        again = Gate(folder, broker.port)
        again.telemetry.device_online("scale")
        async with again.running():
            await broker.until("NBIRTH", 3)
        await broker.until_packets(DISCONNECT, 2)
    return Life(broker, records, began_ms, time.time_ns() // 1_000_000)


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory) -> Life:
    return asyncio.run(asyncio.wait_for(_live(tmp_path_factory.mktemp("life")), 60))


def _seqs(life: Life) -> list[tuple[str, int | None]]:
    return [(p.seen.kind, p.seen.seq) for p in life.broker.published() if p.seen is not None]


def test_topics_are_namespace_group_type_node_and_device(life: Life) -> None:
    """tck-id-topic-structure, tck-id-topic-structure-namespace-a,
    tck-id-topic-structure-namespace-device-id-associated-message-types,
    tck-id-topic-structure-namespace-device-id-non-associated-message-types, tck-id-topics-nbirth-topic,
    tck-id-topics-ndata-topic, tck-id-topics-ndeath-topic, tck-id-topics-dbirth-topic, tck-id-topics-ddata-topic,
    tck-id-topics-ddeath-topic, tck-id-message-flow-edge-node-birth-publish-nbirth-topic,
    tck-id-message-flow-device-birth-publish-dbirth-topic,
    tck-id-message-flow-device-birth-publish-dbirth-match-edge-node-topic, tck-id-intro-group-id-string,
    tck-id-intro-edge-node-id-string, tck-id-intro-device-id-string
    """
    found = {(p.seen.kind, p.topic) for p in life.broker.published() if p.seen is not None}
    expected = {(kind, f"spBv1.0/{GROUP}/{kind}/{NODE}") for kind in _NODE_KINDS}
    expected |= {(kind, f"spBv1.0/{GROUP}/{kind}/{NODE}/scale") for kind in ("DBIRTH", "DDATA")}
    expected |= {(kind, f"spBv1.0/{GROUP}/{kind}/{NODE}/pump") for kind in _DEVICE_KINDS}
    assert found == expected


def test_births_data_and_device_deaths_have_qos_0_and_nothing_is_retained(life: Life) -> None:
    """tck-id-topics-nbirth-mqtt, tck-id-topics-ndata-mqtt, tck-id-topics-dbirth-mqtt, tck-id-topics-ddata-mqtt,
    tck-id-topics-ddeath-mqtt, tck-id-payloads-nbirth-qos, tck-id-payloads-nbirth-retain, tck-id-payloads-dbirth-qos,
    tck-id-payloads-dbirth-retain, tck-id-payloads-ndata-qos, tck-id-payloads-ndata-retain, tck-id-payloads-ddata-qos,
    tck-id-payloads-ddata-retain, tck-id-message-flow-edge-node-birth-publish-nbirth-qos,
    tck-id-message-flow-edge-node-birth-publish-nbirth-retained,
    tck-id-message-flow-device-birth-publish-dbirth-qos, tck-id-message-flow-device-birth-publish-dbirth-retained
    """
    for kind in (*_BIRTHS, *_DATA, "DDEATH"):
        assert life.of(kind)
        assert {(p.qos, p.retain) for p in life.of(kind)} == {(0, False)}


def test_sequence_numbers_begin_at_0_with_the_birth_and_go_up_by_one_over_255(life: Life) -> None:
    """tck-id-topics-nbirth-seq-num, tck-id-topics-ndata-seq-num, tck-id-topics-dbirth-seq,
    tck-id-topics-ddata-seq-num, tck-id-topics-ddeath-seq-num, tck-id-payloads-sequence-num-always-included,
    tck-id-payloads-sequence-num-zero-nbirth, tck-id-payloads-sequence-num-req-nbirth,
    tck-id-payloads-sequence-num-incrementing, tck-id-payloads-nbirth-seq, tck-id-payloads-dbirth-seq,
    tck-id-payloads-dbirth-seq-inc, tck-id-payloads-ndata-seq, tck-id-payloads-ndata-seq-inc,
    tck-id-payloads-ddata-seq, tck-id-payloads-ddata-seq-inc, tck-id-payloads-ddeath-seq,
    tck-id-payloads-ddeath-seq-inc, tck-id-payloads-ddeath-seq-number,
    tck-id-message-flow-edge-node-birth-publish-nbirth-payload-seq,
    tck-id-message-flow-device-birth-publish-dbirth-payload-seq
    """
    numbered = [(kind, seq) for kind, seq in _seqs(life) if kind != "NDEATH"]
    for (_, before), (kind, seq) in pairwise(numbered):
        assert seq == (0 if kind == "NBIRTH" else (before + 1) % 256)
    assert (numbered[0], 255 in [seq for _, seq in numbered]) == (("NBIRTH", 0), True)


def test_a_node_s_death_has_no_sequence_number_and_bdseq_alone(life: Life) -> None:
    """tck-id-topics-ndeath-payload, tck-id-topics-ndeath-seq, tck-id-payloads-ndeath-seq"""
    for packet in [*life.wills(), *life.of("NDEATH")]:
        assert packet.seen is not None
        assert (packet.seen.seq, [m["name"] for m in packet.seen.metrics]) == (None, ["bdSeq"])


def test_every_connect_carries_the_death_as_its_will(life: Life) -> None:
    """tck-id-message-flow-edge-node-birth-publish-will-message,
    tck-id-message-flow-edge-node-birth-publish-will-message-topic,
    tck-id-message-flow-edge-node-birth-publish-will-message-payload,
    tck-id-message-flow-edge-node-birth-publish-will-message-qos,
    tck-id-message-flow-edge-node-birth-publish-will-message-will-retained, tck-id-payloads-ndeath-will-message,
    tck-id-payloads-ndeath-will-message-qos, tck-id-payloads-ndeath-will-message-retain
    """
    assert len(life.wills()) == 2
    for will in life.wills():
        assert will.flags & 0x04
        assert (will.topic, will.qos, will.retain) == (f"spBv1.0/{GROUP}/NDEATH/{NODE}", 1, False)


def test_the_session_is_clean(life: Life) -> None:
    """tck-id-principles-persistence-clean-session-311"""
    assert all(will.flags & 0x02 for will in life.wills())


def test_bdseq_begins_at_0_goes_up_with_every_connect_and_over_restarts_and_is_the_will_s(life: Life) -> None:
    """tck-id-topics-nbirth-bdseq-included, tck-id-topics-nbirth-bdseq-matching,
    tck-id-topics-nbirth-bdseq-increment, tck-id-payloads-nbirth-bdseq, tck-id-payloads-nbirth-bdseq-repeat,
    tck-id-payloads-ndeath-bdseq, tck-id-message-flow-edge-node-birth-publish-will-message-payload-bdSeq,
    tck-id-message-flow-edge-node-birth-publish-nbirth-payload-bdSeq,
    tck-id-operational-behavior-data-commands-rebirth-action-3
    """
    wills = [will.seen.metric("bdSeq") for will in life.wills() if will.seen is not None]
    assert [(will["value"], will["datatype"]) for will in wills] == [(0, 4), (1, 4)]
    for kind, expected in (("NBIRTH", [0, 0, 1]), ("NDEATH", [0, 1])):
        metrics = [packet.seen.metric("bdSeq") for packet in life.of(kind) if packet.seen is not None]
        assert [metric["value"] for metric in metrics] == expected
        assert {metric["datatype"] for metric in metrics} == {4}


def test_the_birth_offers_rebirth_by_name_as_a_false_boolean(life: Life) -> None:
    """tck-id-topics-nbirth-rebirth-metric, tck-id-payloads-nbirth-rebirth-req,
    tck-id-operational-behavior-data-commands-rebirth-name,
    tck-id-operational-behavior-data-commands-rebirth-name-aliases,
    tck-id-operational-behavior-data-commands-rebirth-datatype,
    tck-id-operational-behavior-data-commands-rebirth-value
    """
    for packet in life.of("NBIRTH"):
        assert packet.seen is not None
        offered = packet.seen.metric("Node Control/Rebirth")
        assert (offered["datatype"], offered["value"], offered["alias"]) == (11, False, None)


def test_the_node_subscribes_to_its_commands_with_qos_1_before_it_is_born(life: Life) -> None:
    """tck-id-message-flow-edge-node-ncmd-subscribe, tck-id-message-flow-device-dcmd-subscribe,
    tck-id-topics-ncmd-topic, tck-id-topics-dcmd-topic
    """
    packets = [packet for packet in life.broker.packets if packet.connection == 1]
    born = next(at for at, packet in enumerate(packets) if packet.seen and packet.seen.kind == "NBIRTH")
    asked = {(packet.topic, packet.qos) for packet in packets[:born] if packet.kind == SUBSCRIBE}
    assert {(f"spBv1.0/{GROUP}/NCMD/{NODE}", 1), (f"spBv1.0/{GROUP}/DCMD/{NODE}/+", 1)} <= asked


def test_births_come_first_in_every_session_and_data_behind_all_of_them(life: Life) -> None:
    """tck-id-principles-birth-certificates-order, tck-id-payloads-dbirth-order, tck-id-payloads-ndata-order,
    tck-id-payloads-ddata-order, tck-id-message-flow-edge-node-birth-publish-connect,
    tck-id-message-flow-device-birth-publish-nbirth-wait
    """
    for connection in (1, 2):
        packets = [packet for packet in life.broker.packets if packet.connection == connection]
        assert packets[0].kind == CONNECT
        published = [packet.topic.split("/")[2] for packet in packets if packet.kind == PUBLISH]
        assert published[:2] == ["NBIRTH", "DBIRTH"]


def test_a_rebirth_sends_all_births_with_no_data_in_between(life: Life) -> None:
    """tck-id-operational-behavior-data-commands-rebirth-action-1,
    tck-id-operational-behavior-data-commands-rebirth-action-2
    """
    kinds = [packet.seen.kind for packet in life.broker.published() if packet.seen is not None]
    births = [at for at, kind in enumerate(kinds) if kind == "NBIRTH"]
    assert len(births) == 3  # of two connections: one was asked for
    assert kinds[births[1] : births[1] + 3] == ["NBIRTH", "DBIRTH", "DDATA"]


def test_births_have_name_alias_type_and_value_of_everything_ever_sent(life: Life) -> None:
    """tck-id-topics-nbirth-metric-reqs, tck-id-topics-nbirth-metrics, tck-id-topics-dbirth-metric-reqs,
    tck-id-topics-dbirth-metrics, tck-id-payloads-alias-birth-requirement, tck-id-payloads-metric-datatype-req,
    tck-id-payloads-name-requirement, tck-id-operational-behavior-data-publish-nbirth,
    tck-id-operational-behavior-data-publish-dbirth
    """
    born: set[int] = set()
    for packet in life.of(*_BIRTHS):
        assert packet.seen is not None
        for metric in packet.seen.metrics:
            assert metric["name"]
            assert metric["datatype"]
            assert metric["is_null"] or metric["value"] is not None
            assert metric["alias"] or metric["name"] == "Node Control/Rebirth"
            born.add(metric["alias"])
    assert {metric["alias"] for packet in life.of(*_DATA) if packet.seen for metric in packet.seen.metrics} <= born


def test_a_value_that_is_not_known_is_null_in_the_birth_and_nothing_else(life: Life) -> None:
    """tck-id-operational-behavior-data-publish-nbirth-values, tck-id-operational-behavior-data-publish-dbirth-values"""
    for packet in life.of("DBIRTH"):
        assert packet.seen is not None
        unknown = packet.seen.metric("never")
        assert (unknown["is_null"], unknown["value"]) == (True, None)
    published = [packet.seen for packet in life.broker.published() if packet.seen is not None]
    reborn = [at for at, seen in enumerate(published) if seen.topic.endswith("DBIRTH/gate-7/scale")][1]
    told = [seen.values()["speed"] for seen in published[reborn - 2 : reborn + 2] if seen.kind == "DDATA"]
    assert published[reborn].metric("speed")["value"] in told  # the newest before it, or reported and about to be sent
    assert not published[reborn].metric("speed")["is_null"]


def test_data_has_aliases_alone(life: Life) -> None:
    """tck-id-payloads-alias-data-cmd-requirement, tck-id-payloads-metric-datatype-not-req"""
    metrics = [metric for packet in life.of(*_DATA) if packet.seen for metric in packet.seen.metrics]
    assert {(metric["has_name"], metric["datatype"]) for metric in metrics} == {(False, None)}
    assert all(metric["alias"] for metric in metrics)


def test_an_alias_belongs_to_one_metric_of_the_node_in_both_lives(life: Life) -> None:
    """tck-id-payloads-alias-uniqueness"""
    owners: dict[int, set[str]] = {}
    for packet in life.of(*_BIRTHS):
        assert packet.seen is not None
        for metric in packet.seen.metrics:
            if metric["alias"] is not None:
                owners.setdefault(metric["alias"], set()).add(f"{packet.seen.device}/{metric['name']}")
    assert all(len(names) == 1 for names in owners.values())
    assert len({name for names in owners.values() for name in names}) == len(owners)


def test_data_tells_what_changed_and_no_more(life: Life) -> None:
    """tck-id-topics-ndata-payload, tck-id-topics-ddata-payload,
    tck-id-operational-behavior-data-publish-nbirth-change, tck-id-operational-behavior-data-publish-dbirth-change,
    tck-id-principles-rbe-recommended
    """
    first, second = (packet.seen for packet in life.of("DDATA")[:2])
    assert first is not None
    assert second is not None
    assert "clock_quality" in first.values()
    assert second.values().keys() == {"telemetry_seq", "speed", "gross_kg"}
    (own,) = (packet.seen for packet in life.of("NDATA"))
    assert own is not None
    assert own.values().keys() == {"Telemetry/produced", "Telemetry/stored"}


def test_payloads_and_metrics_have_their_time_in_utc(life: Life) -> None:
    """tck-id-topics-nbirth-timestamp, tck-id-topics-ndata-timestamp, tck-id-topics-dbirth-timestamp,
    tck-id-topics-ddata-timestamp, tck-id-payloads-timestamp-in-UTC, tck-id-payloads-nbirth-timestamp,
    tck-id-payloads-dbirth-timestamp, tck-id-payloads-ndata-timestamp, tck-id-payloads-ddata-timestamp,
    tck-id-payloads-ddeath-timestamp, tck-id-payloads-name-birth-data-requirement,
    tck-id-payloads-metric-timestamp-in-UTC
    """
    for packet in life.broker.published():
        assert packet.seen is not None
        assert life.began_ms <= packet.seen.payload.timestamp <= life.ended_ms
        assert all(metric["time_ms"] for metric in packet.seen.metrics)
    speed = next(packet.seen.metric("speed") for packet in life.of("DDATA") if packet.seen)
    assert speed["time_ms"] == TIME_MS  # when it was read, not when it was sent


def test_values_that_are_not_historical_are_in_the_order_of_their_times(life: Life) -> None:
    """tck-id-operational-behavior-data-publish-nbirth-order, tck-id-operational-behavior-data-publish-dbirth-order"""
    for packet in life.of("DDATA", "NDATA"):
        assert packet.seen is not None
        times = [metric["time_ms"] for metric in packet.seen.metrics if not metric["is_historical"]]
        assert times == sorted(times)


def test_a_lost_device_s_death_is_told(life: Life) -> None:
    """tck-id-operational-behavior-device-ddeath"""
    kinds = [f"{packet.seen.kind} {packet.seen.device}" for packet in life.broker.published() if packet.seen]
    assert kinds.index("DDEATH pump") > kinds.index("DDATA pump") > kinds.index("DBIRTH pump")


def test_before_it_leaves_the_node_says_that_it_dies(life: Life) -> None:
    """tck-id-operational-behavior-edge-node-intentional-disconnect-ndeath,
    tck-id-operational-behavior-edge-node-intentional-disconnect-packet,
    tck-id-payloads-ndeath-will-message-publisher,
    tck-id-payloads-ndeath-will-message-publisher-disconnect-mqtt311
    """
    for connection in (1, 2):
        last = [packet for packet in life.broker.packets if packet.connection == connection][-2:]
        assert last[0].topic == f"spBv1.0/{GROUP}/NDEATH/{NODE}"
        assert last[1].kind == DISCONNECT


def test_payloads_are_protobuf_and_types_are_those_of_the_specification(life: Life) -> None:
    """tck-id-message-flow-edge-node-birth-publish-nbirth-payload,
    tck-id-message-flow-device-birth-publish-dbirth-payload, tck-id-payloads-metric-datatype-value-type,
    tck-id-payloads-metric-datatype-value, tck-id-payloads-metric-propertyvalue-type-type,
    tck-id-payloads-metric-propertyvalue-type-value, tck-id-payloads-metric-propertyvalue-type-req,
    tck-id-payloads-propertyset-keys-array-size, tck-id-payloads-propertyset-values-array-size
    """
    for packet in life.of(*_BIRTHS):
        payload = Payload.FromString(packet.payload)
        assert {metric.datatype for metric in payload.metrics} <= set(range(1, 15))
        for metric in payload.metrics:
            assert len(metric.properties.keys) == len(metric.properties.values)
            assert all(value.HasField("type") and 1 <= value.type <= 14 for value in metric.properties.values)


def test_quality_is_one_of_three_codes_as_a_32_bit_integer(life: Life) -> None:
    """tck-id-payloads-propertyset-quality-value-type, tck-id-payloads-propertyset-quality-value-value"""
    codes = set()
    for packet in life.of("DBIRTH"):
        for metric in Payload.FromString(packet.payload).metrics:
            for name, value in zip(metric.properties.keys, metric.properties.values, strict=True):
                if name == "Quality":
                    assert (value.type, value.WhichOneof("value")) == (3, "int_value")
                    codes.add(value.int_value)
    assert codes == {192, 500}


def test_names_of_metrics_differ_without_regard_to_case() -> None:
    """tck-id-case-sensitivity-metric-names"""
    for role in ROLE_MAPS.values():
        names = [tag.name.lower() for tag in role.tags] + ["telemetry_seq", "clock_quality"]
        assert len(set(names)) == len(names)


def test_a_command_from_the_broker_writes_nothing_and_is_put_on_record(life: Life) -> None:
    found = [(record.kind, record.device, record.data["metric"]) for record in life.records]
    assert found == [("command_refused", "", "Node Control/Reboot"), ("command_refused", "scale", "speed")]
