"""The bench's page says what the code does: the provision file, the limits, the part that is generated."""

import re

from hil.board.selftest import CLOCK_MAX_PPM, DELAY_MAX_US, JITTER_MAX_US
from hil.targets.board import BoardTarget
from hil.targets.target import Options
from tools.deploy import ROOT

PAGE = (ROOT / "docs/bench/README.md").read_text(encoding="utf-8")


def test_the_provision_file_of_the_page_is_that_of_the_target() -> None:
    said = dict(re.findall(r"^   (\w+)=(\w+)$", PAGE, re.MULTILINE))
    settings = BoardTarget(Options()).device("barrier", ()).settings()
    assert said
    assert said.items() <= settings.items()
    assert {"role", "serial", "unit_id", "baud", "key"} == said.keys()


def test_the_limits_of_the_page_are_those_of_the_self_test() -> None:
    assert f"(at most {DELAY_MAX_US}, jitter at most {JITTER_MAX_US})" in PAGE
    assert f"(at most {CLOCK_MAX_PPM})" in PAGE


def test_the_page_says_that_nothing_ran_on_hardware() -> None:
    assert "**Nothing on this page has run on real hardware yet.**" in PAGE
