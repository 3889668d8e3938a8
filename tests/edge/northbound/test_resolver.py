"""Names that nobody answers for, answers that change, addresses that do not answer."""

import asyncio
import socket
import threading
from typing import Any

import pytest

from edge.northbound import resolver
from edge.northbound.resolver import Resolver


class _Names:
    """In the place of the system: answers with `addresses`, or waits while `is_answering` is not set."""

    def __init__(self) -> None:
        self.addresses: list[str] = ["192.0.2.1"]
        self.is_answering = threading.Event()
        self.is_answering.set()
        self.asked = 0

    def getaddrinfo(self, host: str, port: int, **_: Any) -> list[Any]:
        self.asked += 1
        self.is_answering.wait(10.0)
        if not self.addresses:
            raise socket.gaierror(-2, "Name or service not known")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in self.addresses]


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> _Names:
    made = _Names()
    monkeypatch.setattr(resolver.socket, "getaddrinfo", made.getaddrinfo)
    return made


async def test_every_address_has_its_turn_and_a_good_one_is_kept(names: _Names) -> None:
    names.addresses = ["192.0.2.1", "192.0.2.2"]
    asked = Resolver("broker.example", 1883)
    assert [(await asked.next_address()).sockaddr[0][-1] for _ in range(3)] == ["1", "2", "1"]
    asked.keep_address()
    assert (await asked.next_address()).sockaddr == ("192.0.2.1", 1883)


async def test_while_nobody_answers_the_known_address_is_used_and_one_question_is_open(
    names: _Names, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resolver, "WAIT_S", 0.01)
    asked = Resolver("broker.example", 1883)
    await asked.next_address()
    names.is_answering.clear()
    for _ in range(5):
        assert (await asked.next_address()).sockaddr[0] == "192.0.2.1"
    assert names.asked == 2
    names.addresses = ["192.0.2.9"]
    names.is_answering.set()
    while (await asked.next_address()).sockaddr[0] != "192.0.2.9":  # noqa: ASYNC110 - its thread tells nobody here
        await asyncio.sleep(0.01)


async def test_a_name_that_is_unknown_is_an_error_until_it_was_known_once(names: _Names) -> None:
    names.addresses = []
    asked = Resolver("broker.example", 1883)
    with pytest.raises(OSError, match="Name or service not known"):
        await asked.next_address()
    names.addresses = ["192.0.2.1"]
    await asked.next_address()
    names.addresses = []
    assert (await asked.next_address()).sockaddr[0] == "192.0.2.1"


async def test_an_attempt_that_is_given_up_leaves_its_question_to_the_next(names: _Names) -> None:
    names.is_answering.clear()
    asked = Resolver("broker.example", 1883)
    for _ in range(3):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await asked.next_address()
    names.is_answering.set()
    assert (await asked.next_address()).sockaddr[0] == "192.0.2.1"
    assert names.asked == 1


async def test_what_is_no_host_name_is_an_error_of_the_attempt() -> None:
    with pytest.raises(OSError, match="is no host name"):
        await Resolver("x" * 70 + ".example", 1883).next_address()
