"""The deck: shares at its ends, and a swing that does not depend on the step."""

import pytest

from sim_devices.plants.deck import Deck

TRUCK = [(3.0, 6500.0), (6.5, 9800.0), (12.0, 8000.0), (13.3, 8000.0), (14.6, 8000.0)]


def swung(deck: Deck, seconds: float, step_s: float = 0.01) -> list[float]:
    shown = []
    for _ in range(round(seconds / step_s)):
        deck.advance(step_s)
        shown.append(deck.indicated_kg)
    return shown


def test_all_axles_add_up_after_the_swing() -> None:
    deck = Deck(18.0)
    deck.set_axles(TRUCK)
    swung(deck, 10.0)
    assert deck.indicated_kg == pytest.approx(40300.0, abs=0.01)


def test_a_full_truck_settles_within_three_to_eight_seconds() -> None:
    deck = Deck(18.0)
    deck.set_axles(TRUCK)
    shown = swung(deck, 10.0)
    last_off = max(index for index, kg in enumerate(shown) if abs(kg - 40300.0) > 10.0)
    assert 2.0 < last_off * 0.01 < 8.0


def test_the_indication_swings_past_the_load() -> None:
    deck = Deck(18.0)
    deck.set_axles([(9.0, 10000.0)])
    assert max(swung(deck, 1.0)) > 15000.0


@pytest.mark.parametrize("step_s", [0.002, 0.05, 0.25])
def test_the_size_of_the_steps_does_not_matter(step_s: float) -> None:
    fine, coarse = Deck(18.0), Deck(18.0)
    for deck, step in ((fine, 0.001), (coarse, step_s)):
        deck.set_axles(TRUCK)
        swung(deck, 1.0, step)
    assert coarse.indicated_kg == pytest.approx(fine.indicated_kg, abs=1e-3)


@pytest.mark.parametrize(
    ("position_m", "share"), [(-1.0, 0.0), (-0.15, 0.0), (0.0, 0.5), (0.15, 1.0), (18.0, 0.5), (18.2, 0.0)]
)
def test_an_axle_at_the_end_rests_partly_on_the_approach(position_m: float, share: float) -> None:
    deck = Deck(18.0)
    deck.set_axles([(position_m, 8000.0)])
    assert deck.load_kg == pytest.approx(8000.0 * share)


def test_an_empty_deck_stays_at_zero() -> None:
    deck = Deck(18.0)
    swung(deck, 5.0)
    assert deck.indicated_kg == 0.0


@pytest.mark.parametrize(("length_m", "natural_hz", "damping"), [(0.0, 4.0, 0.1), (18.0, 0.0, 0.1), (18.0, 4.0, 1.0)])
def test_a_deck_that_cannot_swing_is_refused(length_m: float, natural_hz: float, damping: float) -> None:
    with pytest.raises(ValueError, match="deck of"):
        Deck(length_m, natural_hz, damping)


def rolled(deck: Deck, speed_m_s: float, seconds: float) -> list[float]:
    shown = []
    for number in range(round(seconds * 100)):
        deck.set_axles([(4.0 + speed_m_s * number * 0.01, 10000.0), (8.0 + speed_m_s * number * 0.01, 20000.0)])
        shown += swung(deck, 0.01)
    return shown


@pytest.mark.parametrize("speed_m_s", [0.3, 1.5])
def test_a_rolling_truck_bounces_and_a_standing_one_comes_to_rest(speed_m_s: float) -> None:
    deck = Deck(18.0)
    shown = rolled(deck, speed_m_s, 5.0)[-200:]
    assert 100.0 < max(shown) - min(shown) < 3000.0
    rested = rolled(deck, 0.0, 8.0)[-100:]
    assert max(rested) - min(rested) < 5.0
    assert rested[-1] == pytest.approx(30000.0, abs=2.0)
