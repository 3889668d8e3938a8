"""The register map decides what an event is to a comparison."""

import pytest

from hil.scenarios.vocabulary import ROLES, level_tags, map_of, names_of
from hil.trace.classes import Kind, Rule, rule_of


@pytest.mark.parametrize(
    ("channel", "kind"),
    [
        ("out.MOTOR_OPEN", Kind.OUTPUT),
        ("out.WARNING_LAMP", Kind.LAMP),
        ("out.LIGHT_RED", Kind.LAMP),
        ("state", Kind.LEVEL),
        ("faults", Kind.LEVEL),
        ("event.PASSED", Kind.EVENT),
        ("event.STATE_CHANGED", Kind.EVENT),
        ("in.LIMIT_OPEN", Kind.INFORMATIVE),
        ("quality.LIMIT_OPEN", Kind.INFORMATIVE),
        ("line.sent", Kind.INFORMATIVE),
        ("passes", Kind.INFORMATIVE),  # counted: the events tell
        ("travel_last_ms", Kind.INFORMATIVE),  # measured
        ("event.PRESENCE_CHANGED", Kind.INFORMATIVE),  # the bits tell
        ("event.SCAN_OVERRUN", Kind.INFORMATIVE),  # the target's slowness, no decision
    ],
)
def test_channels_of_a_barrier(channel: str, kind: Kind) -> None:
    assert rule_of("device", channel, "barrier").kind is kind


@pytest.mark.parametrize(
    ("source", "channel", "kind"),
    [
        ("command", "OPEN", Kind.COMMAND),
        ("field", "hit", Kind.FIELD),
        ("script", "command.OPEN", Kind.INFORMATIVE),
        ("fault", "hub_off", Kind.INFORMATIVE),
        ("bus", "command.OPEN", Kind.INFORMATIVE),
        ("rig", "event_gap", Kind.INFORMATIVE),
        ("rig", "broken", Kind.FIELD),
    ],
)
def test_sources_that_are_no_device(source: str, channel: str, kind: Kind) -> None:
    assert rule_of(source, channel, "").kind is kind


def test_a_quantity_is_known_by_the_unit_of_its_argument_or_of_the_point_it_names() -> None:
    assert rule_of("device", "event.WEIGHT_REGISTERED", "weighbridge") == Rule(Kind.EVENT, units="kg", sf=-1)
    assert rule_of("device", "event.SESSION_ENERGY", "charging_post") == Rule(Kind.EVENT, units="Wh")
    assert rule_of("device", "event.HUB_BACK", "barrier") == Rule(Kind.EVENT, units="ms")
    assert rule_of("device", "event.PASSED", "barrier") == Rule(Kind.EVENT)


def test_an_event_that_comes_with_a_whole_bitfield_counts_without_it() -> None:
    assert rule_of("device", "event.REVERSED", "barrier") == Rule(Kind.EVENT, has_value=False)


@pytest.mark.parametrize("role", ROLES)
def test_every_role_has_outputs_levels_events_and_informative_channels(role: str) -> None:
    channels = [f"out.{name}" for name in names_of(role, "digital_outputs")]
    channels += [tag.name for tag in level_tags(role)]
    channels += [f"event.{event.name}" for event in map_of(role).EVENTS.values()]
    kinds = {rule_of("device", channel, role).kind for channel in channels}
    assert kinds >= {Kind.LEVEL, Kind.EVENT, Kind.INFORMATIVE}
    assert kinds & {Kind.OUTPUT, Kind.LAMP}
