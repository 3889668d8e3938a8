"""The generated pages are fresh, and the table of states they are drawn from is whole."""

from edge.lane import states
from edge.lane.effects import EFFECTS
from edge.lane.handlers import HANDLERS
from tools.generate import PAGES, ROOT


def test_generated_pages_are_fresh() -> None:
    for path, page in PAGES.items():
        assert (ROOT / path).read_text(encoding="utf-8") == page(), f"{path} is stale: run make gen"


def test_every_state_is_handled_reached_and_left() -> None:
    targets = {*states.TRANSITIONS.values(), states.RECOVERING}
    for state in states.STATES:
        assert state in HANDLERS
        assert state in targets
        assert any(source == state for source, _ in states.TRANSITIONS)


def test_every_state_that_waits_for_something_has_a_time_out() -> None:
    """Out of service a lane waits for nothing: whoever withholds it has deadlines (edge/update/steps.py)."""
    assert set(states.TIMEOUTS) == set(states.STATES) - {states.IDLE, states.OUT_OF_SERVICE}
    for state, (_, event) in states.TIMEOUTS.items():
        assert not event or (state, event) in states.TRANSITIONS


def test_every_effect_belongs_to_an_event_of_the_table() -> None:
    assert set(EFFECTS) <= {event for _, event in states.TRANSITIONS}
