"""SHA-512: the examples of FIPS 180-4, and every size around the end of a block."""

import binascii
import unittest

from protocols.sha512 import Sha512


def digest(message: bytes) -> str:
    sha = Sha512(message)
    while not sha.step():
        pass
    return binascii.hexlify(sha.digest).decode()


class Sha512Test(unittest.TestCase):
    def test_the_examples_of_the_standard(self):
        for message, expected in (
            (
                b"abc",
                "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
                "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
            ),
            (
                b"",
                "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce"
                "47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e",
            ),
            (
                b"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmn"
                b"hijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
                "8e959b75dae313da8cf4f72814fc143f8f7779c6eb9f7fa17299aeadb6889018"
                "501d289e4900f7e4331b99dec4b5433ac7d329eeb6dd26545e96e55b874be909",
            ),
        ):
            self.assertEqual(digest(message), expected)

    def test_blocks_end_where_they_must(self):
        seen = set()
        for size in (110, 111, 112, 113, 127, 128, 129, 239, 240, 241):
            seen.add(digest(b"a" * size))
        self.assertEqual(len(seen), 10)
        self.assertEqual(digest(b"a" * 111)[:16], "fa9121c7b32b9e01")
        self.assertEqual(digest(b"a" * 112)[:16], "c01d080efd492776")
