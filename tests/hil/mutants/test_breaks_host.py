"""What is broken about a broken device, instant by instant."""

from collections.abc import Sequence

from hil.mutants.breaks import LATE_US, Break, BrokenDevice, breaks_of, worth_breaking
from hil.mutants.firmware import changes_of
from hil.scenarios.vocabulary import input_names
from hil.targets.target import UNDRIVEN, Device, StepResult

INPUTS, OUTPUTS = ("A", "B", "KG"), ("X", "Y")


class Mirror(Device):
    """Drives X as input A is, and Y as B is; says how often it was asked."""

    def __init__(self) -> None:
        self.seen: list[tuple[int, tuple[int, ...], bytes]] = []

    def step(
        self,
        now_us: int,
        inputs: Sequence[int],
        qualities: Sequence[int],
        received: bytes,
        field_received: bytes = b"",
    ) -> StepResult:
        self.seen.append((now_us, tuple(inputs), received))
        return StepResult(tuple(inputs[:2]), b"said", 1000)

    def kill(self) -> None:
        """Nothing to lose."""

    def reset(self) -> None:
        """Nothing to lose."""

    def close(self) -> None:
        """Nothing is held."""


def steps(
    broken: Break, *inputs: tuple[int, int, int], every_us: int = LATE_US // 2
) -> tuple[Mirror, list[StepResult]]:
    mirror = Mirror()
    device = BrokenDevice(mirror, broken, INPUTS, OUTPUTS)
    return mirror, [device.step(at * every_us, values, [0, 0, 0], b"ask") for at, values in enumerate(inputs)]


def test_an_output_is_stuck_or_inverted_and_its_neighbour_is_not() -> None:
    for kind, wanted in (("stuck_on", (1, 1)), ("stuck_off", (0, 0)), ("inverted", (1, 0))):
        mirror, results = steps(Break("r", kind, "output", "X"), (0, 1, 0), (1, 1, 0))
        assert [result.outputs for result in results] == [(value, 1) for value in wanted]
        assert [inputs for _, inputs, _ in mirror.seen] == [(0, 1, 0), (1, 1, 0)]


def test_an_input_that_is_broken_is_seen_so_by_the_device_alone() -> None:
    mirror, _ = steps(Break("r", "inverted", "input", "B"), (1, 1, 7))
    assert mirror.seen[0][1] == (1, 0, 7)
    mirror, _ = steps(Break("r", "high", "input", "KG"), (1, 1, 1000))
    assert mirror.seen[0][1] == (1, 1, 1051)


def test_what_is_late_comes_later_and_as_often() -> None:
    rises = [(0, 0, 0), (1, 0, 0), (0, 0, 0), (0, 0, 0), (0, 0, 0)]
    _, results = steps(Break("r", "late", "output", "X"), *rises)
    assert [result.outputs[0] for result in results] == [0, 0, 0, 1, 0]


def test_a_dead_device_drives_and_says_nothing_a_mute_one_drives_a_deaf_one_hears_nothing() -> None:
    mirror, results = steps(Break("r", "dead"), (1, 1, 0))
    assert (results[0].outputs, results[0].sent, mirror.seen) == (UNDRIVEN, b"", [])
    _, results = steps(Break("r", "mute"), (1, 1, 0))
    assert (results[0].outputs, results[0].sent) == ((1, 1), b"")
    mirror, results = steps(Break("r", "deaf"), (1, 1, 0))
    assert (mirror.seen[0][2], results[0].sent) == (b"", b"said")


def test_a_clock_runs_away() -> None:
    mirror, _ = steps(Break("r", "fast"), (0, 0, 0), (0, 0, 0), every_us=1000)
    assert [now_us for now_us, _, _ in mirror.seen] == [0, 1200]


def test_every_terminal_of_a_role_can_be_broken_in_every_way() -> None:
    names = [one.name for one in breaks_of("barrier", ())]
    assert len(names) == len(set(names)) == 4 + 4 * (9 + 17)
    assert "barrier output MOTOR_CLOSE stuck_on" in names
    assert worth_breaking("weighbridge", input_names("weighbridge")) == ["ADC_COUNTS"]


def test_the_same_changes_of_a_firmware_are_chosen_every_time() -> None:
    names = [change.name for change in changes_of("rfid", 7)]
    assert names == [change.name for change in changes_of("rfid", 7)]
    assert len(set(names)) == 7
