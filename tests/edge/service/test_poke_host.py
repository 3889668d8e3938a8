"""`gate poke` at a barrier on the real VM, over its serial line and over TCP."""

import builtins
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from edge import cli
from edge.service.changes import commands_of
from edge.service.consequences import MOVES, STILL
from edge.service.names import ROLES
from edge.service.serial_port import SerialPort
from protocols.registers import barrier as regs
from tests.edge.service.vm_device import KEY, SERIAL, UNIT_ID, VmDevice, barrier_device
from tools.deploy import ROOT, deploy

Poke = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def device(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VmDevice]:
    """One barrier for the module; each test leaves its settings as it found them, or looks at none."""
    files = deploy(ROOT, "barrier", "unix", tmp_path_factory.mktemp("deploy")).folder
    with barrier_device(files, tmp_path_factory.mktemp("board")) as device:
        yield device


@pytest.fixture
def key_file(tmp_path: Path) -> str:
    path = tmp_path / "barrier.key"
    path.write_text(KEY + "\n")
    path.chmod(0o600)
    return str(path)


@pytest.fixture
def poke(device: VmDevice, capsys: pytest.CaptureFixture[str]) -> Poke:
    """Exit code, output and errors of `gate poke` at the device."""

    def run(*words: str, where: str = "") -> tuple[int, str, str]:
        code = cli.main(["poke", where or device.tty, *words, "--unit", str(UNIT_ID)])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


def test_single_registers_are_read_by_name_over_the_line_and_over_tcp(poke: Poke, device: VmDevice) -> None:
    for where in (device.tty, device.tcp):
        code, out, _ = poke("read", "barrier.serial_number", "gap_bridge_ms", "digital_inputs", where=where)
        assert code == 0
        assert out.splitlines()[:2] == [
            f"serial_number   {SERIAL}",
            "gap_bridge_ms   2000 ms  (500 to 10000 ms)",
        ]
        assert "CURTAIN_CLEAR+LOOPS_OK" in out


def test_every_point_is_read_when_none_is_named(poke: Poke) -> None:
    code, out, _ = poke("read", "--json")
    values = json.loads(out)["values"]
    assert code == 0
    assert len(values) == len([tag for tag in ROLES["barrier"].TAGS if tag.type != "block"])
    assert values["scan_period_ms"] == {"value": 10, "unit": "ms", "text": "10 ms"}


def test_a_setting_is_changed_with_the_key_and_shown_before_and_after(poke: Poke, key_file: str) -> None:
    words = ("--key-file", key_file, "--yes")
    assert poke("set", "gap_bridge_ms", "2500", *words) == (
        0,
        "gap_bridge_ms: 2000 ms -> 2500 ms\nset gap_bridge_ms 2500: the device has taken it\n",
        "",
    )
    code, out, _ = poke("set", "barrier.gap_bridge_ms", "2000", "--json", *words)
    told = json.loads(out)
    assert (code, told["ok"], told["before"]["value"], told["after"]["value"]) == (0, True, 2500, 2000)


def test_tcp_writes_as_well(poke: Poke, device: VmDevice, key_file: str) -> None:
    code, out, _ = poke("set", "local_open", "press", "--key-file", key_file, "--yes", where=device.tcp)
    assert (code, out.splitlines()[0]) == (0, "local_open: PRESS -> PRESS")


def test_what_moves_something_wants_its_flag_and_says_what_moves(poke: Poke, key_file: str) -> None:
    code, _, err = poke("command", "OPEN", "--key-file", key_file, "--yes")
    assert code == 4
    assert "command OPEN: the boom moves; nothing was written. Look at the gate" in err
    code, _, err = poke("set", "auto_close_ms", "3000", "--key-file", key_file, "--yes")
    assert (code, "the boom may begin to move by itself" in err) == (4, True)


def test_a_refusal_of_the_device_is_told_in_words(poke: Poke, device: VmDevice, key_file: str, tmp_path: Path) -> None:
    strange = tmp_path / "strange.key"
    strange.write_text("00" * 32)
    strange.chmod(0o600)
    code, _, err = poke("set", "preflash_ms", "600", "--key-file", str(strange), "--yes")
    assert (code, "the key does not fit this device" in err) == (4, True)
    code, _, err = poke("command", "CLOSE", "--moves", "--key-file", key_file, "--yes")
    assert code == 4  # every input is on, the fire alarm among them
    assert "command CLOSE: " in err
    assert "the device says" not in err


def test_a_person_is_asked_and_may_say_no(poke: Poke, key_file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(builtins, "input", lambda prompt: asked.append(prompt) or "n")
    code, out, err = poke("set", "command_auth", "OFF", "--key-file", key_file)
    assert (code, err, asked) == (4, "gate: nothing was written\n", ["write it? [y/N] "])
    assert "  now command_auth = ON\n  asked for OFF (one of OFF, ON)\n  CAREFUL: while it is OFF, anybody" in out
    monkeypatch.setattr(builtins, "input", lambda _: "c")
    code, out, _ = poke("set", "preflash_ms", "500", "--key-file", key_file, "--lang", "vi")
    assert (code, "thiết bị đã nhận" in out) == (0, True)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("look", "state"), "'look' is nothing to do; write read, set or command"),
        (("set", "gap_bridge_ms"), "set takes a name and a value"),
        (("command",), "command takes a name"),
        (("set", "travel_time_ms", "5"), "writing needs the device's key"),
        (("read", "travel_time_ms"), "'travel_time_ms' is no register of a barrier; did you mean travel_"),
        (("read", "weighbridge.gross"), "weighbridge.gross: the device is a barrier, no weighbridge"),
        (("set", "state", "OPEN", "KEY"), "state is a value the device tells, no setting"),
        (("set", "gap_bridge_ms", "fast", "KEY"), "gap_bridge_ms cannot be 'fast'; expected 500 to 10000 ms"),
        (("set", "gap_bridge_ms", "2500.5", "KEY"), "gap_bridge_ms cannot be '2500.5'"),
        (("set", "gap_bridge_ms", "1e400", "KEY"), "gap_bridge_ms cannot be '1e400'"),
        (("set", "gap_bridge_ms", "nan", "KEY"), "gap_bridge_ms cannot be 'nan'"),
        (("set", "gap_bridge_ms", "99999", "KEY"), "gap_bridge_ms cannot be '99999'"),
        (("command", "FLY", "KEY"), "'FLY' is no command of a barrier; expected one of CLEAR_FAULTS, STOP, OPEN"),
        (("command", "OPEN", "x", "KEY"), "'x' is no whole number"),
        (("read", "state", "--timeout-ms", "0"), "--timeout-ms is 0; 1 to 10000 are possible"),
    ],
)
def test_wrong_words_are_told_and_nothing_is_written(
    poke: Poke, key_file: str, words: tuple[str, ...], message: str
) -> None:
    more = ("--key-file", key_file, "--yes") if words[-1] == "KEY" else ()
    code, _, err = poke(*(word for word in words if word != "KEY"), *more)
    assert code == 2
    assert message in err
    assert err.count("\n") == 1


def test_a_key_file_that_is_none_is_told_without_its_text(poke: Poke, tmp_path: Path) -> None:
    path = tmp_path / "a.key"
    path.write_text("secret")
    code, _, err = poke("set", "gap_bridge_ms", "2500", "--yes", "--key-file", str(path))
    assert (code, err) == (2, f"gate: key file {path} holds no key; expected 64 hexadecimal digits\n")
    code, _, err = poke("set", "gap_bridge_ms", "2500", "--yes", "--key-file", str(path) + "x")
    assert (code, "No such file" in err) == (2, True)


def test_a_key_that_others_may_read_is_refused(poke: Poke, key_file: str) -> None:
    Path(key_file).chmod(0o640)
    code, _, err = poke("set", "gap_bridge_ms", "2500", "--yes", "--key-file", key_file)
    assert code == 2
    assert f"key file {key_file} is open to other users (mode 640): run chmod 600 {key_file}" in err
    assert KEY not in err


def test_without_a_terminal_nobody_is_asked(poke: Poke, key_file: str) -> None:
    code, _, err = poke("set", "gap_bridge_ms", "2500", "--key-file", key_file)
    assert (code, "add --yes" in err) == (2, True)


def test_a_line_that_a_hub_has_is_refused(poke: Poke, device: VmDevice) -> None:
    with SerialPort(device.tty, 115_200, "N"):
        code, _, err = poke("read", "state")
    assert code == 1
    assert "is in use by another program: end it (a hub that runs has the line for itself)" in err


def test_nobody_there_is_told(device: VmDevice, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["poke", device.tty, "read", "state", "--unit", "9", "--timeout-ms", "100"]) == 3
    assert "unit 9 does not answer; gate scan tells who does" in capsys.readouterr().err
    assert cli.main(["poke", "127.0.0.1:1", "read", "state"]) == 3
    assert cli.main(["poke", "10.0.0.0/24", "read", "state"]) == 2


def test_every_command_of_every_role_is_known_to_move_or_not() -> None:
    for role, module in ROLES.items():
        moving = {name for of, name in MOVES if of == role}
        settings = {tag.name for tag in module.TAGS if tag.table == "holding_register"}
        assert moving - settings | STILL[role] == set(commands_of(role)), role
        assert not moving & STILL[role]
    assert "UPDATE_BEGIN" not in commands_of("barrier")


def test_refusals_of_the_map_have_their_words() -> None:
    from edge.service.refusals import refusal_of

    results: dict[str, Any] = {name: value for name, value in vars(regs).items() if name.startswith("COMMAND_RESULT_")}
    words = {name.removeprefix("COMMAND_RESULT_") for name in results} - {"NONE", "ACCEPTED"}
    assert [word for word in words if refusal_of(word).startswith("the device says")] == []
