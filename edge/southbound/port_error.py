"""Why a port or connection could not be opened, or ended, as a sentence with what to do.

Knows: error numbers of the operating system, what TLS says of certificates. Must not know: Modbus, the library.
"""

from __future__ import annotations

import errno
import ssl
from pathlib import Path

from edge.config import KIND_RTU, LineConfig
from edge.southbound.line_error import Fault, LineError

# X509_V_ERR_* of OpenSSL, as ssl.SSLCertVerificationError.verify_code has them
_EXPIRED = 10
_NOT_YET_VALID = 9
_WRONG_HOST = (62, 64)
# What the other end says of our certificate comes as an alert; OpenSSL names it in the reason.
_REFUSALS = ("ALERT_UNKNOWN_CA", "ALERT_BAD_CERTIFICATE", "ALERT_CERTIFICATE", "ALERT_ACCESS_DENIED", "ALERT_HANDSHAKE")


def port_name(config: LineConfig) -> str:
    """The port or connection of a line, for sentences."""
    return f"port {config.port}" if config.kind == KIND_RTU else f"connection to {config.host}:{config.tcp_port}"


def port_error(config: LineConfig, error: BaseException) -> LineError:
    """What `error` means for the user of the line."""
    name = port_name(config)
    if isinstance(error, ssl.SSLError):
        return _tls_error(config, name, error)
    number = getattr(error, "errno", None)
    if config.kind == KIND_RTU and (number == errno.ENOENT or not Path(config.port).exists()):
        return LineError(Fault.PORT_MISSING, f"{name} does not exist: check the cable, the converter and the site file")
    if number in (errno.EBUSY, errno.EAGAIN):
        return LineError(Fault.PORT_BUSY, f"{name} is in use by another program: end it, the line needs it alone")
    if number in (errno.EACCES, errno.EPERM):
        return LineError(Fault.PORT_DENIED, f"{name} may not be opened: give the hub's user the right to it")
    if number == errno.ECONNREFUSED:
        return LineError(Fault.CONNECTION_REFUSED, f"{name} was refused: check that the device serves Modbus TCP there")
    return LineError(Fault.UNREACHABLE, f"{name} cannot be opened ({error or 'no answer'}): check address and cable")


def early_end_error(config: LineConfig) -> LineError:
    """A TLS connection stood and was closed before its first answer; some devices refuse a certificate so."""
    text = f"closed by the device before its first answer, it may refuse the hub's certificate ({_own(config)})"
    return LineError(Fault.TLS, f"{port_name(config)}: {text}: give it one that the device trusts")


def _own(config: LineConfig) -> str:
    return config.cert_file or "none, the site file has no cert_file"


def _tls_error(config: LineConfig, name: str, error: ssl.SSLError) -> LineError:
    if isinstance(error, ssl.SSLCertVerificationError):
        return LineError(Fault.TLS, f"{name}: {_certificate_fault(config, error)}")
    reason = error.reason or str(error)
    if any(refusal in reason for refusal in _REFUSALS):
        text = (
            f"the device refuses the hub's certificate ({_own(config)}): give it one that it trusts; it says {reason}"
        )
        return LineError(Fault.TLS, f"{name}: {text}")
    return LineError(Fault.TLS, f"{name}: no TLS there ({reason}): check the port, or remove ca_file from the line")


def _certificate_fault(config: LineConfig, error: ssl.SSLCertVerificationError) -> str:
    if error.verify_code == _EXPIRED:
        return "the device's certificate has expired: give the device a new one, and check this machine's clock"
    if error.verify_code == _NOT_YET_VALID:
        return "the device's certificate is not valid yet: check the clocks of this machine and of the one that made it"
    if error.verify_code in _WRONG_HOST:
        return f"the device's certificate is not for {config.host}: check host, or give the device one with this name"
    return f"the device's certificate was not made by {config.ca_file}: name the authority that made it as ca_file"
