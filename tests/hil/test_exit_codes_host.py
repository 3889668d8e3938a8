"""What the rig's words exit with is what the table of exit codes says of every word of `gate`."""

from types import ModuleType

import pytest

from edge.cli_common import EXIT_BAD_INPUT, EXIT_CODES, EXIT_FAILED, EXIT_INTERRUPTED, EXIT_NOBODY
from hil import command as hil_command
from hil.explore import command as verify_command
from hil.run import command as run_command
from hil.suite import result
from hil.trace import command as trace_command

MEANT = {
    "EXIT_FAILED": EXIT_FAILED,
    "EXIT_VIOLATED": EXIT_FAILED,
    "EXIT_DIVERGED": EXIT_FAILED,
    "EXIT_BAD_INPUT": EXIT_BAD_INPUT,
    "EXIT_BLOCKED": EXIT_NOBODY,
    "EXIT_INCOMPLETE": EXIT_NOBODY,
    "EXIT_INTERRUPTED": EXIT_INTERRUPTED,
}


@pytest.mark.parametrize("module", [hil_command, verify_command, run_command, result, trace_command])
def test_a_word_of_the_rig_keeps_to_the_table(module: ModuleType) -> None:
    codes = {name: code for name, code in vars(module).items() if name.startswith("EXIT_")}
    assert codes
    assert {name: code for name, code in codes.items() if name in MEANT} == {
        name: code for name, code in MEANT.items() if name in codes
    }
    assert set(codes.values()) <= set(EXIT_CODES)
