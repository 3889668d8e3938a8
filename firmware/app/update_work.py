"""The work of an update, from the first byte of a bundle to a whole, verified slot: a generator, one slice a time.

Knows the bundle, the signature and the slots port. Must not know registers' places or a role. Each `yield` says whether
the next slice has something to do (True) or waits for data (False). A slice writes one chunk, hashes one piece, or is
one step of the signature: about 3 ms on an RP2040, but for flash that erases a block.

The manifest is judged before any file is taken, its signature first. What the other slot held is over from the moment
its manifest is removed; it has one again only when every file was read back from flash.
"""

import binascii
import errno
import hashlib

from firmware.app.identity import FIRMWARE_VERSION
from firmware.app.update import CHUNK_SIZE, Update
from firmware.ports import MANIFEST_FILE, MANIFEST_NEW
from protocols import bundle
from protocols.bundle import BundleError, Manifest
from protocols.compat import const
from protocols.ed25519 import GOOD, PENDING, Verifier

_PIECE_SIZE = const(2048)
_LINES_A_SLICE = const(2)


class _Refusal(Exception):
    """The update ends; the argument is the reason."""


def receive(update: Update):
    """Do an update up to READY, or until it fails; shows both."""
    regmap = update.regmap
    try:
        yield from _receive(update)
        update.show(regmap.UPDATE_STATE_READY, regmap.UPDATE_REASON_NONE)
    except _Refusal as refusal:
        _fail(update, refusal.args[0])
    except BundleError:
        _fail(update, regmap.UPDATE_REASON_BAD_FORMAT)
    except MemoryError:
        _fail(update, regmap.UPDATE_REASON_STORE_FULL)
    except OSError as error:
        full = error.errno == errno.ENOSPC
        _fail(update, regmap.UPDATE_REASON_STORE_FULL if full else regmap.UPDATE_REASON_STORE_FAILED)


def _fail(update: Update, reason: int) -> None:
    update.want(-1, 0)
    update.show(update.regmap.UPDATE_STATE_FAILED, reason)


def _receive(update: Update):
    regmap = update.regmap
    slots = update.slots
    digest, signature, files_at = yield from _take_manifest(update)
    update.show(regmap.UPDATE_STATE_VERIFYING, regmap.UPDATE_REASON_NONE)
    yield from _check_signature(update, digest, signature)
    yield from _judge(update, files_at)
    slots.remove(MANIFEST_FILE)
    update.show_other(0)
    yield True
    yield from _clear(update)
    update.show(regmap.UPDATE_STATE_RECEIVING, regmap.UPDATE_REASON_NONE)
    yield from _take_files(update, files_at)
    update.show(regmap.UPDATE_STATE_CHECKING, regmap.UPDATE_REASON_NONE)
    yield from _read_back(update, digest)
    slots.rename(MANIFEST_NEW, MANIFEST_FILE)
    update.show_other(slots.other_version())


def _chunks(update: Update, offset: int, size: int):
    """Want `size` bytes from `offset`; yields None while waiting for data, else each chunk as a memoryview."""
    update.want(offset, size)
    while size:
        while not update.chunk_size:
            yield None
        count = update.chunk_size
        yield memoryview(update.chunk)[:count]
        update.chunk_size = 0
        size -= count
        offset += count
        update.show_progress(offset)


def _take_manifest(update: Update):
    """Returns the SHA-256 of the manifest, the signature, and where the first file begins."""
    head = bytearray()
    for chunk in _chunks(update, 0, CHUNK_SIZE):
        if chunk is None:
            yield False
        else:
            head += chunk
    size = bundle.parse_head(bytes(head[: bundle.HEAD_SIZE]))
    files_at = bundle.payload_offset(size)
    if not CHUNK_SIZE <= files_at < update.size or size < CHUNK_SIZE:
        raise _Refusal(update.regmap.UPDATE_REASON_BAD_FORMAT)
    digest = hashlib.sha256()
    signature = bytearray()
    with update.slots.create(MANIFEST_NEW) as file:
        first = memoryview(head)[bundle.HEAD_SIZE :]
        digest.update(first)
        file.write(first)
        left = size - len(first)
        for chunk in _chunks(update, CHUNK_SIZE, files_at - CHUNK_SIZE):
            if chunk is None:
                yield False
                continue
            part = chunk[:left] if left else b""
            digest.update(part)
            file.write(part)
            left -= len(part)
            if not left:
                signature += chunk[len(part) :]
    return digest.digest(), bytes(signature[size & 1 :]), files_at


def _check_signature(update: Update, digest: bytes, signature: bytes):
    verifier = Verifier(update.identity.site_key, bundle.signed_message(digest), signature)
    while verifier.step() == PENDING:
        yield True
    if verifier.result != GOOD:
        raise _Refusal(update.regmap.UPDATE_REASON_BAD_SIGNATURE)


def _judge(update: Update, files_at: int):
    """Hold the manifest against this device and the running set."""
    regmap = update.regmap
    running = Manifest()
    with update.slots.open_running(MANIFEST_FILE) as file:
        while not running.take(file.readline()):
            pass
    manifest = Manifest()
    with update.slots.open(MANIFEST_NEW) as file:
        for count, line in enumerate(file):
            manifest.take(line)
            if count % _LINES_A_SLICE == 0:
                yield True
    manifest.end()
    if manifest.role != update.identity.role or manifest.role != running.role:
        raise _Refusal(regmap.UPDATE_REASON_WRONG_ROLE)
    if manifest.board != running.board or manifest.radio != running.radio:
        raise _Refusal(regmap.UPDATE_REASON_WRONG_BOARD)
    if not bundle.is_abi_loadable(manifest.abi, update.slots.mpy):
        raise _Refusal(regmap.UPDATE_REASON_WRONG_ABI)
    if manifest.map != regmap.MAP_VERSION:  # the stored settings are of this map, and either set would lose the other's
        raise _Refusal(regmap.UPDATE_REASON_WRONG_MAP)
    if files_at + manifest.payload_size != update.size:
        raise _Refusal(regmap.UPDATE_REASON_BAD_FORMAT)
    if manifest.minimum > FIRMWARE_VERSION:
        raise _Refusal(regmap.UPDATE_REASON_BELOW_MINIMUM)
    allowed = update.permission()
    if manifest.version < FIRMWARE_VERSION and not 0 < manifest.version == allowed:
        raise _Refusal(regmap.UPDATE_REASON_OLDER_VERSION)


def _entries(update: Update):
    """The manifest of the new set once more, standing at each file's line in turn; None to give others their time."""
    manifest = Manifest()
    with update.slots.open(MANIFEST_NEW) as file:
        for line in file:
            if manifest.take(line):
                yield manifest
            yield None


def _clear(update: Update):
    """Remove what the new set does not have: a module that is left over could be imported."""
    wanted = {MANIFEST_NEW}
    for manifest in _entries(update):
        if manifest is not None:
            wanted.add(manifest.path)
        yield True
    for path in update.slots.walk():
        if path not in wanted:
            update.slots.remove(path)
        yield True


def _take_files(update: Update, files_at: int):
    slots = update.slots
    for manifest in _entries(update):
        yield True
        if manifest is None:
            continue
        path, offset = manifest.path, files_at + manifest.offset
        found = yield from _hash(slots.open, path)
        if found != manifest.digest:
            mine = yield from _hash(slots.open_running, path)
            if mine == manifest.digest:
                yield from _copy(slots, path)
            else:
                yield from _fetch(update, manifest, offset)
        update.show_progress(offset + manifest.size)


def _fetch(update: Update, manifest: Manifest, offset: int):
    """A file from the hub. Nothing is wanted for an empty one."""
    size, digest = manifest.size, hashlib.sha256()
    with update.slots.create(manifest.path) as file:
        for chunk in _chunks(update, offset, size + (size & 1)):
            if chunk is None:
                yield False
                continue
            part = chunk[:size]
            size -= len(part)
            digest.update(part)
            file.write(part)
    if binascii.hexlify(digest.digest()).decode() != manifest.digest:
        raise _Refusal(update.regmap.UPDATE_REASON_HASH_MISMATCH)


def _copy(slots, path: str):
    buffer = bytearray(CHUNK_SIZE)
    view = memoryview(buffer)
    with slots.open_running(path) as source, slots.create(path) as target:
        size = source.readinto(buffer)
        while size:
            target.write(view[:size])
            yield True
            size = source.readinto(buffer)


def _hash(opener, path: str):
    """SHA-256 of a file as 64 digits, "" when there is none."""
    digest = hashlib.sha256()
    buffer = bytearray(_PIECE_SIZE)
    view = memoryview(buffer)
    try:
        file = opener(path)
    except OSError as error:
        if error.errno != errno.ENOENT:
            raise
        return ""
    with file:
        size = file.readinto(buffer)
        while size:
            digest.update(view[:size])
            yield True
            size = file.readinto(buffer)
    return binascii.hexlify(digest.digest()).decode()


def _read_back(update: Update, digest: bytes):
    """Everything from flash, the manifest first."""
    slots = update.slots
    found = yield from _hash(slots.open, MANIFEST_NEW)
    if found != binascii.hexlify(digest).decode():
        raise _Refusal(update.regmap.UPDATE_REASON_HASH_MISMATCH)
    for manifest in _entries(update):
        yield True
        if manifest is not None:
            found = yield from _hash(slots.open, manifest.path)
            if found != manifest.digest:
                raise _Refusal(update.regmap.UPDATE_REASON_HASH_MISMATCH)
