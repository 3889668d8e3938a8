"""Dense = sparse with an indicator: scans at every millisecond, and scans only when something came or was asked for."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.firmware.control.test_weighbridge_indicator import POLLED, Site

NEVER = 1 << 30
# What the indicator does for a while: (ms, digits shown, whether it talks).
phases = st.lists(
    st.tuples(st.integers(50, 2500), st.sampled_from((0, 20, 8000, 23460, 90000)), st.booleans()), max_size=6
)


def run(protocol: str, plan: list[tuple[int, int, bool]], is_dense: bool) -> list[tuple[int, tuple[int, ...]]]:
    """Times and values of every change of state, faults, flags and gross weight."""
    site = Site(protocol)
    line, data = site.core.line, bytearray(128)
    answers: list[int] = []
    trace: list[tuple[int, tuple[int, ...]]] = []
    start_ms = wake_ms = 0
    for duration_ms, digits, talks in [(2500, 0, True), *plan]:
        site.shown.digits, site.talks = digits, talks
        for now_ms in range(start_ms, start_ms + duration_ms):
            site.now_ms = now_ms
            if line.transmit(data):
                answers.append(now_ms + 30)
            is_frame = now_ms % 90 == 7 if protocol not in POLLED else now_ms in answers
            if is_frame:
                site._say()
            if is_dense or is_frame or now_ms >= wake_ms:
                site.core.step(now_ms)
                wait_ms = site.core.next_wake_ms()
                wake_ms = now_ms + wait_ms if wait_ms >= 0 else NEVER
                shown = tuple(site.core.status[:4])
                if not trace or trace[-1][1] != shown:
                    trace.append((now_ms, shown))
        start_ms += duration_ms
    return trace


@pytest.mark.parametrize("protocol", ["yaohua_tf0", "toledo", "mt_sics", "sma", "yaohua_tf1"])
@settings(max_examples=8, derandomize=True)
@given(plan=phases)
def test_scanning_only_when_something_is_due_shows_the_same(protocol: str, plan: list[tuple[int, int, bool]]) -> None:
    assert run(protocol, plan, is_dense=True) == run(protocol, plan, is_dense=False)
