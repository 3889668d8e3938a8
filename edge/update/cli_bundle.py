"""`gate bundle`: make the keys of a site's updates, build and sign a bundle, and look into one.

Knows: arguments, files, printing. Must not know: the layout of a bundle, Ed25519, tokens.
A PIN is asked for, or read from a file or the environment; it is never an argument, where every user could read it.
"""

from __future__ import annotations

import argparse
import getpass
import json
import os
import sys
from pathlib import Path
from typing import Protocol

from edge.cli_common import EXIT_BAD_INPUT, EXIT_DONE, EXIT_FAILED, EXIT_REFUSED, fail, reason_of
from edge.update.bundle import (
    SUFFIX,
    Bundle,
    BundleFileError,
    assemble,
    message_of,
    parse_version,
    read_bundle,
)
from edge.update.keys import FileKey, KeyFileError, is_signed, make_key, read_public, write_public
from edge.update.manifest import version_text
from edge.update.token import TokenError, TokenKey
from edge.words import tr

PIN_VARIABLE = "GATE_PIN"


class _Key(Protocol):
    """What signs."""

    public: bytes

    def sign(self, message: bytes) -> bytes: ...


class _ArgumentError(Exception):
    """The arguments do not fit together; the text says how they would."""


def add_bundle_word(parser: argparse.ArgumentParser) -> None:
    """The arguments of `gate bundle`."""
    words = parser.add_subparsers(dest="bundle_word", required=True, metavar="key | build | show")
    key = words.add_parser("key", help=tr("make the pair of keys of a site's updates"))
    key.add_argument("file", type=Path, metavar="NEW_FILE", help=tr("the private key; with a token, the public one"))
    key.set_defaults(run=_key)
    build = words.add_parser("build", help=tr("build and sign a bundle from these sources"))
    build.add_argument("--role", required=True, metavar="ROLE", help=tr("the devices' role"))
    build.add_argument("--board", required=True, metavar="BOARD", help=tr("the devices' board"))
    build.add_argument("--radio", action="store_true", help=tr("for a board that is made with and without a radio"))
    build.add_argument("--minimum", metavar="VERSION", help=tr("the oldest version this may replace"))
    build.add_argument("--key", type=Path, metavar="FILE", help=tr("the private key"))
    build.add_argument("-o", "--output", type=Path, metavar="FILE", help=tr("default: ROLE-BOARD-VERSION.gate"))
    build.set_defaults(run=_build)
    for word in (key, build):
        word.add_argument("--pkcs11", metavar="MODULE", help=tr("library of the token that holds the key"))
        word.add_argument("--token", metavar="LABEL", help=tr("the token's label"))
        word.add_argument("--key-label", metavar="LABEL", help=tr("the key's label on the token"))
        pin = tr(
            "file with the token's PIN; else {variable} of the environment, else it is asked for", variable=PIN_VARIABLE
        )
        word.add_argument("--pin-file", type=Path, metavar="FILE", help=pin)
    show = words.add_parser("show", help=tr("check a bundle and tell what is in it"))
    show.add_argument("file", type=Path, metavar="FILE", help=tr("the bundle"))
    show.add_argument("--key", type=Path, metavar="PUBLIC", help=tr("the site's public key, to check the signature"))
    show.add_argument("--json", action="store_true", help=tr("print one object"))
    show.set_defaults(run=_show)


def _key(arguments: argparse.Namespace) -> int:
    try:
        token = _token_key(arguments)
        if token is None:
            public = make_key(arguments.file)
            print(
                tr("{path}: private key; keep it away from the gate, whoever has it signs updates", path=arguments.file)
            )
        else:
            public = arguments.file
            write_public(public, token.public)
        print(tr("{path}: public key; name it as update_key_file in the site file", path=public))
    except (KeyFileError, TokenError, _ArgumentError) as error:
        return fail(EXIT_BAD_INPUT, str(error))
    return EXIT_DONE


def _build(arguments: argparse.Namespace) -> int:
    from edge.update.build import BuildError, build  # the compiler is needed for this word only

    try:
        _check_order(arguments)
        minimum = parse_version(arguments.minimum) if arguments.minimum else None
        key = _signing_key(arguments)
    except (KeyFileError, TokenError, _ArgumentError, ValueError) as error:
        return fail(EXIT_BAD_INPUT, str(error))
    try:
        manifest, contents = build(arguments.role, arguments.board, radio=arguments.radio, minimum=minimum)
        data = assemble(manifest, key.sign(message_of(manifest)), contents)
        output = arguments.output or Path(_name_of(manifest))
        output.write_bytes(data)
        bundle = read_bundle(output)
    except (BuildError, TokenError, BundleFileError) as error:
        return fail(EXIT_FAILED, str(error))
    except OSError as error:
        return fail(EXIT_FAILED, reason_of(error))
    print(_headline(output, bundle))
    return EXIT_DONE


def _show(arguments: argparse.Namespace) -> int:
    try:
        bundle = read_bundle(arguments.file)
        public = read_public(arguments.key) if arguments.key else b""
    except (BundleFileError, KeyFileError) as error:
        return fail(EXIT_BAD_INPUT, str(error))
    is_ours = is_signed(bundle.message, bundle.signature, public) if public else None
    if arguments.json:
        print(json.dumps(_fields(bundle) | {"signed": is_ours}))
    else:
        print(_headline(arguments.file, bundle))
        for part in bundle.parts:
            print(f"  {part.size:6}  {part.path}")
    if is_ours is False:
        return fail(
            EXIT_REFUSED,
            tr(
                "{path} is not signed by the key of {key}; devices of that site refuse it",
                path=arguments.file,
                key=arguments.key,
            ),
        )
    if is_ours and not arguments.json:
        print(tr("signed by the key of {key}", key=arguments.key))
    return EXIT_DONE


def _fields(bundle: Bundle) -> dict[str, object]:
    return {
        "role": bundle.role,
        "board": bundle.board,
        "radio": bundle.radio,
        "version": version_text(bundle.version),
        "abi": bundle.abi,
        "map_version": bundle.map_version,
        "minimum": version_text(bundle.minimum),
        "size": len(bundle.data),
        "sha256": bundle.sha256,
        "files": [{"path": part.path, "size": part.size, "sha256": part.sha256} for part in bundle.parts],
    }


def _headline(path: Path, bundle: Bundle) -> str:
    return tr(
        "{path}: {role} {version} for board {board}{radio}, map version {map_version}, .mpy {abi}, from {minimum} on, "
        "{count} files, {size} bytes, SHA-256 {sha256}",
        path=path,
        role=bundle.role,
        version=version_text(bundle.version),
        board=bundle.board,
        radio=tr(" with radio") if bundle.radio else "",
        map_version=bundle.map_version,
        abi=bundle.abi,
        minimum=version_text(bundle.minimum),
        count=len(bundle.parts),
        size=len(bundle.data),
        sha256=bundle.sha256,
    )


def _name_of(manifest: bytes) -> str:
    head = dict(line.split(" ", 1) for line in manifest.decode("ascii").splitlines()[1:6])
    radio = "-wifi" if head["radio"] == "1" else ""
    return f"{head['role']}-{head['board']}{radio}-{head['version']}{SUFFIX}"


def _check_order(arguments: argparse.Namespace) -> None:
    from edge.update.build import roles_and_boards

    for option, value, known in zip(
        ("--role", "--board"), (arguments.role, arguments.board), roles_and_boards(), strict=True
    ):
        if value not in known:
            listed = ", ".join(known)
            raise _ArgumentError(
                tr("{option} '{value}' is unknown; expected one of {known}", option=option, value=value, known=listed)
            )


def _signing_key(arguments: argparse.Namespace) -> _Key:
    token = _token_key(arguments)
    if (token is None) == (arguments.key is None):
        raise _ArgumentError(tr("name what signs: --key FILE, or --pkcs11 MODULE --token LABEL --key-label LABEL"))
    return FileKey(arguments.key) if token is None else token


def _token_key(arguments: argparse.Namespace) -> TokenKey | None:
    named = (arguments.pkcs11, arguments.token, arguments.key_label)
    if not any(named):
        return None
    if not all(named):
        raise _ArgumentError(tr("a token's key wants all three: --pkcs11 MODULE --token LABEL --key-label LABEL"))
    return TokenKey(*named, _pin(arguments))


def _pin(arguments: argparse.Namespace) -> str:
    if arguments.pin_file is not None:
        try:
            return str(arguments.pin_file.read_text(encoding="utf-8").strip())
        except (OSError, ValueError) as error:
            raise _ArgumentError(reason_of(error)) from None
    if PIN_VARIABLE in os.environ:
        return os.environ[PIN_VARIABLE]
    if not sys.stdin.isatty():
        raise _ArgumentError(
            tr("nobody can be asked for the PIN here: name --pin-file, or set {variable}", variable=PIN_VARIABLE)
        )
    return getpass.getpass(tr("PIN of token {token}: ", token=arguments.token))
