"""Ed25519 signatures: the examples of RFC 8032, and everything that must not pass for one. Vectors: RFC 8032, 7.1."""

import binascii
import unittest

from protocols.ed25519 import BAD, GOOD, PENDING, Verifier

P = (1 << 255) - 19
ORDER = (1 << 252) + 27742317777372353535851937790883648493

VECTORS = (
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
        "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
        "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
    (
        "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
        "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
        "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b589"
        "09351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704",
    ),
)


def check(key: bytes, message: bytes, signature: bytes) -> int:
    verifier = Verifier(key, message, signature)
    for _ in range(2000):
        if verifier.step() != PENDING:
            return verifier.result
    return PENDING


def vector(index: int):
    return [binascii.unhexlify(text) for text in VECTORS[index]]


def changed(data: bytes, at: int, bit: int = 1) -> bytes:
    result = bytearray(data)
    result[at] ^= bit
    return bytes(result)


class Ed25519Test(unittest.TestCase):
    def test_the_examples_of_the_rfc_are_good(self):
        for index in range(len(VECTORS)):
            self.assertEqual(check(*vector(index)), GOOD, VECTORS[index][0])

    def test_any_other_bit_is_bad(self):
        key, message, signature = vector(2)
        self.assertEqual(check(key, changed(message, 0), signature), BAD)
        self.assertEqual(check(key, message + b"\0", signature), BAD)
        for at in (0, 15, 31, 32, 47, 63):
            self.assertEqual(check(key, message, changed(signature, at)), BAD, at)
        for at in (0, 30):
            self.assertEqual(check(changed(key, at), message, signature), BAD, at)
        self.assertEqual(check(changed(key, 31, 0x80), message, signature), BAD)
        self.assertEqual(check(key, message, changed(signature, 31, 0x80)), BAD)

    def test_s_plus_the_order_is_bad(self):
        for index in range(len(VECTORS)):
            key, message, signature = vector(index)
            s = int.from_bytes(signature[32:], "little") + ORDER
            self.assertEqual(check(key, message, signature[:32] + s.to_bytes(32, "little")), BAD)
        self.assertEqual(check(key, message, signature[:32] + ORDER.to_bytes(32, "little")), BAD)
        self.assertEqual(check(key, message, signature[:32] + b"\xff" * 32), BAD)

    def test_a_point_outside_its_canonical_form_is_bad(self):
        _, message, signature = vector(1)
        for y in (P, P + 1, P + 18):
            for sign in (0, 1):
                key = (y | sign << 255).to_bytes(32, "little")
                self.assertEqual(check(key, message, signature), BAD, key)
        # R = the neutral element with s = 0 under any key of small order would hold; so would y = P + 1 for it
        self.assertEqual(check(key, message, (P + 1).to_bytes(32, "little") + bytes(32)), BAD)

    def test_every_key_of_small_order_is_bad(self):
        eighth = 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD83D3D706A17C7
        neutral = (1).to_bytes(32, "little") + bytes(32)
        for y in (0, 1, P - 1, eighth, P - eighth):
            for sign in (0, 1):
                key = (y | sign << 255).to_bytes(32, "little")
                self.assertEqual(check(key, b"anything", neutral), BAD, y)

    def test_what_is_no_point_of_the_curve_is_bad(self):
        _, message, signature = vector(1)
        self.assertEqual(check((2).to_bytes(32, "little"), message, signature), BAD)
        self.assertEqual(check((7).to_bytes(32, "little"), message, signature), BAD)

    def test_wrong_sizes_are_bad(self):
        key, message, signature = vector(1)
        for one, other in ((key[1:], signature), (key + b"\0", signature), (key, signature[1:]), (key, signature * 2)):
            self.assertEqual(check(one, message, other), BAD)
        self.assertEqual(check(b"", b"", b""), BAD)

    def test_the_result_stays(self):
        verifier = Verifier(*vector(1))
        while verifier.step() == PENDING:
            pass
        self.assertEqual(verifier.step(), GOOD)
