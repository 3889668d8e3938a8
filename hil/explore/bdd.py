"""Sets of bit vectors as reduced ordered binary decision diagrams: millions of states in a few thousand nodes.

Knows Boolean algebra (Bryant, Graph-Based Algorithms for Boolean Function Manipulation,
IEEE Trans. Comput. C-35, 1986).
Must not know states, cores or properties. A diagram is the number of its root; equal sets have equal numbers, so a
comparison of two sets is a comparison of two integers. Nodes are never freed: a search ends with its process.
"""

from __future__ import annotations

from collections.abc import Iterable

FALSE = 0
TRUE = 1

_TERMINAL = 1 << 30
_SHIFT = 32


class Bdd:
    """The nodes of all diagrams; variables are levels from 0, the lower the nearer to the root."""

    def __init__(self) -> None:
        self.levels = [_TERMINAL, _TERMINAL]
        self.lows = [0, 1]
        self.highs = [0, 1]
        self._unique: list[dict[int, int]] = []
        self._and_cache: dict[int, int] = {}
        self._or_cache: dict[int, int] = {}
        self._not_cache: dict[int, int] = {0: 1, 1: 0}
        self._exists_cache: dict[tuple[int, frozenset[int]], int] = {}

    def __len__(self) -> int:
        return len(self.levels)

    def node(self, level: int, low: int, high: int) -> int:
        """The diagram that is `high` where the variable is 1, and `low` where it is 0."""
        if low == high:
            return low
        while len(self._unique) <= level:
            self._unique.append({})
        table = self._unique[level]
        key = low << _SHIFT | high
        found = table.get(key)
        if found is None:
            found = table[key] = len(self.levels)
            self.levels.append(level)
            self.lows.append(low)
            self.highs.append(high)
        return found

    def literal(self, level: int, value: int) -> int:
        """All vectors whose variable `level` has `value`."""
        return self.node(level, FALSE, TRUE) if value else self.node(level, TRUE, FALSE)

    def cube(self, literals: dict[int, int]) -> int:
        """All vectors with these values of these variables."""
        found = TRUE
        for level in sorted(literals, reverse=True):
            found = self.node(level, FALSE, found) if literals[level] else self.node(level, found, FALSE)
        return found

    def conj(self, a: int, b: int) -> int:
        """Vectors in both."""
        if a == b or b == TRUE:
            return a
        if a == TRUE:
            return b
        if a == FALSE or b == FALSE:
            return FALSE
        if a > b:
            a, b = b, a
        key = a << _SHIFT | b
        found = self._and_cache.get(key)
        if found is None:
            level_a, level_b = self.levels[a], self.levels[b]
            level = level_a if level_a < level_b else level_b
            a0, a1 = (self.lows[a], self.highs[a]) if level_a == level else (a, a)
            b0, b1 = (self.lows[b], self.highs[b]) if level_b == level else (b, b)
            found = self._and_cache[key] = self.node(level, self.conj(a0, b0), self.conj(a1, b1))
        return found

    def disj(self, a: int, b: int) -> int:
        """Vectors in one or both."""
        if a == b or b == FALSE:
            return a
        if a == FALSE:
            return b
        if a == TRUE or b == TRUE:
            return TRUE
        if a > b:
            a, b = b, a
        key = a << _SHIFT | b
        found = self._or_cache.get(key)
        if found is None:
            level_a, level_b = self.levels[a], self.levels[b]
            level = level_a if level_a < level_b else level_b
            a0, a1 = (self.lows[a], self.highs[a]) if level_a == level else (a, a)
            b0, b1 = (self.lows[b], self.highs[b]) if level_b == level else (b, b)
            found = self._or_cache[key] = self.node(level, self.disj(a0, b0), self.disj(a1, b1))
        return found

    def negate(self, a: int) -> int:
        """Vectors that are not in `a`."""
        found = self._not_cache.get(a)
        if found is None:
            found = self.node(self.levels[a], self.negate(self.lows[a]), self.negate(self.highs[a]))
            self._not_cache[a] = found
            self._not_cache[found] = a
        return found

    def minus(self, a: int, b: int) -> int:
        """Vectors of `a` that are not in `b`."""
        return self.conj(a, self.negate(b))

    def disj_all(self, parts: Iterable[int]) -> int:
        """Vectors in any of `parts`, joined pairwise so that the joins stay small."""
        rest = list(parts)
        while len(rest) > 1:
            joined = [self.disj(rest[i], rest[i + 1]) for i in range(0, len(rest) - 1, 2)]
            rest = joined + rest[len(joined) * 2 :]
        return rest[0] if rest else FALSE

    def conj_all(self, parts: Iterable[int]) -> int:
        """Vectors in all of `parts`."""
        found = TRUE
        for part in sorted(parts, key=lambda node: -self.levels[node]):
            found = self.conj(found, part)
        return found

    def exists(self, a: int, levels: frozenset[int]) -> int:
        """The vectors of `a`, whatever their variables `levels` are."""
        if not levels:
            return a
        last = max(levels)
        cache = self._exists_cache

        def walk(node: int) -> int:
            level = self.levels[node]
            if level > last:
                return node
            key = (node, levels)
            found = cache.get(key)
            if found is None:
                low = walk(self.lows[node])
                if level in levels:
                    found = TRUE if low == TRUE else self.disj(low, walk(self.highs[node]))
                else:
                    found = self.node(level, low, walk(self.highs[node]))
                cache[key] = found
            return found

        return walk(a)

    def conj_exists(self, a: int, b: int, quantified: frozenset[int]) -> int:
        """exists(conj(a, b)) without building the conjunction: one step of a search."""
        if not quantified:
            return self.conj(a, b)
        levels, lows, highs = self.levels, self.lows, self.highs
        last = max(quantified)
        cache: dict[int, int] = {}
        disj, conj, make = self.disj, self.conj, self.node

        def walk(a: int, b: int) -> int:
            if a == 0 or b == 0:
                return 0
            level_a, level_b = levels[a], levels[b]
            level = level_a if level_a < level_b else level_b
            if level > last:
                return conj(a, b)
            if a > b:
                a, b, level_a, level_b = b, a, level_b, level_a
            key = a << _SHIFT | b
            found = cache.get(key)
            if found is not None:
                return found
            a0, a1 = (lows[a], highs[a]) if level_a == level else (a, a)
            b0, b1 = (lows[b], highs[b]) if level_b == level else (b, b)
            if level in quantified:
                low = walk(a0, b0)
                found = low if low == 1 or (a0 == a1 and b0 == b1) else disj(low, walk(a1, b1))
            else:
                found = make(level, walk(a0, b0), walk(a1, b1))
            cache[key] = found
            return found

        return walk(a, b)

    def rename(self, a: int, moved: dict[int, int]) -> int:
        """`a` with variables renamed; the order of the variables in `a` must stay what it was."""
        cache: dict[int, int] = {0: 0, 1: 1}
        levels, lows, highs, make = self.levels, self.lows, self.highs, self.node

        def walk(node: int) -> int:
            found = cache.get(node)
            if found is None:
                level = levels[node]
                found = cache[node] = make(moved.get(level, level), walk(lows[node]), walk(highs[node]))
            return found

        return walk(a)

    def equal(self, level_a: int, level_b: int) -> int:
        """Vectors whose two variables have the same value."""
        low, high = min(level_a, level_b), max(level_a, level_b)
        return self.node(low, self.literal(high, 0), self.literal(high, 1))

    def count(self, a: int, levels: Iterable[int]) -> int:
        """How many vectors over `levels` are in `a`; `a` must not depend on other variables."""
        order = sorted(levels)
        place = {level: index for index, level in enumerate(order)}
        place[_TERMINAL] = len(order)
        cache: dict[int, int] = {0: 0, 1: 1}

        def walk(node: int) -> int:
            found = cache.get(node)
            if found is None:
                here = place[self.levels[node]]
                low, high = self.lows[node], self.highs[node]
                found = walk(low) << (place[self.levels[low]] - here - 1)
                found += walk(high) << (place[self.levels[high]] - here - 1)
                cache[node] = found
            return found

        return walk(a) << place[self.levels[a]]

    def pick(self, a: int) -> dict[int, int]:
        """One vector of `a`, zeros where there is a choice; variables that do not matter are left out."""
        assert a != FALSE
        found: dict[int, int] = {}
        while a != TRUE:
            value = 0 if self.lows[a] != FALSE else 1
            found[self.levels[a]] = value
            a = self.highs[a] if value else self.lows[a]
        return found

    def support(self, a: int) -> set[int]:
        """The variables `a` depends on."""
        seen: set[int] = set()
        found: set[int] = set()
        todo = [a]
        while todo:
            node = todo.pop()
            if node > 1 and node not in seen:
                seen.add(node)
                found.add(self.levels[node])
                todo += (self.lows[node], self.highs[node])
        return found

    def size(self, a: int) -> int:
        """How many nodes `a` has."""
        seen: set[int] = set()
        todo = [a]
        while todo:
            node = todo.pop()
            if node > 1 and node not in seen:
                seen.add(node)
                todo += (self.lows[node], self.highs[node])
        return len(seen)

    def forget(self) -> None:
        """Drop the caches of results, not the nodes."""
        self._and_cache.clear()
        self._or_cache.clear()
        self._exists_cache.clear()
