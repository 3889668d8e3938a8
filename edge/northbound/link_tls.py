"""TLS towards a broker: the context of a link, and one sentence for each way it can fail.

Knows: the certificate files of a `[[link]]`, the standard library's TLS errors. Must not know: MQTT, reconnecting.
"""

from __future__ import annotations

import ssl

from edge.config import LinkConfig

# X509_V_ERR_* of OpenSSL, as SSLCertVerificationError.verify_code has them.
_NOT_YET_VALID, _EXPIRED, _HOST_MISMATCH, _ADDRESS_MISMATCH = 9, 10, 62, 64
_UNKNOWN_CA = (2, 18, 19, 20, 21)
# The alerts a broker sends when it does not take our certificate, as OpenSSL names them.
_REFUSED = (
    "BAD_CERTIFICATE",
    "CERTIFICATE_EXPIRED",
    "CERTIFICATE_REQUIRED",
    "CERTIFICATE_REVOKED",
    "CERTIFICATE_UNKNOWN",
    "HANDSHAKE_FAILURE",
    "UNKNOWN_CA",
    "UNSUPPORTED_CERTIFICATE",
)


def client_context(link: LinkConfig) -> ssl.SSLContext | None:
    """The context of one attempt, files read anew so that renewed certificates are taken; None without TLS."""
    if link.ca_file is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_verify_locations(link.ca_file)
    if link.cert_file is not None:
        context.load_cert_chain(link.cert_file, link.key_file, password=_no_password)
    return context


def tls_sentence(error: ssl.SSLError, link: LinkConfig) -> str:
    """What went wrong and where to look."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _verification_sentence(error, link)
    reason = error.reason or str(error)
    if "ALERT" in reason and any(reason.endswith(word) for word in _REFUSED):
        own = _own(link)
        return f"the broker does not accept this gate's certificate ({own}); have it signed by a CA the broker trusts"
    if reason in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE"):
        return f"{link.host}:{link.port} does not speak TLS; name the broker's TLS port, or remove ca_file"
    return f"TLS with {link.host}:{link.port} failed ({reason.lower().replace('_', ' ')})"


def broken_off_sentence(reason: str, link: LinkConfig) -> str:
    """The other end was gone between the handshake and its first answer, and gave no alert that could be read.

    With TLS 1.3 a client's handshake ends before the broker has judged its certificate, so that is the likeliest cause.
    """
    return (
        f"{link.host}:{link.port}: {reason} right after the TLS handshake; see the broker's log, and whether it "
        f"accepts this gate's certificate ({_own(link)})"
    )


def _own(link: LinkConfig) -> str:
    return f"cert_file {link.cert_file}" if link.cert_file else "no cert_file is given"


def _verification_sentence(error: ssl.SSLCertVerificationError, link: LinkConfig) -> str:
    code, name = error.verify_code, link.server_name or link.host
    if code in _UNKNOWN_CA:
        return f"the broker's certificate is not signed by a CA of ca_file {link.ca_file}; name the broker's CA"
    if code == _EXPIRED:
        return "the broker's certificate has expired; renew it, or set this machine's clock"
    if code == _NOT_YET_VALID:
        return "the broker's certificate is not valid yet; set this machine's clock"
    if code in (_HOST_MISMATCH, _ADDRESS_MISMATCH):
        return f"the broker's certificate is not for {name}; correct host, or give server_name"
    return f"the broker's certificate is refused ({error.verify_message})"


def _no_password() -> bytes:
    """A hub that starts alone has nobody to ask; `gate check` names the encrypted file."""
    raise OSError("the private key is encrypted; store it without a password, readable by the hub alone")
