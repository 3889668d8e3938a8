"""The lines of a bench scenario as an exporter writes them: raw values become what a person would write.

Knows: the form of scenario files, the vocabulary of the register maps. Must not know: models, ways, roles.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hil.scenarios.meaning import QUALITY, meaning_of
from hil.scenarios.vocabulary import argument_meaning, input_meaning, setting_tags
from protocols.quality import GOOD

CUT_BUS, REPAIR_BUS = "fault bus cut", "repair bus"


def wait(duration_ms: int) -> str:
    return f"wait {duration_ms} ms"


def add_wait(steps: list[str], duration_ms: int) -> None:
    """Let time pass; what follows on a wait makes it longer."""
    if steps and steps[-1].startswith("wait "):
        duration_ms += int(steps.pop().split()[1])
    steps.append(wait(duration_ms))


def set_input(role: str, name: str, raw: int, quality: int = GOOD) -> str:
    word = "" if quality == GOOD else f" {QUALITY.tell(quality)}"
    return f"set {name} {input_meaning(role, name).tell(raw)}{word}"


def command(opcode: str, raw: int = 0) -> str:
    return f"command {opcode} {argument_meaning(opcode).tell(raw)}" if raw else f"command {opcode}"


def set_inputs(role: str, values: Mapping[str, int]) -> list[str]:
    """One line for all inputs of one value; what is 0 at the start needs none."""
    lines: dict[str, list[str]] = {}
    for name, raw in values.items():
        if raw:
            lines.setdefault(input_meaning(role, name).tell(raw), []).append(name)
    return [f"set {', '.join(names)} {value}" for value, names in lines.items()]


def scenario_name(role: str, violation: str) -> str:
    """Of the way to a violation, and so the stem of its file."""
    return f"{role}_{violation.replace('-', '_')}"


def file_text(
    title: Sequence[str],
    violation: str,
    role: str,
    steps: Sequence[str],
    never: Sequence[str] = (),
    settings: Mapping[str, int] | None = None,
    plant: str = "",
) -> str:
    """The whole file; `title` are its first lines, as comments, `settings` are raw."""
    tags = setting_tags(role)
    told = [f'{each} = "{meaning_of(tags[each]).tell(raw)}"' for each, raw in (settings or {}).items()]
    lines = [
        *(f"# {line}" for line in title),
        "",
        "[scenario]",
        f'name = "{scenario_name(role, violation)}"',
        f'role = "{role}"',
    ]
    lines += [f'plant = "{plant}"'] if plant else []
    lines += ["seed = 1", f"settings = {{ {', '.join(told)} }}" if told else "settings = {}"]
    lines += ["steps = [", *(f'  "{step}",' for step in steps), "]"]
    lines += ["never = [", *(f'  "{each}",' for each in never), "]", ""]
    return "\n".join(lines)
