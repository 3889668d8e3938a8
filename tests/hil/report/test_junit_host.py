"""The JUnit file of a run can be read, whatever stands in a reason."""

from xml.etree import ElementTree

from hil.report.junit import junit_text
from hil.suite.result import BLOCKED, FAILED, Account, Result


def test_characters_that_xml_has_not_are_told_by_their_number() -> None:
    reason = "the board says \x01\x1b[31m\ufffe\ud800 <bold>\n\tand <more> \U0001f600"
    results = (Result("x", "host", FAILED, 1, (reason,)), Result("y", "host", BLOCKED, 1, (reason,)))
    root = ElementTree.fromstring(junit_text([Account("host", results, 1.0, {})]).encode())
    told = r"the board says \x01\x1b[31m\ufffe\ud800 <bold>" + "\n\tand <more> \U0001f600"
    (failure,), (skipped,) = root.iter("failure"), root.iter("skipped")
    assert failure.text == failure.get("message") == told
    assert skipped.get("message") == f"BLOCKED: {told}"
