"""Modbus TCP where a board has a radio: sessions over real sockets, the radio itself a stand-in."""

import ast
import select
import socket
import sys
import types
from pathlib import Path

import pytest

from firmware.app.identity import ProvisionError
from firmware.ports import NullBoard, NullClock
from hil.bench.children import free_ports

ROOT = Path(__file__).parents[3]
BOARDS = sorted((ROOT / "firmware/boards").glob("*.py"))


class Radio:
    """A radio that is connected, or not, or does not exist."""

    is_there = True
    is_connected = False

    def __init__(self, interface: int) -> None:
        self.asked: list[tuple[str, str]] = []
        if not self.is_there:
            raise OSError(19)

    def active(self, is_on: bool) -> None:
        assert is_on

    def isconnected(self) -> bool:
        return self.is_connected

    def connect(self, ssid: str, key: str) -> None:
        self.asked.append((ssid, key))


class Poller:
    """MicroPython's poll object: CPython's, with `ipoll`."""

    def __init__(self) -> None:
        self._poll = select.poll()
        self._streams: dict[int, object] = {}

    def register(self, stream, events: int) -> None:
        self._streams[stream.fileno()] = stream
        self._poll.register(stream, events)

    def unregister(self, stream) -> None:
        del self._streams[stream.fileno()]
        self._poll.unregister(stream)

    def ipoll(self, timeout_ms: int):
        return [(self._streams[number], event) for number, event in self._poll.poll(timeout_ms)]


class Clock(NullClock):
    ms = 0

    def now_ms(self) -> int:
        return self.ms


@pytest.fixture
def wifi(monkeypatch):
    """The driver's module, over a stand-in of the port's network module."""
    monkeypatch.setitem(sys.modules, "network", types.SimpleNamespace(WLAN=Radio, STA_IF=0))
    monkeypatch.delitem(sys.modules, "firmware.boards.wifi", raising=False)
    monkeypatch.setattr(Radio, "is_there", True)
    monkeypatch.setattr(Radio, "is_connected", False)
    import firmware.boards.wifi as module

    monkeypatch.setattr(module, "select", types.SimpleNamespace(poll=Poller))
    yield module
    sys.modules.pop("firmware.boards.wifi", None)


def board():
    made = NullBoard()
    made.clock = Clock()
    return made


def test_a_client_of_the_network_reaches_the_session_port(wifi):
    (port,) = free_ports(1)
    made = board()
    driver = wifi.Wifi(made, {"wifi_ssid": "gate", "wifi_key": "secret", "tcp_port": str(port)})
    Radio.is_connected = True
    with socket.create_connection(("127.0.0.1", port), timeout=5) as client:
        assert select.select([made.sessions.listener], [], [], 5)[0]
        driver.tend(0)
        assert made.sessions.generation == 1
        client.sendall(b"abc")
        assert select.select([made.sessions._session], [], [], 5)[0]
    made.sessions.end()
    made.sessions.listener.close()


def test_the_radio_is_asked_again_after_fifteen_seconds_and_never_before(wifi):
    made = board()
    driver = wifi.Wifi(made, {"wifi_ssid": "gate", "wifi_key": "secret", "tcp_port": str(free_ports(1)[0])})
    for now_ms in (0, 20, 14_980, 15_000, 15_020, 29_999):
        driver.tend(now_ms)
    assert driver._radio.asked == [("gate", "secret")] * 2
    Radio.is_connected = True
    driver.tend(40_000)
    assert len(driver._radio.asked) == 2
    made.sessions.listener.close()


def test_a_board_without_a_radio_says_so(wifi):
    Radio.is_there = False
    with pytest.raises(ProvisionError, match="wifi_ssid is set, but the radio does not start: check the board"):
        wifi.Wifi(board(), {"wifi_ssid": "gate"})


def test_no_board_asks_a_uart_for_interrupts():
    """Ports differ in which a UART has; bytes are fetched by polling. The wires of a Wiegand head are pins."""
    asking = {
        path.name
        for path in BOARDS
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and node.attr == "irq"
    }
    assert asking == {"pulses.py"}
