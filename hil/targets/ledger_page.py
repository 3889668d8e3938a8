"""The page docs/hil-ledger.md: which target has which capability, and why not.

Knows: the ledger and the targets. Must not know: scenarios, runs.
"""

from __future__ import annotations

from collections.abc import Mapping

from hil.targets.ledger import CAPABILITIES
from hil.targets.table import TARGETS
from hil.targets.target import Options

_PORTS = Options(rig_port="PORT", dut_port="PORT")  # with ports named, the boards are real
_HEAD = """# What each target can show

Generated from `hil/targets/`; `make gen` writes it. A scenario that needs what a target lacks is BLOCKED there, with
the reason: neither passed nor failed. What a scenario needs follows from its steps, its surroundings and what it
expects; a scenario names more with `needs`.

| capability | what it is | {targets} |
|---|---|{lines}|
"""


def ledger_page() -> str:
    """The whole page."""
    lacks = {name: make(Options()).lacks() for name, make in TARGETS.items()}
    head = _HEAD.format(targets=" | ".join(f"`{name}`" for name in lacks), lines="|".join("---" for _ in lacks))
    rows = [
        f"| `{name}` | {sentence} | {' | '.join('–' if name in each else 'yes' for each in lacks.values())} |"
        for name, sentence in CAPABILITIES.items()
    ]
    reasons = [line for name, each in lacks.items() for line in _reasons(f"`{name}` lacks", each)]
    real = TARGETS["board"](_PORTS).lacks()
    besides = {name: reason for name, reason in real.items() if name not in lacks["board"]}
    return head + "\n".join([*rows, *reasons, *_reasons("real boards on `board` lack besides", besides), ""])


def _reasons(which: str, lacks: Mapping[str, str]) -> list[str]:
    rows = [f"| `{capability}` | {lacks[capability]} |" for capability in CAPABILITIES if capability in lacks]
    return ["", f"## What {which}", "| capability | why |", "|---|---|", *rows]
