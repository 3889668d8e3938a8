"""What a real bash offers behind `gate`, and that every shell that is installed takes its script."""

import shutil
import subprocess
from pathlib import Path

import pytest

from edge.words import choose
from hil.cli import COMMANDS
from hil.completion.command import SHELLS, all_words, main
from hil.completion.tree import LANE, Value

FOR_DEVELOPERS = ("bench", "hil", "verify")  # they speak English
SITE = """[site]
name = "north"
[[line]]
name = "bus"
[[device]]
name = "barrier1"  # the first
[[device]]
name = "scale1"
[[lane]]
name = "lane1"
"""


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The script for bash, as a file."""
    words = all_words()
    path = tmp_path_factory.mktemp("completion") / "gate.bash"
    path.write_text(SHELLS["bash"](words, ["silent", "lamps"]))
    return path


def offered(script: Path, folder: Path, *words: str) -> list[str]:
    """What bash offers for the last of `words`."""
    told = " ".join(f"'{word}'" for word in ("gate", *words))
    run = (
        f"COMP_WORDS=({told}); COMP_CWORD={len(words)}; compopt() {{ :; }}; _gate; printf '%s\\n' \"${{COMPREPLY[@]}}\""
    )
    command = ["bash", "-c", f"source {script}; {run}"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True, timeout=20)
    assert done.stderr == ""
    return done.stdout.split()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("he",), ["help"]),
        (("journal", "ta"), ["tail"]),
        (("journal", "tail", "--cl"), ["--class"]),
        (("scan", "/dev/x", "--json", "--ti"), ["--timeout-ms"]),
        (("poke", "/dev/x", "--parity", ""), ["N", "E", "O"]),
        (("poke", "/dev/x", "--unit", "3", ""), ["read", "set", "command"]),
        (("poke", "--lang", "v"), ["vi"]),
        (("help", "la"), ["lamps"]),
        (("completion", ""), ["bash", "zsh", "fish"]),
        (("bench", ""), ["chip", "hub", "line", "faults", "flash"]),
        (("hil", "re"), ["replay"]),
        (("operator", "my.toml", ""), ["lane1"]),
        (("operator", "my.toml", "lane1", "r"), ["release", "reject"]),
        (("operator", "my.toml", "lane1", "open", ""), []),
        (("status", "m"), ["my.toml"]),
        (("nothing", "x"), []),
    ],
)
def test_bash_offers(script: Path, tmp_path: Path, words: tuple[str, ...], expected: list[str]) -> None:
    (tmp_path / "my.toml").write_text(SITE)
    assert offered(script, tmp_path, *words) == expected


def test_devices_of_the_site_are_offered(script: Path, tmp_path: Path) -> None:
    (tmp_path / "my.toml").write_text(SITE)
    command = f"source {script}; _gate_fill @device '' my.toml; echo ${{COMPREPLY[@]}}"
    done = subprocess.run(["bash", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["barrier1", "scale1"]


def test_every_word_and_every_choice_of_the_parsers_is_in_the_table() -> None:
    words = {word.path: word for word in all_words()}
    told = {" ".join(command.split()[: 2 if command.startswith("bench") else 1]) for command, _ in COMMANDS}
    assert {f"gate {name}" for name in told} <= set(words)
    assert all(f"{path} {name}" in words for path, word in words.items() for name in word.words)
    assert words["gate operator"].places[1] == Value(LANE)
    unsaid = [f"{word.path} {option.names}" for word in words.values() for option in word.options if not option.says]
    assert unsaid == []


@pytest.mark.parametrize(("shell", "check"), [("bash", "-n"), ("zsh", "-n"), ("fish", "--no-execute")])
def test_an_installed_shell_understands_its_script(
    shell: str, check: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([shell]) == 0
    path = tmp_path / "script"
    path.write_text(capsys.readouterr().out)
    if shutil.which(shell) is None:
        pytest.skip(f"BLOCKED: {shell} is not installed")
    done = subprocess.run([shell, check, path], capture_output=True, text=True, timeout=20)
    assert (done.returncode, done.stderr) == (0, "")


def test_another_shell_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tcsh"]) == 2
    assert "invalid choice: 'tcsh' (choose from 'bash', 'zsh', 'fish')" in capsys.readouterr().err


def test_a_technician_s_words_are_explained_in_vietnamese() -> None:
    english = {word.path: word for word in all_words()}
    choose("vi")
    same = []
    for word in all_words():
        if word.path.split()[1:2] and word.path.split()[1] in FOR_DEVELOPERS:
            continue
        said = [(word.path, word.says), *((f"{word.path} {option.names}", option.says) for option in word.options)]
        told = [english[word.path].says, *(option.says for option in english[word.path].options)]
        same += [name for (name, says), before in zip(said, told, strict=True) if says and says == before]
    assert same == []
