"""The example of docs/uplink.md is one the hub accepts."""

import re
from pathlib import Path

from edge.config_load import load_site
from tests.edge.certificates import Authority

_PAGE = Path(__file__).parents[2] / "docs/uplink.md"
_REST = """
[site]
name = "north"
data_dir = "data"
[[line]]
name = "bus"
kind = "rtu"
port = "/dev/ttyUSB0"
baud = 19200
[[device]]
name = "boom"
line = "bus"
unit_id = 1
map = "barrier"
map_version = 3
serial = 1
key_file = "boom.key"
"""


def test_the_example_of_two_links_is_accepted(tmp_path: Path) -> None:
    (tmp_path / "boom.key").touch(mode=0o600)
    (tmp_path / "boom.key").write_text("0f" * 32)
    (tmp_path / "keys").mkdir()
    authority = Authority(tmp_path / "keys", "platform-ca")
    authority.issue("gate")
    (example,) = re.findall(r"```toml\n(.*?)```", _PAGE.read_text(), re.DOTALL)
    (tmp_path / "site.toml").write_text(example + _REST)
    config = load_site(tmp_path / "site.toml").config
    assert config is not None
    assert config.uplink is not None
    assert [(link.name, link.port) for link in config.uplink.links] == [("fibre", 8883), ("5g", 8883)]
    assert (config.uplink.fail_over_rtt_ms, config.uplink.history_bytes_per_s) == (800, 20_000)
