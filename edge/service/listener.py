"""A line's conversation as lines of text: who asked whom for what, and what of the answer is new.

Knows: exchanges, which role a unit has. Must not know: ports, clocks, files.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import ModuleType

from edge.service.exchanges import Exchange, Outcome, Pairing, Tally
from edge.service.frames import Frame, FrameFinder
from edge.service.names import MAP_ID_ADDRESS, MAPS, TABLES, command_in, points_in, stretch
from edge.words import later, tr
from protocols.modbus import pdu

_WRITES = {
    pdu.WRITE_SINGLE_COIL: later("write coil"),
    pdu.WRITE_SINGLE_REGISTER: later("write register"),
    pdu.WRITE_MULTIPLE_COILS: later("write coils"),
    pdu.WRITE_MULTIPLE_REGISTERS: later("write registers"),
    pdu.MASK_WRITE_REGISTER: later("mask register"),
    pdu.READ_WRITE_MULTIPLE_REGISTERS: later("read and write registers"),
    pdu.ENCAPSULATED_INTERFACE: later("identify"),
}
EXCEPTIONS = {
    pdu.ILLEGAL_FUNCTION: later("illegal function"),
    pdu.ILLEGAL_DATA_ADDRESS: later("illegal data address"),
    pdu.ILLEGAL_DATA_VALUE: later("illegal data value"),
    pdu.SERVER_DEVICE_FAILURE: later("device failure"),
    pdu.SERVER_DEVICE_BUSY: later("device busy"),
    pdu.GATEWAY_TARGET_FAILED: later("the device behind the gateway does not answer"),
}
UNKNOWN_EXCEPTION = later("see the Modbus specification, 7")
# Move with every poll: told with everything else only, or each poll would be news.
_RESTLESS = frozenset({"uptime_s", "frames_served", "hub_age_ms", "scan_last_us"})
_SHOWN_MAX = 24  # bytes of a frame that has no name; more tells a reader nothing


class Listener:
    """`take` chunks and `end` at a silence give lines; `roles` are units whose role is known, others are learned."""

    def __init__(self, roles: Mapping[int, ModuleType], *, show_all: bool = False) -> None:
        self.tally = Tally()
        self.roles = dict(roles)
        self._show_all = show_all
        self._finder = FrameFinder()
        self._pairing = Pairing()
        self._seen: dict[tuple[int, str], str] = {}

    def take(self, now_us: int, data: bytes) -> list[str]:
        """What was said with these bytes."""
        return self._tell(self._finder.take(now_us, data))

    def end(self) -> list[str]:
        """What was said before the line fell silent; whoever was asked and has not answered is told."""
        lines = self._tell(self._finder.end())
        return lines + [self._line(exchange) for exchange in self._pairing.end()]

    def _tell(self, frames: list[Frame]) -> list[str]:
        lines = [self._line(exchange) for frame in frames for exchange in self._pairing.take(frame)]
        return [line for line in lines if line]

    def _line(self, exchange: Exchange) -> str:
        """One exchange in words, "" for a read that brings nothing new."""
        self.tally.add(exchange)
        head = f"{exchange.at_us / 1e6:12.6f}"
        if exchange.request is None:
            frame = exchange.response
            assert frame is not None  # an exchange has one of the two
            is_noise = exchange.outcome is Outcome.NOISE
            what = tr("noise") if is_noise else tr("unit {unit} answers nobody", unit=frame.unit_id)
            return f"{head}  {what}: {_hex(frame.data)}"
        answer = self._answer(exchange, exchange.request)
        if not answer:
            return ""
        who = tr("unit {unit}{role}", unit=exchange.request.unit_id, role=self._role_name(exchange.request))
        return f"{head}  {who}  {answer}"

    def _role_name(self, request: Frame) -> str:
        role = self.roles.get(request.unit_id)
        return f" {role.NAME}" if role else ""

    def _answer(self, exchange: Exchange, request: Frame) -> str:
        if exchange.outcome is Outcome.OK:
            self._learn(exchange, request)  # so that the first answer is told by name already
        asked = self._asked(request)
        if exchange.response is None:
            is_to_all = exchange.outcome is Outcome.BROADCAST
            return f"{asked}  {tr('to all') if is_to_all else tr('NO ANSWER')}"
        latency = f"{(exchange.latency_us or 0) / 1000:.1f} ms"
        if exchange.outcome is Outcome.EXCEPTION:
            name = tr(EXCEPTIONS.get(exchange.exception, UNKNOWN_EXCEPTION))
            said = tr("EXCEPTION {code} ({name})", code=exchange.exception, name=name)
            return f"{asked}  {said}  {latency}"
        if exchange.outcome is Outcome.MISMATCH:
            return f"{asked}  {tr('WRONG ANSWER')} {_hex(exchange.response.data)}  {latency}"
        news = self._news(request, exchange.response)
        return f"{asked}  {latency}{news}" if news is not None else ""

    def _asked(self, request: Frame) -> str:
        code = request.function_code
        if code in TABLES:
            address, count = _words(request, 2)
            return tr("read {what}", what=stretch(code, address, count))
        role = self.roles.get(request.unit_id)
        if code == pdu.WRITE_MULTIPLE_REGISTERS and role is not None:
            command = command_in(role, _words(request, 1)[0], request.data[7:-2])
            if command:
                return command
        name = tr(_WRITES[code]) if code in _WRITES else tr("function code {code}", code=code)
        return f"{name} {_hex(request.data[2:-2])}"

    def _learn(self, exchange: Exchange, request: Frame) -> None:
        """A device of ours says at address 0 which map it serves."""
        response = exchange.response
        if response is None or request.function_code != pdu.READ_INPUT_REGISTERS:
            return
        if _words(request, 1)[0] == MAP_ID_ADDRESS and request.unit_id not in self.roles:
            role = MAPS.get(int.from_bytes(response.data[3:5], "big"))
            if role is not None:
                self.roles[request.unit_id] = role

    def _news(self, request: Frame, response: Frame) -> str | None:
        """What the answer says that was not known, a point each; raw bytes where nothing has a name; None for no news.

        A write's echo says nothing, but the write does.
        """
        if request.function_code not in TABLES:
            return ""
        raw = response.data[3:-2]
        role = self.roles.get(request.unit_id)
        if role is None:
            return f"  {_hex(raw)}"
        points = points_in(role, request.function_code, _words(request, 1)[0], raw)
        return "".join(f"\n{'':14}{name} = {text}" for name, text in self._changed(request.unit_id, points)) or None

    def _changed(self, unit_id: int, points: Iterator[tuple[str, str]]) -> Iterator[tuple[str, str]]:
        for name, text in points:
            known = self._seen.get((unit_id, name))
            self._seen[unit_id, name] = text
            if self._show_all or known is None or (known != text and name not in _RESTLESS):
                yield name, text


def _words(frame: Frame, count: int) -> tuple[int, ...]:
    """The first words behind the function code."""
    return tuple(int.from_bytes(frame.data[at : at + 2], "big") for at in range(2, 2 + 2 * count, 2))


def _hex(data: bytes) -> str:
    text = data[:_SHOWN_MAX].hex(" ")
    return tr("{text} ... ({count} bytes)", text=text, count=len(data)) if len(data) > _SHOWN_MAX else text
