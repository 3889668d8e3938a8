"""Bundles: built the same twice, judged whole, and what is said of those that are not; `gate bundle` around it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.cli import main
from edge.update.build import BuildError, build
from edge.update.bundle import BundleFileError, message_of, parse_bundle, parse_version, read_bundle
from edge.update.keys import is_signed, make_key, read_public
from protocols.bundle import BundleError
from tests.edge.update.small_bundle import CONTENTS, make_small


def test_a_bundle_says_what_it_is() -> None:
    bundle = parse_bundle(make_small(bytes(range(64))))
    assert (bundle.role, bundle.board, bundle.version, bundle.minimum) == ("barrier", "unix", 258, 1)
    assert bundle.signature == bytes(range(64))
    assert [(part.path, part.size) for part in bundle.parts] == [("a.mpy", 9), ("b/c.mpy", 4)]
    assert bundle.message == message_of(bundle.manifest)
    assert bundle.ends[-1] == len(bundle.data)
    assert all(end % 2 == 0 for end in bundle.ends)
    for part in bundle.parts:
        assert bundle.data[part.offset : part.offset + part.size] == CONTENTS[part.path]


@given(st.integers(0, len(make_small()) - 1))
def test_a_bundle_that_was_cut_short_is_none(size: int) -> None:
    with pytest.raises((BundleFileError, BundleError)):
        parse_bundle(make_small()[:size])


@given(st.integers(0, 8 * len(make_small()) - 1))
def test_a_bit_that_fell_over_is_seen_or_lies_where_nothing_is(bit: int) -> None:
    """Signature and pads are not hashed: a change there leaves a wrong signature, or the same files."""
    good = make_small()
    data = bytearray(good)
    data[bit // 8] ^= 1 << bit % 8
    try:
        bundle = parse_bundle(bytes(data))
    except (BundleFileError, BundleError):
        return
    before = parse_bundle(good)
    assert bundle.signature != before.signature or bundle.message != before.message or bundle.parts == before.parts


@pytest.mark.long
def test_the_same_sources_give_the_same_bytes_in_any_folder(tmp_path: Path) -> None:
    """In two processes with different hash seeds, home and working folders."""
    make_key(tmp_path / "key")
    made = []
    for number in ("1", "2"):
        folder = tmp_path / number
        folder.mkdir()
        words = ["bundle", "build", "--role", "rfid", "--board", "rp2", "--key", str(tmp_path / "key"), "-o", "x.gate"]
        environment = os.environ | {"PYTHONHASHSEED": number, "TMPDIR": str(folder), "HOME": str(folder)}
        command = [sys.executable, "-m", "hil.cli", *words]
        subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True)
        made.append((folder / "x.gate").read_bytes())
    assert made[0] == made[1]
    bundle = parse_bundle(made[0])
    assert is_signed(bundle.message, bundle.signature, read_public(tmp_path / "key.pub"))
    assert "main.py" not in {part.path for part in bundle.parts}


def test_what_cannot_be_built_is_told(tmp_path: Path) -> None:
    with pytest.raises(BuildError):
        build("barrier", "unix", radio=False, root=tmp_path)


@pytest.mark.parametrize("text", ["", "1", "1.", ".1", "1.256", "256.0", "a.b", "1.2.3", "-1.0", "1.²"])
def test_what_is_no_version_is_told(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not MAJOR\.MINOR"):
        parse_version(text)


def test_show_checks_the_signature(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    public = make_key(tmp_path / "key")
    path = tmp_path / "x.gate"
    path.write_bytes(make_small())
    assert main(["bundle", "show", str(path), "--json"]) == 0
    fields = json.loads(capsys.readouterr().out)
    assert (fields["role"], fields["version"], fields["signed"], len(fields["files"])) == ("barrier", "1.2", None, 2)
    assert main(["bundle", "show", str(path), "--key", str(public)]) == 4
    assert "is not signed by the key" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["show", "nowhere.gate"], "nowhere.gate cannot be read: No such file"),
        (["show", "empty"], "empty is no whole bundle: it does not begin like a bundle"),
        (["show", "good", "--key", "empty"], "empty holds no public key"),
        (["key", "empty"], "empty is there already"),
        (["key", "new", "--token", "t"], "a token's key wants all three"),
        (["build", "--role", "barier", "--board", "rp2", "--key", "key"], "--role 'barier' is unknown"),
        (["build", "--role", "barrier", "--board", "rp3", "--key", "key"], "--board 'rp3' is unknown"),
        (["build", "--role", "barrier", "--board", "rp2"], "name what signs"),
        (["build", "--role", "barrier", "--board", "rp2", "--key", "empty"], "holds no Ed25519 private key"),
        (["build", "--role", "barrier", "--board", "rp2", "--key", "key", "--minimum", "x"], "is not MAJOR.MINOR"),
    ],
)
def test_wrong_words_are_one_sentence(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    sentence: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    make_key(Path("key"))
    Path("empty").touch(0o600)
    Path("good").write_bytes(make_small())
    assert main(["bundle", *words]) == 2
    error = capsys.readouterr().err
    assert sentence in error
    assert error.count("\n") == 1


def test_the_pin_is_never_an_argument_and_asked_for_only_where_somebody_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("GATE_PIN", raising=False)
    words = ["bundle", "key", str(tmp_path / "x"), "--pkcs11", "/nowhere.so", "--token", "t", "--key-label", "l"]
    assert main(words) == 2
    assert "nobody can be asked for the PIN here" in capsys.readouterr().err
    assert main([*words, "--pin-file", str(tmp_path / "none")]) == 2
    assert "No such file" in capsys.readouterr().err
    assert main([*words, "--pin", "1234"]) == 2


def test_a_bundle_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    path = tmp_path / "x.gate"
    path.write_bytes(make_small()[:-2])
    with pytest.raises(BundleFileError, match=r"x\.gate is no whole bundle: it has \d+ bytes, its manifest says"):
        read_bundle(path)
