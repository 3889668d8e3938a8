"""The provision file, the same on every board: `key=value` lines, `#` starts a comment line.

Knows files and text. Must not know what a key means, except that unknown ones are refused: a misspelt key would
otherwise silently leave a default in force.
"""

from firmware.app.identity import ProvisionError

FILE_NAME = "provision.txt"
# What every board understands; a board adds the keys of its own hardware.
_COMMON_KEYS = (
    "role",
    "serial",
    "unit_id",
    "baud",
    "key",
    "site_key",
    "wiring",
    "line_protocol",
    "line_baud",
    "tcp_port",
)


def read_provision(directory: str, board_keys: tuple[str, ...]) -> dict[str, str]:
    """Return the provision of the device in `directory`; raise ProvisionError, one sentence for the technician.

    `board_keys` are the keys only this board understands.
    """
    path = directory + "/" + FILE_NAME
    try:
        with open(path) as file:
            return parse_provision(file.read(), path, board_keys)
    except OSError:
        raise ProvisionError("{} cannot be read: provision the device first".format(path))  # noqa: B904
    except UnicodeError:
        raise ProvisionError("{} is no text: provision the device anew".format(path))  # noqa: B904


def choose_variant(provision: dict[str, str], variants: tuple[tuple[str, str], ...]) -> str:
    """Return what the card of the provisioned variant has fitted; raise ProvisionError for a card of another kind."""
    name = provision.get("wiring") or variants[0][0]
    for known, fitted in variants:
        if known == name:
            return fitted
    raise ProvisionError(
        "wiring is {!r}: this board is made for {}; fit the right board or provision it anew".format(
            name, ", ".join([known for known, _ in variants])
        )
    )


def parse_provision(text: str, path: str, board_keys: tuple[str, ...]) -> dict[str, str]:
    """Return the keys and values of `text`; `path` is for the message."""
    known = _COMMON_KEYS + board_keys
    provision = {}
    line_number = 0
    for line in text.split("\n"):
        line_number += 1
        line = line.strip()
        if not line or line[0] == "#":
            continue
        at = line.find("=")
        key = line[:at].strip() if at > 0 else line
        if at <= 0 or key not in known:
            raise ProvisionError(
                "{}:{}: {!r} is not understood: expected one of {} and =".format(
                    path, line_number, key, ", ".join(known)
                )
            )
        provision[key] = line[at + 1 :].strip()
    return provision
