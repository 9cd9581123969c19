"""Where the nodes of a plan stand: a layered layout, with few crossings, which stays as it is while the plan grows.

    layer 0   1   2
          ┌─ b ─┐
          a     d        every edge goes from a lower layer to a higher one
          └─ c ─┘

Layers are longest paths from the sources. Places in a layer are by barycentres, in sweeps down and up (Sugiyama,
Tagawa and Toda, "Methods for visual understanding of hierarchical system structures", 1981), from the order that was
there before, so that what need not move does not. Pure.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Mapping, Sequence
from typing import NamedTuple

# More bring little: each halves what is left to gain, roughly.
_SWEEPS = 4
# Of a layout of which most is there already, only what is new is put in its place.
_GROWN = 1.25


class Place(NamedTuple):
    """Where a node stands.

    Attributes:
        layer: From 0; edges go up.
        place: In its layer, from 0.
    """

    layer: int
    place: int


def laid_out(
    needs: Mapping[str, Sequence[str]], before: Mapping[str, Place] | None = None
) -> dict[str, Place]:
    """Places of nodes.

    Args:
        needs: What each node needs, in an order in which nodes come after what they need; others are passed over.
        before: The last layout of the same plan, when it was smaller.

    >>> laid_out({"a": [], "b": ["a"], "c": ["a"], "d": ["b", "c"]})["d"]
    Place(layer=2, place=0)
    """
    before = before or {}
    layers = _layers(needs)
    rows: list[list[str]] = [[] for _ in range(max(layers.values(), default=-1) + 1)]
    for node, layer in layers.items():
        rows[layer].append(node)
    kept = {node for node, place in before.items() if layers.get(node) == place.layer}
    if kept and len(needs) <= _GROWN * len(kept) + 1:
        where = _numbered(rows)
        return _placed([_inserted(row, kept, before, needs, where) for row in rows])
    return _best(rows, needs)


def crossings(layout: Mapping[str, Place], needs: Mapping[str, Sequence[str]]) -> int:
    """How many pairs of edges between the same two layers cross."""
    edges: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for node, below in needs.items():
        layer, place = layout[node]
        for name in below:
            if name in layout:
                edges.setdefault((layout[name].layer, layer), []).append(
                    (layout[name].place, place)
                )
    return sum(_inversions([end for _, end in sorted(pairs)]) for pairs in edges.values())


def _inversions(numbers: Sequence[int]) -> int:
    seen: list[int] = []
    count = 0
    for number in numbers:
        count += len(seen) - bisect_right(seen, number)
        insort(seen, number)
    return count


def _layers(needs: Mapping[str, Sequence[str]]) -> dict[str, int]:
    layers: dict[str, int] = {}
    for node, below in needs.items():
        layers[node] = max((layers[name] + 1 for name in below if name in layers), default=0)
    return layers


def _above(needs: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    above: dict[str, list[str]] = {node: [] for node in needs}
    for node, below in needs.items():
        for name in below:
            if name in above:
                above[name].append(node)
    return above


def _numbered(rows: Sequence[Sequence[str]]) -> dict[str, float]:
    """How far along its layer each node stands, from 0 to 1, so that layers of any widths can be compared."""
    return {node: (number + 0.5) / len(row) for row in rows for number, node in enumerate(row)}


def _placed(rows: Sequence[Sequence[str]]) -> dict[str, Place]:
    return {
        node: Place(layer, place)
        for layer, row in enumerate(rows)
        for place, node in enumerate(row)
    }


def _best(rows: Sequence[list[str]], needs: Mapping[str, Sequence[str]]) -> dict[str, Place]:
    """The layout with the fewest crossings of some sweeps, and of the order of the plan, which is often good."""
    above = _above(needs)
    where = _numbered(rows)
    best = _placed(rows)
    fewest = crossings(best, needs)
    for sweep in range(_SWEEPS):
        if not fewest:
            break
        down = sweep % 2 == 0
        for row in rows if down else reversed(rows):
            _sort(row, needs if down else above, where)
        found = _placed(rows)
        if (count := crossings(found, needs)) < fewest:
            best, fewest = found, count
    return best


def _sort(row: list[str], neighbours: Mapping[str, Sequence[str]], where: dict[str, float]) -> None:
    # Sorting is stable: what has the same barycentre stays in its order.
    row.sort(key=lambda node: _barycentre(node, neighbours, where))
    size = len(row)
    for number, node in enumerate(row):
        where[node] = (number + 0.5) / size


def _barycentre(
    node: str, neighbours: Mapping[str, Sequence[str]], where: Mapping[str, float]
) -> float:
    around = [where[name] for name in neighbours[node] if name in where]
    return sum(around) / len(around) if around else where[node]


def _inserted(
    row: Sequence[str],
    kept: set[str],
    before: Mapping[str, Place],
    needs: Mapping[str, Sequence[str]],
    where: Mapping[str, float],
) -> list[str]:
    """A layer with its old nodes in their order, and each new one behind the old ones that come before it."""
    old = sorted((node for node in row if node in kept), key=lambda node: before[node].place)
    new = [node for node in row if node not in kept]
    if not new:
        return old
    if not old:
        return sorted(new, key=lambda node: _barycentre(node, needs, where))
    keys: list[float] = []
    for node in old:
        # Barycentres of a kept order may go down at times, and a place to insert needs that they do not.
        keys.append(max(_barycentre(node, needs, where), keys[-1] if keys else 0.0))
    placed = [(index, 0, node) for index, node in enumerate(old)]
    for number, node in enumerate(new, start=1):
        index = bisect_right(keys, _barycentre(node, needs, where)) - 1
        placed.append((index, number, node))
    return [node for *_, node in sorted(placed)]
