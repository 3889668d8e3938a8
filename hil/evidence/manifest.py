"""The manifest of an evidence bundle: what ran, on what, and the hash of every file beside it.

Knows: its form as JSON. Must not know: files, how anything is run.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from edge.words import later, tr

NAME = "bundle.json"
FORMAT = "smartgate hil evidence 1"


class BundleError(Exception):
    """The bundle is damaged or none of ours; the message is one sentence that goes on after its name."""


@dataclass(frozen=True, slots=True)
class Run:
    """One scenario on one target. `digest` is that of the whole trace, "" when nothing ran; paths are the bundle's."""

    scenario: str
    target: str
    seed: int
    verdict: str
    digest: str
    logical: str
    file: str
    trace: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """`made_with` are versions of what made the bundle, `identity` by target what each ran, `files` hashes by path."""

    made_with: Mapping[str, str]
    identity: Mapping[str, Mapping[str, str]]
    runs: tuple[Run, ...]
    files: Mapping[str, str]

    def text(self) -> str:
        """As JSON."""
        data = {
            "format": FORMAT,
            "made_with": dict(self.made_with),
            "identity": {name: dict(each) for name, each in self.identity.items()},
            "runs": [{key: getattr(run, key) for key in Run.__slots__} for run in self.runs],
            "files": dict(self.files),
        }
        return json.dumps(data, indent=1) + "\n"


def parse_manifest(text: str) -> Manifest:
    """Raises BundleError."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BundleError(whole(later("{name} is no JSON ({why})"), name=NAME, why=error)) from None
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        found = data.get("format") if isinstance(data, dict) else None
        names = {"name": NAME, "found": found, "wanted": FORMAT}
        raise BundleError(
            tr("{name} has the format {found!r}, not {wanted!r}; take a bundle that --evidence made", **names)
        )
    try:
        manifest = _build(data)
    except (KeyError, TypeError, AttributeError) as error:
        raise BundleError(whole(later("{name} lacks a part ({why})"), name=NAME, why=error)) from None
    _check_targets(manifest)
    return manifest


def whole(sentence: str, **values: object) -> str:
    """The sentence of a bundle that is damaged, and what to do."""
    return tr("{what}; take a copy of the bundle that is whole", what=tr(sentence, **values))


def _check_targets(manifest: Manifest) -> None:
    """A bundle that has nothing to repeat, or not all of it, must not come out as repeated."""
    ran = dict.fromkeys(run.target for run in manifest.runs)
    if ran.keys() != manifest.identity.keys() or not ran:
        names = {"name": NAME, "ran": _listed(ran), "told": _listed(manifest.identity)}
        raise BundleError(whole(later("{name} has runs of {ran} and 'identity' of {told}"), **names))


def _listed(targets: Iterable[str]) -> str:
    return ", ".join(targets) or tr("no target")


def _build(data: Mapping[str, Any]) -> Manifest:
    return Manifest(
        _texts(data["made_with"]),
        {str(name): _texts(each) for name, each in data["identity"].items()},
        tuple(Run(**{key: _of_kind(item[key], kind) for key, kind in _KINDS.items()}) for item in data["runs"]),
        _texts(data["files"]),
    )


_KINDS: Mapping[str, type] = {key: int if key == "seed" else str for key in Run.__slots__}


def _of_kind(value: Any, kind: type) -> Any:
    if type(value) is not kind:
        raise TypeError(f"{value!r} is no {kind.__name__}")
    return value


def _texts(table: Any) -> dict[str, str]:
    return {_of_kind(name, str): _of_kind(value, str) for name, value in table.items()}
