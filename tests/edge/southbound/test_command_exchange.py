"""One command, request by request: whatever is lost, it is carried out once or its outcome is said to be unknown."""

import struct

from edge.southbound.command_exchange import NOT_SENT, OUTCOME_UNKNOWN, CommandExchange, ReadRequest, WriteRequest
from edge.southbound.line_error import Fault, LineError
from edge.southbound.role_map import ROLE_MAPS
from protocols.command import NO_EPOCH
from protocols.registers import barrier

_ROLE = ROLE_MAPS["barrier"]
_OPEN = _ROLE.opcodes["OPEN"]
_TIMEOUT = LineError(Fault.TIMEOUT, "no answer")
_EPOCH, _COUNTER = 7, 41


def _exchange() -> CommandExchange:
    return CommandExchange(_ROLE, 77, bytes(32), "OPEN", 5, deadline_ms=1000)


def _state(counter: int, *, done: int = 0, result: int = 0, epoch: int = _EPOCH) -> bytes:
    """The header's registers from the nonce to the number of the command that was done last."""
    values = {"nonce_epoch": epoch, "nonce_counter": counter, "command_result": result, "command_nonce_done": done}
    values["command_opcode"] = _OPEN
    first, last = _ROLE.tag("nonce_epoch").address, _ROLE.tag("command_nonce_done").address
    registers = [0] * (last + 1 - first)
    for name, value in values.items():
        registers[_ROLE.tag(name).address - first] = value
    return struct.pack(f">{len(registers)}H", *registers)


def _read(exchange: CommandExchange, state: bytes) -> None:
    request = exchange.next_request()
    assert isinstance(request, ReadRequest)
    exchange.on_registers(request, state)


def _written_nonce(exchange: CommandExchange) -> tuple[int, int]:
    request = exchange.next_request()
    assert isinstance(request, WriteRequest)
    return request.values[4], request.values[5]


def test_without_a_nonce_it_is_read_first() -> None:
    exchange = _exchange()
    exchange.begin_with(None)
    assert not exchange.is_started
    _read(exchange, _state(_COUNTER))
    assert _written_nonce(exchange) == (_EPOCH, _COUNTER)


def test_with_a_nonce_that_a_poll_saw_the_block_is_the_first_request() -> None:
    exchange = _exchange()
    exchange.begin_with((_EPOCH, _COUNTER))
    assert _written_nonce(exchange) == (_EPOCH, _COUNTER)
    exchange.on_written()
    _read(exchange, _state(_COUNTER + 1, done=_COUNTER, result=barrier.COMMAND_RESULT_ACCEPTED))
    assert exchange.outcome == (True, "")


def test_a_nonce_that_has_become_stale_is_read_anew_once() -> None:
    exchange = _exchange()
    exchange.begin_with((_EPOCH, _COUNTER - 1))
    _written_nonce(exchange)
    exchange.on_written()
    stale = barrier.COMMAND_RESULT_STALE_NONCE
    _read(exchange, _state(_COUNTER, done=_COUNTER - 1, result=stale))
    assert exchange.outcome is None
    _read(exchange, _state(_COUNTER, done=_COUNTER - 1, result=stale))
    assert _written_nonce(exchange) == (_EPOCH, _COUNTER)
    exchange.on_written()
    _read(exchange, _state(_COUNTER, done=_COUNTER, result=stale))
    assert exchange.outcome == (False, "STALE_NONCE")


def test_a_write_that_was_lost_is_repeated_with_the_same_nonce_after_asking() -> None:
    exchange = _exchange()
    exchange.begin_with((_EPOCH, _COUNTER))
    _written_nonce(exchange)
    exchange.on_failure(_TIMEOUT)
    _read(exchange, _state(_COUNTER))
    assert _written_nonce(exchange) == (_EPOCH, _COUNTER)


def test_a_stale_answer_after_two_writes_proves_nothing() -> None:
    exchange = _exchange()
    exchange.begin_with((_EPOCH, _COUNTER))
    _written_nonce(exchange)
    exchange.on_failure(_TIMEOUT)
    _read(exchange, _state(_COUNTER))
    _written_nonce(exchange)
    exchange.on_written()
    _read(exchange, _state(_COUNTER + 1, done=_COUNTER, result=barrier.COMMAND_RESULT_STALE_NONCE))
    assert exchange.outcome == (False, OUTCOME_UNKNOWN)


def test_a_device_that_restarted_in_between_leaves_the_outcome_unknown() -> None:
    exchange = _exchange()
    exchange.begin_with((_EPOCH, _COUNTER))
    _written_nonce(exchange)
    exchange.on_written()
    _read(exchange, _state(1, epoch=_EPOCH + 1))
    assert exchange.outcome == (False, OUTCOME_UNKNOWN)


def test_a_block_for_a_device_that_had_no_epoch_was_not_carried_out_and_is_made_anew() -> None:
    exchange = _exchange()
    exchange.begin_with((NO_EPOCH, 0))
    _written_nonce(exchange)
    exchange.on_written()
    _read(exchange, _state(0, epoch=_EPOCH, result=barrier.COMMAND_RESULT_STALE_NONCE))
    assert exchange.outcome is None
    assert _written_nonce(exchange) == (_EPOCH, 0)
    exchange.on_written()
    _read(exchange, _state(1, result=barrier.COMMAND_RESULT_ACCEPTED))
    assert exchange.outcome == (True, "")


def test_a_device_that_still_cannot_store_an_epoch_says_so() -> None:
    exchange = _exchange()
    exchange.begin_with((NO_EPOCH, 0))
    _written_nonce(exchange)
    exchange.on_written()
    _read(exchange, _state(0, epoch=NO_EPOCH, result=barrier.COMMAND_RESULT_STORE_FAILED))
    assert exchange.outcome == (False, "STORE_FAILED")


def test_at_the_deadline_it_says_whether_the_device_may_have_acted() -> None:
    exchange = _exchange()
    exchange.begin_with((_EPOCH, _COUNTER))
    exchange.on_time(1000)
    assert exchange.outcome == (False, NOT_SENT)
    exchange = _exchange()
    exchange.begin_with((_EPOCH, _COUNTER))
    _written_nonce(exchange)
    exchange.on_failure(_TIMEOUT)
    exchange.on_time(1000)
    assert exchange.outcome == (False, OUTCOME_UNKNOWN)
