"""The host's side of the manifest: how it is written, and what is wrong with one in words.

For hosts only: a device writes no manifest, and tells BAD_FORMAT of a wrong one and no more.
"""

from edge.words import later, tr
from protocols import bundle

WORDS = {
    bundle.LINE_TOO_LONG: later("the line is longer than {line} bytes"),
    bundle.NOT_ASCII: later("the line has a byte that is no printable ASCII character"),
    bundle.NO_FIRST_LINE: later("the first line is not '{first}'"),
    bundle.WRONG_LINE: later("another line is expected here"),
    bundle.BAD_ROLE: later("the role is no word of small letters, digits and underlines"),
    bundle.BAD_BOARD: later("the board is no word of small letters, digits and underlines"),
    bundle.BAD_RADIO: later("radio is neither 0 nor 1"),
    bundle.BAD_VERSION: later("the version is not MAJOR.MINOR, each 0 to 255"),
    bundle.BAD_ABI: later("the ABI is not VERSION.SUBVERSION or VERSION.SUBVERSION.ARCHITECTURE"),
    bundle.BAD_MAP: later("the map version is no number up to 65535"),
    bundle.BAD_MINIMUM: later("the minimum version is not MAJOR.MINOR, each 0 to 255"),
    bundle.BAD_FILE_LINE: later("the line is not 'file SIZE SHA256 PATH'"),
    bundle.BAD_SIZE: later("the size is no number up to {size}"),
    bundle.BAD_DIGEST: later("the SHA-256 is not 64 digits 0-9 a-f"),
    bundle.BAD_PATH: later("the path is not words between '/' that end in .mpy or .py, at most {path} characters"),
    bundle.NOT_SORTED: later("the path does not come behind the one before it"),
    bundle.TOO_MANY_FILES: later("there are more than {files} files"),
    bundle.UNFINISHED: later("it ends before it is complete"),
    bundle.TOO_LONG: later("it is longer than {manifest} bytes"),
    bundle.BAD_MAGIC: later("it does not begin like a bundle"),
    bundle.BAD_LENGTH: later("the length of its manifest is not 1 to {manifest}"),
}
_LIMITS = {
    "line": bundle.LINE_MAX,
    "first": bundle.FIRST_LINE,
    "size": bundle.FILE_MAX,
    "path": bundle.PATH_MAX,
    "files": bundle.FILES_MAX,
    "manifest": bundle.MANIFEST_MAX,
}


def describe(error: bundle.BundleError) -> str:
    """One sentence without its end: what is wrong, and in which line of the manifest."""
    what = tr(WORDS[error.kind], **_LIMITS)
    return tr("line {line} of the manifest: {what}", line=error.line, what=what) if error.line else what


def encode_manifest(head: bundle.Manifest, files: list[tuple[str, int, str]]) -> bytes:
    """The manifest of `head`'s values and of `files`: path, size, SHA-256 in hex; in any order.

    Raises BundleError for whatever a device would refuse.
    """
    lines = [
        bundle.FIRST_LINE,
        f"role {head.role}",
        f"board {head.board}",
        f"radio {head.radio}",
        f"version {version_text(head.version)}",
        f"abi {head.abi}",
        f"map {head.map}",
        f"minimum {version_text(head.minimum)}",
        *(f"file {size} {digest} {path}" for path, size, digest in sorted(files)),
    ]
    text = "".join(f"{line}\n" for line in lines).encode()
    read_manifest(text)
    return text


def read_manifest(text: bytes) -> tuple[bundle.Manifest, list[tuple[str, int, str, int]]]:
    """Head, and for each file path, size, SHA-256 in hex and offset behind the signature; raises BundleError."""
    if len(text) > bundle.MANIFEST_MAX:
        raise bundle.BundleError(bundle.TOO_LONG, 0)
    manifest = bundle.Manifest()
    files = []
    for line in text.splitlines(keepends=True):
        if manifest.take(line):
            files.append((manifest.path, manifest.size, manifest.digest, manifest.offset))
    manifest.end()
    return manifest, files


def abi_of(files: dict[str, bytes]) -> str:
    """The `abi` of a file set, from the heads of its .mpy files; ValueError when they do not fit together."""
    heads = {(data[1], data[2] & 3, data[2] >> 2 & 15) for name, data in files.items() if name.endswith(".mpy")}
    versions = {version for version, _, _ in heads}
    native = {(sub, arch) for _, sub, arch in heads if arch}
    if len(versions) != 1 or len(native) > 1:
        raise ValueError(f"the .mpy files are of different kinds: {sorted(heads)}; compile all of them anew")
    sub, arch = native.pop() if native else (0, 0)
    name = bundle.ARCHITECTURES[arch]
    return f"{versions.pop()}.{sub}" + (f".{name}" if name else "")


def version_text(version: int) -> str:
    """`major.minor` of a version register."""
    return f"{version >> 8}.{version & 0xFF}"
