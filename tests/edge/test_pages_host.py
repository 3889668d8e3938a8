"""The generated pages are fresh, and the table of states they are drawn from is whole."""

from edge.lane import states
from edge.lane.handlers import EFFECTS, HANDLERS
from tools import edge_pages


def test_generated_pages_are_fresh() -> None:
    for page, text in edge_pages.fresh_pages().items():
        assert page.read_text(encoding="utf-8") == text, f"{page.name} is stale: run make gen"


def test_every_state_is_handled_reached_and_left() -> None:
    targets = {*states.TRANSITIONS.values(), states.RECOVERING}
    for state in states.STATES:
        assert state in HANDLERS
        assert state in targets
        assert any(source == state for source, _ in states.TRANSITIONS)


def test_every_state_but_idle_has_a_time_out() -> None:
    assert set(states.TIMEOUTS) == set(states.STATES) - {states.IDLE}
    for state, (_, event) in states.TIMEOUTS.items():
        assert not event or (state, event) in states.TRANSITIONS


def test_every_effect_belongs_to_an_event_of_the_table() -> None:
    assert set(EFFECTS) <= {event for _, event in states.TRANSITIONS}
