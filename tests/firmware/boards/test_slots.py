"""Which of two slots starts: the pointer, whole and broken slots, a trial and the way back."""

import binascii
import hashlib
import os
import unittest

from firmware.boards import slots
from firmware.boards.slots import CONFIRMED, RETURNED, TRIAL, TRYING, Pointer

ROOT = "./slots_test"
DIGEST = "0123456789abcdef" * 4


def sha256(data: bytes) -> str:
    return binascii.hexlify(hashlib.sha256(data).digest()).decode()


def remove(path: str) -> None:
    parent, name = path.rsplit("/", 1)
    if name not in os.listdir(parent):
        return
    if not os.stat(path)[0] & 0x4000:
        os.remove(path)
        return
    for inner in os.listdir(path):
        remove(path + "/" + inner)
    os.rmdir(path)


def put(path: str, data: bytes) -> None:
    with open(ROOT + "/" + path, "wb") as file:
        file.write(data)


def get(path: str) -> bytes:
    with open(ROOT + "/" + path, "rb") as file:
        return file.read()


def fill(slot: str, content: bytes) -> str:
    """A whole slot of two files; returns the SHA-256 of its manifest."""
    lines = "smartgate-bundle 1\nrole barrier\n"
    for name in ("main.mpy", "pack/inner.mpy"):
        put(slot + "/" + name, content + name.encode())
        lines += f"file {len(content) + len(name)} {sha256(content + name.encode())} {name}\n"
    put(slot + "/manifest.txt", lines.encode())
    return sha256(lines.encode())


class PointerTest(unittest.TestCase):
    def test_what_was_written_is_read(self):
        for state in (CONFIRMED, TRIAL, TRYING, RETURNED):
            for other in ("", DIGEST):
                pointer = slots.parse_pointer(slots.encode_pointer(Pointer("b", state, DIGEST, other)))
                self.assertEqual((pointer.slot, pointer.state), ("b", state))
                self.assertEqual((pointer.digest, pointer.other), (DIGEST, other))

    def test_every_damage_is_seen(self):
        text = slots.encode_pointer(Pointer("a", TRIAL, DIGEST, ""))
        for wrong in (
            "",
            text[:-1],
            text + "\n",
            text.replace("slots 1", "slots 2"),
            text.replace("\na\n", "\nc\n"),
            text.replace("trial", "trail"),
            text.replace("f\n", "g\n"),
            text.replace("f\n", "\n"),
            text.replace("-", DIGEST[1:]),
        ):
            self.assertTrue(slots.parse_pointer(wrong) is None, wrong)


class ChoiceTest(unittest.TestCase):
    def setUp(self):
        remove(ROOT)
        for name in ("", "/a", "/b", "/a/pack", "/b/pack"):
            os.mkdir(ROOT + name)
        self.old = fill("a", b"old ")
        self.new = fill("b", b"new and longer ")

    def tearDown(self):
        remove(ROOT)

    def point(self, slot, state, digest, other=""):
        self.assertTrue(slots.write_pointer(ROOT, Pointer(slot, state, digest, other)))

    def pointed(self):
        pointer = slots.read_pointer(ROOT)
        return pointer.slot, pointer.state, pointer.digest, pointer.other

    def test_the_confirmed_slot_starts_and_nothing_is_written(self):
        for slot, digest in (("a", self.old), ("b", self.new)):
            self.point(slot, CONFIRMED, digest)
            before = get("slot.txt")
            self.assertEqual(slots.choose(ROOT), slot)
            self.assertEqual(get("slot.txt"), before)
            self.assertFalse("slot.new" in os.listdir(ROOT))

    def test_a_trial_starts_once_and_the_next_start_goes_back(self):
        self.point("b", TRIAL, self.new, self.old)
        self.assertEqual(slots.choose(ROOT), "b")
        self.assertEqual(self.pointed(), ("b", TRYING, self.new, self.old))
        self.assertEqual(slots.choose(ROOT), "a")
        self.assertEqual(self.pointed(), ("a", RETURNED, self.old, ""))
        self.assertEqual(slots.choose(ROOT), "a")

    def test_a_trial_of_a_slot_that_is_not_whole_never_starts(self):
        put("b/main.mpy", b"new and longer main.mpX")
        self.point("b", TRIAL, self.new, self.old)
        self.assertEqual(slots.choose(ROOT), "a")
        self.assertEqual(self.pointed(), ("a", RETURNED, self.old, ""))

    def test_every_way_not_to_be_whole_leads_to_the_other_slot(self):
        def shorter():
            put("a/main.mpy", b"old main.mp")

        def other():
            put("a/pack/inner.mpy", b"olD pack/inner.mpy")

        def missing():
            os.remove(ROOT + "/a/main.mpy")

        def no_manifest():
            os.remove(ROOT + "/a/manifest.txt")

        def other_manifest():
            put("a/manifest.txt", get("b/manifest.txt"))

        for damage in (shorter, other, missing, no_manifest, other_manifest):
            self.old = fill("a", b"old ")
            self.point("a", CONFIRMED, self.old, self.new)
            damage()
            self.assertEqual(slots.choose(ROOT), "b")
            self.assertEqual(self.pointed(), ("b", RETURNED, self.new, ""))

    def test_a_slot_nobody_vouches_for_is_no_way_out(self):
        put("a/main.mpy", b"")
        self.point("a", CONFIRMED, self.old)
        self.assertEqual(slots.choose(ROOT), "")
        self.point("a", CONFIRMED, self.old, self.old)
        self.assertEqual(slots.choose(ROOT), "")

    def test_a_failed_trial_goes_on_when_the_other_slot_is_damaged(self):
        put("a/main.mpy", b"")
        self.point("b", TRYING, self.new, self.old)
        self.assertEqual(slots.choose(ROOT), "b")
        self.assertFalse(slots.is_trying(ROOT, "b"))  # there is nothing to go back to
        self.assertEqual(self.pointed(), ("b", CONFIRMED, self.new, ""))

    def test_the_slot_one_came_back_to_is_not_on_trial_though_that_could_not_be_stored(self):
        self.point("b", TRYING, self.new, self.old)
        os.mkdir(ROOT + "/slot.new")
        self.assertEqual(slots.choose(ROOT), "a")
        self.assertFalse(slots.is_trying(ROOT, "a"))

    def test_without_a_pointer_the_first_whole_slot_starts(self):
        for text in (None, b"", b"\xff\xfe", b"smartgate-slots 1\n"):
            remove(ROOT + "/slot.txt")
            if text is not None:
                put("slot.txt", text)
            self.assertEqual(slots.choose(ROOT), "a")
        put("a/main.mpy", b"")
        self.assertEqual(slots.choose(ROOT), "b")
        put("b/main.mpy", b"")
        self.assertEqual(slots.choose(ROOT), "")

    def test_a_manifest_that_names_no_file_or_is_garbled_is_not_whole(self):
        for text in (b"smartgate-bundle 1\n", b"file x y z\n", b"file 1 2\n", b"file \xff\xff\n"):
            put("a/manifest.txt", text)
            self.assertFalse(slots.is_whole(ROOT, "a", ""), text)

    def test_a_pointer_that_cannot_be_written_keeps_the_old_slot(self):
        self.point("b", TRIAL, self.new, self.old)
        os.mkdir(ROOT + "/slot.new")
        self.assertEqual(slots.choose(ROOT), "a")
        self.assertEqual(self.pointed(), ("b", TRIAL, self.new, self.old))

    def test_only_a_begun_trial_is_one(self):
        self.assertFalse(slots.is_trying(ROOT, "b"))
        for state in (CONFIRMED, TRIAL, RETURNED):
            self.point("b", state, self.new, self.old)
            self.assertFalse(slots.is_trying(ROOT, "b"))
        self.point("b", TRYING, self.new, self.old)
        self.assertTrue(slots.is_trying(ROOT, "b"))
