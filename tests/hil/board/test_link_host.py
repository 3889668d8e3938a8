"""A bench that is not as it should be is told in one sentence, with exit code 2, before anything is driven."""

from __future__ import annotations

import contextlib
import os
import pty
import threading
import tty
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from firmware.roles.rig import wiring
from hil.board import files, link
from hil.board.link import Entry, RigLink
from hil.command import main
from hil.targets.target import TargetError, UsageError
from protocols.rig import messages as m
from protocols.rig.frame import FRAME_MAX, PAYLOAD_AT, finish_frame
from tests.hil.board.tables import FIRMWARE, FirmwareTable


@pytest.fixture
def port() -> Iterator[tuple[int, str]]:
    """The far end of a serial port and the near end's name."""
    far, near = pty.openpty()
    tty.setraw(near)
    yield far, os.ttyname(near)
    os.close(near)
    os.close(far)


def answering(far: int, answer: bytes) -> None:
    """Something at the far end that answers everything it hears with the same bytes."""

    def listen() -> None:
        with contextlib.suppress(OSError):  # the port was closed
            while os.read(far, 100):
                os.write(far, answer)

    threading.Thread(target=listen, daemon=True).start()


def hello_frame(firmware: bytes, wired: str, version: int = m.VERSION) -> bytes:
    payload = bytes([m.OK, version, m.DRIVERS, m.SENSES, m.KNOBS, 1, 0, 2, 0]) + firmware
    payload += bytes([len(wired)]) + wired.encode()
    buffer = bytearray(FRAME_MAX)
    buffer[PAYLOAD_AT : PAYLOAD_AT + len(payload)] = payload
    return bytes(buffer[: finish_frame(buffer, m.HELLO | m.ANSWER, 1, len(payload))])


def refusal(capsys: pytest.CaptureFixture[str], name: str) -> str:
    """The one line `gate hil selftest` says of this port."""
    assert main(["selftest", "--rig", name, "--seconds", "1"]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    (line,) = said.err.splitlines()
    return line


def test_a_port_that_is_not_there_is_told(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    name = str(tmp_path / "ttyNONE")
    assert refusal(capsys, name) == (
        f"{name}: there is no such port; plug the adapter in, or name another one with --rig"
    )


def test_a_file_is_no_port(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    assert refusal(capsys, str(tmp_path / "file")).startswith(f"{tmp_path / 'file'}: is no serial port (")


def test_a_port_that_another_program_has_open_is_told(
    capsys: pytest.CaptureFixture[str], port: tuple[int, str]
) -> None:
    import serial

    with serial.Serial(port[1], exclusive=True):
        assert refusal(capsys, port[1]) == (
            f"{port[1]}: another program has the port open; close it, or name another port with --rig"
        )


def test_a_board_that_says_nothing_is_told(capsys: pytest.CaptureFixture[str], port: tuple[int, str]) -> None:
    assert refusal(capsys, port[1]) == (
        f"{port[1]}: nothing answers within 500 ms, expected a rig board; look at its supply, TX and RX, or name "
        "another port with --rig"
    )


def test_a_board_that_answers_rubbish_is_told(capsys: pytest.CaptureFixture[str], port: tuple[int, str]) -> None:
    answering(port[0], b"MPY: soft reboot\r\n")
    assert refusal(capsys, port[1]) == (
        f"{port[1]}: what is there sent '4d 50 59 3a 20 73 6f 66 74 20 72 65' within 500 ms, expected the answer of a "
        "rig board; name the rig's port with --rig"
    )


def test_a_board_with_another_wiring_is_told(capsys: pytest.CaptureFixture[str], port: tuple[int, str]) -> None:
    answering(port[0], hello_frame(FIRMWARE, "nano-16d-8s"))
    assert refusal(capsys, port[1]) == (
        f"{port[1]}: the rig board is wired as 'nano-16d-8s', expected '{wiring.NAME}'; connect the other board, or "
        "copy build/deploy/rig-rp2 onto it (make mpy, docs/bench/README.md)"
    )


def test_a_board_with_other_firmware_is_told(
    capsys: pytest.CaptureFixture[str], port: tuple[int, str], tmp_path: Path
) -> None:
    answering(port[0], hello_frame(FIRMWARE, wiring.NAME))
    expected = files.firmware_hash(files.rig_files(tmp_path)).hex()
    assert refusal(capsys, port[1]) == (
        f"{port[1]}: the rig board runs firmware {FIRMWARE.hex()}, expected {expected}; copy build/deploy/rig-rp2 onto "
        "it (make mpy, docs/bench/README.md)"
    )


def test_a_board_of_another_protocol_is_told(capsys: pytest.CaptureFixture[str], port: tuple[int, str]) -> None:
    answering(port[0], hello_frame(FIRMWARE, wiring.NAME, version=9))
    assert refusal(capsys, port[1]).startswith(f"{port[1]}: the rig board speaks protocol version 9, expected 1;")


def test_a_board_that_falls_silent_later_has_failed() -> None:
    table = FirmwareTable()
    rig = RigLink(table)
    rig.clear()
    table.is_cut = True
    with pytest.raises(TargetError, match=r"answers no more within 500 ms; look at its supply"):
        rig.clear()


def test_a_question_the_board_refuses_has_failed_with_the_reason() -> None:
    rig = RigLink(FirmwareTable())
    with pytest.raises(TargetError, match="does not understand it"):
        rig.queue([Entry(0, m.DRIVERS, 1)])
    rig.start()
    with pytest.raises(TargetError, match="cannot do it now"):
        rig.limit(0, 1, 2)


def test_an_answer_of_the_wrong_shape_is_no_answer() -> None:
    table = FirmwareTable()
    table.garble = lambda data: data.replace(bytes([m.HELLO | m.ANSWER]), bytes([m.STATUS | m.ANSWER]))
    with pytest.raises(UsageError, match="expected the answer of a rig board"):
        RigLink(table).hello()


@pytest.mark.parametrize(
    ("ask", "size"),
    [
        (RigLink.hello, m.HELLO_SIZE - 1),
        (RigLink.start, 1),
        (lambda rig: rig.queue([Entry(m.NOW, 0, 1)]), 2),
        (RigLink.read, m.READ_HEAD - 1),
        (RigLink.read, m.READ_HEAD + 1),
        (RigLink.status, m.STATUS_SIZE - 1),
    ],
)
def test_an_answer_that_is_too_short_is_told(ask: Callable[[RigLink], object], size: int) -> None:
    table = FirmwareTable()

    def cut(data: bytes) -> bytes:
        _, _, kind, sequence, *_ = data
        buffer = bytearray(FRAME_MAX)
        return bytes(buffer[: finish_frame(buffer, kind, sequence, size)])

    table.garble = cut
    with pytest.raises(UsageError, match=f"with {'00' * size}, which no version of it does; connect the right one"):
        ask(RigLink(table))


def test_what_a_board_calls_its_wiring_does_nothing_to_a_terminal() -> None:
    with pytest.raises(UsageError) as caught:
        RigLink(FirmwareTable(name="red \x1b[31m")).check(FIRMWARE)
    assert r"is wired as 'red \x1b[31m', expected" in str(caught.value)


def test_a_frame_on_the_wire_is_far_shorter_than_the_time_an_answer_has() -> None:
    assert FRAME_MAX * 2 * 10 * 1_000_000 // wiring.HOST_BAUD < link.ANSWER_LIMIT_US // 10
