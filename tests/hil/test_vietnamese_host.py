"""`gate hil` in Vietnamese: what a person at the terminal reads; what machines read is the same in every language."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from edge.words import choose
from hil import command
from hil.board.selftest import Walk, judge_walk
from hil.report.lines import result_lines
from hil.suite.result import BLOCKED, Result
from hil.targets.board import LACKS
from hil.targets.ledger import unmet
from protocols.rig.messages import DRIVERS

SCENARIO = """
[scenario]
name = "wrong"
role = "barrier"
seed = 1
steps = ["expect gate = OPEN within 1 s"]
"""


@pytest.fixture(autouse=True)
def vietnamese(english: None) -> None:
    choose("vi")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--target", "rp2040", "--uf2", "none.uf2"), "none.uf2: không đọc được (No such file or directory); hãy nêu"),
        (("--target", "rp2040", "--uf2", "other.uf2"), "... không phải ảnh đã được thử; hãy lấy một trong: "),
        (("--target", "board", "--rig", "none"), "đích board cần hai cổng"),
        (("--target", "board", "--rig", "none", "--dut", "none"), "none: không có cổng này; hãy cắm bộ chuyển"),
        (("wrong.toml",), "ở đây không theo dõi được tên 'gate'"),
    ],
)
def test_bad_input_is_one_sentence_in_vietnamese(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    words: Sequence[str],
    told: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("other.uf2").write_bytes(b"UF2\n")
    Path("wrong.toml").write_text(SCENARIO, encoding="utf-8")
    scenario = () if words[0].endswith(".toml") else ("barrier_opens_and_closes",)
    assert command.main(["run", *scenario, *words]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert told in err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("diff", "none", "none"), "none: không đọc được (No such file or directory); hãy nêu tệp vết do"),
        (("replay", "none"), "none: không đọc được (No such file or directory); hãy nêu bộ bằng chứng do"),
        (("export", "none"), "không có gì để ghi; hãy nêu tệp bằng một trong --vcd"),
        (("faults", "calls", "--every", "0"), "--every 0: không hợp lệ; hãy dùng 1"),
        (("mutants", "--jobs", "0"), "--jobs là 0; cần số từ 1 trở lên"),
    ],
)
def test_the_other_words_refuse_in_vietnamese(
    capsys: pytest.CaptureFixture[str], words: Sequence[str], told: str
) -> None:
    assert command.main(list(words)) == 2
    assert capsys.readouterr().err.startswith(told)


def test_the_words_of_gate_hil_and_what_is_wrong_with_them_are_told_in_vietnamese(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit):
        command.main(["selftest", "--help"])
    assert "cổng nối tiếp của bo bàn thử (mặc định: bo giả lập)" in capsys.readouterr().out
    assert command.main(["run", "--target"]) == 2
    assert capsys.readouterr().err == "đối số --target: cần một giá trị; xem gate hil run --help\n"
    assert command.main(["run", "truck_pases"]) == 2
    assert capsys.readouterr().err == "không có kịch bản 'truck_pases'; có phải ý bạn là truck_passes?\n"


def test_a_wire_that_is_wrong_is_told_in_vietnamese() -> None:
    walk = Walk(frozenset(), tuple(frozenset[int]() for _ in range(DRIVERS)), ())
    (told,) = judge_walk(walk)
    assert told.startswith("không chân phát nào đến được chân đọc nào")


FAILING = """
[scenario]
name = "failing"
role = "barrier"
seed = 1
steps = ["expect state = OPEN within 100 ms", "measure it: from in.DRIVE_OK = on to state = OPEN at most 1 s"]
"""


def test_a_failure_is_told_in_vietnamese_and_to_machines_in_english(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "failing.toml").write_text(FAILING, encoding="utf-8")
    words = ["run", str(tmp_path / "failing.toml"), "--target", "host"]
    assert command.main([*words, "--evidence", str(tmp_path / "evidence")]) == 1
    told = capsys.readouterr().out
    assert "bước 1 'expect state = OPEN within 100 ms' không đạt trước 0.1 s: " in told
    assert "phép đo it: không thấy (nhiều nhất 1000 ms): 'in.DRIVE_OK = on' không hề đến" in told
    assert "không đạt trước 0.1 s" in (tmp_path / "evidence" / "report.html").read_text(encoding="utf-8")
    assert command.main([*words, "--json"]) == 1
    told = capsys.readouterr().out + (tmp_path / "evidence" / "junit.xml").read_text(encoding="utf-8")
    assert told.count("was not met by 0.1 s: ") >= 2
    assert "không" not in told


def test_what_a_target_cannot_show_is_told_in_vietnamese() -> None:
    blocked = Result("x", "board", BLOCKED, 1, unmet({"several_devices"}, LACKS))
    (told,) = result_lines(blocked)
    assert told == "KHÔNG CHẠY ĐƯỢC x trên board: cần several_devices, nhưng bàn thử của đích board chỉ có một thiết bị"
