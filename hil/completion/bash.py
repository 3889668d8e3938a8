"""The completion of `gate` for bash: four tables, and one function that walks the words before the cursor.

Knows: bash. Must not know: which words there are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hil.completion.tree import Value, Word

AWK = r'/^\[/ { here = ($1 == kind) } here && /^name *=/ { gsub(/.*= *"|".*/, ""); print }'
_FUNCTIONS = """
_gate_names() {  # the names in the tables [[KIND]] of a site file
    awk -v kind="[[$1]]" '%s' "${2/#\\~/$HOME}" 2>/dev/null
}

_gate_fill() {  # VALUE, the word so far, the site file
    local IFS=$'\\n'
    case $1 in
        @site) COMPREPLY=($(compgen -f -X '!*.toml' -- "$2") $(compgen -d -S / -- "$2")); compopt -o nospace ;;
        @file) COMPREPLY=($(compgen -f -- "$2")); compopt -o filenames ;;
        @port) COMPREPLY=($(compgen -W "$(ls -d /dev/serial/by-id/* /dev/ttyUSB* /dev/ttyACM* 2>/dev/null)" -- "$2")) ;;
        @lane|@device) COMPREPLY=($(compgen -W "$(_gate_names "${1#@}" "$3")" -- "$2")) ;;
        @topic) COMPREPLY=($(compgen -W "${_gate_topics// /$'\\n'}" -- "$2")) ;;
        *) COMPREPLY=($(compgen -W "${1// /$'\\n'}" -- "$2")) ;;
    esac
}

_gate() {
    local current=${COMP_WORDS[COMP_CWORD]} path=gate site= option= position=0 number word last
    for ((number = 1; number < COMP_CWORD; number++)); do
        word=${COMP_WORDS[number]}
        if [[ -n $option ]]; then option=
        elif [[ $word == -* ]]; then
            [[ -n ${_gate_values["$path $word"]+x} ]] && option=$word
        elif [[ " ${_gate_words[$path]} " == *" $word "* ]]; then path+=" $word" position=0
        else
            [[ $word == *.toml ]] && site=$word
            ((position++))
        fi
    done
    COMPREPLY=()
    last=${_gate_repeats[$path]}
    [[ -n $last ]] && ((position > last)) && position=$last
    if [[ -n $option ]]; then _gate_fill "${_gate_values["$path $option"]}" "$current" "$site"
    elif [[ $current == -* ]]; then _gate_fill "${_gate_options[$path]}" "$current"
    elif [[ -n ${_gate_words[$path]} ]]; then _gate_fill "${_gate_words[$path]}" "$current"
    else _gate_fill "${_gate_places["$path $position"]}" "$current" "$site"
    fi
}
complete -F _gate gate
"""


def script(words: Sequence[Word], topics: Sequence[str]) -> str:
    """The whole script; `source` it."""
    head = "# bash completion of gate. In ~/.bashrc: source <(gate completion bash)\n"
    text = "".join(_table(name, rows) for name, rows in tables_of(words).items())
    return f"{head}{text}_gate_topics='{' '.join(topics)}'\n{_FUNCTIONS.lstrip() % AWK}"


def tables_of(words: Sequence[Word]) -> dict[str, dict[str, str]]:
    """By the path of a word: the words below, its options, what each takes, its places, and which place repeats."""
    places = {f"{word.path} {number}": _value_text(value) for word in words for number, value in enumerate(word.places)}
    return {
        "_gate_words": {word.path: " ".join(word.words) for word in words if word.words},
        "_gate_options": {
            word.path: " ".join(name for option in word.options for name in option.names) for word in words
        },
        "_gate_values": _values_of(words),
        "_gate_places": {place: text for place, text in places.items() if text},
        "_gate_repeats": {word.path: str(len(word.places) - 1) for word in words if word.repeats},
    }


def _values_of(words: Sequence[Word]) -> dict[str, str]:
    """What each option that takes a value takes, by the word's path and the option's name."""
    return {
        f"{word.path} {name}": _value_text(option.value)
        for word in words
        for option in word.options
        if option.value is not None
        for name in option.names
    }


def _value_text(value: Value) -> str:
    """`@kind`, or the words themselves."""
    return f"@{value.kind}" if value.kind else " ".join(value.words)


def _table(name: str, rows: Mapping[str, str]) -> str:
    cells = "".join(f"    [{quoted(key)}]={quoted(text)}\n" for key, text in rows.items())
    return f"declare -gA {name}=(\n{cells})\n"


def quoted(text: str) -> str:
    """As one word of the shell."""
    inner = text.replace("'", "'\\''")
    return f"'{inner}'"
