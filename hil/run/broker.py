"""The embedded broker: nats-server with JetStream and MQTT, on loopback only.

Knows: nats-server's configuration words. Must not know: topics, records, the hub.
"""

from __future__ import annotations

import shutil
import socket
import sys
from pathlib import Path

_LOOPBACK = "127.0.0.1"

# server_name is needed by JetStream in MQTT mode; the client port is not used by the gate, so the system picks one.
_CONFIG = """server_name: "{name}"
listen: "{host}:-1"
jetstream {{ store_dir: "{store}" }}
mqtt {{ listen: "{host}:{port}" }}
"""


class BrokerError(Exception):
    """The broker cannot be started; the message says why and what to do."""


def write_config(directory: Path, name: str, port: int) -> Path:
    """Write nats-server's configuration into `directory`; the path of the file."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / "nats.conf"
    store = directory / "store"
    path.write_text(_CONFIG.format(name=name, host=_LOOPBACK, store=store, port=port), encoding="utf-8")
    return path


def broker_command(config: Path) -> list[str]:
    """The command line of the broker; raises BrokerError when it is not installed."""
    program = shutil.which("nats-server", path=str(Path(sys.executable).parent)) or shutil.which("nats-server")
    if program is None:
        raise BrokerError("nats-server is not installed beside this Python; run make setup")
    return [program, "-c", str(config)]


def require_free_port(port: int, setting: str) -> None:
    """Raise BrokerError when somebody listens on the loopback port already; `setting` names where it was chosen."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_LOOPBACK, port))
        except OSError as error:
            raise BrokerError(
                f"port {port} on {_LOOPBACK} is already in use ({setting}); "
                "stop the program that listens there or choose another port"
            ) from error
