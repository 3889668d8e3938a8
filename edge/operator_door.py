"""The operator's door: a Unix socket in the data directory, through which a person tells lanes and updates what to do.

Knows: the socket, its rights, one JSON line each way, who stands at the other end. Must not know: what becomes of a
request. The authority is the right to open the socket (mode 0600: the hub's own user, and root); who asked is what
the kernel says of the peer, never what the peer says of itself. `ask_hub` is the other end, for the command line.
"""

from __future__ import annotations

import asyncio
import json
import os
import pwd
import socket
import struct
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from edge.lane.facts import OPERATOR_REQUESTS, OperatorRequest
from edge.lane_shell import OPERATOR_WAIT_S, OperatorDoubtError
from edge.update.request import UpdateRequest, decode_request
from edge.words import tr

SOCKET_NAME = "operator.sock"
REASON_SIZE_MAX = 200
DONE = "done"
REFUSED = "refused"
UNKNOWN_LANE = "unknown_lane"
BAD_REQUEST = "bad_request"
IN_DOUBT = "in_doubt"
_LINE_SIZE_MAX = 65_536  # an update names its devices
_ANSWER_SIZE_MAX = 1_000_000
_READ_WAIT_S = 2.0
_BACKLOG = 8
_PEER = struct.Struct("3i")  # struct ucred: pid, uid, gid


class DoorError(Exception):
    """The door cannot be opened, or nobody is behind it; the text is one sentence."""


@dataclass(frozen=True, slots=True)
class Answer:
    """`code` is one of the words above, `text` a sentence for the person who asked; `data` is of an update."""

    code: str
    text: str
    data: Mapping[str, Any] = field(default_factory=dict)


Ask = Callable[[str, OperatorRequest], Awaitable[str]]
AskUpdate = Callable[[UpdateRequest, str, int], Awaitable[Answer]]


class OperatorDoor:
    """`ask(lane, request)` has a lane of `lanes` do it: "" when done, else why it was refused.

    `ask_update(request, user, uid)` answers what is asked about updates.
    """

    def __init__(
        self, directory: Path, *, lanes: Collection[str], ask: Ask, ask_update: AskUpdate | None = None
    ) -> None:
        self._directory = directory
        self._ask_update = ask_update
        self._lanes = lanes
        self._ask = ask
        self._server: asyncio.Server | None = None
        self.requests = 0

    async def start(self) -> None:
        """Listen; a socket left by a killed hub is replaced (the hub's lock says that no other hub runs)."""
        listener = socket.socket(socket.AF_UNIX)
        mask = os.umask(0o177)  # the socket is born with mode 0600, not given it later
        try:
            (self._directory / SOCKET_NAME).unlink(missing_ok=True)
            with _address(self._directory) as address:
                listener.bind(address)
            self._server = await asyncio.start_unix_server(
                self._serve, sock=listener, limit=_LINE_SIZE_MAX, backlog=_BACKLOG
            )
        except OSError as error:
            listener.close()
            path = self._directory / SOCKET_NAME
            raise DoorError(
                f"{path} cannot be made ({error}); no operator can reach the hub until it restarts"
            ) from None
        finally:
            os.umask(mask)

    async def stop(self) -> None:
        """Close the door and take its socket away; harmless when it was never open."""
        if self._server is not None:
            self._server.close()
            self._server = None
            (self._directory / SOCKET_NAME).unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request, one answer; a peer that goes away or says nothing is nobody's fault."""
        try:
            async with asyncio.timeout(_READ_WAIT_S):
                line = await reader.readline()
            answer = await self._answer(line, _peer_uid(writer))
            writer.write(json.dumps(asdict(answer)).encode() + b"\n")
            await writer.drain()
        except (OSError, TimeoutError, ValueError):
            pass
        finally:
            writer.close()

    async def _answer(self, line: bytes, uid: int) -> Answer:
        self.requests += 1
        update = _decode_update(line)
        if update is not None and self._ask_update is not None:
            return await self._ask_update(update, _user_name(uid), uid)
        fields = _decode(line)
        if fields is None:
            return Answer(BAD_REQUEST, "the request cannot be read; use the gate command of the hub's own version")
        lane, request, reason = fields
        if lane not in self._lanes:
            return Answer(
                UNKNOWN_LANE, f"lane {lane[:40]!r} is unknown to the hub; expected one of {', '.join(self._lanes)}"
            )
        try:
            refusal = await self._ask(lane, OperatorRequest(request, _user_name(uid), uid, reason))
        except OperatorDoubtError as doubt:
            return Answer(IN_DOUBT, f"lane {lane}, {request}: {doubt}; look at the lane before asking again")
        if refusal:
            return Answer(REFUSED, f"lane {lane} refuses {request}: {refusal}")
        return Answer(DONE, f"lane {lane}: {request} taken")


def ask_hub(directory: Path, lane: str, request: str, reason: str) -> Answer:
    """Ask the hub whose data is in `directory`. Raises DoorError when it is not running or may not be asked."""
    return _exchange(directory, {"lane": lane, "request": request, "reason": reason})


def ask_hub_update(directory: Path, request: UpdateRequest) -> Answer:
    """Ask the hub about updates; raises DoorError like `ask_hub`."""
    return _exchange(directory, {"update": request.encode()})


def _exchange(directory: Path, message: Mapping[str, Any]) -> Answer:
    text = json.dumps(message).encode() + b"\n"
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(OPERATOR_WAIT_S + _READ_WAIT_S)
            with _address(directory) as address:
                connection.connect(address)
            connection.sendall(text)
            with connection.makefile("rb") as file:
                answer = json.loads(file.readline(_ANSWER_SIZE_MAX))
        return Answer(str(answer["code"]), str(answer["text"]), answer.get("data", {}))
    except (FileNotFoundError, ConnectionRefusedError):
        raise DoorError(tr("no hub is running on {place}; start it with gate hub first", place=directory)) from None
    except PermissionError:
        raise DoorError(
            tr("{path} may not be opened by this user; ask as the user the hub runs as", path=directory / SOCKET_NAME)
        ) from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        return Answer(
            IN_DOUBT, f"the hub on {directory} gave no answer ({error}); look at the lane before asking again"
        )


@contextmanager
def _address(directory: Path) -> Iterator[str]:
    """The socket's path by way of an open folder: a socket address holds 107 bytes, a folder may lie deeper."""
    folder = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{SOCKET_NAME}"
    finally:
        os.close(folder)


def _decode_update(line: bytes) -> UpdateRequest | None:
    try:
        message: Any = json.loads(line)
    except (ValueError, RecursionError):
        return None
    request = decode_request(message.get("update")) if isinstance(message, dict) else None
    return None if request is None or (request.begin and not is_reason(request.begin.reason)) else request


def _decode(line: bytes) -> tuple[str, str, str] | None:
    try:
        message: Any = json.loads(line)
        lane, request, reason = message["lane"], message["request"], message["reason"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    is_text = all(isinstance(item, str) for item in (lane, request, reason))
    if not is_text or request not in OPERATOR_REQUESTS or not is_reason(reason):
        return None
    return lane, request, reason


def is_reason(text: str) -> bool:
    """Whether `text` may stand in a record as a reason: one printable line of REASON_SIZE_MAX characters."""
    return len(text) <= REASON_SIZE_MAX and text.isprintable()


def _peer_uid(writer: asyncio.StreamWriter) -> int:
    credentials = writer.get_extra_info("socket").getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size)
    return int(_PEER.unpack(credentials)[1])


def _user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"
