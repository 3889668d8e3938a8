"""HMAC-SHA256 gives what the standard library gives."""

import hashlib
import hmac

import pytest

from edge.provision.device_key import DeviceKey
from firmware.app.auth import Authenticator, find_key_id


@pytest.mark.parametrize("size", [0, 1, 18, 55, 56, 64, 100])
def test_digest_equals_the_standard_library(size):
    key = bytes(range(7, 39))
    message = bytes(range(size))
    assert Authenticator(key).digest(message) == hmac.new(key, message, hashlib.sha256).digest()


@pytest.mark.parametrize("size", [0, 31, 33])
def test_key_of_another_size_is_refused(size):
    with pytest.raises(ValueError, match="32 bytes"):
        Authenticator(bytes(size))


def test_a_key_is_named_as_the_hub_names_it() -> None:
    for size in range(4):
        key = bytes([255 - size]) * 32
        assert find_key_id(key) == DeviceKey(key).key_id < 2**30
