"""What a hub answers an operator, said in the language of who asked: the hub itself and its journal speak English.

Knows: the forms of the lane's refusals and of the door's sentences. Must not know: when they are given.
"""

from __future__ import annotations

import re

from edge.words import later, tr

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
)


def hear(said: str) -> str:
    """`said`, and the reason within it, in the language chosen; a sentence of no known form stays as it is."""
    for form in _FORMS:
        match = re.fullmatch(re.sub(r"\\{(\w+)\\}", r"(?P<\1>.+)", re.escape(form)), said)
        if match:
            values = match.groupdict()
            return tr(form, **{name: hear(text) if name == "reason" else text for name, text in values.items()})
    return said
