"""The pair of keys of a site's updates, in files and on a token, and what is said of files that are none."""

import base64
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from edge import durable
from edge.update.keys import FileKey, KeyFileError, is_signed, make_key, read_public
from edge.update.token import TokenError, TokenKey

# RFC 8032, 7.1, test 2
_SEED = bytes.fromhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")
_PUBLIC = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
_SIGNATURE = (
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
    "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
)
_PKCS8_HEAD = bytes.fromhex("302e020100300506032b657004220420")
_BODY = base64.b64encode(_PKCS8_HEAD + _SEED).decode()
_PEM = f"-----BEGIN PRIVATE KEY-----\n{_BODY}\n-----END PRIVATE KEY-----\n".encode()


def test_a_key_signs_as_the_standard_says(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_bytes(_PEM)
    path.chmod(0o600)
    key = FileKey(path)
    assert key.public.hex() == _PUBLIC
    assert key.sign(b"\x72").hex() == _SIGNATURE
    assert is_signed(b"\x72", bytes.fromhex(_SIGNATURE), bytes.fromhex(_PUBLIC))
    assert not is_signed(b"\x73", bytes.fromhex(_SIGNATURE), bytes.fromhex(_PUBLIC))
    assert not is_signed(b"\x72", b"short", bytes.fromhex(_PUBLIC))
    assert not is_signed(b"\x72", bytes.fromhex(_SIGNATURE), b"no key")


def test_a_new_pair_fits_together_and_only_its_owner_reads_the_private_half(tmp_path: Path) -> None:
    public = make_key(tmp_path / "site.pem")
    assert stat.S_IMODE((tmp_path / "site.pem").stat().st_mode) == 0o600
    assert public.name == "site.pem.pub"
    key = FileKey(tmp_path / "site.pem")
    assert is_signed(b"text", key.sign(b"text"), read_public(public))


def test_a_run_that_was_cut_is_run_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before each change of the disk: the next run ends with a pair that fits together."""
    for number in range(1, 20):
        folder, count = tmp_path / str(number), 0
        folder.mkdir()

        def cut_before(real: Any, number: int = number) -> Any:
            def call(*arguments: Any, **options: Any) -> Any:
                nonlocal count
                count += 1
                if count == number:
                    raise KeyboardInterrupt
                return real(*arguments, **options)

            return call

        with monkeypatch.context() as patch:
            for name in ("open", "fsync", "link"):
                patch.setattr(durable.os, name, cut_before(getattr(os, name)))
            try:
                make_key(folder / "site.pem")
            except KeyboardInterrupt:
                pass
            else:
                break
        if (folder / "site.pem.pub").exists():
            continue  # all was there but the folder's own book
        public = make_key(folder / "site.pem")
        assert FileKey(folder / "site.pem").public == read_public(public)
    assert number > 8


@pytest.mark.parametrize("taken", ["site.pem", "site.pem.pub"])
def test_no_key_is_ever_overwritten(tmp_path: Path, taken: str) -> None:
    (tmp_path / taken).symlink_to(tmp_path / "nowhere")
    with pytest.raises(KeyFileError, match=f"{taken} is there already"):
        make_key(tmp_path / "site.pem")
    assert [path.name for path in tmp_path.iterdir()] == [taken]


def test_a_key_that_somebody_makes_meanwhile_is_not_overwritten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, link = tmp_path / "site.pem", os.link

    def link_too_late(*names: Any) -> None:
        path.write_bytes(b"another's")
        link(*names)

    monkeypatch.setattr(durable.os, "link", link_too_late)
    with pytest.raises(KeyFileError, match="is there already"):
        make_key(path)
    assert [(each.name, each.read_bytes()) for each in tmp_path.iterdir()] == [("site.pem", b"another's")]


@pytest.mark.parametrize(
    ("content", "mode", "words"),
    [
        (None, 0o600, "cannot be read: No such file"),
        (b"", 0o600, "holds no Ed25519 private key"),
        (b"\xff" * 40, 0o600, "holds no Ed25519 private key"),
        (_PUBLIC.encode(), 0o600, "holds no Ed25519 private key"),
        (_PEM, 0o640, "can be read by others"),
        (_PEM, 0o604, "can be read by others"),
    ],
)
def test_what_is_no_private_key_is_told(tmp_path: Path, content: bytes | None, mode: int, words: str) -> None:
    path = tmp_path / "key"
    if content is not None:
        path.write_bytes(content)
        path.chmod(mode)
    with pytest.raises(KeyFileError, match=words):
        FileKey(path)


@pytest.mark.parametrize("content", [b"", b"12", _PUBLIC[:-1].encode(), (_PUBLIC + "0").encode(), b"\xff" * 64])
def test_what_is_no_public_key_is_told(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "key").write_bytes(content)
    with pytest.raises(KeyFileError, match="holds no public key"):
        read_public(tmp_path / "key")


def test_a_folder_that_cannot_be_written_to_is_told(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError, match="cannot be made: No such file"):
        make_key(tmp_path / "missing" / "site.pem")


# The token.

_MODULE = "/usr/lib/softhsm/libsofthsm2.so"
_MAKE_KEYS = """
import sys, pkcs11
from pkcs11.util.ec import encode_named_curve_parameters
token = pkcs11.lib(sys.argv[1]).get_token(token_label="gate")
with token.open(user_pin="1234", rw=True) as session:
    curve = {pkcs11.Attribute.EC_PARAMS: encode_named_curve_parameters("1.3.101.112")}
    parameters = session.create_domain_parameters(pkcs11.KeyType.EC_EDWARDS, curve, local=True)
    mechanism = pkcs11.Mechanism.EC_EDWARDS_KEY_PAIR_GEN
    for label in ("update", "twice", "twice"):
        parameters.generate_keypair(mechanism=mechanism, label=label, store=True)
"""


def test_a_token_signs_and_its_refusals_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One test: the token's library reads its configuration once in the life of a process."""
    if not shutil.which("softhsm2-util") or not Path(_MODULE).exists():
        pytest.skip("BLOCKED: softhsm2 is not installed (apt-get install softhsm2)")
    config = tmp_path / "softhsm2.conf"
    config.write_text(f"directories.tokendir = {tmp_path}\nobjectstore.backend = file\nlog.level = ERROR\n")
    monkeypatch.setenv("SOFTHSM2_CONF", str(config))
    label = ["--free", "--label", "gate", "--pin", "1234", "--so-pin", "5678"]
    subprocess.run(["softhsm2-util", "--init-token", *label], check=True, capture_output=True)
    subprocess.run([sys.executable, "-c", _MAKE_KEYS, _MODULE], check=True, capture_output=True, env=dict(os.environ))
    key = TokenKey(_MODULE, "gate", "update", "1234")
    assert is_signed(b"text", key.sign(b"text"), key.public)
    refused = {
        (_MODULE, "gat", "update", "1234"): "has no token gat",
        (_MODULE, "gate", "updat", "1234"): "has no Ed25519 key with label updat",
        (_MODULE, "gate", "twice", "1234"): "more than one Ed25519 key",
        (_MODULE, "gate", "update", "9999"): "refuses the PIN",
        ("/nowhere.so", "gate", "update", "1234"): "/nowhere.so is no PKCS#11 module",
    }
    for arguments, words in refused.items():
        with pytest.raises(TokenError, match=words):
            TokenKey(*arguments)


def test_without_the_package_it_is_said_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pkcs11", None)
    with pytest.raises(TokenError, match="pip install"):
        TokenKey(_MODULE, "gate", "update", "1234")
