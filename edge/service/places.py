"""Where a scan looks: a serial port, a host, or every host of a network, as the words of the command say it.

Knows: how places are written. Must not know: Modbus.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from pathlib import Path

from edge.words import tr

HOSTS_MAX = 1024
MODBUS_PORT = 502
PORT_MAX = 65_535
UNIT_ID_MAX = 247
UNIT_ID_MAX_TCP = 255
# 0 and 255 mean the device itself on Modbus TCP (Messaging V1.0b, 4.4.2.1); behind a gateway units start at 1.
TCP_UNITS = (1, 255, 0)


class PlaceError(Exception):
    """The words name no place to look; the text says which, and how to write it."""


def is_serial(where: str) -> bool:
    """Whether `where` is a port of this machine and no address; a path from here counts when a device is there."""
    return Path(where).is_absolute() or Path(where).is_char_device()


def hosts_of(where: str) -> list[tuple[str, int]]:
    """The hosts and TCP ports of `HOST`, `HOST:PORT`, `NETWORK/BITS` or `NETWORK/BITS:PORT`."""
    host, colon, text = where.rpartition(":")
    port = MODBUS_PORT
    if not colon:
        host = where
    elif text.isascii() and text.isdigit() and 0 < int(text) <= PORT_MAX:
        port = int(text)
    else:
        raise PlaceError(
            tr(
                "'{where}': port '{port}' is none; write a number from 1 to {most} behind the colon",
                where=where,
                port=text,
                most=PORT_MAX,
            )
        )
    if "/" not in host:
        return [(host, port)]
    return [(str(address), port) for address in _network(where, host)]


def numbers_of(text: str, low: int, high: int, what: str) -> list[int]:
    """The numbers of a list such as `1-5,9`, in its order."""
    numbers: list[int] = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        ends = [first, last] if dash else [first, first]
        if not all(end.isascii() and end.isdigit() for end in ends):
            raise PlaceError(tr("{what} '{part}' is no number; write for example 1-5,9", what=what, part=part))
        if not low <= int(ends[0]) <= int(ends[1]) <= high:
            raise PlaceError(
                tr(
                    "{what} '{part}' is out of range; {low} to {high} are possible, the smaller one first",
                    what=what,
                    part=part,
                    low=low,
                    high=high,
                )
            )
        numbers += range(int(ends[0]), int(ends[1]) + 1)
    return list(dict.fromkeys(numbers))


def _network(where: str, text: str) -> Sequence[ipaddress.IPv4Address | ipaddress.IPv6Address]:
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError as error:
        raise PlaceError(
            tr("'{where}' is no network ({reason}); write for example 192.168.10.0/24", where=where, reason=error)
        ) from error
    if network.num_addresses > HOSTS_MAX:
        raise PlaceError(
            tr(
                "'{where}' has {count} addresses; at most {most} are looked at, take /22",
                where=where,
                count=network.num_addresses,
                most=HOSTS_MAX,
            )
        )
    return list(network.hosts())
