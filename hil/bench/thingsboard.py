"""ThingsBoard Gateway on the bench: its configuration, the platform's side it waits for, its messages.

Knows: its configuration files (3.8), its MQTT topics. Must not know: other contenders. It gets what its documentation
offers for such a load: one wide range per device, SQLite storage, QoS 1, no rate limits, INFO logs to files only. It
publishes nothing before a platform has told it the session's limits, so `_answer` plays that part.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from hil.bench.children import Child
from hil.bench.contender import Decoded, Ground
from hil.bench.mqtt_tools import Talker
from hil.bench.peer_setup import install_python

_PACKAGES = (
    "thingsboard-gateway==3.8.5",
    "pymodbus==3.9.2",
    "pyserial",
    "pyserial-asyncio",
    "asyncua==1.1.5",
)
USER = "bench-gateway"  # the broker keeps it from hearing its own requests, as the real platform would
_LOGGERS = ("service", "connector", "converter", "tb_connection", "storage", "extension", "database")
_REQUESTS = "v1/devices/me/rpc/request/"
_NO_LIMIT = "0:0,"


class ThingsBoard:
    """See contender.Contender."""

    name = "thingsboard-gateway"
    topics = ("v1/gateway/telemetry",)

    def __init__(self) -> None:
        self._child: Child | None = None
        self._talker: Talker | None = None

    def prepare(self) -> str:
        self._bin = install_python(self.name, _PACKAGES)
        return _PACKAGES[0]

    async def start(self, ground: Ground) -> Child:
        config, logs = ground.folder / "config", ground.folder / "logs"
        for folder in (config, logs, ground.folder / "data"):
            folder.mkdir()
        files = {"tb_gateway": _gateway(ground), "modbus": _modbus(ground), "logs": _logs(str(logs))}
        for name, content in files.items():
            (config / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")
        topics = [f"{_REQUESTS}+", "v1/devices/me/attributes/request/+"]
        self._talker = Talker(ground.broker_port, topics=topics, hear=self._answer)
        self._talker.open()
        env = {"TB_GW_CONFIG_DIR": f"{config}/", "TB_GW_LOGS_PATH": str(logs)}
        program = str(self._bin / "thingsboard-gateway")
        self._child = await Child.start(self.name, [program], ground.folder, env=env, cwd=ground.folder)
        return self._child

    async def stop(self) -> None:
        if self._child is not None:
            await self._child.stop()
        if self._talker is not None:
            self._talker.close()

    def decode(self, topic: str, payload: bytes) -> Iterable[Decoded]:
        """{"dev0": [{"ts": ..., "values": {"r0": 1, ...}}, ...]}; a read may be cut into several packets."""
        for name, packets in json.loads(payload).items():
            for packet in packets:
                values = packet.get("values", packet)
                if "r0" in values:
                    yield int(name.removeprefix("dev")), int(values["r0"]), len(values)

    def write(self, talker: Talker, device: int, value: int) -> None:
        data = {"id": value, "method": "set_spare", "params": value}
        talker.say("v1/gateway/rpc", json.dumps({"device": f"dev{device}", "data": data}))

    def arrived(self, writes: Sequence[tuple[int, int]]) -> dict[int, int]:
        return dict(writes)

    def _answer(self, topic: str, payload: bytes) -> None:
        """The platform's word on limits: there are none."""
        assert self._talker is not None
        number = topic.rsplit("/", 1)[1]
        if topic.startswith(_REQUESTS):
            if json.loads(payload).get("method") == "getSessionLimits":
                limits = {"messages": _NO_LIMIT, "telemetryMessages": _NO_LIMIT, "telemetryDataPoints": _NO_LIMIT}
                answer = {
                    "maxPayloadSize": 65536,
                    "maxInflightMessages": 100,
                    "rateLimits": limits,
                    "gatewayRateLimits": limits,
                }
                self._talker.say(f"v1/devices/me/rpc/response/{number}", json.dumps(answer))
        else:
            self._talker.say(f"v1/devices/me/attributes/response/{number}", "{}")


def _gateway(ground: Ground) -> dict[str, Any]:
    limits = (
        "rateLimits",
        "dpRateLimits",
        "messagesRateLimits",
        "deviceMessagesRateLimits",
        "deviceRateLimits",
        "deviceDpRateLimits",
    )
    platform: dict[str, Any] = {
        "host": "127.0.0.1",
        "port": ground.broker_port,
        "remoteShell": False,
        "remoteConfiguration": False,
        "statistics": {"enable": False},
        "maxPayloadSizeBytes": 65536,
        "minPackSendDelayMS": 50,
        "minPackSizeToSend": 500,
        "checkConnectorsConfigurationInSeconds": 60,
        "security": {"type": "accessToken", "accessToken": USER},
        "qos": 1,
        "reportStrategy": {"type": "ON_RECEIVED"},
        "checkingDeviceActivity": {"checkDeviceInactivity": False},
    }
    platform.update(dict.fromkeys(limits, _NO_LIMIT))
    storage = {
        "type": "sqlite",
        "data_file_path": str(ground.folder / "data" / "data.db"),
        "messages_ttl_check_in_hours": 1,
        "messages_ttl_in_days": 7,
        "max_read_records_count": 1000,
    }
    connector = {"type": "modbus", "name": "bench", "configuration": "modbus.json"}
    return {
        "thingsboard": platform,
        "storage": storage,
        "grpc": {"enabled": False},
        "connectors": [connector],
    }


def _modbus(ground: Ground) -> dict[str, Any]:
    return {
        "master": {"slaves": [_slave(ground, number, port) for number, port in enumerate(ground.ports)]},
        "name": "bench",
        "logLevel": "INFO",
    }


def _slave(ground: Ground, number: int, port: int) -> dict[str, Any]:
    load = ground.load
    tags = {
        "tag": "r${address}",
        "type": "16uint",
        "functionCode": 4,
        "objectsCount": 1,
        "address": f"0-{load.registers - 1}",
        "maxRegistersPerRequest": load.registers,
    }
    spare = {"tag": "set_spare", "type": "16uint", "functionCode": 6, "objectsCount": 1, "address": load.write_address}
    return {
        "host": "127.0.0.1",
        "port": port,
        "type": "tcp",
        "method": "socket",
        "unitId": number + 1,
        "deviceName": f"dev{number}",
        "deviceType": "default",
        "timeout": 5,
        "byteOrder": "BIG",
        "wordOrder": "BIG",
        "retries": 1,
        "pollPeriod": load.period_ms,
        "connectAttemptTimeMs": 1000,
        "connectAttemptCount": 5,
        "waitAfterFailedAttemptsMs": 5000,
        "attributes": [],
        "timeseries": [tags],
        "attributeUpdates": [],
        "rpc": [spare],
    }


def _logs(folder: str) -> dict[str, Any]:
    kind = "thingsboard_gateway.tb_utility.tb_rotating_file_handler.TimedRotatingFileHandler"
    handlers = {
        f"{name}Handler": {
            "class": kind,
            "formatter": "plain",
            "filename": f"{folder}/{name}.log",
            "backupCount": 1,
            "encoding": "utf-8",
        }
        for name in _LOGGERS
    }
    loggers = {name: {"handlers": [f"{name}Handler"], "level": "INFO", "propagate": False} for name in _LOGGERS}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"plain": {"class": "logging.Formatter", "format": "%(asctime)s %(levelname)s %(message)s"}},
        "handlers": handlers,
        "loggers": loggers,
        "root": {"level": "ERROR", "handlers": ["serviceHandler"]},
    }
