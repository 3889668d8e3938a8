"""The page of a run: every verdict, figure and reason stands in it, escaped, and only files of its bundle are named."""

from html.parser import HTMLParser

from edge.words import choose
from hil.report.as_html import report_page
from hil.report.lines import result_lines
from hil.suite.result import BLOCKED, FAILED, PASSED, Account, Figure, Result
from hil.suite.suite import compare_accounts
from hil.trace.event import Trace, TraceEvent

_VOID = {"meta", "line", "rect", "tr", "td", "th", "li"}  # written without an end, or ended by their like


class _Reader(HTMLParser):
    """Text, and whether what begins also ends."""

    def __init__(self) -> None:
        super().__init__()
        self.text, self.open, self.foreign = "", list[str](), list[str]()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _VOID:
            self.open.append(tag)
        self.foreign += [
            value or "" for name, value in attrs if name in ("src", "href") and not f"{value}".startswith("#")
        ]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """It ends where it begins."""

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def _result(target: str, word: str, value: str, *reasons: str) -> Result:
    trace = Trace({"device": "barrier"})
    trace.add(TraceEvent(10_000, "device", "out.MOTOR_OPEN", 1))
    trace.end_us = 2_000_000
    within = word == PASSED
    figure = Figure("opening <time>", value, "ms", "500", "4500", f"opening: {value}", within)
    return Result("a_name", target, word, 7, reasons, (figure,), trace, 2.0, 0.5)


def _read(*accounts: Account) -> _Reader:
    reader = _Reader()
    reader.feed(report_page(accounts, list(compare_accounts(accounts)), "traces"))
    assert reader.open == []
    return reader


def test_the_page_tells_all_verdicts_figures_reasons_and_both_clocks() -> None:
    host = Account("host", (_result("host", PASSED, "2950"),), 0.5, {"firmware": "abc123"})
    vm = Account("vm", (_result("vm", FAILED, "4600", "opening took <b>4600</b> ms & more"),), 1.0, {})
    board = Account("board", (Result("a_name", "board", BLOCKED, 7, ("there is no board here",)),), 0.0, {})
    page = _read(host, vm, board)
    forms = ("html", "jsonl", "vcd")
    assert page.foreign == [f"traces/a_name.{target}.{form}" for target in ("host", "vm") for form in forms]
    for text in (
        "opening <time>",
        "2950 ms",
        "4600 ms",
        "opening took <b>4600</b> ms & more",
        "there is no board here",
        "2.0 s simulated in 0.5 s (4.0x)",
        "abc123",
        "EQUAL",
        "nothing to compare",
        host.digest[:16],
    ):
        assert text in page.text, text
    assert [page.text.count(word) >= 1 for word in (PASSED, FAILED, BLOCKED)] == [True] * 3


def test_a_figure_that_was_not_seen_and_one_without_limits_are_told() -> None:
    figures = (Figure("a", None, "ms", "1", None, "a", False), Figure("b", "0", "kg", None, None, "b", True))
    trace = Trace()
    page = _read(Account("host", (Result("x", "host", FAILED, 1, ("no",), figures, trace, 1.0, 1.0),), 1.0, {}))
    assert "not seen" in page.text
    assert "0 kg" in page.text


def test_the_page_and_the_lines_are_in_the_person_s_language() -> None:
    choose("vi")
    result = _result("host", PASSED, "2950")
    text = report_page([Account("host", (result,), 0.5, {})], [], "traces")
    assert '<html lang="vi">' in text
    page = _read(Account("host", (result,), 0.5, {}))
    for words in ("Kết quả chạy kịch bản", "ĐẠT", "mô phỏng 2.0 s trong 0.5 s (4.0x)", "hạt giống 7", "dòng thời gian"):
        assert words in page.text, words
    assert result_lines(result)[0].startswith("ĐẠT a_name trên host: 1 sự kiện, mô phỏng 2.0 s trong 0.5 s")
