"""`gate flash` at a terminal: sets, verdicts, several boards at a time, and every way in which it says no."""

from __future__ import annotations

import hashlib
import json
import os
import struct
import time
import tty
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from edge.boards import file_sets, flash_run, usb
from edge.boards.base_image import copy_image, put_image
from edge.boards.entry import enter
from edge.boards.file_sets import compiled_set
from edge.boards.files import BoardError
from edge.boards.images import Image, load_image, parts_of
from edge.boards.plan import Wanted
from edge.boards.usb import SerialWire, UsbPort
from edge.cli import main
from edge.cli_common import EXIT_BAD_INPUT, EXIT_REFUSED
from sim_devices.devices.usb_board import VmBoard

SMALL = {"main.py": b"print('starts')\n", "a/x.mpy": b"M\x06\x00\x1f" + bytes(50)}


@pytest.fixture
def small_sets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sets that are written in a moment."""

    def make(role: str, board: str, has_radio: bool) -> Wanted:
        return SMALL | {"a/role": f"{role} {board}".encode()}

    monkeypatch.setattr(flash_run, "compiled_set", make)


def lines(capsys: pytest.CaptureFixture[str]) -> tuple[list[str], list[str]]:
    """What was said on standard output, and on standard error without the progress."""
    said = capsys.readouterr()
    return said.out.splitlines(), [line for line in said.err.splitlines() if line.startswith("gate: ")]


def test_the_whole_set_of_a_role(vm: VmBoard, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["flash", vm.port, "--role", "barrier"]) == 0
    (verdict,), _ = lines(capsys)
    assert "barrier - good:" in verdict
    assert "every byte read back" in verdict
    vm.await_start(2)
    assert vm.files() == compiled_set("barrier", "unix", False)


@pytest.mark.usefixtures("small_sets")
def test_a_provisioned_board_knows_its_role_and_starts(vm: VmBoard, capsys: pytest.CaptureFixture[str]) -> None:
    (vm.folder / "provision.txt").write_text("# a comment\nrole=rfid\nserial=1003\n")
    assert main(["flash", vm.port]) == 0
    (verdict,), _ = lines(capsys)
    assert "rfid 1003 good: 3 files" in verdict
    assert verdict.endswith("its program starts")
    assert vm.files()["a/role"] == b"rfid unix"


@pytest.mark.usefixtures("small_sets")
@pytest.mark.parametrize("rest", [b"", b"wifi_ssid=caf\xe9\n"])
def test_another_role_only_with_the_word_for_it(vm: VmBoard, capsys: pytest.CaptureFixture[str], rest: bytes) -> None:
    (vm.folder / "provision.txt").write_bytes(b"role=rfid\n" + rest)
    assert main(["flash", vm.port, "--role", "barrier"]) == 4
    assert "provisioned as rfid, not as barrier" in lines(capsys)[1][0]
    assert main(["flash", vm.port, "--role", "barrier", "--change-role"]) == 0


@pytest.mark.usefixtures("small_sets")
def test_a_tray_of_boards_at_once_one_line_each(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folders = [tmp_path / str(number) for number in range(3)]
    for folder in folders:
        folder.mkdir()
    with VmBoard(folders[0]) as first, VmBoard(folders[1]) as second, VmBoard(folders[2]) as third:
        ports = [first.port, second.port, third.port]
        assert main(["flash", *ports, "/dev/gone", "--role", "barrier", "--json"]) == 3
        results = [json.loads(line) for line in lines(capsys)[0]]
        assert [result["port"] for result in results] == [*ports, "/dev/gone"]
        assert [result["verdict"] for result in results] == ["good"] * 3 + ["failed"]
        assert first.files() == second.files() == third.files() == SMALL | {"a/role": b"barrier unix"}


@pytest.mark.usefixtures("small_sets")
def test_all_means_the_boards_on_usb_and_no_serial_adapter(
    vm: VmBoard, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = [UsbPort("/dev/adapter", "CP2102", "", True), UsbPort(vm.port, "Board in FS mode", "e66", False)]
    monkeypatch.setattr(flash_run, "usb_ports", lambda: found)
    assert main(["flash", "--all", "--role", "barrier"]) == 0
    assert [line.split(":")[0] for line in lines(capsys)[0]] == [vm.port]


def test_without_a_board_or_with_two_it_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(flash_run, "usb_ports", list)
    assert main(["flash", "--role", "barrier"]) == 3
    assert lines(capsys)[1] == [
        "gate: no board hangs on USB: check cable and port, or name the port (`gate devices` lists them)"
    ]
    two = [UsbPort("/dev/ttyACM0", "", "", False), UsbPort("/dev/ttyACM1", "", "", False)]
    with pytest.raises(BoardError, match=r"2 boards hang on USB \(/dev/ttyACM0, /dev/ttyACM1\)") as caught:
        usb.choose_port(None, lambda: two)
    assert caught.value.code == 2


REFUSED = (
    (["--role", "gate"], 2, "role 'gate' is unknown: expected one of barrier"),
    (["--device", "x"], 2, "--device is one of a site: name its --site"),
    (["--all", "--role", "barrier"], 2, "--all is every board on USB"),
    (["--base-image", "/none.uf2"], 2, "/none.uf2: cannot be read"),
    (["--bundle", "/none.gate"], 2, "/none.gate cannot be read"),
    (["--site", "/none.toml", "--device", "x"], 2, "no board was written"),
)


@pytest.mark.parametrize(("words", "code", "sentence"), REFUSED)
def test_wrong_words(words: list[str], code: int, sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["flash", "/dev/none", *words]) == code
    assert sentence in "\n".join(lines(capsys)[1])


def test_a_site_says_the_role_or_that_it_has_no_such_device(vm: VmBoard, capsys: pytest.CaptureFixture[str]) -> None:
    site = str(Path(flash_run.__file__).parents[2] / "hil/sites/two_lanes.toml")
    assert main(["flash", vm.port, "--site", site, "--device", "no-such"]) == 2
    assert "has no device 'no-such' of ours: expected one of " in lines(capsys)[1][0]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A signed bundle of the RFID reader for the VM; the public key lies beside it as k.pub."""
    folder = tmp_path_factory.mktemp("bundle")
    assert main(["bundle", "key", str(folder / "k")]) == 0
    words = ["--role", "rfid", "--board", "unix", "--key", str(folder / "k"), "-o", str(folder / "rfid.gate")]
    assert main(["bundle", "build", *words]) == 0
    return folder / "rfid.gate"


def test_a_bundle_comes_onto_a_board_as_it_would_over_the_line(vm: VmBoard, bundle: Path) -> None:
    assert main(["flash", vm.port, "--bundle", str(bundle)]) == 0
    assert vm.files() == compiled_set("rfid", "unix", False)


def test_a_bundle_for_something_else_is_refused(
    vm: VmBoard, bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["flash", vm.port, "--bundle", str(bundle), "--role", "barrier"]) == 4
    assert "is for role rfid, not for barrier" in lines(capsys)[1][0]
    damaged = tmp_path / "damaged.gate"
    damaged.write_bytes(bundle.read_bytes()[:-2])
    assert main(["flash", vm.port, "--bundle", str(damaged)]) == 2
    assert "is no whole bundle" in lines(capsys)[1][0]
    with pytest.raises(BoardError, match="is not signed with the site's update key") as caught:
        file_sets.bundled_set(bundle, bytes(32))
    assert caught.value.code == EXIT_REFUSED
    assert vm.files() == {}


def test_a_busy_port_is_told(vm: VmBoard, capsys: pytest.CaptureFixture[str]) -> None:
    wire = SerialWire(vm.port)
    assert main(["flash", vm.port, "--role", "barrier"]) == 1
    wire.close()
    assert "is in use by another program: end it" in lines(capsys)[1][0]


@pytest.fixture
def deaf_port() -> Iterator[str]:
    """Something that takes bytes and never answers."""
    outer, inner = os.openpty()
    tty.setraw(inner)
    yield os.ttyname(inner)
    os.close(outer)
    os.close(inner)


def test_what_never_answers_is_told_what_to_do(deaf_port: str) -> None:
    with pytest.raises(BoardError, match="bridge its terminal MAINTENANCE, switch it off and on") as caught:
        enter(lambda: SerialWire(deaf_port), time.sleep, patience_s=0.5)
    assert caught.value.code == EXIT_REFUSED


@pytest.mark.usefixtures("small_sets")
def test_a_set_for_another_interpreter_is_refused_before_anything_is_written(
    vm: VmBoard, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    older = {"a/x.mpy": b"M\x05\x00\x1f"}
    monkeypatch.setattr(flash_run, "compiled_set", lambda role, board, radio: older)
    assert main(["flash", vm.port, "--role", "barrier"]) == 4
    assert "and a/x.mpy is of kind 5.0, 0" in lines(capsys)[1][0]
    assert vm.files() == {}


def test_a_board_nobody_wrote_firmware_for_is_refused() -> None:
    with pytest.raises(BoardError, match="no firmware for a board of kind 'stm32': expected one of esp32, rp2"):
        file_sets.compiled_set("barrier", "stm32", False)


@pytest.mark.parametrize(("board", "radio"), [("esp32", b"radio 0"), ("rp2", b"radio 1")])
def test_only_a_board_that_is_made_with_and_without_a_radio_has_a_set_for_it(board: str, radio: bytes) -> None:
    assert radio in compiled_set("rfid", board, True)["a/manifest.txt"].splitlines()


def test_vietnamese_is_spoken(capsys: pytest.CaptureFixture[str]) -> None:
    try:
        assert main(["--lang", "vi", "flash", "/dev/none", "--role", "x"]) == 2
        assert "không có vai trò 'x'" in lines(capsys)[1][0]
    finally:
        main(["--lang", "en", "flash", "/dev/none", "--role", "x"])


def test_an_image_is_taken_by_its_digest_only(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "image.uf2"
    file.write_bytes(uf2_of(bytes(range(256)) * 3))
    assert main(["flash", "--role", "barrier", "--base-image", str(file)]) == 2
    assert "is no image this was tried with (MicroPython 1.28.0" in lines(capsys)[1][0]
    assert main(["flash", "--role", "barrier", "--base-image", str(file), "--sha256", "0" * 64]) == 2
    assert "not the one given: fetch it again" in lines(capsys)[1][0]
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    assert parts_of(load_image(str(file), digest)) == [(0x1000_0000, bytes(range(256)) * 3)]


def test_an_image_goes_onto_the_drive_whole_and_the_board_comes_back(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    drive = tmp_path / "RPI-RP2"
    drive.mkdir()
    image = tmp_path / "image.uf2"
    image.write_bytes(uf2_of(bytes(range(256)) * 50))
    digest = hashlib.sha256(image.read_bytes()).hexdigest()
    words = [
        "flash",
        "/dev/none",
        "--role",
        "barrier",
        "--base-image",
        str(image),
        "--sha256",
        digest,
        "--drive",
        str(drive),
    ]
    assert main(words) == 2
    assert "no drive of an RP2040 (INFO_UF2.TXT is missing)" in lines(capsys)[1][0]
    (drive / "INFO_UF2.TXT").write_text("UF2 Bootloader v3.0\nModel: Raspberry Pi RP2\nBoard-ID: RPI-RP2\n")
    put_image(load_image(str(image), digest), "/dev/none", drive, 0.0, False)
    assert (drive / "image.uf2").read_bytes() == image.read_bytes()


def test_a_drive_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "INFO_UF2.TXT").write_text("UF2 Bootloader v3.0\n")
    (tmp_path / "image.uf2").mkdir()
    image = Image(Path("image.uf2"), uf2_of(bytes(256)), "", True)
    with pytest.raises(BoardError, match=r"cannot be written \(Is a directory\)"):
        copy_image(image, tmp_path)


DAMAGES = (
    (lambda data: data[:-100], "block 0 is damaged"),
    (lambda data: data[:512] + data[1024:], "block 0 is damaged"),
    (lambda data: data[:512] * 2 + data[1024:], "block 1 is damaged"),
    (lambda data: data.replace(b"\x56\xff\x8b\xe4", b"\x57\xff\x8b\xe4"), "is for another chip"),
    (lambda data: b"#!/bin/sh\n", "neither a UF2 file nor an image for an ESP32"),
)


@pytest.mark.parametrize(("damage", "sentence"), DAMAGES)
def test_a_damaged_image_is_told(tmp_path: Path, damage: Callable[[bytes], bytes], sentence: str) -> None:
    image = tmp_path / "image.uf2"
    image.write_bytes(damage(uf2_of(bytes(range(256)) * 4)))
    with pytest.raises(BoardError, match=sentence) as caught:
        load_image(str(image), hashlib.sha256(image.read_bytes()).hexdigest())
    assert caught.value.code == EXIT_BAD_INPUT


def test_an_image_for_an_esp32_wants_a_port_and_esptool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    image = Image(tmp_path / "image.bin", b"\xe9", "", False)
    with pytest.raises(BoardError, match="an ESP32 has no drive: name its port"):
        put_image(image, None, None, 0.0, True)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(BoardError, match="esptool is not installed"):
        put_image(image, "/dev/none", None, 0.0, True)


def test_an_image_for_the_other_chip_is_refused(vm: VmBoard) -> None:
    with pytest.raises(BoardError, match="is no RP2040, the image is for one") as caught:
        put_image(Image(Path("x.uf2"), uf2_of(bytes(256)), "", True), vm.port, None, 0.0, False)
    assert caught.value.code == EXIT_REFUSED


def uf2_of(data: bytes) -> bytes:
    """A UF2 file for an RP2040's flash."""
    count = -(-len(data) // 256)
    blocks = (
        struct.pack(
            "<8I476sI",
            0x0A324655,
            0x9E5D5157,
            0x2000,
            0x1000_0000 + 256 * number,
            256,
            number,
            count,
            0xE48BFF56,
            data[256 * number : 256 * number + 256],
            0x0AB16F30,
        )
        for number in range(count)
    )
    return b"".join(blocks)


def test_an_interruption_says_how_the_boards_are_left(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(*whatever: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(flash_run, "_flash_all", interrupt)
    assert main(["flash", "/dev/none", "--role", "barrier"]) == 130
    assert "stays in maintenance until the same command has run to its end" in lines(capsys)[1][0]
