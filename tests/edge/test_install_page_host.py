"""The unit of docs/how-to/install-a-hub.md starts the hub, and is not started again on a wrong site file."""

import configparser
import re
from pathlib import Path

from edge.cli import main
from edge.cli_common import EXIT_BAD_INPUT

_PAGE = Path(__file__).parents[2] / "docs/how-to/install-a-hub.md"


def _service() -> configparser.SectionProxy:
    found = re.search(r"```ini smartgate\.service\n(.*?)```", _PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    unit = configparser.ConfigParser(interpolation=None)
    unit.optionxform = str  # type: ignore[assignment, method-assign]
    unit.read_string(found[1])
    return unit["Service"]


def test_the_unit_runs_a_command_the_hub_knows_and_stops_at_a_wrong_site(tmp_path: Path) -> None:
    program, *words = _service()["ExecStart"].split()
    assert Path(program).name == "gate"
    site = tmp_path / Path(words[-1]).name
    site.write_text("")
    assert main([*words[:-1], str(site)]) == EXIT_BAD_INPUT == int(_service()["RestartPreventExitStatus"])


def test_the_hub_may_write_where_the_page_puts_its_data() -> None:
    data_dir = re.search(r'data_dir = "([^"]+)"', _PAGE.read_text(encoding="utf-8"))
    assert data_dir is not None
    assert Path(_service()["ReadWritePaths"]) in Path(data_dir[1]).parents
