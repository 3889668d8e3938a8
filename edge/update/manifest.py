"""The host's side of the manifest: how it is written, and what is wrong with one in words.

For hosts only: a device writes no manifest, and tells BAD_FORMAT of a wrong one and no more.
"""

from protocols import bundle

WORDS = {
    bundle.LINE_TOO_LONG: f"the line is longer than {bundle.LINE_MAX} bytes",
    bundle.NOT_ASCII: "the line has a byte that is no printable ASCII character",
    bundle.NO_FIRST_LINE: f"the first line is not '{bundle.FIRST_LINE}'",
    bundle.WRONG_LINE: "another line is expected here",
    bundle.BAD_ROLE: "the role is no word of small letters, digits and underlines",
    bundle.BAD_BOARD: "the board is no word of small letters, digits and underlines",
    bundle.BAD_RADIO: "radio is neither 0 nor 1",
    bundle.BAD_VERSION: "the version is not MAJOR.MINOR, each 0 to 255",
    bundle.BAD_ABI: "the ABI is not VERSION.SUBVERSION or VERSION.SUBVERSION.ARCHITECTURE",
    bundle.BAD_MAP: "the map version is no number up to 65535",
    bundle.BAD_MINIMUM: "the minimum version is not MAJOR.MINOR, each 0 to 255",
    bundle.BAD_FILE_LINE: "the line is not 'file SIZE SHA256 PATH'",
    bundle.BAD_SIZE: f"the size is no number up to {bundle.FILE_MAX}",
    bundle.BAD_DIGEST: "the SHA-256 is not 64 digits 0-9 a-f",
    bundle.BAD_PATH: f"the path is not words between '/' that end in .mpy or .py, at most {bundle.PATH_MAX} characters",
    bundle.NOT_SORTED: "the path does not come behind the one before it",
    bundle.TOO_MANY_FILES: f"there are more than {bundle.FILES_MAX} files",
    bundle.UNFINISHED: "it ends before it is complete",
    bundle.TOO_LONG: f"it is longer than {bundle.MANIFEST_MAX} bytes",
    bundle.BAD_MAGIC: "it does not begin like a bundle",
    bundle.BAD_LENGTH: f"the length of its manifest is not 1 to {bundle.MANIFEST_MAX}",
}


def describe(error: bundle.BundleError) -> str:
    """One sentence without its end: what is wrong, and in which line of the manifest."""
    where = f"line {error.line} of the manifest: " if error.line else ""
    return where + WORDS[error.kind]


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
