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
from edge.key_text import is_open
from edge.words import tr

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
        remedy = tr("name the file with BEGIN CERTIFICATE")
        check.error(
            at,
            tr("{key} {name} holds no certificate", key=at[2], name=show(name)),
            tr("expected certificates in PEM"),
            remedy,
        )
        return
    end = min(certificate.not_valid_after_utc for certificate in certificates)
    begin = max(certificate.not_valid_before_utc for certificate in certificates)
    if end <= now + EXPIRES_SOON:
        word = tr("has expired") if end <= now else tr("expires soon")
        check.warn(
            at,
            tr("{key} {name} {word}", key=at[2], name=show(name), word=word),
            tr("valid until {end:%Y-%m-%d %H:%M} UTC", end=end),
            tr("renew it"),
        )
    if begin > now:
        what = tr("{key} {name} is not valid yet", key=at[2], name=show(name))
        check.warn(at, what, tr("valid from {begin:%Y-%m-%d %H:%M} UTC", begin=begin), tr("set this machine's clock"))


def _check_key(check: Check, at: _At, folder: Path, link: Table) -> None:
    name = link["key_file"]
    data = _read(check, at, folder, name)
    if data is None:
        return
    expected = tr("expected a private key in PEM, without a password")
    try:
        key = load_pem_private_key(data, password=None)
    except TypeError:
        remedy = tr("store it without, readable by the hub alone")
        check.error(
            at,
            tr("key_file {name} is encrypted, and a hub that starts alone has no password", name=show(name)),
            expected,
            remedy,
        )
        return
    except (ValueError, UnsupportedAlgorithm):
        check.error(
            at,
            tr("key_file {name} holds no private key", name=show(name)),
            expected,
            tr("name the file with BEGIN PRIVATE KEY"),
        )
        return
    certificate = _own_certificate(folder, link)
    if certificate is not None and certificate.public_key() != key.public_key():
        what = tr(
            "key_file {name} does not belong to cert_file {cert_file}",
            name=show(name),
            cert_file=show(link["cert_file"]),
        )
        check.error(at, what, tr("expected the key the certificate was made for"), tr("name the right pair"))
    mode = stat.S_IMODE((folder / name).stat().st_mode)
    if is_open(mode):
        what = tr("key_file {name} is open to other users (mode {mode:03o})", name=show(name), mode=mode)
        check.warn(at, what, tr("expected mode 600"), tr("run chmod 600 {name}", name=name))


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
        what = tr("{key} {name} cannot be read: {reason}", key=at[2], name=show(name), reason=reason)
        check.error(at, what, tr("expected a PEM file"), tr("correct the path or the file's rights"))
        return None
