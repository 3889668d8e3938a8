"""`gate sniff`: a conversation by register name, its summary, and what is said when the words are wrong."""

import json
import os
import pty
import threading
from pathlib import Path

import pytest

from edge import cli
from edge.service.listener import Listener
from edge.service.names import ROLES
from edge.service.summary import as_text, summarise
from protocols.command import encode_block_into
from protocols.crc import crc16
from protocols.events import write_slot
from protocols.registers import barrier
from protocols.registers.barrier_tags import OPCODES, RING_ADDRESS, TAGS

UNIT = 3
ADDRESS = {tag.name: tag.address for tag in TAGS}


def sealed(body: bytes) -> bytes:
    return body + crc16(body, 0, len(body)).to_bytes(2, "little")


def ask(code: int, address: int, count: int) -> bytes:
    return sealed(bytes([UNIT, code]) + address.to_bytes(2, "big") + count.to_bytes(2, "big"))


def answer(code: int, data: bytes) -> bytes:
    return sealed(bytes([UNIT, code, len(data)]) + data)


def registers(**values: int) -> bytes:
    """Input registers 0 to 99 of a barrier."""
    image = bytearray(200)
    for name, value in ({"map_id": barrier.MAP_ID} | values).items():
        image[2 * ADDRESS[name] : 2 * ADDRESS[name] + 2] = value.to_bytes(2, "big")
    return bytes(image)


def poll(**values: int) -> bytes:
    return ask(4, 0, 100) + answer(4, registers(**values))


def heard(*bursts: bytes, **options: bool) -> list[str]:
    listener = Listener({}, **options)
    lines = [line for now, burst in enumerate(bursts) for line in listener.take(now * 1000, burst)]
    return [*lines, *listener.end()]


def test_a_unit_tells_its_role_and_its_points_are_told_by_name() -> None:
    (line,) = heard(poll(state=barrier.STATE_OPEN, position_permille=1000))
    assert line.splitlines()[0] == "    0.000000  unit 3 barrier  read input registers 0..99  0.0 ms"
    points = [text.strip() for text in line.splitlines()[1:]]
    assert {"map_id = BARRIER", "state = OPEN", "position_permille = 1000 permille", "faults = none"} <= set(points)


def test_a_poll_is_told_only_when_something_is_new_that_does_not_move_by_itself() -> None:
    bursts = (poll(frames_served=1), poll(frames_served=2), poll(frames_served=3, faults=1))
    first, last = heard(*bursts)
    assert "state" in first
    (symbol,) = [word for tag in TAGS if tag.name == "faults" for word, bit in tag.symbols if bit == 0]
    assert last == f"    0.002000  unit 3 barrier  read input registers 0..99  0.0 ms\n              faults = {symbol}"
    assert len(heard(*bursts, show_all=True)) == 3


def test_commands_events_and_inputs_have_names() -> None:
    block = bytearray(20)
    encode_block_into(block, 0, OPCODES["OPEN"], 0, 7, 2, 9, bytes(8))
    write = sealed(bytes([UNIT, 16, 0, 0, 0, 10, 20]) + block)
    echo = sealed(bytes([UNIT, 16, 0, 0, 0, 10]))
    slot = bytearray(16)
    write_slot(slot, 0, 5, 12, 34, barrier.EV_STATE_CHANGED, barrier.STATE_CLOSED)
    ring = ask(4, RING_ADDRESS, 8) + answer(4, bytes(slot))
    inputs = ask(2, 0, 8) + answer(2, bytes([1 << barrier.IN_STOP_CHAIN_OK]))
    _, command, event, states = heard(poll(), write + echo, ring, inputs)
    assert "command OPEN argument 7 nonce 2/9" in command
    assert "event 5 = STATE_CHANGED CLOSED at 12.034 s" in event
    assert "digital_inputs.STOP_CHAIN_OK = on" in states


def test_what_goes_wrong_on_a_line_is_told_and_counted() -> None:
    listener = Listener({})
    refusal = sealed(bytes([UNIT, 0x84, 2]))
    text = "\n".join(
        listener.take(0, ask(4, 0, 1) + ask(4, 900, 1) + refusal + b"\x00\xff\x00" + answer(4, bytes(2)))
        + listener.take(5_000, ask(4, 0, 2) + answer(4, bytes(2)))
        + listener.end()
    )
    assert "read input register 0  NO ANSWER" in text
    assert "EXCEPTION 2 (illegal data address)" in text
    assert "noise: 00 ff 00" in text
    assert "unit 3 answers nobody" in text
    assert "WRONG ANSWER" in text
    summary = summarise(listener.tally, listener.roles, 2.0, 9600)
    (unit,) = summary["units"]
    counts = {name: unit[name] for name in ("requests", "ok", "exception", "mismatch", "silent", "stray")}
    assert counts == {"requests": 3, "ok": 0, "exception": 1, "mismatch": 1, "silent": 1, "stray": 1}
    assert summary["noise_bytes"] == 3
    assert "unit 3 of unknown role: 3 requests, 0 ok, 1 exception, 1 mismatch, 1 silent, 1 stray" in as_text(summary)


def test_a_port_is_listened_to_saved_and_told_again_from_the_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ours, theirs = pty.openpty()
    speaker = threading.Timer(0.2, os.write, (ours, poll(state=barrier.STATE_OPEN)))
    speaker.start()
    saved = tmp_path / "line.jsonl"
    try:
        words = ["sniff", os.ttyname(theirs), "--seconds", "1", "--save", str(saved)]
        assert cli.main(words) == 0
    finally:
        speaker.join()
        os.close(ours)
        os.close(theirs)
    live = capsys.readouterr().out
    assert "state = OPEN" in live
    assert "unit 3 barrier: 1 requests, 1 ok" in live
    assert cli.main(["sniff", str(saved), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["units"][0]["role"] == "barrier"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["/dev/no-such-port"], "port /dev/no-such-port does not exist: check the cable"),
        (["{file}"], "line 1 is no chunk of a capture; name a file that gate sniff --save wrote"),
        (
            ["{file}", "--role", "3=gate"],
            f"--role is '3=gate'; write a unit id from 1 to 247 and one of {', '.join(ROLES)}",
        ),
        (["{file}", "--role", "300=barrier"], "--role is '300=barrier'"),
        (["{file}", "--baud", "fast"], "argument --baud: invalid int value: 'fast'"),
    ],
)
def test_wrong_words_get_one_sentence(
    words: list[str], sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "note.txt"
    file.write_text("not a capture\n")
    code = cli.main(["sniff", *(word.format(file=file) for word in words)])
    said = capsys.readouterr().err
    assert code in (1, 2)
    assert sentence in said
    assert "Traceback" not in said


def test_a_port_in_use_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    ours, theirs = pty.openpty()
    name = os.ttyname(theirs)
    from edge.service.serial_port import SerialPort

    with SerialPort(name, 9600, "N"):
        assert cli.main(["sniff", name]) == 1
    assert f"port {name} is in use by another program" in capsys.readouterr().err
    os.close(ours)
    os.close(theirs)
