"""Every scenario of the collection on the emulated chip: it passes, and its logical trace is that of the host."""

from pathlib import Path

import pytest

from hil.scenarios.load import load_scenario
from hil.suite.result import BLOCKED, PASSED
from hil.suite.suite import Suite, compare_accounts, run_suite
from hil.targets.host import HostTarget
from hil.targets.rp2040 import Rp2040Target
from hil.targets.target import Options

SCENARIOS = sorted((Path(__file__).parents[3] / "hil/scenarios").glob("*.toml"))


@pytest.fixture(scope="module")
def chip() -> Rp2040Target:
    """One for all scenarios: those that begin alike share a start."""
    return Rp2040Target(Options())


@pytest.mark.long
@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_a_scenario_comes_out_on_the_chip_as_on_the_host(path: Path, chip: Rp2040Target, tmp_path: Path) -> None:
    suite = Suite([load_scenario(path)], [HostTarget(), chip], workers=1)
    accounts = run_suite(suite, tmp_path, lambda result: None)
    (result,) = accounts[1].results
    if result.word == BLOCKED:
        pytest.skip(f"BLOCKED: {'; '.join(result.reasons)}")
    assert (result.word, result.reasons) == (PASSED, ())
    (compared,) = compare_accounts(accounts)
    told = compared.comparison.describe("host", "rp2040")
    assert compared.comparison.agrees, told
    assert result.logical == accounts[0].results[0].logical
