"""The broker every contender publishes to: Mosquitto on loopback, in memory.

Knows: Mosquitto's configuration. Must not know: who talks over it.
"""

from __future__ import annotations

from pathlib import Path

from hil.bench.children import Child, accepts, free_ports
from hil.bench.contender import find_program
from hil.bench.thingsboard import USER

# ThingsBoard Gateway sends its requests on the topic it listens to for the platform's; the platform keeps them apart.
_RIGHTS = f"""topic readwrite #
user {USER}
topic write #
topic read v1/devices/me/rpc/response/#
topic read v1/devices/me/attributes/#
topic read v1/gateway/rpc
topic read v1/gateway/attributes/#
topic read v1/gateway/attributes
"""
_CONFIG = """listener {port} 127.0.0.1
allow_anonymous true
acl_file {rights}
persistence false
max_queued_messages 100000
max_inflight_messages 1000
log_type error
log_type warning
set_tcp_nodelay true
user root
"""


async def start_mosquitto(folder: Path) -> tuple[Child, int]:
    """A fresh broker; it and its port. Raises BlockedError when it is not installed."""
    program = find_program("mosquitto", "mosquitto")
    port = free_ports(1)[0]
    rights, config = folder / "rights.acl", folder / "mosquitto.conf"
    rights.write_text(_RIGHTS, encoding="utf-8")
    config.write_text(_CONFIG.format(port=port, rights=rights), encoding="utf-8")
    child = await Child.start("mosquitto", [program, "-c", str(config)], folder)
    await accepts(port, child)
    return child, port
