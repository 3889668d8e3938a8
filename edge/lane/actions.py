"""What a lane asks of its shell. The shell writes the records and the saved machine in one transaction, then sends.

Knows: the shape of the actions. Must not know: who carries them out.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

ROLE_BARRIER = "barrier"
ROLE_WEIGHBRIDGE = "weighbridge"


@dataclass(frozen=True, slots=True)
class SendCommand:
    """Send one command; its `CommandOutcome` carries the same token. Give up unsent after `deadline_ms` (monotonic)."""

    token: int
    role: str
    opcode: str
    argument: int
    deadline_ms: int


@dataclass(frozen=True, slots=True)
class WriteRecord:
    """Journal one fact of this lane; `data` holds JSON values only."""

    kind: str
    data: Mapping[str, Any]


Action = SendCommand | WriteRecord
