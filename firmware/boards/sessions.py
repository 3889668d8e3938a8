"""The session port over a listening socket.

Knows sockets. Must not know frames. Accepting allocates and happens outside the heap guard, in the board's loop.
"""

import select
import socket

from firmware.ports import NullSessions


class TcpSessions(NullSessions):
    """One session at a time; a new connection replaces it."""

    def __init__(self, host: str, port: int, poller) -> None:
        """Listen on `port` of the interface `host`; raise OSError when it is taken.

        `poller` wakes the loop for new connections and bytes.
        """
        self.generation = 0
        self._poller = poller
        self._session = None
        self._is_closing = False
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(socket.getaddrinfo(host, port)[0][-1])
        self.listener.listen(4)
        self.listener.setblocking(False)
        poller.register(self.listener, select.POLLIN)

    def accept(self) -> None:
        """Take a waiting connection as the session."""
        try:
            session, _ = self.listener.accept()
        except OSError:
            return
        self.end()
        session.setblocking(False)
        self._session = session
        self._poller.register(session, select.POLLIN)
        self.generation = (self.generation + 1) & 0xFFFF

    def needs_end(self) -> bool:
        """Tell whether a closed session waits to be let go of."""
        return self._is_closing

    def end(self) -> None:
        """Let go of the session. Allocates."""
        self._is_closing = False
        if self._session is not None:
            self._poller.unregister(self._session)
            self._session.close()
            self._session = None

    def read_into(self, buffer: bytearray) -> int:
        """Move received bytes; the end of the stream closes the session."""
        if self._session is None or self._is_closing:
            return 0
        try:
            count = self._session.readinto(buffer, len(buffer))
        except OSError:
            count = 0
        if count is None:
            return 0
        if count == 0:
            self._is_closing = True
        return count

    def write(self, buffer: bytearray, size: int) -> int:
        """Send; what the socket does not take at once counts as refused."""
        if self._session is None or self._is_closing:
            return 0
        try:
            return self._session.write(buffer, size) or 0
        except OSError:
            return 0

    def close(self) -> None:
        """Mark the session for the loop to end."""
        if self._session is not None:
            self._is_closing = True
