"""What a hub says to people, in the language of who asked: the hub itself and its journal speak English.

Knows: the forms of the lane's refusals, of the door's sentences, and of what keeps a line or a device from answering.
Must not know: when they are given.
"""

from __future__ import annotations

from edge.words import later
from edge.words.heard import heard

_FORMS = (
    later("lane {lane} refuses {request}: {reason}"),
    later("lane {lane}: {request} taken"),
    later("lane {lane}, {request}: {reason}; look at the lane before asking again"),
    later("lane {lane} is unknown to the hub; expected one of {lanes}"),
    later("the request cannot be read; use the gate command of the hub's own version"),
    later("the hub on {place} gave no answer ({reason}); look at the lane before asking again"),
    later("the request was taken but is not journalled yet ({reason})"),
    later("too many requests wait already"),
    later("the lane waits for the journal ({reason})"),
    later("the disk is slow"),
    later("the {device} does not answer"),
    later("the hub has just started and has not read both devices yet"),
    later("the lane is in state {state}, where {request} changes nothing"),
    later("the lane is out of service while its devices are updated"),
    later("another command to the barrier is under way"),
    later("the barrier is in local mode"),
    later("something is in the path of the boom"),
    later("the boom is not in a position for it"),
    later("this update is under way already"),
    later("another update is under way; wait for its end or stop it"),
    later("no update is under way"),
    later("device {device} is unknown to the hub; see its site file"),
    later("device {device} is no {role}, for which the bundle is; build one for its role"),
    later("the site has no {role}, for which the bundle is"),
    later("the bundle is not signed with the key of this site (update_key_file); sign it with that key"),
    later(
        "the bundle serves version {version} of map {role} and this hub knows {known}, so it could not use the devices "
        "afterwards; update the hub, or build a bundle of the hub's version"
    ),
    later("{place} cannot be written ({reason}); free its disk first"),
    later("--allow-older must name the bundle's version, {version}"),
    later("unit {unit} did not answer within {limit} ms"),
    later("unit {unit} did not answer its gateway (exception {code})"),
    later("unit {unit} answered with a broken frame ({count} bytes)"),
    later(
        "answers from address {unit} are garbled while the rest of line {line} is fine: two devices may share this "
        "address, disconnect one and check its unit id"
    ),
    later("answers on line {line} are garbled: check wiring, termination, baud rate and parity"),
    later("the device says {word}: {reasons}"),
    later("the connection was lost"),
    later("{where} has the key that was revoked: it is {board}; take it off"),
    later("{where} has another key than the hub: provision it anew, or check what was fitted there"),
    later(
        "{where} serves version {found} of map {role}, the site file says {said} and this hub knows {known}: update "
        "the device, the site file or the hub"
    ),
    later("{where} serves {found}, expected {role}: check the unit id or the site file"),
    later("{where} has serial number {found}, expected {wanted}: check what was fitted there"),
    later("{where} does not exist: check the cable, the converter and the site file"),
    later("{where} is in use by another program: end it, the line needs it alone"),
    later("{where} may not be opened: give the hub's user the right to it"),
    later("{where} was refused: check that the device serves Modbus TCP there"),
    later("{where} cannot be opened ({reason}): check address and cable"),
    later("{where} was lost during a request"),
    later("{where} is not open"),
    later("address {unit} of line {line}"),
    later("connection to {place}"),
    later("port {port}"),
)
_SENTENCES = ("reason", "where")  # values that are said by the hub themselves


def hear(said: str) -> str:
    """`said`, and the reason within it, in the language chosen; a sentence of no known form stays as it is."""
    return heard(said, _FORMS, _SENTENCES)
