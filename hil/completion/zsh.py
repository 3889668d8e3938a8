"""The completion of `gate` for zsh: the tables of the bash script, and what each word and option is for.

Knows: zsh. Must not know: which words there are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hil.completion.bash import AWK, quoted, tables_of
from hil.completion.tree import Word

_FUNCTIONS = """
_gate_names() {  # the names in the tables [[KIND]] of a site file
    awk -v kind="[[$1]]" '%s' "${~2}" 2>/dev/null
}

_gate_told() {  # the word's path and what may stand here, each told with what it is for
    local -a told
    local name
    for name in ${=2}; do told+=("$name:${_gate_says[$1 $name]}"); done
    _describe gate told
}

_gate_fill() {  # VALUE, the site file
    case $1 in
        @site) _files -g '*.toml' ;;
        @file) _files ;;
        @port) compadd -- /dev/serial/by-id/*(N) /dev/ttyUSB*(N) /dev/ttyACM*(N) ;;
        @lane|@device) compadd -- ${(f)"$(_gate_names ${1#@} $2)"} ;;
        @topic) compadd -- ${=_gate_topics} ;;
        *) compadd -- ${=1} ;;
    esac
}

_gate() {
    local at=gate site= option= word last
    integer number position=0
    for ((number = 2; number < CURRENT; number++)); do
        word=$words[number]
        if [[ -n $option ]]; then option=
        elif [[ $word == -* ]]; then
            (( ${+_gate_values[$at $word]} )) && option=$word
        elif [[ " $_gate_words[$at] " == *" $word "* ]]; then at+=" $word"; position=0
        else
            [[ $word == *.toml ]] && site=$word
            ((position += 1))
        fi
    done
    last=$_gate_repeats[$at]
    [[ -n $last ]] && ((position > last)) && position=$last
    if [[ -n $option ]]; then _gate_fill "$_gate_values[$at $option]" "$site"
    elif [[ $words[CURRENT] == -* ]]; then _gate_told "$at" "$_gate_options[$at]"
    elif [[ -n $_gate_words[$at] ]]; then _gate_told "$at" "$_gate_words[$at]"
    else _gate_fill "$_gate_places[$at $position]" "$site"
    fi
}
compdef _gate gate
"""


def script(words: Sequence[Word], topics: Sequence[str]) -> str:
    """The whole script; `source` it after compinit."""
    tables = {**tables_of(words), "_gate_says": _says(words)}
    head = "# zsh completion of gate. In ~/.zshrc, after compinit: source <(gate completion zsh)\n"
    text = "".join(_table(name, rows) for name, rows in tables.items())
    return f"{head}{text}_gate_topics='{' '.join(topics)}'\n{_FUNCTIONS.lstrip() % AWK}"


def _says(words: Sequence[Word]) -> dict[str, str]:
    options = {f"{word.path} {name}": option.says for word in words for option in word.options for name in option.names}
    return {**options, **{word.path: word.says for word in words}}


def _table(name: str, rows: Mapping[str, str]) -> str:
    cells = "".join(f"    {quoted(key)} {quoted(text)}\n" for key, text in rows.items())
    return f"typeset -gA {name}\n{name}=(\n{cells})\n"
