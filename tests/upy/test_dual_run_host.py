"""Every dual-run test file also passes on the MicroPython VM; `make test` covers the VM through this file."""

from pathlib import Path

import pytest

from tests.upy.run import ROOT, find_dual_run_tests, main, run_on_vm


@pytest.mark.parametrize("path", find_dual_run_tests(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_file_passes_on_micropython(path: Path) -> None:
    result = run_on_vm(path)
    assert result.is_good, result.output


def test_a_failing_file_is_reported_as_failed(tmp_path: Path) -> None:
    folder = tmp_path / "tests" / "protocols"
    folder.mkdir(parents=True)
    (tmp_path / "tests" / "upy").symlink_to(ROOT / "tests" / "upy")
    path = folder / "test_wrong.py"
    path.write_text(
        "import unittest\n\n\nclass Wrong(unittest.TestCase):\n"
        "    def test_one(self):\n        self.assertEqual(1, 2)\n\n"
        "    def test_two(self):\n        self.assertEqual(1, 1)\n"
    )
    result = run_on_vm(path, tmp_path)
    assert (result.passed, result.failed) == (1, 1)
    assert "test_one FAIL" in result.output
    assert not result.is_good


def test_a_file_without_tests_is_not_a_pass(tmp_path: Path) -> None:
    folder = tmp_path / "tests" / "protocols"
    folder.mkdir(parents=True)
    (tmp_path / "tests" / "upy").symlink_to(ROOT / "tests" / "upy")
    path = folder / "test_empty.py"
    path.write_text("")
    assert not run_on_vm(path, tmp_path).is_good


def test_a_file_that_does_not_import_is_a_failure(tmp_path: Path) -> None:
    folder = tmp_path / "tests" / "protocols"
    folder.mkdir(parents=True)
    path = folder / "test_broken.py"
    path.write_text("import a_module_nobody_has\n")
    result = run_on_vm(path, tmp_path)
    assert result.failed == 1
    assert not result.is_good


def test_files_elsewhere_are_found_by_what_they_import(tmp_path: Path) -> None:
    for name, text in (
        ("protocols/test_here.py", "import anything"),
        ("protocols/test_here_host.py", "import unittest"),
        ("firmware/app/test_both.py", "import unittest\nfrom firmware.app import device"),
        ("firmware/app/test_cpython.py", "import unittest\nimport pathlib"),
        ("firmware/app/test_no_case.py", "from protocols import crc"),
    ):
        path = tmp_path / "tests" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n")
    found = [path.relative_to(tmp_path).as_posix() for path in find_dual_run_tests(tmp_path)]
    assert found == ["tests/firmware/app/test_both.py", "tests/protocols/test_here.py"]


def test_a_path_without_dual_run_tests_is_refused_in_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tests/interop"]) == 2
    assert capsys.readouterr().err.startswith("tests/interop: no dual-run test file there;")
