"""What is said on the console of a running device: nothing there stops a boom, and one phrase brings maintenance."""

import random
from pathlib import Path

import pytest

from hil.chip.bench import RoleBench
from hil.chip.child import in_child
from hil.chip.emulator import HIGH, LOW
from protocols.console import PHRASE

_NOISE_US = 400_000


@pytest.fixture(scope="module")
def running(uf2: Path, tmp_path_factory: pytest.TempPathFactory) -> RoleBench:
    bench = RoleBench(uf2, "barrier", tmp_path_factory.mktemp("set"))
    bench.start()
    bench.carrier.advance(3_000_000)  # until the boom is known to be closed
    return bench


def said_while_it_opens(bench: RoleBench, said: bytes) -> dict[str, object]:
    assert bench.command("OPEN") == bench.regmap.COMMAND_RESULT_ACCEPTED
    bench.carrier.chip.say(said)
    bench.carrier.advance(_NOISE_US)
    moves_on = bench.carrier.output("MOTOR_OPEN") == HIGH
    bench._wait_for("MOTOR_OPEN", LOW)
    bench.carrier.advance(_NOISE_US)
    chip = bench.carrier.chip
    return {"moves on": moves_on, "resets": chip.resets, "printed": bytes(chip.console)}


def granted(bench: RoleBench, said: bytes) -> tuple[bytes | None, bytes]:
    """The file that stands in the flash after the chip's reset, and what the start then printed."""
    chip = bench.carrier.chip
    chip.say(said)
    bench.carrier.advance(1_500_000)
    assert len(chip.resets) == 1
    return chip.read_file("maintenance"), bytes(chip.console)


def test_nothing_on_the_console_stops_a_boom_or_comes_true_afterwards(running: RoleBench) -> None:
    interrupts = b"\r\x03\x03\r\x01\x04" * 20
    seen = in_child(lambda: said_while_it_opens(running, interrupts + PHRASE + interrupts))
    assert seen == {"moves on": True, "resets": [], "printed": b""}


def test_at_rest_the_phrase_resets_the_board_into_maintenance(running: RoleBench) -> None:
    file, printed = in_child(lambda: granted(running, b"\r\x03\x01" + PHRASE))
    assert file == b"asked for on the console\n"
    assert printed.startswith(b"smartgate: maintenance, because the file maintenance is there")


def test_noise_without_end_makes_no_scan_late(running: RoleBench) -> None:
    def scans(said: bytes) -> int:
        before = len(running.carrier.scans)
        running.carrier.chip.say(said)
        running.carrier.advance(_NOISE_US)
        assert running.carrier.chip.resets == []
        return len(running.carrier.scans) - before

    noise = random.Random(1).randbytes(400)
    assert in_child(lambda: scans(noise)) >= in_child(lambda: scans(b""))
