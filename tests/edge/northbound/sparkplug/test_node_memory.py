"""What a node keeps over restarts, on real files."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.northbound.sparkplug.node_memory import NUMBERS_AHEAD, NodeMemory
from edge.northbound.spool_file import SpoolState


def _reopened(memory: NodeMemory, path: Path) -> NodeMemory:
    memory.close()
    return NodeMemory(path)


@given(st.lists(st.sets(st.sampled_from([f"d{device}/m{metric}:6" for device in range(3) for metric in range(4)]))))
def test_an_alias_stays_with_its_name_over_restarts_and_changes_and_is_never_given_again(
    tmp_path_factory: pytest.TempPathFactory, sites: list[set[str]]
) -> None:
    path = tmp_path_factory.mktemp("memory") / "sparkplug.sqlite"
    owners: dict[int, str] = {}
    for names in sites:
        memory = NodeMemory(path)
        for name, alias in memory.take_aliases(sorted(names)).items():
            assert owners.setdefault(alias, name) == name
        memory.close()
    assert len(set(owners.values())) == len(owners)


def test_bdseq_goes_on_after_a_restart_and_over_255(tmp_path: Path) -> None:
    path = tmp_path / "sparkplug.sqlite"
    memory, found = NodeMemory(path), []
    for number in range(260):
        found.append(memory.next_bd_seq())
        memory = _reopened(memory, path) if number % 50 == 0 else memory
    assert found == [*range(256), 0, 1, 2, 3]


def test_numbers_go_on_after_a_kill_and_jump_after_a_reboot(tmp_path: Path) -> None:
    path = tmp_path / "sparkplug.sqlite"
    memory = NodeMemory(path)
    assert memory.first_unused(0, "boot-1") == 0
    memory = _reopened(memory, path)
    assert memory.first_unused(70, "boot-1") == 70  # nothing saved is lost while the machine runs
    memory = _reopened(memory, path)
    assert memory.first_unused(60, "boot-2") == 70 + NUMBERS_AHEAD  # up to here numbers may have been seen
    memory = _reopened(memory, path)
    assert memory.first_unused(0, "boot-2") == 70 + 2 * NUMBERS_AHEAD  # the spool was lost, the platform knows more
    memory.set_aside(10**6)
    memory = _reopened(memory, path)
    assert memory.first_unused(5, "") == 10**6  # a machine that does not say when it started


def test_the_ledger_s_copy_is_found_again(tmp_path: Path) -> None:
    path = tmp_path / "sparkplug.sqlite"
    memory = NodeMemory(path)
    assert memory.ledger is None
    state = SpoolState(10, 5, 4, 10, 77, {"budget": 1})
    memory.keep_ledger(state)
    assert _reopened(memory, path).ledger == state


@pytest.mark.parametrize("text", ["", "[1]", '{"produced": 1}', '{"produced": 1, "of_later": 2}'])
def test_a_copy_of_the_ledger_that_is_none_stops_nothing(tmp_path: Path, text: str) -> None:
    path = tmp_path / "sparkplug.sqlite"
    memory = NodeMemory(path)
    aliases = memory.take_aliases(["d/m:6"])
    assert memory._db is not None
    memory._db.execute("INSERT INTO ledger VALUES (1, ?)", (text,))
    memory = _reopened(memory, path)
    assert (memory.ledger, memory.degraded, memory.take_aliases(["d/m:6"])) == (None, "", aliases)


def test_a_memory_that_cannot_be_read_goes_on_without_the_disk_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "sparkplug.sqlite"
    path.write_bytes(b"no database" * 500)
    memory = NodeMemory(path)
    assert memory.degraded.startswith("sparkplug.sqlite: ")
    assert memory.take_aliases(["a", "b", "a"]) == {"a": 128, "b": 129}
    assert [memory.next_bd_seq(), memory.next_bd_seq()] == [0, 1]
