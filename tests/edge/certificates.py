"""Certificates for tests, made when they are needed: a CA, and what it signs for brokers and gates."""

import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Pair:
    """The files of one certificate and its key."""

    cert_file: Path
    key_file: Path


class Authority:
    """A CA of its own; `pair.cert_file` is what others trust."""

    def __init__(self, folder: Path, name: str = "ca") -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._subject = _name(f"test {name}")
        builder = _builder(self._subject, self._subject, self._key, 365).add_extension(
            x509.BasicConstraints(ca=True, path_length=None), critical=True
        )
        self.pair = _write(folder, name, builder.sign(self._key, hashes.SHA256()), self._key)

    def issue(self, name: str, *names: str, days: float = 90) -> Pair:
        """A certificate for the DNS names and addresses in `names`, valid for `days` more; expired below 0."""
        key = ec.generate_private_key(ec.SECP256R1())
        builder = _builder(_name(name), self._subject, key, days).add_extension(
            x509.BasicConstraints(ca=False, path_length=None), critical=True
        )
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName([_alternative(item) for item in names]), False)
        return _write(self._folder, name, builder.sign(self._key, hashes.SHA256()), key)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, days: float
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number())
    return builder.not_valid_before(now - 400 * _DAY).not_valid_after(now + days * _DAY)


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])


def _write(folder: Path, name: str, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> Pair:
    pair = Pair(folder / f"{name}.pem", folder / f"{name}.key.pem")
    pair.cert_file.write_bytes(certificate.public_bytes(Encoding.PEM))
    pair.key_file.touch(mode=0o600)
    pair.key_file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return pair
