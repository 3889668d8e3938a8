"""Dual-run code keeps to what both interpreters do the same, and each rule catches its bad sample."""

from collections.abc import Callable

import pytest

from tools.tidy.banned import RULES, Rule, check_banned
from tools.tidy.files import Source

SCAN = "firmware/control/sample.py"
# Rule -> bad samples; each must be caught by that rule.
BAD = {
    "match": ("match x:\n    case 1: y = 2",),
    "except-group": ("def f():\n    try:\n        g()\n    except* ValueError:\n        return 1",),
    "positional-only": ("def f(a, /):\n    return a",),
    "two-stars": ("x = [*a, *b]", "x = f(*a, *b)"),
    "rich-class": ("@dataclass\nclass A:\n    x: int", "class A(metaclass=B):\n    x = 1"),
    "rich-annotation": ("def f(a: Optional[int]) -> int:\n    return a", "x: Final[int] = 1"),
    "keyword-bytes": ("x = y.to_bytes(2, byteorder='big')", "x = int.from_bytes(y, 'big', signed=True)"),
    "missing-method": ("x = y.bit_length()", "x = y.removeprefix('a')"),
    "struct-class": ("x = struct.Struct('>H')",),
    "delete-slice": ("def f(b):\n    del b[:4]",),
    "raise-from": ("def f(e):\n    raise ValueError(1) from e",),
    "interpreter-question": ("x = sys.platform", "x = sys.implementation.name", "from sys import implementation"),
    "global-state": ("def f():\n    global x\n    x = 1",),
    "coroutine": ("async def f():\n    return 1",),
    "work-at-import": ("f()", "for x in y:\n    z = x", "if x:\n    y = 1"),
    "text-format": ("x = f'{y}'", "x = '{}'.format(y)"),
    "float": ("x = 0.5", "x = y / 2", "x = float(y)", "def f(y):\n    y /= 2", "x = round(y)"),
    "large-integer": ("x = 0x40000000", "x = 2147483647"),
    "clock": ("import time\nx = time.ticks_ms()", "x = ticks_us()", "x = time.time()"),
    "tick-arithmetic": (
        "x = now_ms > deadline_ms",
        "x = self.now_ms + 100",
        "x = now_ms - start_ms",
        "def f(now_ms):\n    now_ms += 5",
    ),
    "closure": ("x = lambda: 1", "def f():\n    def g():\n        return 1\n    return g"),
    "generator": ("def f():\n    yield 1", "x = sum(y for y in z)"),
    "packed-arguments": ("def f(*a):\n    return a", "def f(**a):\n    return a"),
    "dict-order": ("x = list(y.items())",),
    "console": ("def f():\n    print(1)", "x = open('a')"),
    "exception": ("def f():\n    raise ValueError(1)",),
}
GOOD = (
    "from protocols.compat import const, ticks_diff\n_LIMIT = const(1073741823)\n",
    "def f(now_ms: int, table: dict[int, list[int]] | None = None) -> tuple[int, int]:\n"
    "    if table is None or now_ms == 0:\n        return 0, 1\n"
    "    return ticks_diff(now_ms, 5) // 2, table[0][1]\n",
    "def f(timers):\n    return [deadline for deadline in timers.deadlines if deadline >= 0]\n",
    "class A:\n    def __init__(self, buffer: bytearray) -> None:\n        self.values = buffer\n",
)


def rules_found(path: str, text: str) -> set[str]:
    return {finding.partition("[")[2].partition("]")[0] for finding in check_banned([Source(path, text)])}


def test_dual_run_code_has_no_banned_construct(sources: list[Source], expect_none: Callable[[list[str]], None]) -> None:
    expect_none(check_banned(sources))


@pytest.mark.parametrize("rule", RULES, ids=[rule.name for rule in RULES])
def test_every_rule_catches_its_bad_samples(rule: Rule) -> None:
    assert BAD[rule.name]
    for text in BAD[rule.name]:
        assert rule.name in rules_found(SCAN, text), text


def test_every_bad_sample_belongs_to_a_rule() -> None:
    assert set(BAD) == {rule.name for rule in RULES}


def test_a_finding_gives_place_reason_and_replacement() -> None:
    (finding,) = check_banned([Source("protocols/x.py", "x = 1\ny = 0.5\n")])
    assert finding == (
        "protocols/x.py:2: [float] 32-bit and 64-bit floats differ, and every float allocates (D4); "
        "use scaled integers, with the scale in the name, and //"
    )


@pytest.mark.parametrize("text", GOOD)
def test_good_samples_are_not_told(text: str) -> None:
    assert check_banned([Source(SCAN, text)]) == []


def test_rules_bind_by_scope() -> None:
    pure = "x = 0.5"
    assert rules_found("firmware/app/x.py", pure) == set()
    assert rules_found("protocols/x.py", pure) == {"float"}
    scan = "def f():\n    raise ValueError(1)"
    assert rules_found("protocols/x.py", scan) == set()
    device = "x = sys.platform"
    assert rules_found("firmware/boards/unix/x.py", device) == {"interpreter-question"}
    for host in (
        "firmware/boards/host/x.py",
        "protocols/registers/barrier_tags.py",
        "protocols/registers/tag.py",
        "edge/x.py",
    ):
        assert rules_found(host, device) == set()


def test_a_raise_may_format_its_text() -> None:
    assert rules_found("protocols/x.py", "def f(y):\n    raise ValueError(f'{y} is not 1')") == set()


def test_compat_alone_may_ask_for_the_interpreter() -> None:
    assert rules_found("protocols/compat.py", "x = sys.platform") == set()
    assert rules_found("protocols/compat.py", "x = 0.5") == {"float"}
