"""One command runs every generator and answers with the worst of their codes."""

import pytest

from tools import generate


def test_every_generator_runs_and_the_worst_code_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[int, list[str]]] = []

    def answering(code: int) -> object:
        def generator(words: list[str]) -> int:
            calls.append((code, words))
            return code

        return generator

    monkeypatch.setattr(generate, "GENERATORS", (answering(2), answering(0), answering(1)))
    assert generate.main(["--check"]) == 2
    assert calls == [(2, ["--check"]), (0, ["--check"]), (1, ["--check"])]
    calls.clear()
    assert generate.main([]) == 2
    assert calls == [(2, []), (0, []), (1, [])]
