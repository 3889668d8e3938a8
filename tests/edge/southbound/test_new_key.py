"""A board with another key than the hub's: taken at once when the book of boards has it, refused by name when not."""

from typing import Any

import pytest

from edge.provision.device_key import DeviceKey
from protocols.modbus.image import INPUTS
from protocols.registers import weighbridge

NEW_KEY = DeviceKey(bytes(range(1, 33)))
CURSORS = {"dev-1": (1, 0)}


@pytest.mark.parametrize("is_in_book", [True, False])
async def test_a_board_that_starts_before_the_book_was_looked_at_again(
    make_field: Any, open_field: Any, run_line: Any, is_in_book: bool
) -> None:
    field = make_field(u1=("weighbridge", 5))
    field.devices[1].image.put_i32(INPUTS, weighbridge.AT_KEY_ID, NEW_KEY.key_id)
    async with open_field(field, "tcp") as config, run_line(config, [(1, "weighbridge", 5)], CURSORS) as running:
        session = running.line.sessions[1]
        looks = []

        def look_for_news() -> None:
            looks.append(session.config.key_id)
            if is_in_book:
                session.take_key(NEW_KEY.secret)

        session.look_for_news = look_for_news
        await running.until(lambda: (session.image.online and session.event_block is None) or running.records)
    assert running.kinds() == ([] if is_in_book else ["unknown_device"])
    assert session.is_itself == is_in_book
    assert looks
    assert NEW_KEY.key_id not in looks
