"""Ports for programs that a bench or a test starts."""

import random
import socket

import pytest

from hil.bench.children import free_ports


def test_ports_are_a_row_that_nobody_uses_not_even_a_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    first, taken, free, _ = free_ports(4)
    draws = [first, free]

    class _Chance:
        def randrange(self, low: int, high: int) -> int:
            return draws.pop(0)

    monkeypatch.setattr(random, "SystemRandom", _Chance)
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket() as client:
        client.bind(("127.0.0.1", taken))
        client.connect(server.getsockname())
        assert free_ports(2) == [free, free + 1]
    assert draws == []
