"""How a TCP connection is ended so that nothing of it arrives afterwards.

Knows: Linux's send queue (SIOCOUTQ) and what SO_LINGER of zero seconds does. Must not know: what was sent.

A system goes on trying to deliver what was written for minutes after a connection was closed. A command's block that a
device gets so late is as good as ever to the device, and to nobody else. On another system than Linux nothing is known
of the queue, and connections are closed as usual.
"""

from __future__ import annotations

import asyncio
import fcntl
import socket
import struct

_SIOCOUTQ = 0x5411  # bytes written and not yet acknowledged by the other end's system
_NO_LINGER = struct.pack("ii", 1, 0)


def has_undelivered(transport: asyncio.BaseTransport | None) -> bool:
    """Whether something that was written has not reached the other end's system."""
    sock = transport.get_extra_info("socket") if transport is not None else None
    if sock is None:
        return False
    try:
        answer = fcntl.ioctl(sock.fileno(), _SIOCOUTQ, bytes(4))
    except (OSError, ValueError):
        return False
    return int.from_bytes(answer, "little") > 0


def take_back(transport: asyncio.BaseTransport) -> None:
    """End the connection at once; what has not been delivered never will be."""
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
    if isinstance(transport, asyncio.Transport):
        transport.abort()
