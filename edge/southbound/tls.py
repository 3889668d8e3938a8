"""The TLS context of a line: Modbus/TCP Security, where both ends show a certificate.

Knows: the files a line names. Must not know: the library that uses the context, what a certificate's fault is called.
"""

from __future__ import annotations

import ssl

from edge.config import LineConfig
from edge.southbound.line_error import Fault, LineError


def make_context(config: LineConfig) -> ssl.SSLContext:
    """A context that trusts `ca_file` alone; raises LineError for files that cannot be used."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_verify_locations(config.ca_file)
    except OSError as error:  # ssl.SSLError is one
        raise _file_error(config, "ca_file", config.ca_file, error) from error
    if config.cert_file:
        try:
            context.load_cert_chain(config.cert_file, config.key_file or None)
        except OSError as error:
            raise _file_error(config, "cert_file", config.cert_file, error) from error
    return context


def _file_error(config: LineConfig, key: str, file: str, error: OSError) -> LineError:
    if isinstance(error, ssl.SSLError):
        why = "the key does not belong to the certificate" if error.reason == "KEY_VALUES_MISMATCH" else "no PEM in it"
        return LineError(Fault.TLS, f"line {config.name}: {key} {file} cannot be used ({why}): name the right file")
    why = error.strerror or str(error)
    return LineError(Fault.TLS, f"line {config.name}: {key} {file} cannot be read ({why}): restore it or correct {key}")
