"""Every reason a device gives for an update it refuses is said in a sentence at the tool."""

import pytest

from edge.service.names import ROLES
from edge.update.words import reason_text

VALUES = {"version": "1.0", "running": "1.1", "detail": "-"}
REASONS = sorted(
    {word for role in ROLES.values() for tag in role.TAGS if tag.name == "update_reason" for word, _ in tag.symbols}
)


@pytest.mark.parametrize("reason", [word for word in REASONS if word != "NONE"])
def test_every_reason_of_the_maps_has_its_sentence(reason: str) -> None:
    assert " " in reason_text(reason, VALUES)
