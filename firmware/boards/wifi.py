"""Modbus TCP over the radio of the board, where it has one.

Knows the network module and the session port. Must not know frames. The radio is asked for nothing but its state while
the control runs, and connects again by itself.
"""

import select

import network

from firmware.app.identity import ProvisionError, number
from firmware.boards.sessions import TcpSessions
from firmware.ports import NullBoard
from protocols.compat import const, ticks_add, ticks_diff

_ANY_INTERFACE = "0.0.0.0"
_MODBUS_PORT = const(502)
_LOOK_MS = const(20)
_RECONNECT_MS = const(15000)


class Wifi:
    """Puts a session port on `board` and tends it."""

    def __init__(self, board: NullBoard, provision: dict[str, str]) -> None:
        port = number(provision, "tcp_port", 1, 65535) if provision.get("tcp_port") else _MODBUS_PORT
        self._ssid = provision["wifi_ssid"]
        self._key = provision.get("wifi_key", "")
        self._poller = select.poll()
        try:
            self._radio = network.WLAN(network.STA_IF)
            self._radio.active(True)
            self._sessions = TcpSessions(_ANY_INTERFACE, port, self._poller)
        except OSError:
            raise ProvisionError("wifi_ssid is set, but the radio does not start: check the board")  # noqa: B904
        board.sessions = self._sessions
        self._look_ms = self._connect_ms = board.clock.now_ms()

    def tend(self, now_ms: int) -> None:
        """Connect again when the network is lost, accept and end sessions. Allocates."""
        if ticks_diff(now_ms, self._look_ms) < 0:
            return
        self._look_ms = ticks_add(now_ms, _LOOK_MS)
        if self._sessions.needs_end():
            self._sessions.end()
        if self._radio.isconnected():
            self._accept()
        elif ticks_diff(now_ms, self._connect_ms) >= 0:
            self._connect_ms = ticks_add(now_ms, _RECONNECT_MS)
            try:
                self._radio.connect(self._ssid, self._key)
            except OSError:
                pass  # still busy with the last try

    def _accept(self) -> None:
        for stream, _ in self._poller.ipoll(0):
            if stream is self._sessions.listener:
                self._sessions.accept()
                return
