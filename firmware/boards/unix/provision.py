"""The provision file of a unix device: `key=value` lines, `#` starts a comment line.

Knows files and text. Must not know what a key means, except that unknown ones are refused: a misspelt key would
otherwise silently leave a default in force.
"""

from firmware.app.identity import ProvisionError

FILE_NAME = "provision.txt"
_KEYS = (
    "role",
    "serial",
    "unit_id",
    "baud",
    "key",
    "mode",
    "tty",
    "tcp_port",
    "heap_lock",
    "line_protocol",
    "line_baud",
)


def read_provision(directory: str) -> dict[str, str]:
    """Return the provision of the device in `directory`; raise ProvisionError, one sentence for the technician."""
    path = directory + "/" + FILE_NAME
    try:
        with open(path) as file:
            return parse_provision(file.read(), path)
    except OSError:
        raise ProvisionError("{} cannot be read: provision the device first".format(path))  # noqa: B904


def parse_provision(text: str, path: str) -> dict[str, str]:
    """Return the keys and values of `text`; `path` is for the message."""
    provision = {}
    line_number = 0
    for line in text.split("\n"):
        line_number += 1
        line = line.strip()
        if not line or line[0] == "#":
            continue
        at = line.find("=")
        key = line[:at].strip() if at > 0 else line
        if at <= 0 or key not in _KEYS:
            raise ProvisionError(
                "{}:{}: {!r} is not understood: expected one of {} and =".format(
                    path, line_number, key, ", ".join(_KEYS)
                )
            )
        provision[key] = line[at + 1 :].strip()
    return provision
