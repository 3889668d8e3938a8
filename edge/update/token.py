"""A signing key that never leaves its token: a card, a USB token or a hardware module, asked through PKCS#11.

Knows: the package python-pkcs11, EdDSA (PKCS#11 3.0, 6.3.16), what a token's refusals mean. Must not know: what is
signed, where the PIN comes from. The package is optional (`pip install 'smartgate[token]'`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from edge.words import tr

_POINT_SIZE = 32
_OCTET_STRING = b"\x04\x20"  # a token gives the public point as itself or within a DER string of octets


class TokenError(Exception):
    """The token cannot sign; the text says why and what to do."""


class TokenKey:
    """The key `label` of a token; each signature opens a session of its own."""

    def __init__(self, module: str, token: str, label: str, pin: str) -> None:
        """Looks the key up. Raises TokenError."""
        self._module, self._token, self._label, self._pin = module, token, label, pin
        with self._session() as (session, pkcs11):
            self.public = _point(self._find(session, pkcs11, pkcs11.ObjectClass.PUBLIC_KEY)[pkcs11.Attribute.EC_POINT])

    def sign(self, message: bytes) -> bytes:
        """The signature of `message`, 64 bytes. Raises TokenError."""
        with self._session() as (session, pkcs11):
            key = self._find(session, pkcs11, pkcs11.ObjectClass.PRIVATE_KEY)
            return bytes(key.sign(message, mechanism=pkcs11.Mechanism.EDDSA))

    def _find(self, session: Any, pkcs11: Any, kind: Any) -> Any:
        """The one object of `kind` with our label; the search is read to its end, or the token keeps it open."""
        wanted = (pkcs11.Attribute.CLASS, kind), (pkcs11.Attribute.KEY_TYPE, pkcs11.KeyType.EC_EDWARDS)
        found = list(session.get_objects(dict((*wanted, (pkcs11.Attribute.LABEL, self._label)))))
        if not found:
            raise TokenError(
                tr("token {token} has no Ed25519 key with label {label}", token=self._token, label=self._label)
            )
        if len(found) > 1:
            raise TokenError(
                tr(
                    "token {token} has more than one Ed25519 key with label {label}; give one another label",
                    token=self._token,
                    label=self._label,
                )
            )
        return found[0]

    @contextmanager
    def _session(self) -> Iterator[tuple[Any, Any]]:
        try:
            import pkcs11
        except ImportError:
            raise TokenError(
                tr("python-pkcs11 is not installed, which talks to tokens: pip install 'smartgate[token]'")
            ) from None
        try:
            library = pkcs11.lib(self._module)
        except (pkcs11.exceptions.PKCS11Error, RuntimeError) as error:
            raise TokenError(
                tr(
                    "{module} is no PKCS#11 module: {reason}; name the library of your token",
                    module=self._module,
                    reason=error,
                )
            ) from None
        try:
            with library.get_token(token_label=self._token).open(user_pin=self._pin) as session:
                yield session, pkcs11
        except pkcs11.exceptions.PKCS11Error as error:
            raise TokenError(self._reason(error, pkcs11.exceptions)) from None

    def _reason(self, error: Exception, known: Any) -> str:
        if isinstance(error, known.NoSuchToken):
            return tr(
                "{module} has no token {token}: is it plugged in, and is that its label?",
                module=self._module,
                token=self._token,
            )
        if isinstance(error, known.PinLocked):
            return tr("token {token} is locked after wrong PINs; its administrator can unlock it", token=self._token)
        if isinstance(error, (known.PinIncorrect, known.PinInvalid, known.PinLenRange)):
            return tr("token {token} refuses the PIN; too many wrong ones lock it", token=self._token)
        return tr("token {token}: {reason}", token=self._token, reason=type(error).__name__)


def _point(value: bytes) -> bytes:
    raw = value.removeprefix(_OCTET_STRING) if len(value) == len(_OCTET_STRING) + _POINT_SIZE else value
    if len(raw) != _POINT_SIZE:
        raise TokenError(tr("the token's public key has {size} bytes, expected 32", size=len(raw)))
    return bytes(raw)
