"""HMAC-SHA256 gives what the standard library gives."""

import hashlib
import hmac

import pytest

from firmware.app.auth import Authenticator


@pytest.mark.parametrize("size", [0, 1, 18, 55, 56, 64, 100])
def test_digest_equals_the_standard_library(size):
    key = bytes(range(7, 39))
    message = bytes(range(size))
    assert Authenticator(key).digest(message) == hmac.new(key, message, hashlib.sha256).digest()


@pytest.mark.parametrize("size", [0, 31, 33])
def test_key_of_another_size_is_refused(size):
    with pytest.raises(ValueError, match="32 bytes"):
        Authenticator(bytes(size))
