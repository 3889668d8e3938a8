"""Every board keeps the hardware contract: the null board runs a device, and no port lacks a call."""

import ast
import inspect
from pathlib import Path

import pytest

from firmware import ports
from firmware.app.device import Device
from firmware.app.identity import Identity
from firmware.app.roles import load_role
from firmware.boards.host import HostBoard

ROOT = Path(__file__).parents[2]
PORTS = ("clock", "input_port", "output_port", "uart", "sessions", "store", "watchdog", "heap", "entropy")


@pytest.mark.parametrize("role", ["barrier", "weighbridge", "rfid", "charging_post"])
def test_device_runs_on_a_board_with_nothing_attached(role):
    provision = {"role": role, "serial": "1", "unit_id": "1", "baud": "9600", "key": "00" * 32}
    device = Device(ports.NullBoard(), load_role(role), Identity(provision))
    for now_ms in range(0, 2000, 10):
        device.poll(now_ms, now_ms * 1000)
    assert device.schedule.count == 200
    assert device.settings.store_fault  # nothing that was written can be read back


@pytest.mark.parametrize("port", PORTS)
def test_host_board_has_every_call_of_every_port_with_the_same_parameters(tmp_path, port):
    null, real = getattr(ports.NullBoard(), port), getattr(HostBoard(tmp_path), port)
    for name, method in inspect.getmembers(null, inspect.ismethod):
        if not name.startswith("_"):
            assert inspect.signature(method) == inspect.signature(getattr(real, name)), name


@pytest.mark.parametrize("board", ["unix", "rp2", "esp32"])
def test_every_port_a_board_fills_has_every_call_with_the_same_parameters(board):
    """The boards import modules CPython lacks, so their source is read instead: their own and what they share."""
    contract = {name: methods(node) for name, node in classes(ROOT / "firmware/ports.py")}
    folder = ROOT / "firmware/boards"
    seen = set()
    for path in sorted([*folder.glob("*.py"), *(folder / board).glob("*.py")]):
        for name, node in classes(path):
            for base in (item.id for item in node.bases if isinstance(item, ast.Name) and item.id in contract):
                seen.add(base)
                own = methods(node)
                for call, parameters in contract[base].items():
                    assert own.get(call) == parameters, (path.name, name, call)
    assert seen >= {"NullClock", "NullInputs", "NullUart", "NullSessions", "NullStore", "NullWatchdog", "NullHeap"}


def classes(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [(node.name, node) for node in tree.body if isinstance(node, ast.ClassDef)]


def methods(node):
    found = [item for item in node.body if isinstance(item, ast.FunctionDef) and not item.name.startswith("_")]
    return {item.name: [argument.arg for argument in item.args.args] for item in found}
