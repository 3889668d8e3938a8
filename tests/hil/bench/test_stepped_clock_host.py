"""The clock a bench can set: UTC plus an offset from a file that is looked at while it runs."""

from pathlib import Path

import pytest

from hil.bench.stepped_clock import SteppedClock


def test_a_new_offset_counts_from_the_next_look_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [10.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    path = tmp_path / "clock"
    path.write_text("-3600\n")
    clock = SteppedClock(str(path), lambda: 5_000_000_000_000)
    assert clock.time_ns() == 1_400_000_000_000
    other = tmp_path / "clock.new"
    other.write_text("60\n")
    other.rename(path)
    assert clock.time() == 1400.0
    now[0] += 0.5
    assert clock.time() == 5060.0
