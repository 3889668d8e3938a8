"""The power module's end of the field line: it obeys good frames, stops in silence, and says what it measures."""

from protocols.charger.power_module import (
    FRAME_SIZE,
    MODULE_FAULT,
    MODULE_ON,
    SETPOINT,
    SILENCE_MS,
    STATUS,
    Frame,
    FrameCollector,
    heard_counter,
)
from sim_devices.devices.power_module import PowerModuleNode
from sim_devices.plants.charging_circuit import ChargingCircuit


def setpoint(counter: int, enable: int = 1) -> bytes:
    frame = Frame()
    frame.kind, frame.counter, frame.flags = SETPOINT, counter, enable
    frame.voltage_v_x10, frame.current_a_x10 = 560, 200
    data = bytearray(FRAME_SIZE)
    frame.pack(data)
    return bytes(data)


def powered() -> PowerModuleNode:
    node = PowerModuleNode(ChargingCircuit())
    node.circuit.module.mains = True
    node.wired_enable = True
    return node


def statuses(data: bytes) -> list[tuple[int, int]]:
    """State and heard counter of every frame in data."""
    collector = FrameCollector(STATUS)
    return [(collector.frame.flags, heard_counter(collector.frame.extra)) for byte in data if collector.on_byte(byte)]


def test_it_obeys_a_setpoint_and_stops_by_itself_in_silence() -> None:
    node = powered()
    node.receive(setpoint(3), 1000)
    said = node.advance(1000)
    module = node.circuit.module
    assert (module.enabled, module.set_v, module.set_a) == (True, 56.0, 20.0)
    assert statuses(said) == [(MODULE_ON, 3)]
    node.advance(1000 + SILENCE_MS - 1)
    assert module.enabled
    node.advance(1000 + SILENCE_MS)
    assert not module.enabled


def test_it_needs_wire_and_frame_both() -> None:
    node = powered()
    node.wired_enable = False
    node.receive(setpoint(1), 0)
    node.advance(0)
    assert not node.circuit.module.enabled
    node.wired_enable = True
    node.receive(setpoint(2, enable=0), 10)
    node.advance(10)
    assert not node.circuit.module.enabled


def test_it_says_nothing_without_mains_and_forgets_what_it_was_told() -> None:
    node = powered()
    node.receive(setpoint(1), 0)
    node.circuit.module.mains = False
    assert node.advance(200) == b""
    node.circuit.module.mains = True
    node.advance(400)
    assert not node.circuit.module.enabled


def test_its_failures_are_what_they_say() -> None:
    node = powered()
    node.breaks_frames = True
    assert statuses(node.advance(200)) == []
    node.breaks_frames = False
    node.circuit.module.fault = True
    assert statuses(node.advance(400))[0][0] == MODULE_FAULT
    node.is_silent = True
    assert node.advance(600) == b""
