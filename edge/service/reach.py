"""How a technician's tool gets at one device: an open port or connection, and the device's key.

Knows: places, ports, key files. Must not know: what is asked.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from edge.cli_common import reason_of
from edge.key_text import is_open, key_of, read_digits
from edge.service.asker import Asker, SerialAsker, TcpAsker
from edge.service.places import PlaceError, hosts_of, is_serial
from edge.service.serial_port import SerialPort
from edge.words import tr


@contextlib.contextmanager
def reach(where: str, baud: int, parity: str, timeout_ms: int) -> Iterator[Asker]:
    """Who asks at `where`, a serial port or HOST[:PORT]. Raises PlaceError, PortError, OSError."""
    if is_serial(where):
        with SerialPort(where, baud, parity) as port:
            yield SerialAsker(port, baud)
        return
    hosts = hosts_of(where)
    if len(hosts) != 1:
        raise PlaceError(tr("'{where}' is a network; name one host", where=where))
    asker = TcpAsker(*hosts[0], timeout_ms / 1000)
    try:
        yield asker
    finally:
        asker.close()


def key_in(path: Path) -> bytes:
    """The device key in a file of 64 hexadecimal digits; it is never shown. Raises PlaceError."""
    try:
        digits, mode = read_digits(path)
    except OSError as error:
        raise PlaceError(tr("key file {path} cannot be read: {reason}", path=path, reason=reason_of(error))) from None
    key = key_of(digits)
    if key is None:
        raise PlaceError(tr("key file {path} holds no key; expected 64 hexadecimal digits", path=path))
    if is_open(mode):
        raise PlaceError(
            tr(
                "key file {path} is open to other users (mode {mode}): run chmod 600 {path}",
                path=path,
                mode=f"{mode:03o}",
            )
        )
    return key
