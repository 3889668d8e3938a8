"""What a hub answers an operator can be said in the operator's language."""

import ast
import inspect
import textwrap

import pytest

from edge import lane_shell, operator_door
from edge.lane import handlers, machine
from edge.operator_words import hear
from edge.southbound import device_session, port_error, presence
from edge.words import choose


def test_a_refusal_is_said_with_its_reason_in_vietnamese() -> None:
    choose("vi")
    said = "lane north refuses close: something is in the path of the boom"
    assert hear(said) == "làn north từ chối close: có vật dưới cần barie"
    told = "lane north refuses open: the lane is in state PASSING, where open changes nothing"
    assert hear(told) == "làn north từ chối open: làn đang ở trạng thái PASSING, lệnh open không có tác dụng"
    assert hear("a newer hub says this") == "a newer hub says this"


def test_a_place_within_a_reason_is_said_too() -> None:
    choose("vi")
    said = "address 3 of line line1 has serial number 7, expected 8: check what was fitted there"
    assert hear(said) == "địa chỉ 3 của đường line1 có số máy 7, cần 8: kiểm tra thiết bị đã lắp ở đó"
    assert hear("port /dev/ttyUSB0 is in use by another program: end it, the line needs it alone").startswith(
        "cổng /dev"
    )


def test_english_stays_as_the_hub_said_it() -> None:
    assert hear("lane a: open taken") == "lane a: open taken"


@pytest.mark.parametrize(
    "function",
    [
        handlers._operator_refusal,
        machine.LaneMachine._take_operator,
        lane_shell.LaneShell.on_operator,
        operator_door.OperatorDoor._answer,
        presence.Presence._loss_reason,
        device_session.DeviceSession._identity_fault,
        device_session.DeviceSession._on_key,
        port_error.port_error,
    ],
)
def test_every_sentence_of_lane_door_line_and_device_has_a_form(function: object) -> None:
    choose("vi")
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))  # type: ignore[arg-type]
    docs = {node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    parts = {piece for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for piece in node.values}
    texts = [node for node in ast.walk(tree) if isinstance(node, ast.JoinedStr | ast.Constant) and node not in parts]
    said = [_example(node) for node in texts if node not in docs]
    sentences = [text for text in said if text.count(" ") > 2]
    assert sentences
    unknown = [text for text in sentences if hear(text) == text and "operator request" not in text]
    assert not unknown


def _example(node: ast.expr) -> str:
    if isinstance(node, ast.JoinedStr):
        return "".join(part.value if isinstance(part, ast.Constant) else "x" for part in node.values)  # type: ignore[misc]
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""
