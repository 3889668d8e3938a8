"""The only file of the benches that knows paho: a recorder as a process of its own, and a client that says things.

    python -m hil.bench.mqtt_tools --port 1883 --topic 'a/#' --file messages.bin

Knows: MQTT at the broker's side of any faulty link. Must not know: what payloads mean. The recorder notes the clock
that all processes share before it does anything else with a message, and writes one header and the bytes for each.
"""

from __future__ import annotations

import argparse
import signal
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

_HEADER = struct.Struct("<QHI")  # monotonic ns, bytes of the topic, bytes of the payload
_HOST = "127.0.0.1"
_KEEPALIVE_S = 60
_READY_S = 10.0


def read_messages(path: Path) -> Iterator[tuple[int, str, bytes]]:
    """What a recorder wrote: (monotonic ns, topic, payload) in the order of arrival."""
    data, at = path.read_bytes(), 0
    while at + _HEADER.size <= len(data):
        when_ns, topic_size, payload_size = _HEADER.unpack_from(data, at)
        at += _HEADER.size
        topic, at = data[at : at + topic_size].decode(), at + topic_size
        yield when_ns, topic, data[at : at + payload_size]
        at += payload_size


class Talker:
    """A client of the broker on `port`; use as a context manager. `hear` is called in the client's own thread."""

    def __init__(
        self, port: int, *, topics: Sequence[str] = (), hear: Callable[[str, bytes], None] | None = None
    ) -> None:
        self._port = port
        self._topics = list(topics)
        self._hear = hear
        self._ready = threading.Event()
        self._client = _make_client()
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = lambda *_: self._ready.set()
        self._client.on_message = self._on_message

    def __enter__(self) -> Talker:
        self.open()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def open(self) -> None:
        """Connect; raises TimeoutError when the broker does not take it."""
        self._client.connect(_HOST, self._port, _KEEPALIVE_S)
        self._client.loop_start()
        if not self._ready.wait(_READY_S):
            raise TimeoutError(f"the broker on port {self._port} did not take a client within {_READY_S:.0f} s")

    def close(self) -> None:
        """Say goodbye."""
        self._client.disconnect()
        self._client.loop_stop()

    def say(self, topic: str, payload: str | bytes, *, qos: int = 1) -> None:
        """Publish."""
        self._client.publish(topic, payload, qos=qos)

    def _on_connect(self, client: Any, *_: object) -> None:
        if self._topics:
            client.subscribe([(topic, 1) for topic in self._topics])
        else:
            self._ready.set()

    def _on_message(self, _client: object, _data: object, message: Any) -> None:
        if self._hear is not None:
            self._hear(message.topic, message.payload)


def _make_client() -> paho.Client:
    return paho.Client(CallbackAPIVersion.VERSION2)


def record(port: int, topics: Sequence[str], path: Path) -> None:
    """Write every message on `topics` to `path` until SIGTERM; "ready" is printed once it listens."""
    with path.open("wb") as file:

        def on_message(_client: object, _data: object, message: Any) -> None:
            when_ns = time.monotonic_ns()
            topic = message.topic.encode()
            file.write(_HEADER.pack(when_ns, len(topic), len(message.payload)) + topic + message.payload)

        def on_connect(*_: object) -> None:
            client.subscribe([(topic, 0) for topic in topics])

        client = _make_client()
        client.on_message = on_message
        client.on_connect = on_connect
        client.on_subscribe = lambda *_: print("ready", flush=True)
        signal.signal(signal.SIGTERM, lambda *_: client.disconnect())
        client.connect(_HOST, port, _KEEPALIVE_S)
        client.loop_forever()


def main(argv: Sequence[str] | None = None) -> int:
    """Record until told to end."""
    parser = argparse.ArgumentParser(prog="mqtt_tools", description="write MQTT messages and their times to a file")
    parser.add_argument("--port", type=int, required=True, help="MQTT port of the broker on loopback")
    parser.add_argument("--topic", action="append", required=True, help="topic filter; may be given several times")
    parser.add_argument("--file", type=Path, required=True, help="where the messages go")
    options = parser.parse_args(argv)
    record(options.port, options.topic, options.file)
    return 0


if __name__ == "__main__":
    sys.exit(main())
