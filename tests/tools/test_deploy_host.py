"""The deployed file sets: exactly what a role on a board needs, closed under import, within budget."""

import ast
import hashlib
import json
import subprocess
from pathlib import Path

import pytest

from sim_devices.micropython import VM
from tools import deploy
from tools.file_set import (
    NETWORK_DRIVER,
    ROLE_DRIVERS,
    TEXT_STARTED,
    DeployError,
    Order,
    collect_modules,
    find_boards,
    find_roles,
)
from tools.imports import PROJECT_FOLDERS, read_imports

ROOT = Path(__file__).parents[2]

PROJECT = {
    "firmware/__init__.py": "",
    "firmware/boards/__init__.py": "",
    "firmware/boards/unix/main.py": "import sys\nfrom firmware.app import roles\nimport firmware.boards.latch\n",
    "firmware/boards/host/__init__.py": "import typing\n",
    "firmware/app/device.py": "def late():\n    from protocols.modbus.rtu import frame\n    return frame\n",
    "firmware/app/unused.py": "",
    "firmware/app/roles.py": "from firmware.app import device\nimport firmware.control.weighbridge\n",
    "firmware/boards/latch.py": "",
    "firmware/boards/slots.py": "",
    "firmware/control/barrier.py": "from protocols.registers import barrier as reg\nimport struct\n",
    "firmware/control/weighbridge.py": "",
    "protocols/__init__.py": "",
    "protocols/modbus/rtu.py": "def frame():\n    return 1\n",
    "protocols/registers/header.toml": "",
    "protocols/registers/barrier.toml": "",
    "protocols/registers/weighbridge.toml": "",
    "protocols/registers/barrier.py": "",
    "protocols/registers/weighbridge.py": "",
    "protocols/registers/barrier_tags.py": "",
    "edge/hub.py": "",
}
# File, what it imports, and what is said of it.
REFUSED = (
    (
        "firmware/control/barrier.py",
        "import protocols.registers.weighbridge",
        "is of role weighbridge; the shell is handed",
    ),
    (
        "firmware/app/device.py",
        "from firmware.control.weighbridge import x",
        "is of role weighbridge; the shell is handed",
    ),
    ("firmware/app/device.py", "from firmware.control import weighbridge_zero", "firmware.control does not exist"),
    ("firmware/app/device.py", "from protocols.registers import barrier_tags", "is for hosts only; use the device's"),
    ("firmware/app/device.py", "from firmware.boards import host", "is of board host; keep boards apart"),
    ("firmware/app/device.py", "from edge import hub", "runs on hosts only; a device needs what is in protocols and"),
    ("firmware/app/device.py", "import dataclasses", "which no board brings along; use what MicroPython has"),
    ("firmware/app/device.py", "import firmware.app.nothing", "module firmware.app.nothing does not exist; write it"),
)
BUDGETED = deploy.find_orders(find_roles(ROOT), find_boards(ROOT))
# What each role has of the drivers, however many boards there are.
DRIVERS = {
    "barrier": set(),
    "charging_post": {"measured_line"},
    "rfid": {"pulses"},
    "weighbridge": {"ads1232", "hx711", "load_cell_adc"},
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A small project with two roles and two boards."""
    for name, text in PROJECT.items():
        path = tmp_path / "project" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path / "project"


def test_file_set_holds_what_the_role_needs_and_nothing_else(root: Path, tmp_path: Path) -> None:
    file_set = deploy.deploy(root, "barrier", "unix", tmp_path / "out")
    assert [file.path for file in file_set.files] == [
        "firmware/__init__.mpy",
        "firmware/app/device.mpy",
        "firmware/app/roles.mpy",
        "firmware/boards/__init__.mpy",
        "firmware/boards/latch.mpy",
        "firmware/boards/slots.mpy",
        "firmware/control/barrier.mpy",
        "main.mpy",
        "protocols/__init__.mpy",
        "protocols/modbus/rtu.mpy",
        "protocols/registers/barrier.mpy",
    ]


def test_manifest_describes_every_file_of_the_set(root: Path, tmp_path: Path) -> None:
    file_set = deploy.deploy(root, "barrier", "unix", tmp_path / "out")
    manifest = json.loads((file_set.folder / "manifest.json").read_text(encoding="utf-8"))
    assert (manifest["role"], manifest["board"]) == ("barrier", "unix")
    on_disk = {path.relative_to(file_set.folder).as_posix(): path for path in file_set.folder.rglob("*.mpy")}
    assert [row["file"] for row in manifest["files"]] == sorted(on_disk)
    for row in manifest["files"]:
        data = on_disk[row["file"]].read_bytes()
        assert (row["size"], row["sha256"]) == (len(data), hashlib.sha256(data).hexdigest())


def test_an_older_file_set_is_replaced_whole(root: Path, tmp_path: Path) -> None:
    old = tmp_path / "out/barrier-unix/firmware/old.mpy"
    old.parent.mkdir(parents=True)
    old.write_bytes(b"old")
    deploy.deploy(root, "barrier", "unix", tmp_path / "out")
    assert not old.exists()
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["barrier-unix"]


def test_the_same_file_set_stays_untouched_and_a_damaged_one_is_made_again(root: Path, tmp_path: Path) -> None:
    main = deploy.deploy(root, "barrier", "unix", tmp_path / "out").folder / "main.mpy"
    before = main.stat().st_ino, main.read_bytes()
    deploy.deploy(root, "barrier", "unix", tmp_path / "out")
    assert (main.stat().st_ino, main.read_bytes()) == before
    main.write_bytes(b"damaged")
    deploy.deploy(root, "barrier", "unix", tmp_path / "out")
    assert main.read_bytes() == before[1]
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["barrier-unix"]


def test_a_changed_source_changes_the_set_made_next(root: Path, tmp_path: Path) -> None:
    sets = [deploy.deploy(root, "barrier", "unix", tmp_path / "out").files]
    for name in ("firmware/app/device.py", "protocols/modbus/rtu.py"):
        path = root / name
        path.write_text(path.read_text(encoding="utf-8") + "\nADDED = 5\n", encoding="utf-8")
        sets.append(deploy.deploy(root, "barrier", "unix", tmp_path / "out").files)
    assert len(set(sets)) == 3


@pytest.mark.parametrize(("name", "statement", "reason"), REFUSED, ids=[case[1] for case in REFUSED])
def test_an_import_that_does_not_belong_on_the_device_is_refused(
    root: Path, tmp_path: Path, name: str, statement: str, reason: str
) -> None:
    (root / name).write_text(f"\n{statement}\n", encoding="utf-8")
    with pytest.raises(DeployError) as caught:
        deploy.deploy(root, "barrier", "unix", tmp_path / "out")
    assert str(caught.value).startswith(f"{name}:2: ")
    assert reason in str(caught.value)
    assert not (tmp_path / "out/barrier-unix").exists()


def test_what_micropython_cannot_compile_is_refused(root: Path, tmp_path: Path) -> None:
    (root / "firmware/app/device.py").write_text("def f(a, /):\n    return a\n", encoding="utf-8")
    with pytest.raises(DeployError, match=r"^firmware/app/device.py: mpy-cross refuses it: .*SyntaxError"):
        deploy.deploy(root, "barrier", "unix", tmp_path / "out")


def test_a_file_set_over_its_budget_is_reported(root: Path, tmp_path: Path) -> None:
    file_set = deploy.deploy(root, "barrier", "unix", tmp_path / "out")
    assert deploy.report(file_set, {"barrier-unix": file_set.size}) == []
    (line,) = deploy.report(file_set, {"barrier-unix": file_set.size - 7})
    assert f"barrier-unix has {file_set.size} bytes, 7 over its budget of {file_set.size - 7}" in line
    (line,) = deploy.report(file_set, {})
    assert "has no budget for barrier-unix; add barrier-unix = bytes under [bytes]" in line


def test_a_broken_budget_file_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "deploy_budget.toml").write_text("[bytes", encoding="utf-8")
    with pytest.raises(DeployError, match=r"^deploy_budget.toml: has no readable \[bytes\] table"):
        deploy.read_budgets(tmp_path / "deploy_budget.toml")


@pytest.mark.parametrize(("role", "board", "radio"), BUDGETED)
def test_a_file_set_is_within_its_budget(role: str, board: str, radio: bool, tmp_path: Path) -> None:
    file_set = deploy.deploy(ROOT, role, board, tmp_path, radio)
    assert deploy.report(file_set, deploy.read_budgets(ROOT / deploy.BUDGET)) == []


@pytest.mark.parametrize(("role", "board", "radio"), BUDGETED)
def test_a_file_set_has_the_drivers_its_role_and_board_need_and_no_other(role: str, board: str, radio: bool) -> None:
    names = {name.removesuffix(".mpy") for name in collect_modules(Order(ROOT, role, board, radio))}
    found = {name.rpartition("/")[2] for name in names if name.startswith("firmware/boards/")}
    optional = {module.rpartition(".")[2] for module in (*ROLE_DRIVERS, NETWORK_DRIVER)}
    network = {"wifi"} if radio or board == "esp32" else set()
    assert found & optional == (set() if board == "unix" else DRIVERS[role] | network)
    assert ("sessions" in found) == (board == "unix" or bool(network))
    others = [other for other in DRIVERS if other != role]
    assert not [name for name in names if name.startswith(tuple(f"firmware/control/{other}" for other in others))]


@pytest.mark.parametrize(("role", "board", "radio"), BUDGETED)
def test_every_module_a_set_imports_is_in_it_but_for_what_it_is_never_asked_for(
    role: str, board: str, radio: bool
) -> None:
    order = Order(ROOT, role, board, radio)
    sources = collect_modules(order)
    present = {name.rpartition(".")[0].removesuffix("/__init__").replace("/", ".") for name in sources}
    for target, source in sources.items():
        for item in read_imports(ast.parse(source.read_text(encoding="utf-8")), ROOT):
            if item.top not in PROJECT_FOLDERS or item.module in present or target == "firmware/app/roles.mpy":
                continue
            assert item.module in (*ROLE_DRIVERS, NETWORK_DRIVER), (target, item.module)


@pytest.mark.parametrize(("role", "board"), [order[:2] for order in BUDGETED if order[1] not in TEXT_STARTED])
def test_the_vm_imports_every_module_of_a_file_set_alone(role: str, board: str, tmp_path: Path) -> None:
    """What has machine code for a microcontroller is started whole on one: tests/hil/chip/."""
    file_set = deploy.deploy(ROOT, role, board, tmp_path)
    modules = [file.path.removesuffix(".mpy").replace("/", ".") for file in file_set.files if file.path != "main.mpy"]
    script = f"for name in {modules}:\n    if not name.endswith('__init__'): __import__(name)\nprint('imported')"
    result = subprocess.run(
        [VM, "-c", script],
        cwd=file_set.folder,
        env={"MICROPYPATH": "."},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert result.stdout == "imported\n", result.stdout + result.stderr
