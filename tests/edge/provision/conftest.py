"""File sets of the unix board, deployed once."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from edge.southbound.role_map import ROLE_MAPS
from tests.edge.provision.bench import make_site
from tools.deploy import deploy

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="session")
def file_sets(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    out = tmp_path_factory.mktemp("deploy")
    return {role: deploy(ROOT, role, "unix", out).folder for role in ("barrier", "weighbridge")}


@pytest.fixture
def flash_with(file_sets: dict[str, Path], tmp_path: Path) -> Callable[[str, str], Path]:
    """Make a folder that is the flash of a board with the file set of a role."""

    def make(name: str, role: str) -> Path:
        shutil.copytree(file_sets[role], tmp_path / name)
        return tmp_path / name

    return make


@pytest.fixture
def site_path(tmp_path: Path) -> Path:
    return make_site(tmp_path, ROLE_MAPS["barrier"].map_version)
