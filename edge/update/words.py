"""What became of an update, in words: for the person at the tool, and in English for the journal.

Knows: verdicts, and the reasons of devices, of the machine (edge/update/steps.py) and of the hub. Must not know: who
asks.
"""

from __future__ import annotations

from collections.abc import Mapping

from edge.update import steps
from edge.update.request import LANE, QUEUED
from edge.words import later, tr

# Of the hub, before a device is asked anything.
SWAPPED = "SWAPPED"
LANE_BUSY = "LANE_BUSY"
STOPPED = "STOPPED"

# Each may use {version} (of the bundle), {running}, {detail}.
_REASONS: dict[str, str] = {
    "BAD_SIGNATURE": later("its signature is not made with the key of the device's site; sign it with that key"),
    "WRONG_ROLE": later("the bundle is for another role; build one for this role"),
    "WRONG_BOARD": later("the bundle is for another board, or for one with a radio and this one has none"),
    "WRONG_ABI": later("its files are compiled for another MicroPython than the device runs; build it for that one"),
    "WRONG_MAP": later("its register map has another version than the stored settings; bring it with gate flash"),
    "OLDER_VERSION": later(
        "version {version} is older than {running}, which runs; --allow-older {version} --reason TEXT permits it once"
    ),
    "BELOW_MINIMUM": later("version {running} is too old to be replaced by this bundle; install one in between first"),
    "BAD_FORMAT": later("the device finds no bundle in what it got; build or copy it anew"),
    "HASH_MISMATCH": later("what the device stored differs from what was sent, again and again; its flash may be worn"),
    "STORE_FULL": later("the device has no room for it; ask for a smaller one"),
    "STORE_FAILED": later("the device cannot write its flash; replace the board"),
    steps.NOT_AT_REST: later("the device did not come to rest: see whether something moves, or stands in its way"),
    "TRIAL_FAILED": later("the new version did not find itself healthy, so the device went back to the one before"),
    "NO_SITE_KEY": later("the device knows no key of its site; give it one with gate provision"),
    "ABORTED": later("the update was given up at the device"),
    steps.NO_SLOTS: later("the device keeps one version only; write it over USB with gate flash"),
    steps.SILENT: later("the device does not answer; check supply and line"),
    steps.STUCK: later("the device does not go on; reset it and begin again"),
    steps.SLOW: later("the device did not come to an end in time; look at its status"),
    steps.UNSENT: later(
        "it answers, but no command comes through to it: check its line (wiring, termination, noise) and begin again"
    ),
    steps.COMMAND: later("the device does not take the command ({detail})"),
    steps.ANOTHER: later("the device holds another version than the bundle's; begin again"),
    SWAPPED: later("another device answers in its place ({detail}); fit the right one, or swap it in the site file"),
    LANE_BUSY: later("its lane could not be taken out of service in time: {detail}"),
    STOPPED: later("{detail} stopped it"),
}
_VERDICTS: dict[str, str] = {
    steps.Verdict.CONFIRMED: later("runs {version} now, before it was {running}"),
    steps.Verdict.UNCHANGED: later("runs {version} already"),
    steps.Verdict.NOT_BEGUN: later("was not begun: {reason}"),
    steps.Verdict.REFUSED: later("refused, runs {running} as before: {reason}"),
    steps.Verdict.RETURNED: later("went back to {running}: {reason}"),
    steps.Verdict.FAILED: later("no end was seen: {reason}"),
}
_PHASES: dict[str, str] = {
    QUEUED: later("waits for its turn"),
    LANE: later("waits until its lane is empty"),
    steps.Phase.LOOKING: later("is asked how it is"),
    steps.Phase.SENDING: later("receives"),
    steps.Phase.VERIFYING: later("checks the signature"),
    steps.Phase.CHECKING: later("checks what it received"),
    steps.Phase.WAITING: later("waits until it is at rest"),
    steps.Phase.SILENT: later("does not answer, and is asked again"),
    steps.Phase.TRIAL: later("starts the new version on trial"),
    steps.Phase.OVER: later("is done"),
}


def verdict_text(verdict: str, reason: str, values: Mapping[str, str]) -> str:
    """What became of a device, for the person at the tool; `values` are `version`, `running` and `detail`."""
    why = reason_text(reason, values) if reason else ""
    return tr(_VERDICTS[verdict], **(dict(values) | {"reason": why}))


def reason_text(reason: str, values: Mapping[str, str]) -> str:
    """Why, for the person at the tool; a word that is unknown here stands for itself."""
    return tr(_REASONS[reason], **values) if reason in _REASONS else reason


def reason_in_journal(reason: str, values: Mapping[str, str]) -> str:
    """Why, in English."""
    return _REASONS[reason].format(**values) if reason in _REASONS else reason


def phase_text(phase: str) -> str:
    """What goes on, for the person at the tool."""
    return tr(_PHASES[phase])
