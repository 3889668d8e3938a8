"""The interface for a role's model: which attributes of the real core are remembered, exchanged or of no influence.

Knows instances of a core and how to watch their attributes. Must not know a particular role, diagrams or the search.
docs/explorer.md shows how to write a model.

Watching changes an object's class to a subclass with a property for each tracked attribute, so the core's own code runs
unchanged and every reading and writing of that attribute reaches the recorder. What a model does not declare may not
change: after each run every other plain attribute is compared with what it was (`Model.check_untouched`).
"""

from __future__ import annotations

import ast
import inspect
import sys
import textwrap
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from hil.explore.claims import Alternative, Leads, Property, Reduction, Replay, Widening
from hil.explore.source import (
    EndTurns,
    as_function,
    blur,
    foreign_assignment,
    independent_groups,
    shares_locals,
    without_aliases,
)
from hil.explore.values import (
    FREE,
    INPUT,
    NUMBER,
    SCAN,
    STATE,
    UNWATCHED,
    WORD,
    Field,
    ModelError,
    Path,
    Recorder,
    Unknown,
)
from hil.explore.watch import Hoisted, SilentRing, WatchedList

__all__ = ["Alternative", "Leads", "Model", "Property", "Reduction", "Replay", "SilentRing", "Widening"]

TIMER_OFF, TIMER_DONE = -1, -2


@dataclass
class Model:
    """A role's core under watch; a proof builds one, the engine reads it."""

    role: str
    recorder: Recorder = field(default_factory=Recorder)
    fields: dict[str, Field] = field(default_factory=dict)
    core: Any = None
    step: Callable[..., None] | None = None
    splits: dict[str, list[Callable[[Any], None]]] = field(default_factory=dict)
    parts: list[list[Alternative]] = field(default_factory=list)
    flags: tuple[str, ...] = ()
    initial: dict[str, Any] = field(default_factory=dict)
    properties: list[Property] = field(default_factory=list)
    liveness: list[Leads] = field(default_factory=list)
    reductions: list[Reduction] = field(default_factory=list)
    widenings: list[Widening] = field(default_factory=list)
    turns: dict[str, Field] = field(default_factory=dict)
    ignored: set[str] = field(default_factory=set)
    asked_once: list[str] = field(default_factory=list)
    order: list[str] = field(default_factory=list)
    idle: dict[str, int] = field(default_factory=dict)
    plain: Callable[[dict[int, int]], tuple[list[int], Any]] | None = None
    replay: Replay | None = None
    timer_names: list[str] = field(default_factory=list)
    _guarded: list[tuple[Any, str]] = field(default_factory=list)
    _plain: list[Any] = field(default_factory=list)

    # Fields.

    def add(self, name: str, scope: str, kind: str, values: Iterable[Any] = (), bits: int = 0) -> Field:
        """Register a field; a name may be registered once."""
        if name in self.fields:
            raise ModelError(f"{name} is declared twice")
        item = Field(name, scope, kind, bits=bits)
        for value in values:
            item.code_of(value)
        if kind == FREE:
            item.values = list(values)
        self.fields[name] = item
        return item

    def unknown(self, minimum: int | None = None) -> Unknown:
        """Any number, from `minimum` on if that is given."""
        return Unknown(self.recorder, minimum)

    def watch(self, owner: Any, attributes: dict[str, Field]) -> None:
        """Send every reading and writing of these attributes of `owner` to the recorder."""
        cls = type(owner)
        members = {name: _watched(self.recorder, item) for name, item in attributes.items()}
        owner.__class__ = type(
            cls.__name__, (cls,), {**members, "watched": getattr(owner, "watched", set()) | set(members)}
        )

    def watch_list(self, name: str, items: Sequence[Field]) -> WatchedList:
        """A list of fields to put in the place of a core's list."""
        return WatchedList(self.recorder, items)

    # What nearly every role needs.

    def memory(
        self,
        memory: Any,
        numbers: dict[str, Iterable[Any]] | None = None,
        words: dict[str, int] | None = None,
        unwatched: Iterable[str] = (),
        free: dict[str, Iterable[Any]] | None = None,
        scan: dict[str, Iterable[int]] | None = None,
        prefix: str = "memory",
    ) -> None:
        """Watch a memory object. An attribute that is not named is tracked, its values found by the search.

        `numbers` gives values to begin with, `words` bit counts; `unwatched` numbers never decide (checked); `free`
        ones may have any of the values at each reading, `scan` ones are written in every scan before they are read.
        """
        numbers, words, free, scan = numbers or {}, words or {}, free or {}, scan or {}
        unwatched = set(unwatched)
        known = set(vars(memory))
        for named in (*numbers, *words, *unwatched, *free, *scan):
            if named not in known:
                raise ModelError(f"{prefix}.{named} does not exist: the model of {self.role} is older than its core")
        items: dict[str, Field] = {}
        for attribute, value in vars(memory).items():
            name = f"{prefix}.{attribute}"
            if attribute in unwatched:
                items[attribute] = self.add(name, STATE, UNWATCHED)
            elif attribute in scan:
                items[attribute] = self.add(name, SCAN, NUMBER, scan[attribute])
                continue
            elif attribute in free:
                items[attribute] = self.add(name, STATE, FREE, free[attribute])
            elif attribute in words:
                items[attribute] = self.add(name, STATE, WORD, bits=words[attribute])
            else:
                given = tuple(numbers.get(attribute, ()))
                plain = sorted({int(value), *(each for each in given if isinstance(each, int))})
                unknown = [each for each in given if not isinstance(each, int)]
                items[attribute] = self.add(name, STATE, NUMBER, [*plain, *unknown])
            self.initial[name] = int(value)
        self.watch(memory, items)

    def timers(
        self,
        bank: Any,
        names: Sequence[str],
        free: Iterable[str] = (),
        statement: str = "self.timers.advance(now_ms)",
    ) -> None:
        """Watch a TimerBank: each timer is off, running for an unknown time, or done. A `free` one is any of these.

        The bank's own advance() runs once per timer on a list of one, because it treats each by itself.
        """
        items = []
        self.timer_names = list(names)
        for name in names:
            kind = FREE if name in free else NUMBER
            items.append(self.add(f"timer.{name}", STATE, kind, (TIMER_OFF, TIMER_DONE, self.unknown(0))))
            self.initial[f"timer.{name}"] = TIMER_OFF
        if len(bank.deadlines) != len(names):
            raise ModelError(f"the core has {len(bank.deadlines)} timers, the model of {self.role} names {len(names)}")
        blur(type(bank).__module__, "ticks_add")
        blur(type(bank).__module__, "ticks_diff")
        blur("firmware.control.deadlines", "ticks_diff")
        everything = self.watch_list("timers", items)
        bank.deadlines = everything
        self.watch(bank, {"now_ms": self.add("now_ms", SCAN, UNWATCHED)})
        advance = type(bank).advance

        def advance_one(item: Field) -> Callable[[Any], None]:
            def run(now_ms: Any) -> None:
                bank.deadlines = self.watch_list("timer", [item])
                try:
                    advance(bank, now_ms)
                finally:
                    bank.deadlines = everything

            return run

        self.splits[statement] = [advance_one(item) for item in items if item.kind == NUMBER]

    def inputs(self, owner: Any, numbers: dict[str, Iterable[Any]], words: dict[str, int] | None = None) -> None:
        """Watch attributes of `owner` as inputs: any of their values in every scan."""
        items = {name: self.add(f"in.{name}", INPUT, NUMBER, values) for name, values in numbers.items()}
        items |= {name: self.add(f"in.{name}", INPUT, WORD, bits=bits) for name, bits in (words or {}).items()}
        self.watch(owner, items)

    def input_list(self, prefix: str, values: Sequence[Iterable[Any]]) -> WatchedList:
        """A list of inputs, one field each, called prefix.0, prefix.1, ..."""
        items = [self.add(f"{prefix}.{index}", INPUT, NUMBER, each) for index, each in enumerate(values)]
        return self.watch_list(prefix, items)

    def scan_values(
        self, owner: Any, prefix: str, numbers: Iterable[str] = (), words: dict[str, int] | None = None
    ) -> None:
        """Watch attributes that are computed anew in each scan before they are read."""
        items = {name: self.add(f"{prefix}.{name}", SCAN, NUMBER) for name in numbers}
        items |= {name: self.add(f"{prefix}.{name}", SCAN, WORD, bits=bits) for name, bits in (words or {}).items()}
        self.watch(owner, items)

    def scan_list(self, prefix: str, size: int) -> WatchedList:
        """A list computed anew in each scan: outputs."""
        return self.watch_list(prefix, [self.add(f"{prefix}.{index}", SCAN, NUMBER) for index in range(size)])

    def unwatched_list(self, prefix: str, size: int) -> WatchedList:
        """A list that only leaves the core: status words."""
        return self.watch_list(prefix, [self.add(f"{prefix}.{index}", SCAN, UNWATCHED) for index in range(size)])

    # Stages.

    def stages(self) -> list[tuple[str, Callable[[Any], None]]]:
        """The statements of the core's own step(), each as one stage with its text."""
        assert self.step is not None
        self.core.hoisted = Hoisted(self.recorder)
        source = textwrap.dedent(inspect.getsource(self.step))
        body = ast.parse(source).body[0]
        assert isinstance(body, ast.FunctionDef)
        statements = body.body[1:] if ast.get_docstring(body) else body.body
        found: list[tuple[str, Callable[[Any], None]]] = []
        for group in independent_groups(without_aliases(statements, self.core, self.ignored)):
            group, hoisted = self._hoist(group)
            found += hoisted
            text = "; ".join(ast.unparse(each) for each in group)
            split = next((key for key in self.splits if text.startswith(key)), None)
            if split is None:
                found.append((text, self._compiled(group)))
            else:
                found += [(f"{text} [{n}]", run) for n, run in enumerate(self.splits[split])]
        return found

    def publishes(self, statement: str, *targets: str) -> None:
        """Leave out a statement whose method, and those it calls on the core, only fill `targets`.

        Checked in their source: nothing else is assigned but local names.
        """
        found = foreign_assignment(type(self.core), statement.rstrip("(").rpartition(".")[2], targets)
        if found:
            raise ModelError(f"{statement}...) assigns {found}, so it must not be left out")
        self.splits[statement] = []

    def once(self, statement: str, owner: Any, method: str, bits: int) -> None:
        """Run a method that only looks at inputs once per scan, before `statement`; later calls get its word again.

        The engine checks that nothing the method reads is written between.
        """
        real = getattr(owner, method)
        run = getattr(owner, statement.rstrip("(").rpartition(".")[2])
        item = self.add(f"local.{method}", SCAN, WORD, bits=bits)
        setattr(owner, method, lambda: self.recorder.read(item))
        self.splits[statement] = [lambda now_ms: self.recorder.write(item, real()), lambda now_ms: run()]
        self.asked_once.append(statement)

    def unroll(self, statement: str, owner: Any, method: str) -> None:
        """Cut a method that ends in a bounded loop into stages: what comes before it, and each turn.

        The method's own statements run as they stand. `break` ends the turns: the remaining ones do nothing.
        """
        cls = type(owner)
        function = ast.parse(textwrap.dedent(inspect.getsource(getattr(cls, method)))).body[0]
        assert isinstance(function, ast.FunctionDef)
        body = function.body[1:] if ast.get_docstring(function) else function.body
        loop = body[-1]
        if not isinstance(loop, ast.For) or not isinstance(loop.iter, ast.Call) or shares_locals(body[:-1], loop):
            raise ModelError(
                f"{cls.__name__}.{method} does not end in a loop of its own: it cannot be unrolled any more"
            )
        names = sys.modules[cls.__module__].__dict__
        turns = eval(ast.unparse(loop.iter.args[0]), dict(names))
        before = as_function([*body[:-1], ast.parse("return False").body[0]], names)
        turn = as_function([EndTurns().visit(each) for each in loop.body] + ast.parse("return False").body, names)
        ended = self.add(f"local.{method}.ended", SCAN, NUMBER, (0, 1))

        def begin(now_ms: Any) -> None:
            self.recorder.write(ended, 0)
            before(owner)

        def go_on(now_ms: Any) -> None:
            if not self.recorder.read(ended) and turn(owner):
                self.recorder.write(ended, 1)

        self.splits[statement] = [begin, *[go_on] * turns]
        self.turns[statement] = ended

    def _hoist(self, group: list[ast.stmt]) -> tuple[list[ast.stmt], list[tuple[str, Callable[[Any], None]]]]:
        """Calls among the arguments of a call become stages of their own, as Python runs them before it anyway."""
        statement = group[0]
        if len(group) > 1 or not isinstance(statement, ast.Expr) or not isinstance(statement.value, ast.Call):
            return group, []
        hoisted = []
        for index, argument in enumerate(statement.value.args):
            if isinstance(argument, ast.Call) and isinstance(argument.func, ast.Attribute):
                name = ast.unparse(argument.func).rpartition(".")[2]
                item = self.add(f"local.{name}", SCAN, NUMBER)
                self.core.hoisted.items[item.name] = item
                target = ast.parse(f"self.hoisted['{item.name}'] = 0").body[0]
                assert isinstance(target, ast.Assign)
                target.value = argument
                statement.value.args[index] = ast.parse(f"self.hoisted['{item.name}']", mode="eval").body
                hoisted.append((ast.unparse(argument), self._compiled([target])))
        return group, hoisted

    def _compiled(self, group: list[ast.stmt]) -> Callable[[Any], None]:
        assert self.step is not None
        function = ast.parse("def stage(self, now_ms): pass").body[0]
        assert isinstance(function, ast.FunctionDef)
        function.body = group
        names: dict[str, Any] = {}
        module = ast.fix_missing_locations(ast.Module([function], []))
        exec(compile(module, "<stage>", "exec"), self.step.__globals__, names)
        stage = names["stage"]
        return lambda now_ms: stage(self.core, now_ms)

    def skip(self, owner: Any, method: str, *bits: int) -> None:
        """Replace a method that decides nothing by one that does nothing and returns an unknown number.

        Checked here: on every way through it it writes no tracked field. `bits` says for each argument how many bits
        it has, 0 for a number that may be unknown.
        """
        real = getattr(owner, method)
        values: list[Any] = []
        for place, size in enumerate(bits):
            item = Field(f"{method}.{place}", SCAN, WORD, bits=size)
            values.append(self.recorder.read(item) if size else Unknown(self.recorder))
        prefix: list[int] | None = []
        while prefix is not None:
            path = self.recorder.path = Path(prefix)
            real(*values)
            if path.writes:
                names = ", ".join(item.name for item in path.writes)
                raise ModelError(f"{type(owner).__name__}.{method} writes {names}, so it must not be skipped")
            prefix = path.next_prefix()
        setattr(owner, method, lambda *_: Unknown(self.recorder))

    # Guard.

    def guard(self) -> None:
        """Remember every plain attribute of the core and its parts that is not watched."""
        self._guarded = []
        seen: set[int] = set()
        todo = [self.core]
        while todo:
            owner = todo.pop()
            if id(owner) in seen or isinstance(owner, (SilentRing, Recorder, type)) or not hasattr(owner, "__dict__"):
                continue
            seen.add(id(owner))
            watched: set[str] = getattr(owner, "watched", set())
            for name, value in vars(owner).items():
                if name in watched or isinstance(value, WatchedList):
                    continue
                if value is None or isinstance(value, (int, list)):
                    self._guarded.append((owner, name))
                elif not callable(value):
                    todo.append(value)
        self._plain = [_copy(getattr(owner, name)) for owner, name in self._guarded]

    def check_untouched(self) -> None:
        """Raise ModelError if the core wrote something no field stands for."""
        for (owner, name), value in zip(self._guarded, self._plain, strict=True):
            now = getattr(owner, name)
            if type(now) is not type(value) or now != value:
                raise ModelError(
                    f"{type(owner).__name__}.{name} changed in a scan, but the model declares no field for it"
                )


def _copy(value: Any) -> Any:
    return list(value) if isinstance(value, list) else value


def _watched(recorder: Recorder, item: Field) -> Any:
    return property(lambda _: recorder.read(item), lambda _, value: recorder.write(item, value))
