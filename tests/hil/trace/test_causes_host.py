"""An event's cause is the newest thing its party was handed, for a report also the newest thing the party did."""

from pathlib import Path

from hil.rig.script import TAIL_US
from hil.scenarios.load import load_scenario
from hil.suite.choice import find_scenario
from hil.suite.job import Job, run_job
from hil.targets.host import HostTarget
from hil.trace.causes import FIELD, Causes
from hil.trace.event import NO_CAUSE, Trace, TraceEvent


def test_a_deed_follows_from_what_its_party_was_handed_last_and_from_nothing_else() -> None:
    causes = Causes()
    assert causes.of_deed("barrier") == NO_CAUSE
    causes.hand("barrier", 3)
    causes.hand(FIELD, 4)
    causes.do("barrier", 5)
    assert causes.of_deed("barrier") == 3
    assert causes.of_deed(FIELD) == 4


def test_a_report_follows_from_the_newer_of_stimulus_and_deed() -> None:
    causes = Causes()
    causes.do("barrier", 2)
    assert causes.of_report("barrier") == 2
    causes.hand("barrier", 3)
    assert causes.of_report("barrier") == 3


def _run(name: str, directory: Path) -> Trace:
    trace = run_job(Job(load_scenario(find_scenario(name)), HostTarget(), directory)).trace
    assert trace is not None
    return trace


def _chain(trace: Trace, name: str, value: int) -> list[str]:
    """The first event of that name and value, with all that it follows from, newest first."""
    event: TraceEvent | None = next(item for item in trace if (item.name, item.value) == (name, value))
    names = []
    while event is not None:
        names.append(f"{event.name} {event.value}")
        event = trace.events[event.cause] if event.cause != NO_CAUSE else None
    return names


def test_the_motor_stops_because_of_the_edge_which_the_script_let_go(tmp_path: Path) -> None:
    trace = _run("barrier_reverses_on_contact", tmp_path)
    closing = next(n for n, item in enumerate(trace) if (item.name, item.value) == ("device.out.MOTOR_CLOSE", 1))
    stop = next(item for item in trace.events[closing:] if (item.name, item.value) == ("device.out.MOTOR_CLOSE", 0))
    edge = trace.events[stop.cause]
    assert (edge.name, edge.value) == ("device.in.EDGE_OK", 0)
    action = trace.events[edge.cause]
    assert (action.name, action.value) == ("script.set.EDGE_OK", 0)
    assert action.cause == closing


def test_the_motor_of_a_lane_starts_because_of_a_command_which_follows_from_the_weight(tmp_path: Path) -> None:
    chain = _chain(_run("truck_passes", tmp_path), "barrier.out.MOTOR_OPEN", 1)
    assert chain[:3] == ["barrier.out.MOTOR_OPEN 1", "bus.command.barrier.OPEN 0", "script.command.barrier.OPEN 0"]
    assert chain[3].startswith("weighbridge.event.REGISTERED_FOR")


def test_a_fault_is_an_event_of_its_own(tmp_path: Path) -> None:
    trace = _run("bus_cut_while_closing", tmp_path)
    assert next(event.name for event in trace if event.source == "fault") == "fault.bus"


def test_a_trace_knows_its_devices_and_how_far_the_run_went(tmp_path: Path) -> None:
    trace = _run("truck_passes", tmp_path)
    assert trace.roles == {"barrier": "barrier", "weighbridge": "weighbridge"}
    assert trace.events[-1].t_us < trace.end_us <= trace.events[-1].t_us + TAIL_US


def test_a_trace_has_the_bands_of_its_scenario(tmp_path: Path) -> None:
    path = tmp_path / "barrier_fire_opens.toml"
    text = find_scenario("barrier_fire_opens").read_text(encoding="utf-8")
    path.write_text(text.replace("[scenario]", '[scenario]\nbands = { output = "200 ms" }'), encoding="utf-8")
    trace = run_job(Job(load_scenario(path), HostTarget(), tmp_path)).trace
    assert trace is not None
    assert trace.bands_us == {"output": 200_000}
