"""A run as one page of HTML that needs nothing else: scenarios by targets, what was measured, what was wrong.

Knows: results, accounts, comparisons, names of trace files. Must not know: where the page goes. It has no script: a
browser of any age, and a printer, shows all of it. It is in the person's language; statements and registers are words
of scenario files and stay as they are written there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from edge.words import chosen, later, tr
from hil.report.hear import hear_lines
from hil.report.style import STYLE
from hil.report.traces import timeline_name, trace_name, wave_name
from hil.suite.result import WORDS, Account, Figure, Result
from hil.suite.suite import Compared
from hil.trace.outcome import Outcome

_PAGE = """<!doctype html>
<html lang="{language}">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title>
<style>{style}</style></head>
<body>
<h1>{title}</h1>
{body}
</body>
</html>
"""
_OUTCOMES = {
    Outcome.EQUAL: later("EQUAL"),
    Outcome.WITHIN_BAND: later("WITHIN BAND"),
    Outcome.DIVERGED: later("DIVERGED"),
    Outcome.NOT_COMPARABLE: later("NOT COMPARABLE"),
}
_LINKS = ((later("timeline"), timeline_name), (later("events"), trace_name), (later("waves"), wave_name))
_BAR_WIDTH = 160  # of the picture of a measurement between its limits


def report_page(accounts: Sequence[Account], compared: Sequence[Compared], traces: str) -> str:
    """The whole page; `traces` is the folder beside it in which `hil.report.traces` puts its files."""
    details = _details(accounts, compared, traces)
    body = [_accounts(accounts), _matrix(accounts, compared), *details, _identities(accounts)]
    return _PAGE.format(language=chosen(), title=tr("Scenario run"), style=STYLE, body="\n".join(body))


def _accounts(accounts: Sequence[Account]) -> str:
    words = (tr(word).lower() for word in WORDS.values())
    head = _head(tr("target"), tr("scenarios"), *words, tr("both clocks"), tr("digest"))
    rows = [
        f"<tr><td>{escape(account.target)}<td>{len(account.results)}"
        + "".join(f"<td class={word.lower()}>{account.count(word)}" for word in WORDS)
        + f"<td>{account.clocks}<td><code>{account.digest[:16]}</code>"
        for account in accounts
    ]
    return _table("accounts", head, rows)


def _matrix(accounts: Sequence[Account], compared: Sequence[Compared]) -> str:
    targets = [escape(account.target) for account in accounts]
    pairs = [(account.target, number) for number, account in enumerate(accounts) if number]
    heads = [tr("{left} and {right}", left=targets[0], right=escape(target)) for target, _ in pairs]
    rows = []
    for results in zip(*(account.results for account in accounts), strict=True):
        name = results[0].scenario
        cells = "".join(f"<td class={each.word.lower()}>{tr(WORDS[each.word])}{_clocks(each)}" for each in results)
        verdicts = "".join(_verdict(name, number, compared) for _, number in pairs)
        rows.append(f'<tr><th><a href="#{escape(name)}">{escape(name)}</a>{cells}{verdicts}')
    return _table("matrix", _head(tr("scenario"), *targets, *heads), rows)


def _verdict(name: str, number: int, compared: Sequence[Compared]) -> str:
    found = next((item for item in compared if item.scenario == name and item.number == number), None)
    if found is None:
        return f"<td class=blocked>{tr('nothing to compare')}"
    word = "passed" if found.comparison.agrees else "failed"
    return f"<td class={word}>{escape(tr(_OUTCOMES[found.comparison.outcome]))}"


def _clocks(result: Result) -> str:
    if result.trace is None:
        return ""
    return f"<small>{result.clocks}</small>"


def _details(accounts: Sequence[Account], compared: Sequence[Compared], traces: str) -> Iterator[str]:
    for results in zip(*(account.results for account in accounts), strict=True):
        name = results[0].scenario
        yield f'<section id="{escape(name)}"><h2>{escape(name)}</h2>'
        for result in results:
            yield _told(result, traces)
        for item in compared:
            if item.scenario == name:
                yield f"<pre>{escape(hear_lines(item.comparison.describe(item.left, item.right)))}</pre>"
        yield "</section>"


def _told(result: Result, traces: str) -> str:
    facts = tr("seed {seed}", seed=result.seed)
    if result.trace is not None:
        digest = f"<code>{result.trace.digest()[:16]}</code>"
        facts += ", " + tr("{count} events, trace {digest}", count=len(result.trace), digest=digest)
        facts += "".join(f', <a href="{traces}/{escape(name(result))}">{tr(word)}</a>' for word, name in _LINKS)
    reasons = "".join(f"<li>{escape(hear_lines(reason))}" for reason in result.reasons)
    figures = [_figure(item) for item in result.figures]
    table = _table("figures", _head(tr("measured"), tr("value"), tr("low"), tr("high"), ""), figures) if figures else ""
    word = f"<span class={result.word.lower()}>{tr(WORDS[result.word])}</span>"
    head = f"<h3>{escape(result.target)} {word} <small>{facts}</small></h3>"
    return head + (f"<ul>{reasons}</ul>" if reasons else "") + table


def _figure(item: Figure) -> str:
    value = tr("not seen") if item.value is None else f"{item.value} {item.unit}"
    word = "passed" if item.within else "failed"
    cells = f"<td class={word}>{escape(value)}<td>{escape(item.low or '')}<td>{escape(item.high or '')}"
    return f"<tr><td>{escape(item.name)}{cells}<td>{_bar(item)}"


def _bar(item: Figure) -> str:
    """Where the value lies: the limits are the ends of the box, or one of them and zero."""
    if item.value is None:
        return ""
    value, low = float(item.value), float(item.low or 0)
    high = float(item.high) if item.high is not None else 2 * max(value, low)
    span = high - low or 1.0
    at = min(max((value - low) / span, -0.1), 1.1) * _BAR_WIDTH * 0.8 + _BAR_WIDTH * 0.1
    box = f'<rect x="{_BAR_WIDTH * 0.1:.1f}" y="3" width="{_BAR_WIDTH * 0.8:.1f}" height="8" class="box"/>'
    mark = f'<line x1="{at:.1f}" x2="{at:.1f}" y1="0" y2="14" class="{"in" if item.within else "out"}"/>'
    return f'<svg width="{_BAR_WIDTH}" height="14" role="img" aria-label="{escape(item.text)}">{box}{mark}</svg>'


def _identities(accounts: Sequence[Account]) -> str:
    rows = [
        f"<tr><td>{escape(account.target)}<td>{escape(name)}<td><code>{escape(value)}</code>"
        for account in accounts
        for name, value in account.identity.items()
    ]
    return f"<h2>{tr('What ran')}</h2>" + _table("identity", _head(tr("target"), tr("what"), tr("which")), rows)


def _head(*cells: str) -> str:
    return "<tr>" + "".join(f"<th>{cell}" for cell in cells)


def _table(kind: str, head: str, rows: Sequence[str]) -> str:
    body = "\n".join(rows)
    return f"<table class={kind}><thead>{head}</thead><tbody>\n{body}\n</tbody></table>"
