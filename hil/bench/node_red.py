"""Node-RED on the bench: a flow that reads every device and publishes what it read.

Knows: the nodes of node-red-contrib-modbus 5.45. Must not know: other contenders. Its Modbus library is the one from
the npm registry: the package's own fork lies outside any registry.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from hil.bench.children import Child
from hil.bench.contender import Decoded, Ground, find_program
from hil.bench.mqtt_tools import Talker
from hil.bench.peer_setup import install_node

_DEPENDENCIES = {"node-red": "4.1.8", "node-red-contrib-modbus": "5.45.2"}
_OVERRIDES = {"@openp4nr/modbus-serial": "npm:modbus-serial@8.0.25"}
_SETTINGS = """module.exports = {
  flowFile: "flows.json", httpAdminRoot: false, httpNodeRoot: false, telemetry: { enabled: false },
  logging: { console: { level: "warn" } }
};
"""
_SILENT = {"showErrors": False, "showWarnings": False, "showStatusActivities": False, "logIOActivities": False}


class NodeRed:
    """See contender.Contender."""

    name = "node-red"
    topics = ("nodered/+",)

    def __init__(self) -> None:
        self._child: Child | None = None

    def prepare(self) -> str:
        self._node = find_program("node", "nodejs")
        self._home = install_node(self.name, _DEPENDENCIES, _OVERRIDES)
        return " ".join(f"{name}@{version}" for name, version in _DEPENDENCIES.items())

    async def start(self, ground: Ground) -> Child:
        data = ground.folder / "data"
        data.mkdir()
        (data / "settings.js").write_text(_SETTINGS, encoding="utf-8")
        (data / "flows.json").write_text(json.dumps(_flow(ground)), encoding="utf-8")
        program = str(self._home / "node_modules/node-red/red.js")
        command = [self._node, program, "--userDir", str(data), "--settings", str(data / "settings.js")]
        self._child = await Child.start(self.name, command, ground.folder, cwd=self._home)
        return self._child

    async def stop(self) -> None:
        if self._child is not None:
            await self._child.stop()

    def decode(self, topic: str, payload: bytes) -> Iterable[Decoded]:
        """{"t": ms, "v": [...]} on nodered/<device>."""
        values = json.loads(payload)["v"]
        yield int(topic.rsplit("/", 1)[1]), values[0], len(values)

    def write(self, talker: Talker, device: int, value: int) -> None:
        talker.say(f"write/{device}", str(value))

    def arrived(self, writes: Sequence[tuple[int, int]]) -> dict[int, int]:
        return dict(writes)


def _flow(ground: Ground) -> list[dict[str, Any]]:
    broker = {
        "id": "broker",
        "type": "mqtt-broker",
        "broker": "127.0.0.1",
        "port": str(ground.broker_port),
        "clientid": "bench-node-red",
        "protocolVersion": "4",
        "keepalive": "60",
        "cleansession": True,
    }
    out = {"id": "out", "type": "mqtt out", "z": "tab", "topic": "", "qos": "1", "broker": "broker", "wires": []}
    nodes: list[dict[str, Any]] = [{"id": "tab", "type": "tab", "label": "bench"}, broker, out]
    for number, port in enumerate(ground.ports):
        nodes += _device(ground, number, port)
    return nodes


def _device(ground: Ground, number: int, port: int) -> list[dict[str, Any]]:
    load, unit = ground.load, str(number + 1)
    client = {
        "id": f"client{number}",
        "type": "modbus-client",
        "clienttype": "tcp",
        "bufferCommands": True,
        "stateLogEnabled": False,
        "queueLogEnabled": False,
        "failureLogEnabled": False,
        "tcpHost": "127.0.0.1",
        "tcpPort": str(port),
        "tcpType": "DEFAULT",
        "unit_id": unit,
        "commandDelay": "1",
        "clientTimeout": "1000",
        "reconnectOnTimeout": True,
        "reconnectTimeout": "2000",
        "parallelUnitIdsAllowed": True,
        **_SILENT,
    }
    read = {
        "id": f"read{number}",
        "type": "modbus-read",
        "z": "tab",
        "unitid": unit,
        "dataType": "InputRegister",
        "adr": "0",
        "quantity": str(load.registers),
        "rate": str(load.period_ms),
        "rateUnit": "ms",
        "delayOnStart": False,
        "server": f"client{number}",
        "useIOFile": False,
        "wires": [[f"stamp{number}"], []],
        **_SILENT,
    }
    text = f"return {{topic: 'nodered/{number}', payload: JSON.stringify({{t: Date.now(), v: msg.payload}})}};"
    stamp = {"id": f"stamp{number}", "type": "function", "z": "tab", "func": text, "outputs": 1, "wires": [["out"]]}
    return [client, read, stamp, *_writer(load.write_address, number)]


def _writer(address: int, number: int) -> list[dict[str, Any]]:
    listen = {
        "id": f"in{number}",
        "type": "mqtt in",
        "z": "tab",
        "topic": f"write/{number}",
        "qos": "1",
        "datatype": "utf8",
        "broker": "broker",
        "wires": [[f"ask{number}"]],
    }
    text = (
        f"msg.payload = {{value: Number(msg.payload), fc: 6, unitid: {number + 1}, address: {address}, quantity: 1}};"
        "return msg;"
    )
    ask = {"id": f"ask{number}", "type": "function", "z": "tab", "func": text, "outputs": 1}
    write = {
        "id": f"write{number}",
        "type": "modbus-flex-write",
        "z": "tab",
        "server": f"client{number}",
        "emptyMsgOnFail": False,
        "keepMsgProperties": False,
        "wires": [[], []],
        **_SILENT,
    }
    return [listen, {**ask, "wires": [[write["id"]]]}, write]
