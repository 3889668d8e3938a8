"""The compiled firmware that all end-to-end tests run."""

from pathlib import Path

import pytest

from hil.targets.vm import deployed_sets


@pytest.fixture(scope="session")
def deploy_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return deployed_sets(["barrier", "weighbridge"], tmp_path_factory.mktemp("deploy"))
