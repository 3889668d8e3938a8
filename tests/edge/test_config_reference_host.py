"""The reference page's example is a site file a reader may begin with."""

from __future__ import annotations

from pathlib import Path

from edge.config_load import load_site
from edge.config_reference import reference_page


def test_the_example_of_the_page_is_sound(tmp_path: Path) -> None:
    example = reference_page().partition("```toml\n")[2].partition("```")[0]
    (tmp_path / "site.toml").write_text(example)
    (tmp_path / "keys").mkdir()
    for name in ("barrier1", "weighbridge1"):
        key = tmp_path / "keys" / f"{name}.key"
        key.touch(mode=0o600)
        key.write_text("0f" * 32 + "\n")
    result = load_site(tmp_path / "site.toml")
    assert result.config is not None
    assert result.messages == ()
