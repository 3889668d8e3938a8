"""The output card takes over when the node stops refreshing its outputs."""

from sim_devices.devices.output_card import MAX_AGE_US, OutputCard


def test_card_takes_over_once_after_the_age_limit() -> None:
    card = OutputCard()
    card.refresh(1_000_000)
    assert not card.has_expired(1_000_000 + MAX_AGE_US - 1)
    assert card.has_expired(1_000_000 + MAX_AGE_US)
    assert not card.has_expired(1_000_000 + MAX_AGE_US + 1)
    assert card.expired_count == 1


def test_a_refresh_gives_the_outputs_back_to_the_node() -> None:
    card = OutputCard()
    card.refresh(0)
    assert card.has_expired(MAX_AGE_US)
    card.refresh(MAX_AGE_US + 1)
    assert card.alive
    assert not card.has_expired(MAX_AGE_US + 2)


def test_a_card_that_was_never_refreshed_has_nothing_to_lose() -> None:
    assert not OutputCard().has_expired(10_000_000)
