"""A line of progress: redrawn on a terminal, few plain lines elsewhere, colours only where they are seen."""

import io

import pytest

from edge.words.colour import Colour, coloured
from edge.words.progress import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Clock:
    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def test_a_terminal_shows_bar_time_left_and_verdict_on_one_line() -> None:
    stream, clock = Terminal(), Clock()
    with Progress(stream, clock) as progress:
        row = progress.row("ttyACM0", total=200)
        clock.now_s = 5.0
        row.to(50, "a/main.mpy")
        assert stream.getvalue() == "\r\x1b[Kttyacm0".replace("acm", "ACM") + (
            "  [#####...............]   25 %  0:15 left  a/main.mpy\n"
        )
        row.end("barrier, 41 files written and read back")
    assert stream.getvalue().endswith("\x1b[1A\r\x1b[KttyACM0  barrier, 41 files written and read back\n")


def test_a_terminal_is_not_drawn_faster_than_an_eye_sees() -> None:
    stream, clock = Terminal(), Clock()
    with Progress(stream, clock) as progress:
        row = progress.row("x", total=1000)
        for done in range(500):
            row.to(done)
        assert stream.getvalue().count("\n") == 1


def test_several_rows_are_redrawn_together() -> None:
    stream, clock = Terminal(), Clock()
    with Progress(stream, clock) as progress:
        rows = [progress.row(name, total=4) for name in ("a", "b")]
        rows[1].to(2)
        clock.now_s = 1.0
        rows[0].to(1)
    last = stream.getvalue().rpartition("\x1b[2A")[2]
    assert [line.split()[0] for line in last.replace("\r\x1b[K", "").splitlines()] == ["a", "b"]


def test_a_pipe_gets_a_plain_line_each_quarter() -> None:
    stream, clock = io.StringIO(), Clock()
    with Progress(stream, clock) as progress:
        row = progress.row("x", total=100)
        for done in range(101):
            row.to(done)
        row.end("done")
    assert [line.split("]")[-1].strip() for line in stream.getvalue().splitlines()] == [
        "25 %", "50 %", "75 %", "100 %", "x  done",
    ]  # fmt: skip
    assert "\x1b" not in stream.getvalue()


def test_colours_are_for_terminals_that_want_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert coloured("x", Colour.RED, Terminal()) == "\x1b[31mx\x1b[0m"
    assert coloured("x", Colour.RED, io.StringIO()) == "x"
    monkeypatch.setenv("NO_COLOR", "1")
    assert coloured("x", Colour.RED, Terminal()) == "x"
