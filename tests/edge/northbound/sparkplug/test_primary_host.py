"""The specification's assertions about a primary host and about names: what the node waits for, and when it leaves."""

import asyncio
import json
import re
from pathlib import Path

import pytest

from edge import config_table
from edge.config_load import load_site
from edge.northbound import telemetry
from edge.northbound.sparkplug.edge_node import EdgeNode, Phase
from edge.northbound.sparkplug.topics import NodeTopics
from tests.edge.northbound.sparkplug.recording_broker import CONNECT, DISCONNECT, SUBSCRIBE, RecordingBroker
from tests.edge.northbound.sparkplug.wired_gate import Gate

_STATE = "spBv1.0/STATE/scada"
_NOW = 1_796_039_649_000


class _NoMetrics:
    def node_metrics(self, now_ms: int) -> bytes:
        return b""

    def device_metrics(self, device: str, now_ms: int, *, is_lost: bool) -> bytes:
        return b""


def _node(*, has_other_server: bool = False) -> EdgeNode:
    """Connected, waiting for the host `scada`."""
    node = EdgeNode(
        NodeTopics("g", "n"), _NoMetrics(), bd_seq_alias=1, primary_host="scada", has_other_server=has_other_server
    )
    node.connecting(0, _NOW)
    assert not node.connected()
    return node


def _state(is_online: object, time_ms: object) -> bytes:
    return json.dumps({"online": is_online, "timestamp": time_ms}).encode()


def test_nothing_is_born_before_the_primary_host_is_online() -> None:
    """tck-id-message-flow-edge-node-birth-publish-phid-wait,
    tck-id-message-flow-edge-node-birth-publish-phid-wait-online,
    tck-id-operational-behavior-edge-node-birth-sequence-wait
    """
    node = _node()
    assert not node.on_message(_STATE, _state(False, _NOW)).must_birth
    assert node.phase is Phase.WAITING
    assert node.on_message(_STATE, _state(True, _NOW + 1)).must_birth
    assert node.phase is Phase.BORN


def test_a_state_that_comes_with_the_subscription_is_not_missed() -> None:
    node = EdgeNode(NodeTopics("g", "n"), _NoMetrics(), bd_seq_alias=1, primary_host="scada")
    node.connecting(0, _NOW)
    assert not node.on_message(_STATE, _state(True, _NOW)).must_birth
    assert node.connected()


def test_only_the_state_of_the_named_host_counts() -> None:
    """tck-id-message-flow-edge-node-birth-publish-phid-wait-id,
    tck-id-operational-behavior-primary-application-state-with-multiple-servers-state-subs
    """
    node = _node()
    assert _STATE in node.subscriptions()
    assert not node.on_message("spBv1.0/STATE/other", _state(True, _NOW)).must_birth
    assert not node.on_message("spBv1.0/STATE/scada/x", _state(True, _NOW)).must_birth


def test_an_older_state_than_the_newest_known_counts_for_nothing() -> None:
    """tck-id-message-flow-edge-node-birth-publish-phid-wait-timestamp,
    tck-id-operational-behavior-edge-node-termination-host-offline-timestamp
    """
    node = _node()
    node.on_message(_STATE, _state(False, _NOW))
    assert not node.on_message(_STATE, _state(True, _NOW - 1)).must_birth
    assert node.on_message(_STATE, _state(True, _NOW)).must_birth  # an equal one does
    assert not node.on_message(_STATE, _state(False, _NOW - 1)).must_leave
    assert node.on_message(_STATE, _state(False, _NOW)).must_leave


@pytest.mark.parametrize(
    "payload", [b"", b"ONLINE", b"[]", b"{}", _state("true", 1), _state(True, "1"), _state(1, 1), b"\xff" * 4]
)
def test_a_state_that_is_none_is_counted_and_changes_nothing(payload: bytes) -> None:
    node = _node()
    answer = node.on_message(_STATE, payload)
    assert (answer.must_birth, answer.must_leave, node.bad_messages) == (False, False, 1)


def test_each_server_s_host_is_judged_by_its_own_state() -> None:
    node = _node()
    node.on_message(_STATE, _state(True, _NOW))
    node.connecting(1, _NOW)
    node.connected()
    assert node.on_message(_STATE, _state(True, _NOW - 1000)).must_birth


def test_a_node_that_waits_goes_to_another_server_only_where_there_is_one() -> None:
    """tck-id-operational-behavior-primary-application-state-with-multiple-servers-walk"""
    assert not _node().on_message(_STATE, _state(False, _NOW)).must_leave
    assert _node(has_other_server=True).on_message(_STATE, _state(False, _NOW)).must_leave


def test_when_the_primary_host_goes_the_node_dies_disconnects_and_connects_anew(tmp_path: Path) -> None:
    """tck-id-message-flow-edge-node-birth-publish-phid-offline,
    tck-id-operational-behavior-edge-node-termination-host-offline,
    tck-id-operational-behavior-edge-node-termination-host-offline-reconnect,
    tck-id-operational-behavior-primary-application-state-with-multiple-servers-single-server
    """

    async def run() -> RecordingBroker:
        broker = RecordingBroker()
        async with await broker.start():
            gate = Gate(tmp_path, broker.port, primary_host="scada")
            gate.telemetry.device_online("scale")
            async with gate.running():
                await broker.until_packets(SUBSCRIBE, 4)
                gate.report(1)
                broker.say(_STATE, _state(True, _NOW))
                await broker.until("DDATA")
                broker.say(_STATE, _state(False, _NOW + 1))
                await broker.until_packets(CONNECT, 2)
        return broker

    broker = asyncio.run(asyncio.wait_for(run(), 30))
    first = [packet for packet in broker.packets if packet.connection == 1]
    kinds = [packet.seen.kind for packet in first if packet.seen and packet.kind != CONNECT]
    assert kinds == ["NBIRTH", "DBIRTH", "DDATA", "NDEATH"]
    assert first[-1].kind == DISCONNECT
    assert [packet.connection for packet in broker.packets if packet.kind == CONNECT] == [1, 2]
    assert broker.packets.index(first[-1]) < next(
        at for at, packet in enumerate(broker.packets) if packet.connection == 2
    )


def test_a_node_that_waited_in_vain_tries_the_other_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telemetry, "WALK_S", 0.0)

    async def run() -> None:
        broker = RecordingBroker(retained={_STATE: _state(False, _NOW)})
        other = RecordingBroker(retained={_STATE: _state(True, _NOW - 5)})
        async with await broker.start(), await other.start():
            gate = Gate(tmp_path, broker.port, primary_host="scada", other_port=other.port)
            async with gate.running():
                await other.until("NBIRTH")
        assert broker.of("NBIRTH") == []

    asyncio.run(asyncio.wait_for(run(), 30))


@pytest.mark.parametrize("text", ["a/b", "a+", "#", "", "a\x00b"])
def test_ids_without_the_characters_of_topics(text: str) -> None:
    """tck-id-topic-structure-namespace-valid-group-id, tck-id-topic-structure-namespace-valid-edge-node-id,
    tck-id-topic-structure-namespace-valid-device-id, tck-id-intro-group-id-chars, tck-id-intro-edge-node-id-chars,
    tck-id-intro-device-id-chars
    """
    assert re.fullmatch(config_table.SPARKPLUG_PATTERN, text) is None
    assert re.fullmatch(config_table.NAME_PATTERN, text) is None


def test_two_devices_of_a_gate_never_share_a_name_not_even_in_another_case(tmp_path: Path) -> None:
    """tck-id-topic-structure-namespace-unique-device-id, tck-id-case-sensitivity-sparkplug-ids"""
    path = tmp_path / "site.toml"
    path.write_text('[[device]]\nname = "scale"\n[[device]]\nname = "Scale"\n')
    assert any('name = "Scale" again' in message for message in load_site(path).messages)
