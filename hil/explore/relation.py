"""A model as relations between sets: one diagram per stage of the scan, from all ways through its code.

Knows fields, paths and diagrams. Must not know roles, or in which order sets are searched.

Each bit of each field has two neighbouring variables: its value before the stage (even level) and after it (odd level).
A stage's relation says only what the stage may write; everything else stays by not being mentioned.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from hil.explore.bdd import FALSE, TRUE, Bdd
from hil.explore.functions import FUNCTIONS, bit_of, fields_in, place_of
from hil.explore.model import Model
from hil.explore.paths import every_path, stage_paths, written_fields
from hil.explore.values import (
    FREE,
    INPUT,
    NUMBER,
    SCAN,
    STATE,
    UNWATCHED,
    Field,
    ModelError,
    Path,
)


@dataclass
class Stage:
    """One statement of step(): its ways, later its relation."""

    label: str
    run: Callable[[Any], None]
    paths: list[Path] = field(default_factory=list)
    writes: list[Field] = field(default_factory=list)
    reads: set[Field] = field(default_factory=set)
    relation: int = TRUE


@dataclass(frozen=True)
class Step:
    """A stage as one search uses it: the relation, the variables that go with it, and those that take their place.

    What is in `idle` the stage leaves as it is, but for the variables `gone` that nobody asks for any more.
    """

    label: str
    relation: int
    forget: frozenset[int]
    moved: dict[int, int]
    writes: list[Field]
    idle: int = FALSE
    gone: frozenset[int] = frozenset()


class View:
    """What a property sees: the core after the scan, and `before`, the state before it."""

    def __init__(self, system: System) -> None:
        self.core = system.model.core
        self.before = Before(system)


class Before:
    """Fields as they were when the scan began, asked for by name: before("memory.state")."""

    def __init__(self, system: System) -> None:
        self._system = system

    def __call__(self, name: str) -> Any:
        return self._system.model.recorder.read(self._system.copy_of(name))


class System:
    """A compiled model: variables, stages, predicates."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.bdd = Bdd()
        self.view = View(self)
        self.copies: dict[str, Field] = {}
        self.stages = [Stage(label, run) for label, run in model.stages()]
        self._predicates: dict[Callable[[Any], Any], list[tuple[Path, bool]]] = {}
        self._kept: set[Field] = set()
        self.levels: dict[Field, list[int]] = {}
        self.quiet: list[int] = []
        self._functions: dict[int, int] = {}

    def copy_of(self, name: str) -> Field:
        """The field that holds the value `name` had when the scan began."""
        if name not in self.copies:
            if name not in self.model.fields:
                raise ModelError(f"a property asks for '{name}', but the model of {self.model.role} has no such field")
            source = self.model.fields[name]
            copy = self.model.add(f"before.{name}", SCAN, source.kind, bits=source.bits)
            copy.values, copy.codes = source.values, source.codes
            self.copies[name] = copy
        return self.copies[name]

    # Ways.

    def find_paths(self, predicates: Iterable[Callable[[Any], Any]]) -> None:
        """Find all ways through all stages and predicates, again for those that meet new values of a field."""
        stale = list(self.stages)
        while stale:
            turns: dict[Callable[[Any], None], list[Path]] = {}  # the turns of a loop have the same ways
            for stage in stale:
                if stage.run not in turns:
                    turns[stage.run] = stage_paths(self.model, stage.label, stage.run)
                stage.paths = turns[stage.run]
                stage.writes = written_fields(stage.paths)
                stage.reads = _read_fields(stage.paths)
            stale = [stage for stage in self.stages if self._is_stale(stage)]
        self._check_asked_once()
        for predicate in predicates:
            ways = every_path(self.model, lambda p=predicate: bool(p(self.view)), predicate.__name__)  # type: ignore[misc]
            self._predicates[predicate] = list(ways)
            self._kept |= _read_fields([path for path, _ in self._predicates[predicate]])

    def _check_asked_once(self) -> None:
        for statement in self.model.asked_once:
            first = next(n for n, stage in enumerate(self.stages) if stage.label.startswith(statement))
            for stage in self.stages[first + 1 :]:
                changed = self.stages[first].reads & set(stage.writes)
                if changed:
                    names = ", ".join(item.name for item in changed)
                    raise ModelError(
                        f"{stage.label} writes {names}, which {statement}...) was asked once for all before"
                    )

    def _is_stale(self, stage: Stage) -> bool:
        """Whether a field it reads has got values since its ways were found."""
        known = {key: count for path in stage.paths for key, _, count in path.trail if isinstance(key, Field)}
        return any(count < len(item.values) for item, count in known.items())

    # Variables and relations.

    def build(self) -> None:
        """Give every bit its variables and turn the ways into relations; find_paths() comes first."""
        self._assign_levels()
        read_at_all = {item for stage in self.stages for item in stage.reads} | self._kept
        turns: dict[Callable[[Any], None], int] = {}
        for stage in self.stages:
            stage.writes = [item for item in stage.writes if item.scope == STATE or item in read_at_all]
            if stage.run not in turns:
                turns[stage.run] = self._relation(stage)
            stage.relation = turns[stage.run]
        self.quiet = [self.alternative({name: value}) for name, value in self.model.idle.items()]
        self.bdd.forget()

    def fields_of(self, predicate: Callable[[Any], Any]) -> set[Field]:
        """What a predicate asks for."""
        return _read_fields([path for path, _ in self._predicates[predicate]])

    def steps(self, kept: set[Field]) -> list[Step]:
        """The stages for a search that asks for `kept` after the scan and forgets the rest as early as it can."""
        last = self._last_uses(kept)
        found = [self._copying(kept)]
        for place, stage in enumerate(self.stages):
            dead = [item for item in stage.writes if item.scope != STATE and last.get(item, -1) <= place]
            lost = frozenset(level + 1 for item in dead for level in self.levels[item])
            alive = [level for item in stage.writes if item not in dead for level in self.levels[item]]
            gone = [item for item, use in last.items() if use == place and item.scope != STATE]
            ends = frozenset(level for item in gone for level in self.levels[item])
            forget = ends | frozenset(alive)
            relation = self.bdd.exists(stage.relation, lost)
            moved = {level + 1: level for level in alive}
            found.append(Step(stage.label, relation, forget, moved, stage.writes, self._idle(stage), ends))
        return found

    def _idle(self, stage: Stage) -> int:
        """Where a turn of an unrolled loop does nothing: the loop has ended. A dead write leaves no trace anyway."""
        for statement, ended in self.model.turns.items():
            if stage.label.startswith(statement) and not stage.label.endswith("[0]"):
                return self.bdd.cube(self.literals(ended, ended.codes[1]))
        return FALSE

    def _copying(self, kept: set[Field]) -> Step:
        """The scan begins: what a predicate wants to compare with is copied."""
        pairs = [(copy, self.model.fields[name]) for name, copy in self.copies.items() if copy in kept]
        levels = [both for copy, source in pairs for both in zip(self.levels[copy], self.levels[source], strict=True)]
        relation = self.bdd.conj_all([self.bdd.equal(copy + 1, source) for copy, source in levels])
        moved = {copy + 1: copy for copy, _ in levels}
        return Step("copies", relation, frozenset(moved.values()), moved, [copy for copy, _ in pairs])

    def _assign_levels(self) -> None:
        """Variables in the model's order; what it does not name comes last. A copy lies beside its source."""
        wanted: list[tuple[str, int]] = []
        for name in self.model.order:
            wanted += self.bits_named(name)
        for name in self.model.fields:
            wanted += self.bits_named(name)
        level = 0
        for item in self.model.fields.values():
            self.levels[item] = [-1] * self._bit_count(item)
        for name, bit in dict.fromkeys(wanted):
            for both in (self.model.fields[name], self.copies.get(name)):
                if both is not None and not name.startswith("before."):
                    self.levels[both][bit] = level
                    level += 2

    def bits_named(self, name: str) -> list[tuple[str, int]]:
        """The bits of a field, or the one bit that `name` ends in."""
        item = self.model.fields.get(name)
        if item is not None:
            return [(name, bit) for bit in range(self._bit_count(item))]
        word, _, bit_text = name.rpartition(".")
        if word not in self.model.fields or not bit_text.isdigit():
            raise ModelError(f"'{name}' in the order of {self.model.role} is no field")
        return [(word, int(bit_text))]

    def _bit_count(self, item: Field) -> int:
        if item.kind in (UNWATCHED, FREE):
            return 0
        return item.bits or max(0, len(item.values) - 1).bit_length()

    def _last_uses(self, kept: set[Field]) -> dict[Field, int]:
        """For each field the last stage that reads it; what is kept is read after the last stage."""
        last: dict[Field, int] = {}
        for item in self.model.fields.values():
            if item.scope == INPUT:
                last[item] = 0
        for place, stage in enumerate(self.stages):
            for item in stage.reads:
                last[item] = place
        for item in kept:
            last[item] = len(self.stages)
        return last

    def _relation(self, stage: Stage) -> int:
        parts = [self._way(path, stage.writes) for path in stage.paths]
        return self.bdd.disj_all(dict.fromkeys(parts))

    def literals(self, item: Field, code: int, after: int = 0) -> dict[int, int]:
        """The variables of a field's code."""
        return {level + after: code >> bit & 1 for bit, level in enumerate(self.levels[item])}

    def reads_of(self, path: Path) -> dict[int, int]:
        """The variables of NUMBER fields this way has asked for; path.condition has the rest."""
        found: dict[int, int] = {}
        for key, option, _ in path.trail:
            if isinstance(key, Field):
                found |= self.literals(key, option)
        return found

    def function(self, node: int) -> int:
        """A function of word bits as a set."""
        if node <= TRUE:
            return node
        found = self._functions.get(node)
        if found is None:
            item, bit = place_of(FUNCTIONS.levels[node])
            level = self.levels[item][bit]
            high = self.bdd.conj(self.bdd.literal(level, 1), self.function(FUNCTIONS.highs[node]))
            low = self.bdd.conj(self.bdd.literal(level, 0), self.function(FUNCTIONS.lows[node]))
            found = self._functions[node] = self.bdd.disj(low, high)
        return found

    def _way(self, path: Path, writes: list[Field]) -> int:
        """One way as a set of pairs (before, after)."""
        fixed = self.reads_of(path)
        same: set[int] = set()
        computed: list[tuple[int, int]] = []
        for item in writes:
            written = path.writes.get(item)
            if written is None:
                same.update(self.levels[item])
            elif isinstance(written, int):
                fixed |= self.literals(item, written, 1)
            else:
                for bit, level in enumerate(self.levels[item]):
                    if written[bit] <= TRUE:
                        fixed[level + 1] = written[bit]
                    elif written[bit] == bit_of(item, bit):
                        same.add(level)
                    else:
                        computed.append((level + 1, self.function(written[bit])))
        found = self.bdd.conj(self._chain(fixed, same), self.function(path.condition))
        for level, value in computed:
            found = self.bdd.conj(found, self._equals(level, value))
        return found

    def _equals(self, level: int, value: int) -> int:
        """Pairs in which the variable has the value of the function."""
        yes = self.bdd.conj(self.bdd.literal(level, 1), value)
        return self.bdd.disj(yes, self.bdd.conj(self.bdd.literal(level, 0), self.bdd.negate(value)))

    def _chain(self, fixed: dict[int, int], same: set[int]) -> int:
        """Fixed variables, and pairs of neighbours that are equal, from the bottom up."""
        for level in same:
            if level in fixed:
                fixed[level + 1] = fixed[level]
        make = self.bdd.node
        found = TRUE
        for level in sorted({*fixed, *(level for level in same if level not in fixed)}, reverse=True):
            if level in fixed:
                found = make(level, FALSE, found) if fixed[level] else make(level, found, FALSE)
            else:
                found = make(level, make(level + 1, found, FALSE), make(level + 1, FALSE, found))
        return found

    # Sets.

    def predicate(self, predicate: Callable[[Any], Any], wanted: bool) -> int:
        """The set of scans after which the predicate can be `wanted`."""
        ways = self._predicates[predicate]
        paths = [path for path, result in ways if result == wanted]
        cubes = [(self.bdd.cube(self.reads_of(path)), self.function(path.condition)) for path in paths]
        return self.bdd.disj_all([self.bdd.conj(cube, condition) for cube, condition in cubes])

    def predicate_inputs(self, predicate: Callable[[Any], Any]) -> int:
        """The same for a predicate about inputs, as a set of scans that begin: copies stand for their sources."""
        found = self.predicate(predicate, True)
        moved: dict[int, int] = {}
        for name, copy in self.copies.items():
            moved |= dict(zip(self.levels[copy], self.levels[self.model.fields[name]], strict=True))
        shared = [level for level in moved if level in self.bdd.support(found)]
        for level in shared:  # not by renaming: source and copy may both occur
            pair = self.bdd.equal(level, moved[level])
            found = self.bdd.conj_exists(found, pair, frozenset((level,)))
        return found

    def initial(self) -> int:
        """The one state after power-up."""
        literals: dict[int, int] = {}
        for name, value in self.model.initial.items():
            item = self.model.fields[name]
            if item.kind in (UNWATCHED, FREE):
                continue
            literals |= self.literals(item, value if item.bits else item.codes[value])
        return self.bdd.cube(literals)

    def state_levels(self) -> list[int]:
        """The variables of remembered fields."""
        return [level for item, levels in self.levels.items() if item.scope == STATE for level in levels]

    def allowed(self) -> int:
        """The input vectors that can occur: every field within its values, judged inputs as their parts give them."""
        parts = [self._parts_set()]
        for item, levels in self.levels.items():
            if item.scope == INPUT and item.kind == NUMBER and len(item.values) < 1 << len(levels):
                parts.append(
                    self.bdd.disj_all([self.bdd.cube(self.literals(item, c)) for c in range(len(item.values))])
                )
        return self.bdd.conj_all(parts)

    def alternative(self, sets: dict[str, int]) -> int:
        """The set in which these inputs have these values; a name with .bit at its end is a bit of a word."""
        literals: dict[int, int] = {}
        for name, value in sets.items():
            item = self.model.fields.get(name)
            if item is not None:
                literals |= self.literals(item, value if item.bits else item.codes[value])
            else:
                word, _, bit = name.rpartition(".")
                literals[self.levels[self.model.fields[word]][int(bit)]] = value
        return self.bdd.cube(literals)

    def _parts_set(self) -> int:
        """All vectors that the parts can give together; a flag is set when any part sets it."""
        found: dict[frozenset[str], int] = {frozenset(): TRUE}
        for part in self.model.parts:
            following: dict[frozenset[str], int] = {}
            for alternative in part:
                cube = self.alternative(alternative.sets)
                for flags, vectors in found.items():
                    key = flags | alternative.flags
                    following[key] = self.bdd.disj(following.get(key, FALSE), self.bdd.conj(vectors, cube))
            found = following
        sets = []
        for flags, vectors in found.items():
            sets.append(
                self.bdd.conj(vectors, self.alternative({flag: int(flag in flags) for flag in self.model.flags}))
            )
        return self.bdd.disj_all(sets)


def _read_fields(paths: Iterable[Path]) -> set[Field]:
    """Every field that a choice, a condition or a written bit on one of the paths depends on."""
    found: set[Field] = set()
    for path in paths:
        found |= {key for key, _, _ in path.trail if isinstance(key, Field)}
        nodes: list[tuple[int, Field | None]] = [(path.condition, None)]
        nodes += [(bit, item) for item, written in path.writes.items() if isinstance(written, tuple) for bit in written]
        for node, target in nodes:
            if node > TRUE:
                read = fields_in(node)
                found |= read if target is None or read != {target} else set()
    return found
