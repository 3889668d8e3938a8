"""What a lane knows of the truck it is dealing with.

Knows: the facts of one transaction. Must not know: states, devices. Times are monotonic; saved as ages.
"""

from dataclasses import asdict, dataclass, field
from typing import Any

_ATTEMPTS = 16
_REGISTER_IDS = 2**30  # the weighbridge takes ids below this; 2**26 trucks pass before a number comes again

BY_POLICY = "policy"
BY_OPERATOR = "operator"


@dataclass
class Transaction:
    """One truck from arrival to departure.

    `number` counts up without gap over the life of the lane and is 0 before the first.
    `gross_kg_x10` is -1 until a weight is registered; `registered_base` is the device's count before ours, and
    `register_attempts` says how often REGISTER was sent for this truck.
    `causes` are the attentions raised for it, each once.
    """

    number: int = 0
    is_open: bool = False
    arrival_ms: int = 0
    plate: str = ""
    confidence: int = 0
    read_id: str = ""
    gross_kg_x10: int = -1
    registered_base: int = 0
    register_attempts: int = 0
    verdict: str = ""
    reason: str = ""
    by: str = BY_POLICY
    outcome: str = ""
    evidence: str = ""
    causes: list[str] = field(default_factory=list)

    @property
    def register_id(self) -> int:
        """The id of the newest attempt: number * 16 + attempt modulo 16, so that a second weighing is no repetition."""
        return (self.number * _ATTEMPTS + self.register_attempts % _ATTEMPTS) % _REGISTER_IDS

    def save(self, now_ms: int) -> dict[str, Any]:
        """The transaction as a JSON object, its time as an age."""
        return {**asdict(self), "arrival_ms": now_ms - self.arrival_ms}


def load_transaction(data: dict[str, Any], now_ms: int) -> Transaction:
    """The transaction saved by `Transaction.save`."""
    return Transaction(**{**data, "arrival_ms": now_ms - data["arrival_ms"]})
