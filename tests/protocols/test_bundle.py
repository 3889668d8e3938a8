"""The manifest line by line, the head of a bundle, and what an interpreter can load."""

import unittest

from protocols import bundle
from protocols.bundle import BundleError, Manifest

DIGEST = "0123456789abcdef" * 4
HEAD = (
    b"smartgate-bundle 1\n",
    b"role barrier\n",
    b"board rp2\n",
    b"radio 0\n",
    b"version 1.2\n",
    b"abi 6.3.armv6m\n",
    b"map 3\n",
    b"minimum 0.1\n",
)


def a_file(size: str = "10", digest: str = DIGEST, path: str = "firmware/app/x.mpy") -> bytes:
    return f"file {size} {digest} {path}\n".encode()


def with_head(*lines):
    return HEAD + lines


def read(lines) -> Manifest:
    manifest = Manifest()
    for line in lines:
        manifest.take(line)
    manifest.end()
    return manifest


def fault_of(lines):
    try:
        read(lines)
    except BundleError as error:
        return error.kind, error.line
    return None


class ManifestTest(unittest.TestCase):
    def test_every_value_of_the_head_is_read(self):
        manifest = read(with_head(a_file()))
        self.assertEqual((manifest.role, manifest.board, manifest.radio), ("barrier", "rp2", 0))
        self.assertEqual((manifest.version, manifest.minimum, manifest.map), (0x102, 1, 3))
        self.assertEqual(manifest.abi, "6.3.armv6m")

    def test_a_file_begins_behind_the_one_before_at_an_even_offset(self):
        manifest = Manifest()
        for line in HEAD:
            self.assertFalse(manifest.take(line))
        self.assertTrue(manifest.take(a_file("11", path="a.mpy")))
        self.assertEqual((manifest.offset, manifest.payload_size), (0, 12))
        self.assertTrue(manifest.take(a_file("0", path="b/c.py")))
        self.assertEqual((manifest.offset, manifest.payload_size), (12, 12))
        self.assertTrue(manifest.take(a_file("4", path="d.mpy")))
        self.assertEqual((manifest.offset, manifest.size, manifest.payload_size), (12, 4, 16))
        self.assertEqual((manifest.path, manifest.digest, manifest.file_count), ("d.mpy", DIGEST, 3))

    def test_every_wrong_head_line_is_told_apart(self):
        for line, wrong, kind in (
            (1, b"smartgate-bundle 2\n", bundle.NO_FIRST_LINE),
            (1, b"smartgate-bundle 1 \n", bundle.NO_FIRST_LINE),
            (2, b"role Barrier\n", bundle.BAD_ROLE),
            (2, b"role \n", bundle.BAD_ROLE),
            (2, b"board rp2\n", bundle.WRONG_LINE),
            (2, b"role\tbarrier\n", bundle.NOT_ASCII),
            (3, b"board rp-2\n", bundle.BAD_BOARD),
            (4, b"radio 2\n", bundle.BAD_RADIO),
            (4, b"radio 00\n", bundle.BAD_RADIO),
            (5, b"version 1\n", bundle.BAD_VERSION),
            (5, b"version 1.256\n", bundle.BAD_VERSION),
            (5, b"version 01.2\n", bundle.BAD_VERSION),
            (5, b"version -1.2\n", bundle.BAD_VERSION),
            (5, b"version 1.2.3\n", bundle.BAD_VERSION),
            (6, b"abi 6\n", bundle.BAD_ABI),
            (6, b"abi 6.4\n", bundle.BAD_ABI),
            (6, b"abi 6.3.\n", bundle.BAD_ABI),
            (6, b"abi 6.3.a.b\n", bundle.BAD_ABI),
            (7, b"map 65536\n", bundle.BAD_MAP),
            (7, b"map x\n", bundle.BAD_MAP),
            (8, b"minimum 1,0\n", bundle.BAD_MINIMUM),
            (8, b"minimum 1.0", bundle.UNFINISHED),
            (3, b"board \xc3\xa9\n", bundle.NOT_ASCII),
            (3, b"board " + b"x" * 160 + b"\n", bundle.LINE_TOO_LONG),
        ):
            lines = list(with_head(a_file()))
            lines[line - 1] = wrong
            self.assertEqual(fault_of(lines), (kind, line), wrong)

    def test_every_wrong_file_line_is_told_apart(self):
        for wrong, kind in (
            (b"map 3\n", bundle.WRONG_LINE),
            (b"\n", bundle.WRONG_LINE),
            (b"file 10 " + DIGEST.encode() + b"\n", bundle.BAD_FILE_LINE),
            (b"file 10 " + DIGEST.encode() + b" a b.mpy\n", bundle.BAD_FILE_LINE),
            (a_file("010"), bundle.BAD_SIZE),
            (a_file("262145"), bundle.BAD_SIZE),
            (a_file("9999999999"), bundle.BAD_SIZE),
            (a_file(digest=DIGEST[1:]), bundle.BAD_DIGEST),
            (a_file(digest=DIGEST.upper()), bundle.BAD_DIGEST),
            (a_file(path="/a.mpy"), bundle.BAD_PATH),
            (a_file(path="../a.mpy"), bundle.BAD_PATH),
            (a_file(path="a//b.mpy"), bundle.BAD_PATH),
            (a_file(path="manifest.txt"), bundle.BAD_PATH),
            (a_file(path=".mpy"), bundle.BAD_PATH),
            (a_file(path="x" * 25 + ".mpy"), bundle.BAD_PATH),
            (a_file(path="/".join(["abcdefgh"] * 9) + ".mpy"), bundle.BAD_PATH),
        ):
            self.assertEqual(fault_of(with_head(wrong)), (kind, 9), wrong)

    def test_paths_rise_and_none_comes_twice(self):
        for path in ("a.mpy", "b.mpy"):
            lines = with_head(a_file(path="b.mpy"), a_file(path=path))
            self.assertEqual(fault_of(lines), (bundle.NOT_SORTED, 10))

    def test_a_manifest_has_files_but_not_too_many(self):
        self.assertEqual(fault_of(HEAD), (bundle.UNFINISHED, 8))
        self.assertEqual(fault_of(HEAD[:5]), (bundle.UNFINISHED, 5))
        files = tuple(a_file(path=f"f{number:03}.mpy") for number in range(bundle.FILES_MAX))
        self.assertEqual(read(HEAD + files).file_count, bundle.FILES_MAX)
        self.assertEqual(fault_of(with_head(*files, a_file(path="g.mpy")))[0], bundle.TOO_MANY_FILES)


class HeadTest(unittest.TestCase):
    def test_the_head_tells_the_size_of_the_manifest(self):
        self.assertEqual(bundle.parse_head(bundle.encode_head(4321)), 4321)
        self.assertEqual(len(bundle.encode_head(1)), bundle.HEAD_SIZE)

    def test_a_wrong_head_is_refused(self):
        head = bundle.encode_head(4321)
        for wrong, kind in (
            (head[:-1], bundle.BAD_MAGIC),
            (b"X" + head[1:], bundle.BAD_MAGIC),
            (bundle.MAGIC + b"\x00\x00\x00\x00", bundle.BAD_LENGTH),
            (bundle.MAGIC + b"\x00\x00\x40\x01", bundle.BAD_LENGTH),
            (bundle.MAGIC + b"\xff\xff\xff\xff", bundle.BAD_LENGTH),
            (bundle.MAGIC + b"\x00\x01\x00\x01", bundle.BAD_LENGTH),
        ):
            try:
                bundle.parse_head(wrong)
            except BundleError as error:
                self.assertEqual(error.kind, kind, wrong)
            else:
                self.fail(wrong)

    def test_no_head_is_made_for_a_manifest_that_is_too_long(self):
        for size in (0, bundle.MANIFEST_MAX + 1):
            self.assertRaises(BundleError, bundle.encode_head, size)

    def test_signature_and_files_begin_at_even_offsets(self):
        self.assertEqual((bundle.signature_offset(100), bundle.payload_offset(100)), (112, 176))
        self.assertEqual((bundle.signature_offset(101), bundle.payload_offset(101)), (114, 178))


class AbiTest(unittest.TestCase):
    def test_bytecode_wants_the_version_and_machine_code_everything(self):
        armv6m = 6 | 3 << 8 | 4 << 10
        for abi, mpy, loadable in (
            ("6.0", armv6m, True),
            ("6.2", armv6m, True),
            ("5.0", armv6m, False),
            ("6.3.armv6m", armv6m, True),
            ("6.2.armv6m", armv6m, False),
            ("6.3.xtensawin", armv6m, False),
            ("6.3.xtensawin", 6 | 3 << 8 | 10 << 10, True),
            ("6.3.armv6m", 6 | 3 << 8, False),
            ("6.3.armv6m", 6 | 3 << 8 | 15 << 10, False),
        ):
            self.assertEqual(bundle.is_abi_loadable(abi, mpy), loadable, abi)
