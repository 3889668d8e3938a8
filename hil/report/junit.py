"""A run as JUnit XML, for the servers that read it.

Knows: results. Must not know: pytest, files. Measurements are properties of their test case; a blocked scenario is
skipped with a message that begins with BLOCKED.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from xml.etree import ElementTree

from hil.suite.result import BLOCKED, FAILED, Account, Result

# Characters no XML file may hold (XML 1.0, 2.2 Chars), not even escaped: reasons may, from a board or from Python.
_NO_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def properties(result: Result) -> list[tuple[str, object]]:
    """What a test case carries beside its verdict: seed, digest, both clocks, their ratio, each measurement's parts."""
    told: list[tuple[str, object]] = [("seed", result.seed)]
    if result.trace is not None:
        told += [("trace", result.trace.digest()), ("simulated_s", f"{result.simulated_s:.6f}")]
        told += [("wall_s", f"{result.wall_s:.3f}"), ("ratio", f"{result.ratio:.3f}")]
    for item in result.figures:
        parts = (("value", item.value), ("unit", item.unit), ("low", item.low), ("high", item.high))
        told += [(f"{item.name}: {part}", text) for part, text in parts if text is not None]
    return told


def junit_text(accounts: Sequence[Account]) -> str:
    """The whole document."""
    root = ElementTree.Element("testsuites")
    for account in accounts:
        suite = ElementTree.SubElement(
            root,
            "testsuite",
            name=f"gate hil {account.target}",
            tests=str(len(account.results)),
            failures=str(account.count(FAILED)),
            skipped=str(account.count(BLOCKED)),
            errors="0",
            time=f"{account.wall_s:.3f}",
        )
        for result in account.results:
            _add_case(suite, result)
    ElementTree.indent(root)
    text = ElementTree.tostring(root, encoding="unicode", xml_declaration=True)
    return _NO_XML.sub(lambda found: found[0].encode("unicode_escape").decode(), text) + "\n"


def _add_case(suite: ElementTree.Element, result: Result) -> None:
    case = ElementTree.SubElement(
        suite, "testcase", classname=f"hil.{result.target}", name=result.scenario, time=f"{result.wall_s:.3f}"
    )
    table = ElementTree.SubElement(case, "properties")
    for name, value in properties(result):
        ElementTree.SubElement(table, "property", name=name, value=str(value))
    text = "\n".join(result.reasons)
    if result.word == FAILED:
        ElementTree.SubElement(case, "failure", message=result.reasons[0]).text = text
    if result.word == BLOCKED:
        ElementTree.SubElement(case, "skipped", message=f"BLOCKED: {'; '.join(result.reasons)}")
