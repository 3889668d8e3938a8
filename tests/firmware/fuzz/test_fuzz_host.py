"""Garbage on every wire of every role, on CPython and inside the MicroPython VM: nothing moves, raises or grows.

The VM polls under its heap lock. What is checked after every poll stands in `fuzzed.py`; here the figures are judged.
"""

import os
import subprocess
from pathlib import Path

import pytest

from firmware.app.identity import ROLES, ProvisionError
from firmware.app.roles import load_role
from firmware.boards.provision import FILE_NAME, read_provision
from tests.firmware.fuzz.fuzzed import WIRES, measure
from tests.firmware.fuzz.records import fuzz_provision, fuzz_settings
from tests.upy.run import find_vm

_ROOT = Path(__file__).parents[3]
_SHORT, _LONG = 50_000, 10_000_000
# CPython's count of live objects moves by a few whatever runs; a leak of one object a frame would be thousands.
_OBJECTS_SLACK = 20
_BYTES_SLACK = 512
_NO_LINE = ("converter",)

CASES = [
    (role, wire)
    for role in ROLES
    for wire in (*WIRES, *(name for name in load_role(role).protocols if name not in _NO_LINE))
]
_each_case = pytest.mark.parametrize(("role", "wire"), CASES)


def _seed(role: str, wire: str) -> int:
    return 1000 * ROLES.index(role) + sum(wire.encode())


def _on_host(role: str, wire: str, size: int) -> tuple[int, ...]:
    return measure(role, wire, _seed(role, wire), size)


def _on_vm(role: str, wire: str, size: int) -> tuple[int, ...]:
    return _call_on_vm("fuzzed", f"main({role!r}, {wire!r}, {_seed(role, wire)}, {size})", size)


def _call_on_vm(module: str, call: str, size: int) -> tuple[int, ...]:
    """Run in a VM with little heap; the figures it printed."""
    done = subprocess.run(
        [find_vm(), "-X", "heapsize=2m", "-c", f"from tests.firmware.fuzz.{module} import main\n{call}"],
        cwd=_ROOT,
        env={**os.environ, "MICROPYPATH": str(_ROOT)},
        capture_output=True,
        text=True,
        errors="replace",
        timeout=60 + size / 10_000,
    )
    assert done.stdout.startswith("FUZZED "), done.stdout + done.stderr
    return tuple(int(word) for word in done.stdout.split()[1:])


def _judge(role: str, wire: str, figures: tuple[int, ...], size: int, slack: int) -> None:
    fed, before, after, polls, _, heard = figures
    assert fed >= size
    assert after - before <= slack, f"grew from {before} to {after}"
    assert polls > fed // 700
    if wire in WIRES:
        assert heard > fed // 500, "the garbage never got as far as the server"


@_each_case
def test_garbage_moves_nothing_and_leaves_nothing_behind(role: str, wire: str) -> None:
    _judge(role, wire, _on_host(role, wire, _SHORT), _SHORT, _OBJECTS_SLACK)


@_each_case
def test_garbage_allocates_nothing_on_the_vm(role: str, wire: str) -> None:
    _judge(role, wire, _on_vm(role, wire, _SHORT), _SHORT, _BYTES_SLACK)


@pytest.mark.long
@_each_case
def test_ten_million_bytes_of_garbage(role: str, wire: str) -> None:
    _judge(role, wire, _on_host(role, wire, _LONG), _LONG, _OBJECTS_SLACK)


@pytest.mark.long
@_each_case
def test_ten_million_bytes_of_garbage_on_the_vm(role: str, wire: str) -> None:
    _judge(role, wire, _on_vm(role, wire, _LONG), _LONG, _BYTES_SLACK)


def test_both_interpreters_hear_and_answer_the_same() -> None:
    host, vm = (run("weighbridge", "rtu", _SHORT) for run in (_on_host, _on_vm))
    fed, polls, heard = 0, 3, 5
    assert [host[index] for index in (fed, polls, heard)] == [vm[index] for index in (fed, polls, heard)]


def _judge_records(what: str, size: int) -> None:
    """Both interpreters judge the same garbage alike; some of it is good, some is not."""
    host = fuzz_provision(5, size) if what == "provision" else fuzz_settings(what, 5, size)
    assert _call_on_vm("records", f"main({what!r}, 5, {size})", size) == host
    assert 0 < host[1] < host[0]


@pytest.mark.parametrize("what", ["provision", *ROLES])
def test_garbage_where_a_device_keeps_its_identity_and_settings(what: str) -> None:
    _judge_records(what, _SHORT)


@pytest.mark.long
@pytest.mark.parametrize("what", ["provision", *ROLES])
def test_ten_million_bytes_of_garbage_where_a_device_keeps_its_identity_and_settings(what: str) -> None:
    _judge_records(what, _LONG)


def test_a_provision_file_that_is_no_text_is_refused_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_bytes(b"role=barrier\n\xff\xfe\n")
    with pytest.raises(ProvisionError, match="is no text: provision the device anew"):
        read_provision(str(tmp_path), ())
    program = f"""
from firmware.app.identity import ProvisionError
from firmware.boards.provision import read_provision
try:
    read_provision({str(tmp_path)!r}, ())
except ProvisionError:
    print("FUZZED 1")
"""
    assert _call_on_vm("records", program, 0) == (1,)
