"""Certificates of a link: each thing wrong with them is told with its line before the hub starts."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from edge.config_load import LoadResult, load_site
from tests.edge.certificates import Authority

_SITE = """[site]
name = "n"
data_dir = "data"
[uplink]
[[link]]
name = "fibre"
host = "broker.example"
ca_file = "ca.pem"
cert_file = "gate.pem"
key_file = "gate.key.pem"
[[line]]
name = "b"
kind = "rtu"
port = "/dev/ttyUSB0"
baud = 19200
[[device]]
name = "d"
line = "b"
unit_id = 1
map = "barrier"
map_version = 3
serial = 1
key_file = "d.key"
"""


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    key = tmp_path / "d.key"
    key.write_text("0f" * 32)
    key.chmod(0o600)
    authority = Authority(tmp_path)
    authority.issue("gate")
    return authority


def _load(folder: Path, text: str = _SITE) -> LoadResult:
    (folder / "s.toml").write_text(text)
    return load_site(folder / "s.toml")


def _told(folder: Path, text: str = _SITE) -> list[str]:
    """Messages but the one that there is no lane."""
    return [message.split("/s.toml:")[1] for message in _load(folder, text).messages if "[[lane]]" not in message]


@pytest.mark.usefixtures("authority")
def test_a_sound_link_has_tls_on_its_own_port(tmp_path: Path) -> None:
    config = _load(tmp_path).config
    assert _told(tmp_path) == []
    assert config is not None
    assert config.uplink is not None
    (link,) = config.uplink.links
    assert (link.port, link.ca_file, link.key_file) == (8883, tmp_path / "ca.pem", tmp_path / "gate.key.pem")


def test_a_certificate_that_runs_out_is_a_warning(tmp_path: Path, authority: Authority) -> None:
    authority.issue("gate", days=29)
    (message,) = _told(tmp_path)
    assert message.startswith('9: warning: cert_file "gate.pem" expires soon; valid until ')
    assert message.endswith("UTC; renew it")
    authority.issue("gate", days=-1)
    (message,) = _told(tmp_path)
    assert message.startswith('9: warning: cert_file "gate.pem" has expired; valid until ')
    assert _load(tmp_path).error_count == 0


@pytest.mark.usefixtures("authority")
def test_a_key_of_another_certificate_is_an_error(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (tmp_path / "gate.key.pem").write_bytes(Authority(other).issue("gate").key_file.read_bytes())
    assert _told(tmp_path) == [
        '10: key_file "gate.key.pem" does not belong to cert_file "gate.pem"; '
        "expected the key the certificate was made for; name the right pair"
    ]


@pytest.mark.usefixtures("authority")
def test_an_encrypted_key_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "gate.key.pem"
    key = load_pem_private_key(path.read_bytes(), password=None)
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret")))
    (message,) = _told(tmp_path)
    assert message.startswith('10: key_file "gate.key.pem" is encrypted, and a hub that starts alone has no password;')


@pytest.mark.usefixtures("authority")
@pytest.mark.parametrize(("name", "line", "key"), [("ca.pem", 8, "ca_file"), ("gate.pem", 9, "cert_file")])
def test_files_without_a_certificate_are_named(tmp_path: Path, name: str, line: int, key: str) -> None:
    (tmp_path / name).write_text("-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n")
    assert _told(tmp_path) == [
        f'{line}: {key} "{name}" holds no certificate; expected certificates in PEM; name the file with '
        "BEGIN CERTIFICATE"
    ]
    (tmp_path / name).unlink()
    assert _told(tmp_path)[0].startswith(f'{line}: {key} "{name}" cannot be read: No such file or directory; expected')
    (tmp_path / name).mkdir()
    assert _told(tmp_path)[0].startswith(f'{line}: {key} "{name}" cannot be read: not a file;')


@pytest.mark.usefixtures("authority")
def test_a_key_open_to_others_or_none_at_all_is_told(tmp_path: Path) -> None:
    (tmp_path / "gate.key.pem").chmod(0o640)
    assert _told(tmp_path) == [
        '10: warning: key_file "gate.key.pem" is open to other users (mode 640); expected mode 600; '
        "run chmod 600 gate.key.pem"
    ]
    (tmp_path / "gate.key.pem").write_text("no key")
    assert _told(tmp_path)[0].startswith('10: key_file "gate.key.pem" holds no private key; expected a private key')
