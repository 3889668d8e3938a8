"""The completion of `gate` for fish: a line for each word, option and place.

Knows: fish. Must not know: which words there are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hil.completion.bash import AWK
from hil.completion.tree import DEVICE, FILE, LANE, PORT, SITE, TOPIC, Value, Word

_FUNCTIONS = """function __gate_at  # whether the words before the cursor lead to this path
    set -l at gate
    for word in (commandline -opc)[2..]
        contains -- "$at $word" $__gate_paths; and set at "$at $word"
    end
    test "$at" = "$argv[1]"
end

function __gate_ports
    set -l ports /dev/serial/by-id/* /dev/ttyUSB* /dev/ttyACM*  # set takes a pattern that matches nothing
    printf '%%s\\n' $ports
end

function __gate_names  # the names in the tables [[KIND]] of the site file on the line
    set -l site (commandline -opc | string match '*.toml')
    test -n "$site"; and awk -v kind="[[$argv[1]]]" '%s' (string replace -r '^~' $HOME $site[1]) 2>/dev/null
end

"""
_FILLS = {
    SITE: "(__fish_complete_suffix .toml)",
    FILE: "(__fish_complete_path)",
    PORT: "(__gate_ports)",
    LANE: "(__gate_names lane)",
    DEVICE: "(__gate_names device)",
}


def script(words: Sequence[Word], topics: Sequence[str]) -> str:
    """The whole script; `source` it."""
    head = "# fish completion of gate: gate completion fish > ~/.config/fish/completions/gate.fish\n"
    paths = "set -g __gate_paths " + " ".join(_quoted(word.path) for word in words) + "\n"
    lines = [line for word in words for line in _lines(word, {row.path: row for row in words}, topics)]
    return "\n".join([head + paths + _FUNCTIONS % AWK.replace("'", "\\'") + "complete -c gate -f", *lines]) + "\n"


def _lines(word: Word, words: dict[str, Word], topics: Sequence[str]) -> Iterator[str]:
    here = f"complete -c gate -n {_quoted(f'__gate_at {_quoted(word.path)}')}"
    for name in word.words:
        yield f"{here} -a {name} -d {_quoted(words[f'{word.path} {name}'].says)}"
    for place in dict.fromkeys(word.places):
        if fill := _fill(place, topics):
            yield f"{here} -a {_quoted(fill)}"
    for option in word.options:
        names = " ".join(f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}" for name in option.names)
        takes = f" -x -a {_quoted(_fill(option.value, topics))}" if option.value is not None else ""
        yield f"{here} {names}{takes} -d {_quoted(option.says)}"


def _fill(value: Value, topics: Sequence[str]) -> str:
    if value.kind == TOPIC:
        return " ".join(topics)
    return _FILLS[value.kind] if value.kind else " ".join(value.words)


def _quoted(text: str) -> str:
    inner = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{inner}'"
