"""The certificate files of links and lines, judged before the hub starts: readable, PEM, of one pair, still valid.

Knows: cryptography's X.509 and key loaders. Must not know: TLS connections (edge/northbound/link_tls.py,
edge/southbound/tls.py).
What is wrong for good is an error; what runs out is a warning, because a gate must start with an old certificate too.
"""

from __future__ import annotations

import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from edge.config_rules import Check, Table
from edge.config_table import show

EXPIRES_SOON = timedelta(days=30)
_SIZE_MAX = 1_000_000
_At = tuple[str, int, str]


def check_certificates(check: Check, folder: Path, now: datetime | None = None) -> None:
    """Every certificate and key file of the links and lines in `check.tables`, relative to `folder`."""
    for table in ("link", "line"):
        for index, entry in enumerate(check.tables[table]):
            for key in ("ca_file", "cert_file"):
                if key in entry:
                    _check_certificates(check, (table, index, key), folder, entry[key], now or datetime.now(UTC))
            if "key_file" in entry:
                _check_key(check, (table, index, "key_file"), folder, entry)


def _check_certificates(check: Check, at: _At, folder: Path, name: str, now: datetime) -> None:
    data = _read(check, at, folder, name)
    if data is None:
        return
    try:
        certificates = x509.load_pem_x509_certificates(data)
    except ValueError:
        remedy = "name the file with BEGIN CERTIFICATE"
        check.error(at, f"{at[2]} {show(name)} holds no certificate", "expected certificates in PEM", remedy)
        return
    end = min(certificate.not_valid_after_utc for certificate in certificates)
    begin = max(certificate.not_valid_before_utc for certificate in certificates)
    if end <= now + EXPIRES_SOON:
        word = "has expired" if end <= now else "expires soon"
        check.warn(at, f"{at[2]} {show(name)} {word}", f"valid until {end:%Y-%m-%d %H:%M} UTC", "renew it")
    if begin > now:
        what = f"{at[2]} {show(name)} is not valid yet"
        check.warn(at, what, f"valid from {begin:%Y-%m-%d %H:%M} UTC", "set this machine's clock")


def _check_key(check: Check, at: _At, folder: Path, link: Table) -> None:
    name = link["key_file"]
    data = _read(check, at, folder, name)
    if data is None:
        return
    expected = "expected a private key in PEM, without a password"
    try:
        key = load_pem_private_key(data, password=None)
    except TypeError:
        remedy = "store it without, readable by the hub alone"
        check.error(
            at, f"key_file {show(name)} is encrypted, and a hub that starts alone has no password", expected, remedy
        )
        return
    except (ValueError, UnsupportedAlgorithm):
        check.error(at, f"key_file {show(name)} holds no private key", expected, "name the file with BEGIN PRIVATE KEY")
        return
    certificate = _own_certificate(folder, link)
    if certificate is not None and certificate.public_key() != key.public_key():
        what = f"key_file {show(name)} does not belong to cert_file {show(link['cert_file'])}"
        check.error(at, what, "expected the key the certificate was made for", "name the right pair")
    mode = stat.S_IMODE((folder / name).stat().st_mode)
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        what = f"key_file {show(name)} is open to other users (mode {mode:03o})"
        check.warn(at, what, "expected mode 600", f"run chmod 600 {name}")


def _own_certificate(folder: Path, link: Table) -> Any:
    """The first certificate of cert_file; None when that file is judged wrong elsewhere."""
    try:
        return x509.load_pem_x509_certificates((folder / link["cert_file"]).read_bytes())[0]
    except (OSError, ValueError, KeyError):
        return None


def _read(check: Check, at: _At, folder: Path, name: str) -> bytes | None:
    """The file's bytes, None after an error was noted. Nothing but a plain file is opened: a pipe would never end."""
    path = folder / name
    try:
        if path.exists() and not path.is_file():
            raise OSError(0, "not a file")
        with path.open("rb") as file:
            return file.read(_SIZE_MAX)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        what = f"{at[2]} {show(name)} cannot be read: {reason}"
        check.error(at, what, "expected a PEM file", "correct the path or the file's rights")
        return None
